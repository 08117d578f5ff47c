package template

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

const head = "id: t\ninfo:\n  name: Test\n  severity: high\n  tags: test\n"

func load(t *testing.T, body string) *Set {
	t.Helper()
	s, refusals, err := Load(fstest.MapFS{"t.yaml": {Data: []byte(head + body)}})
	if err != nil || len(refusals) > 0 {
		t.Fatalf("refused: %+v, %v", refusals, err)
	}
	return s
}

// recorder is an application that notes what it is asked.
type recorder struct {
	lock  sync.Mutex
	asked []string
	serve http.HandlerFunc
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	b, _ := io.ReadAll(q.Body)
	r.lock.Lock()
	r.asked = append(r.asked, strings.TrimSpace(q.Method+" "+q.RequestURI+" "+string(b)))
	r.lock.Unlock()
	q.Body = io.NopCloser(strings.NewReader(string(b)))
	r.serve(w, q)
}

func serveTo(t *testing.T, body string, serve http.HandlerFunc, o Options) ([]scanlink.Finding, []string) {
	t.Helper()
	r := &recorder{serve: serve}
	s := httptest.NewServer(r)
	defer s.Close()
	n, to := local(s.Listener.Addr().String(), "http")
	o.Parallel = 1
	return load(t, body).Run(t.Context(), n, to, o), r.asked
}

