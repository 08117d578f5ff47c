package lab

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// Redis speaks PING, INFO, CONFIG, AUTH and COMMAND in both request forms; a password makes it demand AUTH.
func Redis(t testing.TB, version, password string) netip.AddrPort {
	t.Helper()
	info := "# Server\r\nredis_version:" + version + "\r\nredis_mode:standalone\r\nos:Linux 6.1.0 x86_64\r\n"
	return TCP(t, func(c net.Conn) {
		r := bufio.NewReaderSize(c, 4096)
		in := password == ""
		for {
			args, err := respArgs(r)
			if err != nil {
				return
			}
			if len(args) == 0 {
				continue
			}
			out := "-ERR unknown command '" + args[0] + "', with args beginning with: \r\n"
			switch strings.ToUpper(args[0]) {
			case "AUTH":
				if in = args[len(args)-1] == password; in {
					out = "+OK\r\n"
				} else {
					out = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
				}
			case "QUIT":
				_, _ = io.WriteString(c, "+OK\r\n")
				return
			default:
				if !in {
					out = "-NOAUTH Authentication required.\r\n"
				} else if strings.EqualFold(args[0], "PING") {
					out = "+PONG\r\n"
				} else if strings.EqualFold(args[0], "INFO") {
					out = fmt.Sprintf("$%d\r\n%s\r\n", len(info), info)
				}
			}
			if _, err := io.WriteString(c, out); err != nil {
				return
			}
		}
	})
}

func respArgs(r *bufio.Reader) ([]string, error) {
	line, err := r.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "*") {
		return strings.Fields(line), err
	}
	var n int
	if _, err := fmt.Sscanf(line, "*%d", &n); err != nil || n > 64 {
		return nil, io.ErrUnexpectedEOF
	}
	args := make([]string, 0, n)
	for range n {
		if _, err := r.ReadString('\n'); err != nil {
			return nil, err
		}
		arg, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		args = append(args, strings.TrimRight(arg, "\r\n"))
	}
	return args, nil
}

// Memcached speaks version, stats and the error of the text protocol.
func Memcached(t testing.TB, version string) netip.AddrPort {
	t.Helper()
	return Lines(t, "", func(line string) string {
		switch strings.Fields(line + " -")[0] {
		case "version":
			return "VERSION " + version + "\r\n"
		case "stats":
			return "STAT pid 1\r\nSTAT version " + version + "\r\nSTAT curr_items 0\r\nEND\r\n"
		case "quit":
			return ""
		}
		return "ERROR\r\n"
	})
}

// MySQL greets as the server of the version does and refuses every login.
func MySQL(t testing.TB, version string) netip.AddrPort {
	t.Helper()
	body := append([]byte{10}, version...)
	body = append(body, 0, 1, 0, 0, 0)
	body = append(body, "abcdefgh\x00"...)
	body = append(body, 0xff, 0xf7, 0x2d, 0x02, 0x00, 0xff, 0x81, 0x15)
	body = append(body, make([]byte, 10)...)
	body = append(body, "abcdefghijkl\x00mysql_native_password\x00"...)
	return TCP(t, func(c net.Conn) {
		if _, err := c.Write(mysqlPacket(0, body)); err != nil {
			return
		}
		b := make([]byte, 4096)
		if _, err := c.Read(b); err == nil {
			_, _ = c.Write(mysqlPacket(2, append([]byte{0xff, 0x15, 0x04}, "#28000Access denied for user"...)))
		}
	})
}

func mysqlPacket(sequence byte, body []byte) []byte {
	return append([]byte{byte(len(body)), byte(len(body) >> 8), byte(len(body) >> 16), sequence}, body...)
}

// Postgres speaks the start-up of protocol 3. With trust every user is let in and server_version is told; without it
// a SCRAM password is demanded.
func Postgres(t testing.TB, version string, trust bool) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			head := make([]byte, 8)
			if _, err := io.ReadFull(r, head); err != nil {
				return
			}
			n, code := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
			if n < 8 || n > 10000 {
				return
			}
			if _, err := r.Discard(int(n) - 8); err != nil {
				return
			}
			if code == 80877103 || code == 80877104 {
				_, _ = c.Write([]byte{'N'})
				continue
			}
			if code>>16 != 3 {
				_, _ = c.Write(pgMessage('E', "SFATAL\x00VFATAL\x00C0A000\x00Munsupported frontend protocol 65363.19778: server supports 3.0 to 3.0\x00\x00"))
				return
			}
			break
		}
		if !trust {
			_, _ = c.Write(pgMessage('R', "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"))
			_, _ = r.ReadByte()
			return
		}
		_, _ = c.Write(append(append(pgMessage('R', "\x00\x00\x00\x00"), pgMessage('S', "server_version\x00"+version+"\x00")...), pgMessage('Z', "I")...))
		_, _ = io.Copy(io.Discard, r)
	})
}

func pgMessage(kind byte, body string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4))
	return append(b, body...)
}

// DNS is a name server on TCP and UDP of one port: it tells version in version.bind (unless empty), knows its zones by
// their records, refuses other names, and hands zones over when transfer is set.
func DNS(t testing.TB, version string, transfer bool, records ...string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		l.Close()
		t.Fatal(err)
	}
	var zone []dns.RR
	for _, s := range records {
		rr, err := dns.NewRR(s)
		if err != nil {
			t.Fatal(err)
		}
		zone = append(zone, rr)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(answerDNS(q, version, transfer, zone)) })
	for _, s := range []*dns.Server{{Listener: l, Handler: handler}, {PacketConn: pc, Handler: handler}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return addrPort(l.Addr())
}

func answerDNS(q *dns.Msg, version string, transfer bool, zone []dns.RR) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	if len(q.Question) != 1 {
		m.Rcode = dns.RcodeFormatError
		return m
	}
	ask := q.Question[0]
	switch {
	case ask.Qclass == dns.ClassCHAOS && strings.EqualFold(ask.Name, "version.bind.") && version != "":
		m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: ask.Name, Rrtype: dns.TypeTXT, Class: dns.ClassCHAOS}, Txt: []string{version}}}
	case ask.Qtype == dns.TypeAXFR && transfer && len(zone) > 0:
		m.Answer = append(append([]dns.RR{}, zone...), zone[0])
	case ask.Qtype == dns.TypeAXFR:
		m.Rcode = dns.RcodeRefused
	default:
		for _, rr := range zone {
			if strings.EqualFold(rr.Header().Name, ask.Name) && rr.Header().Rrtype == ask.Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		if len(m.Answer) == 0 {
			m.Rcode = dns.RcodeRefused
		}
	}
	return m
}

// VNC greets with the protocol version and offers the security types (1 is none, 2 a password).
func VNC(t testing.TB, types ...byte) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "RFB 003.008\n")
		b := make([]byte, 12)
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		_, _ = c.Write(append([]byte{byte(len(types))}, types...))
		if _, err := io.ReadFull(c, b[:1]); err == nil && b[0] == 1 {
			_, _ = c.Write([]byte{0, 0, 0, 0})
			_, _ = io.Copy(io.Discard, c)
		}
	})
}
