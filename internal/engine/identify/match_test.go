package identify

import (
	"strings"
	"testing"
)

// transcript is an answer to the hello of a probe (empty: unasked) and what must be read in it.
type transcript struct {
	probe, reply           string
	name, product, version string
}

var transcripts = []transcript{
	{"", "\x48\x00\x00\x00\xffj\x04Host '10.0.0.9' is not allowed to connect to this MariaDB server", "mysql", "mariadb", ""},
	{"mssql", "\x04\x01\x00\x25\x00\x00\x01\x00\x00\x00\x10\x00\x06\x01\x00\x16\x00\x01\x02\x00\x17\x00\x01\xff\x0f\x00\x10\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00", "mssql", "microsoft sql server", "15.0.4100"},
	{"", "@RSYNCD: 31.0\n", "rsync", "rsync", ""},
	{"", "A\x01\x02", "smux", "net-snmp smux", ""},
	{"", "INFO {\"server_id\":\"X\",\"version\":\"2.9.10\",\"max_payload\":1048576}\r\n", "nats", "nats", "2.9.10"},
	{"zookeeper", "Zookeeper version: 3.8.0-1, built on 2022\nLatency min", "zookeeper", "zookeeper", "3.8.0"},
	{"", "RFB 003.889\n", "vnc", "apple remote desktop", ""},
	{"rtsp", "RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: GStreamer RTSP server\r\n\r\n", "rtsp", "gstreamer rtsp", ""},
	{"sip", "SIP/2.0 200 OK\r\nServer: Asterisk PBX 16.28.0~dfsg-0+deb11u1\r\n\r\n", "sip", "asterisk", "16.28.0~dfsg-0+deb11u1"},
	{"git", "0036ERR access denied or repository not exported: /x\n", "git", "git daemon", ""},
	{"", "( success ( 2 2 ( ) ( edit-pipeline ) ) ) ", "svn", "subversion", ""},
	{"ajp", "AB\x00\x01\x09", "ajp", "", ""},
	{"mqtt", "\x20\x02\x00\x00", "mqtt", "", ""},
	{"distccd", "DONE00000001STAT00000000", "distccd", "distcc", ""},
	{"epmd", "\x00\x00\x11\x11name rabbit at port 25672\n", "epmd", "erlang", ""},
	{"", "NBDMAGICIHAVEOPT\x00\x03", "nbd", "nbd", ""},
	{"", "200 news.example.com InterNetNews NNRP server INN 2.7.0 ready (posting ok)\r\n", "nntp", "inn", "2.7.0"},
	{"socks", "\x05\x00", "socks", "", ""},
	{"modbus", "VD\x00\x00\x00\x03\x01\xab\x01", "modbus", "", ""},
	{"x11", "\x01\x00\x0b\x00\x00\x00\x00\x00\x8f\xa5\xb8\x00" + strings.Repeat("\x00", 12) + "\x14\x00\x00\x00" + strings.Repeat("\x00", 12) + "The X.Org Foundation", "x11", "x.org x server", "21.1.7"},
	{"rdp", "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x01\x08\x00\x01\x00\x00\x00", "rdp", "", ""},
	{"beanstalkd", "UNKNOWN_COMMAND\r\n", "beanstalkd", "beanstalkd", ""},
	{"gearman", "OK 1.1.20+ds\n", "gearman", "gearmand", "1.1.20"},
	{"", "220 lab FTP server ready\r\n", "ftp", "", ""},
	{"", "220 mail.example.com ESMTP Postfix (Debian/GNU)\r\n", "smtp", "postfix", ""},
	{"", "* OK Courier-IMAP ready.\r\n", "imap", "courier", ""},
	{"", "SSH-2.0-Cisco-1.25\r\n", "ssh", "cisco ssh", "1.25"},
	{"daytime", "Tue Nov 24 06:08:52 2026\r\n", "daytime", "", ""},
	{"", "Asterisk Call Manager/5.0.4\r\n", "asterisk-ami", "asterisk", ""},
	{"stun", "\x01\x01\x00\x18!\x12\xa4Bvedettevedet\x80\"\x00\x14Coturn-4.6.1 'Gorst'", "stun", "coturn", "4.6.1"},
	{"", "TURN Server\r\nCoturn-4.6.1 'Gorst'\r\n\r\nType '?' for help\r\nEnter password: \r\n", "coturn-cli", "coturn", "4.6.1"},
	{"erlang-node", "\x00\x03sok\x00#N\x00\x00", "erlang-node", "erlang", ""},
	{"", "SSH-2.0-rclone/v1.60.1\r\n", "ssh", "rclone", "1.60.1"},
	{"http", "HTTP/1.1 404 Not Found\r\nServer: Linux/3.4 DLNADOC/1.50 UPnP/1.0 DMS/1.0\r\nContent-Length: 0\r\n\r\n", "http", "dms", "1.0"},
	{"quassel", "\x00\x00\x00\x01", "quassel", "quassel core", ""},
	{"sane", "\x00\x00\x00\x00\x01\x01\x00\x03", "sane", "sane-backends", ""},
	{"fastcgi", "\x01\x0a\x00\x00\x00\x00\x00\x00", "fastcgi", "", ""},
	{"fastcgi", "\x01\x0b\x00\x00\x00\x08\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00", "", "", ""},
	{"uwsgi", "HTTP/1.1 200 OK\r\n\r\nok", "uwsgi", "uwsgi", ""},
	{"", "{\n\t\"version\":\"2.0.21-debian\",\n\t\"listen_queue\":0,\n", "uwsgi-stats", "uwsgi", "2.0.21"},
	{"gdbserver", "+$PacketSize=3fff;QPassSignals+;QProgramSignals+#00", "gdbserver", "gdbserver", ""},
	{"", `{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}` + "\r\n", "gpsd", "gpsd", "3.22"},
	{"", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" standalone=\"yes\"?>\n<!DOCTYPE GANGLIA_XML [\n]>\n<GANGLIA_XML VERSION=\"3.7.2\" SOURCE=\"gmond\">\n", "ganglia", "ganglia gmond", "3.7.2"},
	{"", "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f", "zmtp", "", ""},
	{"", "Rsrv0103QAP1\r\n\r\n--------------\r\n", "rserve", "rserve", ""},
	{"", "Content-Type: auth/request\n\n", "freeswitch-esl", "freeswitch", ""},
	{"", "220 fax.example server (HylaFAX (tm) Version 6.0.7) ready.\r\n", "hylafax", "hylafax", "6.0.7"},
	{"dicom", "\x02\x00\x00\x00\x00\x5f\x00\x01" + strings.Repeat(" ", 66) + "\x55\x00\x00\x0fOFFIS_DCMTK_367", "dicom", "dcmtk", "3.6.7"},
	{"dicom", "\x03\x00\x00\x00\x00\x04\x00\x01\x01\x07", "dicom", "", ""},
	{"dicom", "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34", "", "", ""},
	{"minecraft", "\x7d\x00\x7b" + `{"description":{"text":"A Server"},"players":{"max":20,"online":0},"version":{"name":"Paper 1.20.4","protocol":765}}`, "minecraft", "minecraft", "1.20.4"},
	{"spice", "REDQ\x02\x00\x00\x00\x02\x00\x00\x00\xba\x00\x00\x00\x00\x00\x00\x00", "spice", "", ""},
	{"", "\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\x7f", "telnet", "", ""},
	{"", "varnish", "", "", ""},
	{"", "hello there\r\n", "", "", ""},
	{"", "\x00\x00\x00\x00", "", "", ""},
	{"http", "ERR bad\r\n", "", "", ""},
}