// only serves one path.
func only(path, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, text)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	hello := func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "s1"})
		w.Header().Set("X-Token", "tok")
		fmt.Fprintf(w, "hello %s cookie=%s", r.Header.Get("X-Sent"), r.Header.Get("Cookie"))
	}
	for name, tc := range map[string]struct {
		body  string
		serve http.HandlerFunc
		found bool
		asked string // joined by |; empty: not compared
	}{
		"paths": {"http:\n- path: ['{{BaseURL}}/a/../b', '{{BaseURL}}/c?x={{md5(\"a\")}}']\n  matchers:\n  - {type: word, words: [nothing]}\n", hello, false,
			"GET /a/../b|GET /c?x=0cc175b9c0f1b6a831c399e269772661"},
		"stop at the first":          {"http:\n- path: ['{{BaseURL}}/', '{{BaseURL}}/c']\n  matchers:\n  - {type: word, words: [hello]}\n", hello, true, "GET /"},
		"raw with a body":            {"http:\n- raw:\n  - |\n    POST /x HTTP/1.1\n    Host: {{Hostname}}\n    Content-Length: 99\n\n    a={{randstr}}\n  matchers:\n  - {type: status, status: [200]}\n", hello, true, ""},
		"other hosts are left alone": {"http:\n- path: ['http://192.0.2.1/', '{{Scheme}}://{{Host}}:1/', 'https://{{Hostname}}/']\n  matchers:\n  - {type: status, status: [200]}\n", hello, false, ""},
		"host annotation":            {"http:\n- raw:\n  - |\n    @Host: http://192.0.2.1\n    GET / HTTP/1.1\n    Host: x\n\n  matchers:\n  - {type: status, status: [200]}\n", hello, false, ""},
		"cookies and values carry over": {"http:\n- raw:\n  - |\n    GET /1 HTTP/1.1\n    Host: {{Hostname}}\n\n  - |\n    GET /2?{{token}} HTTP/1.1\n    Host: {{Hostname}}\n\n  extractors:\n  - {type: kval, name: token, internal: true, kval: [x_token]}\n  matchers:\n  - {type: dsl, dsl: ['contains(body_2, \"cookie=sid=s1\") && contains(body_1, \"cookie=\") && status_code_2 == 200']}\n",
			hello, true, "GET /1|GET /2?tok"},
		"missing value stops the request": {"http:\n- path: ['{{BaseURL}}/{{absent}}']\n  matchers:\n  - {type: status, status: [200]}\n", hello, false, ""},
		"missing answer holds nothing":    {"http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: word, part: body_2, negative: true, words: [x]}\n", hello, false, "GET /"},
		"numbered random texts":           {"http:\n- raw:\n  - \"GET /{{randstr}} HTTP/1.1\\nHost: {{Hostname}}\\n\"\n  - \"GET /{{randstr_1}} HTTP/1.1\\nHost: {{Hostname}}\\n\"\n  matchers:\n  - {type: dsl, dsl: ['contains(body_2, \"hello\") && \"{{randstr}}\" != \"{{randstr_1}}\" && len(randstr_1) == 12']}\n", hello, true, ""},
		"pitchfork":                       {"http:\n- raw: [\"GET /?{{a}}{{b}} HTTP/1.1\\nHost: {{Hostname}}\\n\"]\n  attack: pitchfork\n  payloads: {a: ['1', '2'], b: [x, y]}\n  matchers:\n  - {type: word, words: [nothing]}\n", hello, false, "GET /?1x|GET /?2y"},
		"clusterbomb":                     {"http:\n- raw: [\"GET /?{{a}}{{b}} HTTP/1.1\\nHost: {{Hostname}}\\n\"]\n  attack: clusterbomb\n  payloads: {a: ['1', '2'], b: [x, y]}\n  matchers:\n  - {type: word, words: [nothing]}\n", hello, false, "GET /?1x|GET /?1y|GET /?2x|GET /?2y"},
		"header part":                     {"http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: word, part: header, words: ['X-Token: tok']}\n", hello, true, ""},
		"and, negative":                   {"http:\n- path: ['{{BaseURL}}/']\n  matchers-condition: and\n  matchers:\n  - {type: word, condition: and, words: [hello, cookie]}\n  - {type: word, negative: true, words: [absent]}\n  - {type: status, status: [200, 201]}\n", hello, true, ""},
		"any case":                        {"http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: word, case-insensitive: true, words: [HELLO]}\n", hello, true, ""},
		"hex word":                        {"http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: word, encoding: hex, words: ['68656c6c6f']}\n", hello, true, ""},
		"binary":                          {"http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: binary, binary: ['68656c6c6f']}\n", hello, true, ""},
		"size":                            {"http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: size, size: [14]}\n", hello, true, ""},
		"internal only":                   {"http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: word, internal: true, words: [hello]}\n", hello, false, ""},
		"flow": {"flow: http(1) && http(2)\nhttp:\n- path: ['{{BaseURL}}/1']\n  matchers:\n  - {type: word, internal: true, words: [hello]}\n- path: ['{{BaseURL}}/2']\n  matchers:\n  - {type: word, words: [hello]}\n",
			only("/2", "hello"), false, "GET /1"},
		"flow goes on": {"flow: http(1) || http(2)\nhttp:\n- path: ['{{BaseURL}}/1']\n  matchers:\n  - {type: word, internal: true, words: [hello]}\n- path: ['{{BaseURL}}/2']\n  matchers:\n  - {type: word, words: [hello]}\n",
			only("/2", "hello"), true, ""},
		"flow stops": {"flow: http(1) && http(2)\nhttp:\n- path: ['{{BaseURL}}/1']\n  matchers:\n  - {type: word, internal: true, words: [absent]}\n- path: ['{{BaseURL}}/2']\n  matchers:\n  - {type: word, words: [hello]}\n",
			hello, false, "GET /1"},
		"xpath": {"http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: xpath, xpath: ['//b[@id=\"v\"]']}\n", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<b id=v>1</b>") }, true, ""},
		"json and xpath extractors": {"http:\n- path: ['{{BaseURL}}/j']\n  extractors:\n  - {type: json, name: j, internal: true, json: ['.a[0].b']}\n  matchers:\n  - {type: dsl, dsl: ['j == \"7\"']}\n",
			only("/j", `{"a":[{"b":7}]}`), true, ""},
		"status alone against a server that says yes": {"http:\n- path: ['{{BaseURL}}/secret.txt']\n  matchers:\n  - {type: status, status: [200]}\n", hello, false, ""},
		"status alone": {"http:\n- path: ['{{BaseURL}}/secret.txt']\n  matchers:\n  - {type: status, status: [200]}\n", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/secret.txt" {
				http.NotFound(w, r)
			}
		}, true, ""},
		"redirect is followed": {"http:\n- path: ['{{BaseURL}}/from']\n  host-redirects: true\n  matchers:\n  - {type: word, words: [arrived]}\n", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/from" {
				http.Redirect(w, r, "/to", http.StatusFound)
				return
			}
			if r.URL.Path != "/to" {
				http.NotFound(w, r)
				return
			}
			_, _ = io.WriteString(w, "arrived")
		}, true, ""},
		"redirect to another host is not": {"http:\n- path: ['{{BaseURL}}/']\n  redirects: true\n  matchers:\n  - {type: status, status: [302]}\n", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
		}, true, "GET /"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, asked := serveTo(t, tc.body, tc.serve, Options{})
			if (len(found) > 0) != tc.found {
				t.Errorf("%d findings, asked %q", len(found), asked)
			}
			if tc.asked != "" && strings.Join(asked, "|") != tc.asked {
				t.Errorf("asked %q", asked)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	ok := "http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: status, status: [200]}\n"
	for body, want := range map[string]string{
		"workflows:\n- template: x\n":                           "not in the collection",
		"file:\n- matchers:\n  - {type: regex, regex: ['(']}\n": "regex",
		"code:\n- source: x\n":                                  "code",
		"javascript:\n- code: x\n":                              "javascript",
		"headless:\n- steps: []\n":                              "headless",
		"flow: for (let i of\n" + ok:                            "script",
		"http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: regex, regex: ['(']}\n": "regex",
		"http:\n- method: GET\n": "without path",
		"http: 1\n":              "not a template",
		"tcp:\n- inputs:\n  - {data: zz, type: hex}\n  host: ['{{Hostname}}']\n": "input",
		"dns:\n- {name: x, type: NOPE}\n":                                        "dns type",
		"ssl:\n- {address: x, min_version: tls99}\n":                             "TLS version",
		"": "no request",
	} {
		files := fstest.MapFS{"bad.yaml": {Data: []byte(strings.Replace(head, "id: t", "id: bad", 1) + body)}, "good.yaml": {Data: []byte(head + ok)}}
		s, refusals, err := Load(files)
		if err != nil || s.Len() != 1 || len(refusals) != 1 || refusals[0].Path != "bad.yaml" || !strings.Contains(refusals[0].Reason, want) {
			t.Errorf("%s: %d templates, %+v, %v", body, s.Len(), refusals, err)
		}
	}
}

