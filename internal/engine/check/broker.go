package check

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"strings"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// brokerChecks look for message brokers and coordination services that take anybody.
var brokerChecks = []check{
	{"anon-mqtt", []string{"anon.mqtt"}, maybe("tcp", []uint16{1883, 8883}, "mqtt", "mqtts"), anonMQTT},
	{"anon-nats", []string{"anon.nats"}, maybe("tcp", []uint16{4222}, "nats"), anonNATS},
	{"anon-amqp", []string{"anon.amqp", "creds"}, maybe("tcp", []uint16{5672, 5671}, "amqp", "amqps"), anonAMQP},
	{"anon-stomp", []string{"anon.stomp"}, maybe("tcp", []uint16{61613}, "stomp"), anonSTOMP},
	{"anon-kafka", []string{"anon.kafka"}, maybe("tcp", []uint16{9092}, "kafka"), anonKafka},
	{"anon-zookeeper", []string{"anon.zookeeper"}, maybe("tcp", []uint16{2181}, "zookeeper"), anonZooKeeper},
	{"anon-beanstalkd", []string{"anon.beanstalkd"}, over("tcp", "beanstalkd"), anonBeanstalkd},
	{"anon-gearman", []string{"anon.gearman"}, over("tcp", "gearman"), anonGearman},
	{"anon-cassandra", []string{"anon.cassandra"}, over("tcp", "cassandra"), anonCassandra},
}

// anonMQTT connects without a name (MQTT 3.1.1 section 3.1) and wants return code 0.
func anonMQTT(ctx context.Context, e *env) []scanlink.Finding {
	request := mqttConnect(canary(), "", "")
	reply, err := e.ask(ctx, request)
	if err != nil || len(reply) < 4 || reply[0] != 0x20 || reply[1] != 2 || reply[3] != 0 {
		return nil
	}
	return e.opened(e.found("anon.mqtt", request, reply, "The broker takes anybody: topics can be read and written."))
}

// anonNATS greets without a login and wants PONG.
func anonNATS(ctx context.Context, e *env) []scanlink.Finding {
	l, err := e.lines(ctx)
	if err != nil {
		return nil
	}
	defer l.close()
	if info, err := l.read(); err != nil || !strings.HasPrefix(info, "INFO {") {
		return nil
	}
	if l.say(`CONNECT {"verbose":false,"pedantic":false,"lang":"go","version":"1"}`+"\r\nPING") != nil {
		return nil
	}
	answer, err := l.until(func(s string) bool { return strings.HasPrefix(s, "PONG") || strings.HasPrefix(s, "-ERR") })
	if err != nil || answer != "PONG" {
		return nil
	}
	return e.opened(e.found("anon.nats", nil, []byte(l.log.String()), "The broker takes anybody: subjects can be read and written."))
}

func anonSTOMP(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte("CONNECT\naccept-version:1.0,1.1,1.2\nhost:/\n\n\x00")
	reply, err := e.ask(ctx, request)
	if err != nil || !bytes.HasPrefix(reply, []byte("CONNECTED\n")) {
		return nil
	}
	return e.opened(e.found("anon.stomp", request, reply, "The broker takes anybody: queues can be read and written."))
}

// anonKafka asks for the cluster's metadata (version 1) and wants at least one broker in the answer.
func anonKafka(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte{0, 0, 0, 20, 0, 3, 0, 1, 0, 0, 0x56, 0x44, 0, 6, 's', 'c', 'a', 'n', 'v', 'd', 0, 0, 0, 0}
	reply, err := e.ask(ctx, request)
	if err != nil || len(reply) < 22 || !bytes.Equal(reply[4:8], request[8:12]) {
		return nil
	}
	if brokers := binary.BigEndian.Uint32(reply[8:]); brokers == 0 || brokers > 10_000 || int(binary.BigEndian.Uint32(reply))+4 < len(reply) {
		return nil
	}
	return e.opened(e.found("anon.kafka", request, reply[:min(len(reply), 1024)], "The broker tells its cluster and topics to anybody."))
}

// anonZooKeeper opens a session and lists the root node.
func anonZooKeeper(ctx context.Context, e *env) []scanlink.Finding {
	c, err := e.dial(ctx)
	if err != nil {
		return nil
	}
	defer c.Close()
	open := make([]byte, 48)
	binary.BigEndian.PutUint32(open, 44)
	binary.BigEndian.PutUint32(open[16:], 10_000)
	binary.BigEndian.PutUint32(open[28:], 16)
	list := []byte{0, 0, 0, 14, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 1, '/', 0}
	if _, err := c.Write(open); err != nil {
		return nil
	}
	if session, err := frame(c); err != nil || len(session) < 36 || binary.BigEndian.Uint32(session[4:]) == 0 {
		return nil
	}
	if _, err := c.Write(list); err != nil {
		return nil
	}
	reply, err := frame(c)
	// xid, zxid, error, then the number of children
	if err != nil || len(reply) < 20 || binary.BigEndian.Uint32(reply) != 1 || binary.BigEndian.Uint32(reply[12:]) != 0 {
		return nil
	}
	_, _ = c.Write([]byte{0, 0, 0, 8, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xf5}) // close the session
	return e.opened(e.found("anon.zookeeper", []byte("getChildren /"), reply[16:], "The tree of nodes is listed for anybody."))
}