func TestTranscripts(t *testing.T) {
	t.Parallel()
	for _, c := range transcripts {
		_, m, ok := classify(tcpProbes, probeNamed(tcpProbes, c.probe), []byte(c.reply))
		if ok != (c.name != "") || m.Name != c.name || m.Product != c.product || m.Version != c.version {
			t.Errorf("%s %.40q: got %q %q %q; want %q %q %q", c.probe, c.reply, m.Name, m.Product, m.Version, c.name, c.product, c.version)
		}
	}
}

func probeNamed(all []probe, name string) *probe {
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}

// A server that sends back whatever it gets is an echo server, whichever question it was asked.
func TestEveryHelloSentBackIsAnEcho(t *testing.T) {
	t.Parallel()
	for i := range tcpProbes {
		p := &tcpProbes[i]
		if p.hello == nil || p.name == "jdwp" { // whose true answer is the question
			continue
		}
		if _, m, ok := classify(tcpProbes, p, p.hello); !ok || m.Name != "echo" {
			t.Errorf("the hello of %s sent back is read as %q", p.name, m.Name)
		}
	}
}

func TestServerHeaders(t *testing.T) {
	t.Parallel()
	for header, want := range map[string][2]string{
		"Apache/2.4.57 (Debian) PHP/8.2.7": {"apache httpd", "2.4.57"}, "nginx": {"nginx", ""}, "nginx/1.18.0 (Ubuntu)": {"nginx", "1.18.0"},
		"Microsoft-IIS/10.0": {"microsoft iis", "10.0"}, "mini_httpd/1.30 26Oct2018": {"mini_httpd", "1.30"}, "Werkzeug/2.2.2 Python/3.11.2": {"werkzeug", "2.2.2"},
		"SimpleHTTP/0.6 Python/3.11.2": {"python http.server", ""}, "Jetty(9.4.51.v20230217)": {"jetty", "9.4.51.v20230217"}, "Apache-Coyote/1.1": {"apache tomcat", ""},
		"CUPS/2.4 IPP/2.1": {"cups", "2.4"}, "Icecast 2.4.4": {"icecast", "2.4.4"}, "squid/5.7": {"squid", "5.7"}, "Caddy": {"caddy", ""}, "MiniServ/2.021": {"webmin", "2.021"},
		"gunicorn/20.1.0": {"gunicorn", "20.1.0"}, "TornadoServer/6.2": {"tornado", "6.2"}, "WebLogic Server 12.2.1": {"oracle weblogic", "12.2.1"}, "tinyproxy/1.11.1": {"tinyproxy", "1.11.1"},
	} {
		var m Match
		m.serverHeader(header)
		if m.Product != want[0] || m.Version != want[1] {
			t.Errorf("%q: %q %q", header, m.Product, m.Version)
		}
	}
}