// TestIdle loads what is sound and yet never sent from here.
func TestIdle(t *testing.T) {
	t.Parallel()
	ok := "http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: status, status: [200]}\n"
	heard := "{type: word, part: interactsh_protocol, words: [dns]}"
	path := "http:\n- path: ['{{BaseURL}}/?x={{interactsh-url}}']\n"
	for body, want := range map[string]string{
		ok:                            "",
		"self-contained: true\n" + ok: idleThirdParty,
		ok + "  signature: aws\n":     idleSigned,
		path + "  matchers:\n  - " + heard + "\n":                                                                                   idleOutOfBand,
		path + "  matchers:\n  - " + heard + "\n  - {type: word, words: [root]}\n":                                                  "",
		path + "  matchers-condition: and\n  matchers:\n  - " + heard + "\n  - {type: word, words: [root]}\n":                       idleOutOfBand,
		path + "  matchers:\n  - {type: dsl, dsl: ['contains(interactsh_protocol, \"dns\")']}\n":                                    idleOutOfBand,
		"http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: word, words: [x]}\n" + path[6:] + "  matchers: [" + heard + "]\n": "",
	} {
		if got := load(t, body).templates[0].Idle(); got != want {
			t.Errorf("%s: idle %q, want %q", body, got, want)
		}
	}
	found, asked := serveTo(t, "self-contained: true\n"+ok, func(http.ResponseWriter, *http.Request) {}, Options{})
	if len(found)+len(asked) > 0 {
		t.Errorf("an idle template asked %v and found %v", asked, found)
	}
	found, asked = serveTo(t, path+"  matchers:\n  - "+heard+"\n  - {type: word, words: [root]}\n", only("/", "root"), Options{})
	if len(found) != 1 || !strings.HasSuffix(asked[0], ".oob.invalid") {
		t.Errorf("an alternative without a collaborator asked %v and found %v", asked, found)
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	for extra, want := range map[string]string{
		"  tags: cve,sqli\n  classification: {cve-id: CVE-2020-1}\n":    "cve",
		"  tags: panel,default-login\n":                                 "creds",
		"  tags: exposure,panel\n":                                      "web.exposure",
		"  tags: tech,panel\n":                                          "",
		"  tags: panel\n  metadata: {vedette-class: web.pan-exposed}\n": "web.pan-exposed",
		"  tags: x\n  metadata: {vedette-class: 'Bad Class'}\n":         "web.vulnerable",
	} {
		body := "id: t\ninfo:\n  name: T\n  severity: high\n" + extra + "http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: status, status: [200]}\n"
		s, refusals, _ := Load(fstest.MapFS{"t.yaml": {Data: []byte(body)}})
		if len(refusals) > 0 || s.templates[0].class != want {
			t.Errorf("%s: %v, %+v", extra, s.templates, refusals)
		}
	}
}

// TestDefaultLogins finds each account, tries none more than three times, and needs Active.
func TestDefaultLogins(t *testing.T) {
	t.Parallel()
	body := strings.Replace(head, "tags: test", "tags: default-login", 1)
	body = strings.TrimPrefix(body, head) + "http:\n- raw: [\"GET /?{{username}}:{{password}} HTTP/1.1\\nHost: {{Hostname}}\\n\"]\n  attack: clusterbomb\n  payloads: {username: [ann, bob], password: ['1', '2', '3', '4', '5']}\n  matchers:\n  - {type: word, words: [welcome]}\n"
	serve := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "ann:2" || r.URL.RawQuery == "bob:5" {
			_, _ = io.WriteString(w, "welcome")
		}
	}
	s, _, err := Load(fstest.MapFS{"t.yaml": {Data: []byte(body)}})
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{serve: serve}
	server := httptest.NewServer(r)
	defer server.Close()
	n, to := local(server.Listener.Addr().String(), "http")
	if found := s.Run(t.Context(), n, to, Options{}); len(found) > 0 || len(r.asked) > 0 {
		t.Errorf("tried without Active: %v", r.asked)
	}
	found := s.Run(t.Context(), n, to, Options{Active: true})
	if len(found) != 1 || found[0].Login != "ann/2" || len(r.asked) != 6 {
		t.Errorf("found %+v, asked %v", found, r.asked)
	}
}