// frame reads what is preceded by its length in four bytes.
func frame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxReply {
		return nil, errProtocol
	}
	body := make([]byte, size)
	_, err := io.ReadFull(r, body)
	return body, err
}

func anonBeanstalkd(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte("list-tubes\r\n")
	reply, err := e.ask(ctx, request)
	if err != nil || !bytes.HasPrefix(reply, []byte("OK ")) {
		return nil
	}
	return e.opened(e.found("anon.beanstalkd", request, reply, "The queues are listed for anybody; there is no login."))
}

func anonGearman(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte("status\n")
	reply, err := e.ask(ctx, request)
	if err != nil || !bytes.HasSuffix(reply, []byte(".\n")) {
		return nil
	}
	return e.opened(e.found("anon.gearman", request, reply, "The functions are listed for anybody; there is no login."))
}

// anonCassandra starts a session by the native protocol, version 3: READY means that no login is wanted.
func anonCassandra(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte{3, 0, 0, 0, 1, 0, 0, 0, 22, 0, 1, 0, 11}
	request = append(append(append(request, "CQL_VERSION"...), 0, 5), "3.0.0"...)
	reply, err := e.ask(ctx, request)
	if err != nil || len(reply) < 9 || reply[0] != 0x83 || reply[4] != 2 {
		return nil
	}
	return e.opened(e.found("anon.cassandra", request, reply, "A session opens without login."))
}

// anonAMQP logs in to AMQP 0-9-1 under an invented name, anonymously, and with vendors' accounts.
func anonAMQP(ctx context.Context, e *env) []scanlink.Finding {
	mechanisms, _, _ := e.amqp(ctx, "", nil)
	if mechanisms == "" {
		return nil
	}
	if strings.Contains(mechanisms, "ANONYMOUS") {
		if _, reply, ok := e.amqp(ctx, "ANONYMOUS", []byte("scan")); ok {
			return e.opened(e.found("anon.amqp", []byte("SASL ANONYMOUS"), reply, "The broker takes anybody."))
		}
	}
	if !e.o.Logins || !strings.Contains(mechanisms, "PLAIN") {
		return nil
	}
	return e.defaultAccounts(ctx, accountsFor("amqp", "", dataNames), 1, e.eachPassword(func(ctx context.Context, user, password string) attempt {
		if _, _, ok := e.amqp(ctx, "PLAIN", []byte("\x00"+user+"\x00"+password)); ok {
			return accepted
		}
		return rejected
	}))
}

// amqp gives the mechanisms that the server offers and, with a mechanism, whether it tunes the connection, which it
// does after a good login only.
func (e *env) amqp(ctx context.Context, mechanism string, response []byte) (mechanisms string, reply []byte, ok bool) {
	c, err := e.dial(ctx)
	if err != nil {
		return "", nil, false
	}
	defer c.Close()
	if _, err := c.Write([]byte("AMQP\x00\x00\x09\x01")); err != nil {
		return "", nil, false
	}
	start, err := amqpFrame(c)
	if err != nil || len(start) < 10 || !bytes.HasPrefix(start, []byte{0, 10, 0, 10}) {
		return "", nil, false
	}
	if mechanisms = amqpMechanisms(start); mechanism == "" {
		return mechanisms, start, false
	}
	body := []byte{0, 10, 0, 11, 0, 0, 0, 0, byte(len(mechanism))}
	body = append(body, mechanism...)
	body = append(binary.BigEndian.AppendUint32(body, uint32(len(response))), response...)
	body = append(append(body, 5), "en_US"...)
	head := binary.BigEndian.AppendUint32([]byte{1, 0, 0}, uint32(len(body)))
	if _, err := c.Write(append(append(head, body...), 0xce)); err != nil {
		return mechanisms, nil, false
	}
	tune, err := amqpFrame(c)
	return mechanisms, tune, err == nil && bytes.HasPrefix(tune, []byte{0, 10, 0, 30})
}

func amqpFrame(r io.Reader) ([]byte, error) {
	var head [7]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[3:])
	if head[0] != 1 || size > maxReply {
		return nil, errProtocol
	}
	body := make([]byte, size+1)
	_, err := io.ReadFull(r, body)
	return body[:size], err
}

// amqpMechanisms skips the versions and the table of properties.
func amqpMechanisms(start []byte) string {
	if len(start) < 10 {
		return ""
	}
	table := int(binary.BigEndian.Uint32(start[6:]))
	if table < 0 || len(start) < 10+table+4 {
		return ""
	}
	rest := start[10+table:]
	size := int(binary.BigEndian.Uint32(rest))
	if size < 0 || len(rest) < 4+size {
		return ""
	}
	return wire.Printable(rest[4:4+size], 200)
}
