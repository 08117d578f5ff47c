package identify

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"regexp"
	"strings"
)

// brokerProbes carry messages between programs.
var brokerProbes = []probe{
	{name: "nats", ports: []uint16{4222, 6222}, first: true, match: matchNATS},
	{name: "mqtt", ports: []uint16{1883, 8883, 1884}, rank: 5, hello: mqttConnect, match: matchMQTT, ask: askMQTT, only: true},
	{name: "amqp", ports: []uint16{5672, 5671}, rank: 5, hello: []byte("AMQP\x00\x00\x09\x01"), match: matchAMQP},
	{name: "kafka", ports: []uint16{9092, 9093, 9094, 19092}, rank: 6, hello: kafkaVersions, match: matchKafka, only: true, ask: nil},
	{name: "stomp", ports: []uint16{61613}, rank: 7, hello: []byte("CONNECT\naccept-version:1.2\nhost:localhost\n\n\x00\n"), match: matchSTOMP},
	{name: "openwire", ports: []uint16{61616}, first: true, match: matchOpenWire, ask: nil},
	{name: "ajp", ports: []uint16{8009}, rank: 6, hello: []byte{0x12, 0x34, 0, 1, 0x0a}, match: matchAJP, only: true, ask: askAJP},
	{name: "rmi", ports: []uint16{1099, 1098, 1090, 9010}, rank: 6, hello: []byte("JRMI\x00\x02K"), match: matchRMI, only: true},
	{name: "nsq", ports: []uint16{4150}, rank: 9, hello: []byte("  V2IDENTIFY\n\x00\x00\x00\x02{}"), match: matchNSQ, only: true},
	{name: "xmpp", ports: []uint16{5222, 5269, 5223}, rank: 6, hello: []byte("<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"), match: matchXMPP, ask: askXMPP},
}

var natsInfo = regexp.MustCompile(`^INFO (\{[^\r\n]*\})`)

func matchNATS(b []byte) (Match, bool) {
	f := natsInfo.FindSubmatch(b)
	if f == nil {
		return Match{}, false
	}
	var info struct {
		Version     string
		TLSRequired bool `json:"tls_required"`
	}
	if json.Unmarshal(f[1], &info) != nil {
		return Match{}, false
	}
	m := Match{Name: "nats"}
	m.product("nats", info.Version, "", toldExactly)
	if info.TLSRequired {
		m.Tunnel = "starttls"
	}
	return m, true
}

// mqttConnect is a CONNECT of version 3.1.1 with a clean session and no login.
var mqttConnect = []byte("\x10\x13\x00\x04MQTT\x04\x02\x00\x0a\x00\x07vedette")

// matchMQTT reads a CONNACK; version 5 servers may refuse with their own codes.
func matchMQTT(b []byte) (Match, bool) {
	if len(b) < 4 || b[0] != 0x20 || b[1] < 2 || int(b[1]) > len(b)-2 || b[2] > 1 {
		return Match{}, false
	}
	m := Match{Name: "mqtt"}
	if b[3] != 0 {
		m.Note = "The broker demands a login, and tells no version before."
	}
	return m, true
}

// mqttTopics reads the PUBLISH packets of quality 0 in a stream (MQTT 3.1.1, 3.3).
func mqttTopics(b []byte) map[string]string {
	topics := map[string]string{}
	for len(b) >= 2 {
		n, at := 0, 1
		for shift := 0; ; shift += 7 {
			if at >= len(b) || shift > 21 {
				return topics
			}
			n |= int(b[at]&0x7f) << shift
			if at++; b[at-1] < 0x80 {
				break
			}
		}
		if n > len(b)-at {
			return topics
		}
		if body := b[at : at+n]; b[0]>>4 == 3 && len(body) >= 2 {
			if k := int(binary.BigEndian.Uint16(body)); k <= len(body)-2 && len(topics) < 500 {
				topics[string(body[2:2+k])] = string(body[2+k:])
			}
		}
		b = b[at+n:]
	}
	return topics
}