func TestSharedRequestsAreSentOnce(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{}
	for i := range 5 {
		body := fmt.Sprintf("id: t%d\ninfo: {name: T, severity: high, tags: x}\nhttp:\n- path: ['{{BaseURL}}/same']\n  matchers:\n  - {type: word, words: [w%d]}\n", i, i)
		files[fmt.Sprintf("t%d.yaml", i)] = &fstest.MapFile{Data: []byte(body)}
	}
	s, _, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{serve: func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/same" {
			_, _ = io.WriteString(w, "w1 w3")
		}
	}}
	server := httptest.NewServer(r)
	defer server.Close()
	n, to := local(server.Listener.Addr().String(), "http")
	found := s.Run(t.Context(), n, to, Options{})
	if len(found) != 2 || strings.Count(strings.Join(r.asked, "|"), "GET /same") != 1 {
		t.Errorf("%d findings, asked %v", len(found), r.asked)
	}
}

func TestSSL(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	n, to := local(server.Listener.Addr().String(), "https")
	to.Service.Tunnel = "tls"
	s := load(t, "ssl:\n- address: '{{Host}}:{{Port}}'\n  min_version: tls12\n  matchers:\n  - {type: dsl, dsl: ['self_signed == true && tls_version == \"tls13\"']}\n  extractors:\n  - {type: json, json: ['.issuer_org[0]']}\n")
	if found := s.Run(t.Context(), n, to, Options{}); len(found) != 1 || !strings.Contains(found[0].Evidence.Detail, "Acme Co") {
		t.Errorf("%+v", found)
	}
}

func TestDNS(t *testing.T) {
	t.Parallel()
	server := &dns.Server{Addr: "127.0.0.1:0", Net: "udp", Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		rr, _ := dns.NewRR(q.Question[0].Name + ` 60 IN TXT "v=spf1 +all"`)
		m.Answer = append(m.Answer, rr)
		_ = w.WriteMsg(m)
	})}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	go func() { _ = server.ListenAndServe() }()
	<-started
	defer func() { _ = server.Shutdown() }()
	at := netip.MustParseAddrPort(server.PacketConn.LocalAddr().String())
	host := scanlink.PlanHost{Address: at.Addr(), Names: []string{"shop.example"}}
	to := wire.Target{Host: host, Service: scanlink.Service{Address: at.Addr(), Port: at.Port(), Protocol: "udp", Name: "dns"}}
	s := load(t, "dns:\n- {name: '{{FQDN}}', type: TXT, matchers: [{type: word, part: answer, words: ['+all']}]}\n")
	found := s.Run(t.Context(), wire.New([]scanlink.PlanHost{host}, wire.Limits{}), to, Options{})
	if len(found) != 1 || found[0].Path != "shop.example" {
		t.Errorf("%+v", found)
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{"/a/b.php?x=1": "/a/*.php", "/a/b/": "/a/*/", "/.env": "/*", "/x": "/*", "/": "", "": ""} {
		got, ok := control(target)
		if ok != (want != "") {
			t.Errorf("%s: %q", target, got)
			continue
		}
		if before, after, _ := strings.Cut(want, "*"); ok && (!strings.HasPrefix(got, before) || !strings.HasSuffix(got, after) || len(got) != len(want)+13) {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(head + "http:\n- path: ['{{BaseURL}}/']\n  matchers:\n  - {type: status, status: [200]}\n"))
	f.Add([]byte(head + "flow: http(1) && (http(2) || !http(1))\nhttp:\n- raw: [\"GET / HTTP/1.1\\n\\n\"]\n  payloads: {a: [b]}\n- path: [x]\n"))
	f.Add([]byte(head + "tcp:\n- host: ['{{Hostname}}']\n  inputs:\n  - {data: '00', type: hex}\n  extractors:\n  - {type: json, json: ['.a']}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tpl, refusal := compile(b, nil)
		if (tpl == nil) == (refusal == nil) {
			t.Error("neither or both")
		}
	})
}

func FuzzRawRequest(f *testing.F) {
	f.Add("GET /x HTTP/1.1\nHost: h\n\nbody\n")
	f.Add("@timeout: 5s\n@Host: http://x\nPOST http://x/y HTTP/1.1\r\nContent-Type: multipart/form-data\r\n\r\n--x\n")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseRaw(s)
		if err != nil {
			return
		}
		if m := r.request(false); m.Method == "" || m.Target == "" {
			t.Errorf("%q became %+v", s, m)
		}
		r.request(true)
	})
}