func TestCPE(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"openssh", "9.2p1", "cpe:2.3:a:openbsd:openssh:9.2:p1:*:*:*:*:*:*"},
		{"nginx", "", "cpe:2.3:a:f5:nginx:*:*:*:*:*:*:*:*"},
		{"inetutils telnetd", "2.4", "cpe:2.3:a:gnu:inetutils:2.4:*:*:*:*:*:*:*"},
		{"asterisk", "16.28.0~dfsg", `cpe:2.3:a:digium:asterisk:16.28.0\~dfsg:*:*:*:*:*:*:*`},
		{"isc bind", "9.11.5-P4", `cpe:2.3:a:isc:bind:9.11.5-p4:*:*:*:*:*:*:*`},
		{"no such product", "1", ""},
	} {
		if got := cpeOf(c[0], c[1], ""); got != c[2] {
			t.Errorf("%s %s: %s", c[0], c[1], got)
		}
	}
}

func FuzzClassify(f *testing.F) {
	for _, c := range transcripts {
		f.Add([]byte(c.reply))
	}
	f.Add(clientHello)
	f.Add([]byte("\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0login: "))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 { // no probe sees an empty answer
			return
		}
		isTLS(b)
		for _, all := range [][]probe{tcpProbes, udpProbes} {
			for i := range all {
				m, ok := all[i].match(b)
				if ok && m.Name == "" {
					t.Fatalf("%s matched without a name", all[i].name)
				}
			}
		}
		plainTelnet(b)
		mqttTopics(b)
		refuse(b)
		var m Match
		m.pgAnswer(b)
		m.ntlm(b)
		m.smb1(smb1Texts(b))
		m.telnetOptions(b)
		m.snmpEngine(b)
		m.snmpSystem(b)
		m.ldapRoot(b)
		bsonString(mongoDocument(b), "version")
		_ = productCPE(m)
	})
}

func FuzzWebPage(f *testing.F) {
	f.Add([]byte("<title>x</title><meta name=generator content='WordPress 6'><script src=/jquery-1.2.3.min.js></script>"), "Apache/2.4 (Debian) PHP/8")
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		p := &page{body: body}
		p.read()
		if len(p.scripts) > 32 || len(p.title) > 800 {
			t.Fatalf("%d scripts, title of %d bytes", len(p.scripts), len(p.title))
		}
		var m Match
		m.serverHeader(header)
		m.poweredBy(header)
		generator(header)
		if len(m.Software) > 64 {
			t.Fatalf("%d products", len(m.Software))
		}
		m.dnsVersion(header)
		m.mysqlVersion(header)
		m.pgVersion(header)
	})
}

func TestMQTTTopics(t *testing.T) {
	t.Parallel()
	stream := "\x90\x03\x00\x01\x00" + "\x31\x2d\x00\x13$SYS/broker/versionmosquitto version 2.0.11\x31\x08\x00\x01a12345" + "\x31\xff"
	got := mqttTopics([]byte(stream))
	if got["$SYS/broker/version"] != "mosquitto version 2.0.11" || got["a"] != "12345" || len(got) != 2 {
		t.Errorf("topics %q", got)
	}
}