// askMQTT subscribes to the broker's own figures.
func askMQTT(a *asker, m *Match) {
	a.talk(func(c *chat) {
		if r := c.ask(mqttConnect); len(r) < 4 || r[3] != 0 {
			return
		}
		topic := "$SYS/#"
		packet := append([]byte{0x82, byte(len(topic) + 5), 0, 1, 0, byte(len(topic))}, topic...)
		r := c.ask(append(packet, 0))
		const version = "$SYS/broker/version"
		for range 3 {
			if mqttTopics(r)[version] != "" {
				break
			}
			more := c.read()
			if len(more) == 0 {
				break
			}
			r = append(r, more...)
		}
		switch f := pattern(`^mosquitto version ([0-9][0-9.]*)`).FindStringSubmatch(mqttTopics(r)[version]); {
		case f != nil:
			m.product("mosquitto", f[1], "", toldExactly)
		case bytes.Contains(r, []byte("$SYS/brokers")):
			m.product("emqx", "", "", toldBanner)
		case bytes.Contains(r, []byte("hivemq")):
			m.product("hivemq", "", "", toldBanner)
		}
		if len(r) > 0 {
			a.session.banner = r
		}
		c.send([]byte{0xe0, 0})
	})
}

// matchAMQP reads Connection.Start of 0-9-1, or the header of the version that the server speaks.
func matchAMQP(b []byte) (Match, bool) {
	m := Match{Name: "amqp"}
	if len(b) == 8 && bytes.HasPrefix(b, []byte("AMQP")) {
		return m, true
	}
	if len(b) < 12 || b[0] != 1 || b[1] != 0 || b[2] != 0 || binary.BigEndian.Uint32(b[7:]) != 10<<16|10 {
		return Match{}, false
	}
	name, version := amqpText(b, "product"), amqpText(b, "version")
	if name == "" {
		return m, true
	}
	name = strings.ToLower(name)
	for _, known := range []string{"rabbitmq", "lavinmq", "qpid"} {
		if strings.Contains(name, known) {
			name = known
		}
	}
	m.product(name, version, amqpText(b, "platform"), toldExactly)
	if p := amqpText(b, "platform"); strings.HasPrefix(p, "Erlang/OTP ") {
		m.software("erlang", strings.TrimPrefix(p, "Erlang/OTP "), "AMQP platform: "+p, toldExactly)
	}
	return m, true
}

// amqpText is a long string of the server's properties.
func amqpText(b []byte, key string) string {
	i := bytes.Index(b, append([]byte{byte(len(key))}, key+"S"...))
	if i < 0 {
		return ""
	}
	v := b[i+len(key)+2:]
	if len(v) < 4 {
		return ""
	}
	n := binary.BigEndian.Uint32(v)
	if n > 256 || int(n) > len(v)-4 {
		return ""
	}
	return string(v[4 : 4+n])
}

// kafkaVersions is ApiVersions version 0, correlation 0x5644.
var kafkaVersions = []byte("\x00\x00\x00\x11\x00\x12\x00\x00\x00\x00\x56\x44\x00\x07vedette")

// matchKafka wants our correlation and a list of API ranges. The newest range of Produce and others tells the age, no version.
func matchKafka(b []byte) (Match, bool) {
	if len(b) < 20 || int(binary.BigEndian.Uint32(b)) > 1<<16 || binary.BigEndian.Uint32(b[4:]) != 0x5644 {
		return Match{}, false
	}
	if code := binary.BigEndian.Uint16(b[8:]); code != 0 && code != 35 {
		return Match{}, false
	}
	m := Match{Name: "kafka", Note: "The broker tells no version before a login."}
	m.product("kafka", "", "", toldBanner)
	return m, true
}

func matchSTOMP(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("CONNECTED\n")) && !(bytes.HasPrefix(b, []byte("ERROR\n")) && bytes.Contains(b, []byte("\n\n"))) {
		return Match{}, false
	}
	m := Match{Name: "stomp"}
	if f := pattern(`(?m)^server:([A-Za-z]+)(?:/([0-9][0-9.]*))?`).FindSubmatch(b); f != nil {
		m.product(strings.ToLower(string(f[1])), string(f[2]), "", toldExactly)
	}
	if f := pattern(`org\.apache\.activemq`).Find(b); f != nil {
		m.product("activemq", "", "", toldBanner)
	}
	return m, true
}

// matchOpenWire reads the WireFormatInfo with which ActiveMQ greets.
func matchOpenWire(b []byte) (Match, bool) {
	if len(b) < 20 || !bytes.Contains(b[:20], []byte("\x01ActiveMQ")) {
		return Match{}, false
	}
	m := Match{Name: "openwire"}
	m.product("activemq", "", "", toldBanner)
	if f := pattern(`ProviderVersion\x09\x00.([0-9][0-9.]*)`).FindSubmatch(b); f != nil {
		m.product("activemq", string(f[1]), "", toldExactly)
	}
	return m, true
}

