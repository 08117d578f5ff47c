package collaborator

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func listen(t *testing.T, how string) *Server {
	t.Helper()
	c, err := ParseConfig(how)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func probe(t *testing.T, s *Server) *Probe {
	t.Helper()
	p, err := s.Probe()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// only waits for the first interaction and gives all.
func only(t *testing.T, p *Probe, protocol string) Interaction {
	t.Helper()
	select {
	case <-p.First():
	case <-time.After(20 * time.Second):
		t.Fatalf("no %s interaction came", protocol)
	}
	for _, i := range p.Heard() {
		if i.Protocol == protocol {
			if !i.Source.Addr().IsLoopback() || i.At.IsZero() {
				t.Errorf("%+v", i)
			}
			return i
		}
	}
	t.Fatalf("no %s among %+v", protocol, p.Heard())
	return Interaction{}
}

func (s *Server) at(port uint16) string { return netip.AddrPortFrom(s.config.Listen, port).String() }

func dial(t *testing.T, at string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestNames(t *testing.T) {
	t.Parallel()
	s := listen(t, "127.0.0.1,zone=oob.Example.org.,dns=0,ports=0,public=192.0.2.7")
	p := probe(t, s)
	if p.Host != p.ID+".oob.example.org" || !p.Named {
		t.Fatal(p.Host)
	}
	ask := func(network, name string, kind uint16) *dns.Msg {
		m := new(dns.Msg).SetQuestion(name, kind)
		a, _, err := (&dns.Client{Net: network}).Exchange(m, s.at(s.Config().DNS))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, network := range []string{"udp", "tcp"} {
		a := ask(network, "host.Deep."+strings.ToUpper(p.Host)+".", dns.TypeA)
		if len(a.Answer) != 1 || a.Answer[0].(*dns.A).A.String() != "192.0.2.7" || !a.Authoritative {
			t.Errorf("%s: %s", network, a)
		}
	}
	i := only(t, p, "dns")
	if !strings.Contains(i.Request, "host.Deep.") || len(p.Heard()) != 2 {
		t.Errorf("%+v", p.Heard())
	}
	for _, c := range []struct {
		name string
		kind uint16
		code int
		want string
	}{
		{p.Host + ".", dns.TypeAAAA, dns.RcodeSuccess, ""},
		{p.Host + ".", dns.TypeMX, dns.RcodeSuccess, p.Host},
		{"oob.example.org.", dns.TypeNS, dns.RcodeSuccess, "ns.oob.example.org."},
		{"oob.example.org.", dns.TypeSOA, dns.RcodeSuccess, "hostmaster"},
		{"example.org.", dns.TypeA, dns.RcodeRefused, ""},
		{p.ID + ".elsewhere.org.", dns.TypeA, dns.RcodeRefused, ""},
		{".", dns.TypeNS, dns.RcodeRefused, ""},
	} {
		a := ask("udp", c.name, c.kind)
		if got := fmt.Sprint(a.Answer); a.Rcode != c.code || !strings.Contains(got, c.want) || c.want == "" && len(a.Answer) > 0 {
			t.Errorf("%s: %s", c.name, a)
		}
	}
	if len(p.Heard()) != 4 {
		t.Errorf("refused names count, or answered ones do not: %d", len(p.Heard()))
	}
}

func TestWebRequests(t *testing.T) {
	t.Parallel()
	s := listen(t, "127.0.0.1")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	for _, scheme := range []string{"http", "https"} {
		p := probe(t, s)
		r, err := client.Post(scheme+"://"+p.Host+"/deeper", "text/plain", strings.NewReader("it leaked"))
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != 200 || !strings.Contains(string(page), reversed(p.ID)) {
			t.Errorf("%d %s", r.StatusCode, page)
		}
		i := only(t, p, "http")
		if !strings.Contains(i.Request, "User-Agent: Go-http-client") || !strings.Contains(i.Request, "it leaked") || !strings.Contains(i.Response, reversed(p.ID)) {
			t.Errorf("%+v", i)
		}
		p.Forget()
		if r, err = client.Get(scheme + "://" + p.Host); err != nil || r.StatusCode != 404 || len(p.Heard()) != 1 {
			t.Errorf("a forgotten probe is known: %v %v", r, err)
		}
		r.Body.Close()
	}
}

// TestRefusedCertificate: a client that does not trust the certificate has said the name all the same.
func TestRefusedCertificate(t *testing.T) {
	t.Parallel()
	s := listen(t, "127.0.0.1,zone=oob.example.org,dns=0,ports=0")
	p := probe(t, s)
	conn := tls.Client(dial(t, s.at(s.Config().Ports[0])), &tls.Config{ServerName: p.Host})
	if conn.Handshake() == nil {
		t.Fatal("the certificate is trusted")
	}
	if i := only(t, p, "tls"); !strings.Contains(i.Request, p.Host) {
		t.Errorf("%+v", i)
	}
}

// TestDirectoryLookup speaks as JNDI does: an anonymous bind, then a search for the path of the URL.
func TestDirectoryLookup(t *testing.T) {
	t.Parallel()
	s := listen(t, "127.0.0.1")
	p := probe(t, s)
	at, dn, _ := strings.Cut(p.Host, "/")
	conn := dial(t, at)
	bind := []byte{0x30, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0}
	search := append([]byte{0x30, byte(len(dn) + 29), 2, 1, 2, 0x63, byte(len(dn) + 24), 4, byte(len(dn))}, dn...)
	search = append(search, 10, 1, 0, 10, 1, 3, 2, 1, 0, 2, 1, 0, 1, 1, 0, 0x87, 1, 'x', 0x30, 0)
	search[1], search[6] = byte(len(search)-2), byte(len(search)-7)
	answer := make([]byte, 64)
	for _, c := range []struct {
		send []byte
		want byte
	}{{bind, ldapBindAnswer}, {search, ldapSearchDone}} {
		if _, err := conn.Write(c.send); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(answer)
		if err != nil || n < 14 || answer[5] != c.want {
			t.Fatalf("% x %v", answer[:n], err)
		}
	}
	if i := only(t, p, "ldap"); !strings.Contains(i.Request, dn) {
		t.Errorf("%+v", i)
	}
}

func TestRemoteCall(t *testing.T) {
	t.Parallel()
	s := listen(t, "127.0.0.1")
	p := probe(t, s)
	at, name, _ := strings.Cut(p.Host, "/")
	conn := dial(t, at)
	_, _ = io.WriteString(conn, "JRMI\x00\x02K")
	ack := make([]byte, 3+len("127.0.0.1")+4)
	if _, err := io.ReadFull(conn, ack); err != nil || ack[0] != 0x4e {
		t.Fatalf("% x %v", ack, err)
	}
	_, _ = io.WriteString(conn, "\x00\x09127.0.0.1\x00\x00\x00\x00P\xac\xed\x00\x05w\x22t\x00\x18"+name)
	only(t, p, "rmi")
}

func TestMail(t *testing.T) {
	t.Parallel()
	s := listen(t, "127.0.0.1,zone=oob.example.org,dns=0,ports=0")
	p := probe(t, s)
	c, err := smtp.Dial(s.at(s.Config().Ports[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []error{c.Hello("shop.example.com"), c.Mail("a@example.com"), c.Rcpt("b@" + p.Host)} {
		if step != nil {
			t.Fatal(step)
		}
	}
	w, err := c.Data()
	if err == nil {
		_, err = io.WriteString(w, "Subject: hello\r\n\r\nQUIT\r\n")
	}
	if err != nil || w.Close() != nil || c.Quit() != nil {
		t.Fatal(err)
	}
	if i := only(t, p, "smtp"); !strings.Contains(i.Request, "RCPT TO:<b@"+p.Host) || !strings.Contains(i.Request, "Subject: hello") {
		t.Errorf("%+v", i)
	}
}

func TestFilesAndAnythingElse(t *testing.T) {
	t.Parallel()
	s := listen(t, "127.0.0.1")
	p, q := probe(t, s), probe(t, s)
	at, path, _ := strings.Cut(p.Host, "/")
	c := textproto.NewConn(dial(t, at))
	for _, step := range []struct {
		send string
		want int
	}{{"", 220}, {"USER anonymous", 331}, {"PASS a@b", 230}, {"CWD " + path, 250}, {"RETR evil.dtd", 550}, {"QUIT", 221}} {
		if step.send != "" {
			if err := c.PrintfLine("%s", step.send); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := c.ReadResponse(step.want); err != nil {
			t.Fatal(step.send, err)
		}
	}
	only(t, p, "ftp")
	conn := dial(t, at)
	fmt.Fprintf(conn, "\x01\x02 who knows %s\x00", q.ID)
	conn.Close()
	if i := only(t, q, "tcp"); !strings.Contains(i.Request, `\x01\x02 who knows`) {
		t.Errorf("%+v", i)
	}
}

// TestNobody: names that were never given out count for nothing, and nobody holds the collaborator up.
func TestNobody(t *testing.T) {
	t.Parallel()
	s := listen(t, "127.0.0.1")
	p := probe(t, s)
	at, _, _ := strings.Cut(p.Host, "/")
	var held []net.Conn
	for range maxConnsEach {
		held = append(held, dial(t, at))
	}
	refused := dial(t, at)
	if _, err := bufio.NewReader(refused).ReadByte(); err == nil {
		t.Error("one more connection of an address is served")
	}
	for _, c := range held {
		c.Close()
	}
	other := newID()
	if s.tell(Interaction{Request: other + " " + p.ID[:20]}) != nil || len(p.Heard()) != 0 {
		t.Error("an unknown name counts")
	}
	for range 100 {
		s.tell(Interaction{Protocol: "tcp", Request: strings.Repeat("x", 100_000) + p.ID})
	}
	if all := p.Heard(); len(all) != maxInteractions || len(all[0].Request) > maxText {
		t.Errorf("%d kept", len(all))
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	c, err := ParseConfig("127.0.0.1,zone=oob.example.org,dns=0,ports=0+0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Listen(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	conn := dial(t, s.at(s.Config().Ports[1]))
	if _, err := Listen(ctx, Config{Listen: c.Listen, Public: c.Public, Ports: s.Config().Ports[:1]}); err == nil {
		t.Error("a port is taken twice")
	}
	cancel()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection lives on")
	}
	s.Close()
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]string{
		"192.0.2.1":                               "192.0.2.1:0/ID",
		"192.0.2.1:8090":                          "192.0.2.1:8090/ID",
		"[2001:db8::1]:8090":                      "[2001:db8::1]:8090/ID",
		"0.0.0.0:8090,public=192.0.2.9":           "192.0.2.9:8090/ID",
		"192.0.2.1, zone=Oob.Example.org":         "ID.oob.example.org",
		"192.0.2.1,zone=oob.example.org,ports=80": "ID.oob.example.org",
		"0.0.0.0":                    "!no address that targets can reach",
		"scanner.example.org":        "!no IP address",
		"192.0.2.1,zone=a_b":         "!no domain",
		"192.0.2.1,zone=":            "!no domain",
		"192.0.2.1,ports=80+443":     "!one port is enough",
		"192.0.2.1,ports=http":       "!no port",
		"192.0.2.1,public=elsewhere": "!no IP address",
		"192.0.2.1,colour=red":       "!no option",
		"":                           "!no IP address",
	} {
		c, err := ParseConfig(how)
		switch message, bad := strings.CutPrefix(want, "!"); {
		case bad && (err == nil || !strings.Contains(err.Error(), message)):
			t.Errorf("%s: %v", how, err)
		case !bad && (err != nil || c.host("ID") != want):
			t.Errorf("%s: %s %v", how, c.host("ID"), err)
		}
	}
}

// said is a connection on which everything has been said already.
type said struct {
	io.Reader
	net.Conn
}

func (s said) Read(b []byte) (int, error)       { return s.Reader.Read(b) }
func (said) Write(b []byte) (int, error)        { return len(b), nil }
func (said) Close() error                       { return nil }
func (said) SetDeadline(time.Time) error        { return nil }
func (said) SetReadDeadline(t time.Time) error  { return nil }
func (said) SetWriteDeadline(t time.Time) error { return nil }

func FuzzHear(f *testing.F) {
	s, err := Listen(context.Background(), Config{Listen: netip.MustParseAddr("127.0.0.1"), Public: netip.MustParseAddr("127.0.0.1"), Ports: []uint16{0}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	p, err := s.Probe()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		"", "GET /ID HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nbody", "POST http://x/ HTTP/1.0\n\n", "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00",
		"\x30\x84\xff\xff\xff\xff", "JRMI\x00\x02K\x00\x09127.0.0.1", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "EHLO x\r\nDATA\r\n.\r\nQUIT\r\n", "\x00",
	} {
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, named bool) {
		if named {
			b = []byte(strings.ReplaceAll(string(b), "ID", p.ID))
		}
		before := len(p.Heard())
		s.hear(said{Reader: strings.NewReader(string(b))}, netip.MustParseAddrPort("192.0.2.1:1"))
		if len(p.Heard()) > before && !strings.Contains(strings.ToLower(string(b)), p.ID) {
			t.Errorf("%q counts", b)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte{0x30, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0})
	f.Add([]byte{0x30, 0x84, 0, 0, 0, 5, 2, 1, 1, 0x42, 0})
	f.Add([]byte{0x30, 3, 2, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		id, operation, size, err := message(b)
		if err == nil && (size > len(b) || len(id) == 0) {
			t.Errorf("%d of %d bytes", size, len(b))
		}
		if err == nil {
			if _, got, _, err := message(result(id, operation, 0)); err != nil || got != operation {
				t.Errorf("our own answer is not read: %v", err)
			}
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	f.Add("192.0.2.1:80,zone=a.b,dns=5353,ports=1+2,public=::1")
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := ParseConfig(s); err == nil && (!c.Public.IsValid() || len(c.Ports) == 0 || c.host("id") == "") {
			t.Errorf("%q: %+v", s, c)
		}
	})
}