// matchAJP reads the CPong.
func matchAJP(b []byte) (Match, bool) {
	if !bytes.Equal(b, []byte("AB\x00\x01\x09")) {
		return Match{}, false
	}
	return Match{Name: "ajp"}, true
}

// askAJP forwards a request for / and reads the server's own words: Tomcat's error pages name the version.
func askAJP(a *asker, m *Match) {
	text := func(s string) string { return "\x00" + string(rune(len(s))) + s + "\x00" }
	body := "\x02\x02" + text("HTTP/1.1") + text("/vedette-nowhere") + text("127.0.0.1") + text("localhost") + text("localhost") + "\x00\x50\x00\x00\x01\xa0\x0b" + text("localhost") + "\xff"
	r := a.once(append([]byte{0x12, 0x34, byte(len(body) >> 8), byte(len(body))}, body...))
	if f := pattern(`Apache Tomcat/([0-9][0-9A-Za-z.]*)`).FindSubmatch(r); f != nil {
		m.product("apache tomcat", string(f[1]), "", toldBanner)
	} else if bytes.Contains(r, []byte("Apache Tomcat")) {
		m.product("apache tomcat", "", "", toldBanner)
	}
}

// matchRMI reads the ProtocolAck: N, then our address as the server sees it.
func matchRMI(b []byte) (Match, bool) {
	if len(b) < 7 || b[0] != 'N' || int(binary.BigEndian.Uint16(b[1:])) > len(b)-3 || binary.BigEndian.Uint16(b[1:]) < 2 {
		return Match{}, false
	}
	m := Match{Name: "java-rmi"}
	m.product("java rmi", "", "", toldBanner)
	return m, true
}

func matchNSQ(b []byte) (Match, bool) {
	if len(b) < 10 || binary.BigEndian.Uint32(b[4:]) > 1 || !(bytes.Contains(b, []byte("OK")) || bytes.Contains(b, []byte(`"version"`))) {
		return Match{}, false
	}
	m := Match{Name: "nsq"}
	m.product("nsqd", "", "", toldBanner)
	if f := pattern(`"version":"([0-9][^"]*)"`).FindSubmatch(b); f != nil {
		m.product("nsqd", string(f[1]), "", toldExactly)
	}
	return m, true
}

// prosodyStream is the form of the stream's id: a random UUID, where others count or use other letters.
var prosodyStream = regexp.MustCompile(`<stream:stream[^>]* id=['"][0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}['"]`)

func matchXMPP(b []byte) (Match, bool) {
	text := string(b[:min(len(b), 4096)])
	if !strings.Contains(text, "<stream:stream") && !strings.Contains(text, "http://etherx.jabber.org/streams") {
		return Match{}, false
	}
	m := Match{Name: "xmpp"}
	if strings.Contains(text, "jabber:server") && !strings.Contains(text, "jabber:client") {
		m.Name = "xmpp-server"
	}
	if strings.Contains(text, "urn:ietf:params:xml:ns:xmpp-tls") {
		m.Tunnel = "starttls"
	}
	switch {
	case strings.Contains(text, "ejabberd") || strings.Contains(text, "process-one.net"):
		m.product("ejabberd", "", "", toldBanner)
	case strings.Contains(text, "prosody.im"), prosodyStream.MatchString(text):
		m.product("prosody", "", "", guessed)
	case strings.Contains(text, "igniterealtime"):
		m.product("openfire", "", "", toldBanner)
	}
	return m, true
}

// askXMPP opens a stream to the host name that the server is known by, for its features.
func askXMPP(a *asker, m *Match) {
	name := a.target.host()
	if f := pattern(`from=['"]([A-Za-z0-9.-]{1,253})['"]`).FindSubmatch(a.session.banner); f != nil {
		name = string(f[1])
	}
	if strings.ContainsAny(name, `'"<>&`) {
		return
	}
	space := "jabber:client"
	if m.Name == "xmpp-server" {
		space = "jabber:server"
	}
	r := a.once([]byte("<?xml version='1.0'?><stream:stream to='" + name + "' xmlns='" + space + "' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"))
	if found, ok := matchXMPP(r); ok {
		m.take(found)
		a.session.banner = r
	}
}
