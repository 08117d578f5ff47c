package template

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pandatix/go-cvss/20"
	"github.com/pandatix/go-cvss/31"
	"go.yaml.in/yaml/v4"

	"github.com/vedette/vedette/internal/engine/template/dsl"
	"github.com/vedette/vedette/internal/engine/template/library"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// fixture is what a target answers to one template: as a vulnerable one, and as one that only looks like it.
type fixture struct {
	Service    string     `yaml:"service"` // of a tcp template
	Vulnerable []exchange `yaml:"vulnerable"`
	Safe       []exchange `yaml:"safe"`
}

// exchange is one answer. Its body may hold markers over what the pattern captured, so that a served answer can compute
// what the probe asks for.
type exchange struct {
	On      string            `yaml:"on"`    // method and target; a * at the end stands for anything
	Where   string            `yaml:"where"` // a pattern over the whole request
	Status  int               `yaml:"status"`
	Headers map[string]string `yaml:"headers"`
	Body    string            `yaml:"body"`
	Hex     string            `yaml:"hex"`
}

func TestLibraryLoads(t *testing.T) {
	t.Parallel()
	s, refusals, err := Load(library.Files)
	if err != nil || len(refusals) > 0 {
		t.Fatalf("refused: %v, %v", refusals, err)
	}
	if s.Len() < 25 {
		t.Errorf("%d templates", s.Len())
	}
	for _, tpl := range s.templates {
		if problem := incomplete(tpl); problem != "" {
			t.Errorf("%s: %s", tpl.id, problem)
		}
		if _, err := os.Stat("testdata/library/" + tpl.id + ".yaml"); err != nil {
			t.Errorf("%s has no fixture", tpl.id)
		}
	}
}

func incomplete(t *Template) string {
	i := t.info
	switch {
	case t.class == "":
		return "no class"
	case i.Name == "" || i.Description == "" || i.Remediation == "" || i.Impact == "":
		return "name, description, impact or remediation is missing"
	case len(i.Reference) == 0:
		return "no reference"
	case t.class == "cve" && len(t.cves()) == 0:
		return "no CVE id"
	}
	if v := i.Classification.CVSSMetrics; strings.HasPrefix(v, "CVSS:3.1/") {
		if _, err := gocvss31.ParseVector(v); err != nil {
			return "vector: " + err.Error()
		}
	} else if _, err := gocvss20.ParseVector(v); err != nil {
		return "vector: " + err.Error()
	}
	return ""
}

func TestLibraryFinds(t *testing.T) {
	t.Parallel()
	for _, tpl := range Library().templates {
		t.Run(tpl.id, func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile("testdata/library/" + tpl.id + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			var f fixture
			if err := yaml.Unmarshal(b, &f); err != nil {
				t.Fatal(err)
			}
			if len(f.Vulnerable) == 0 || len(f.Safe) == 0 {
				t.Fatal("the fixture needs a vulnerable and a safe answer")
			}
			found := runOne(t, tpl, f.Service, f.Vulnerable)
			if len(found) == 0 {
				t.Error("not found on the vulnerable answer")
			}
			for _, f := range found {
				if f.Class != tpl.class || f.Check != tpl.id || f.Evidence.Request == "" || f.Evidence.Response == "" {
					t.Errorf("finding %+v", f)
				}
			}
			if found := runOne(t, tpl, f.Service, f.Safe); len(found) > 0 {
				t.Errorf("found on the safe answer: %+v", found[0].Evidence)
			}
		})
	}
}

// TestLibraryIsQuiet runs the whole library against servers that say yes to anything, or repeat what they are asked.
func TestLibraryIsQuiet(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"welcome": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "<html><title>Welcome</title><body>All is well.</body></html>")
		},
		"empty object": func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "{}") },
		"not found":    http.NotFound,
		"failure":      func(w http.ResponseWriter, r *http.Request) { http.Error(w, "error", http.StatusInternalServerError) },
		"refused":      func(w http.ResponseWriter, r *http.Request) { http.Error(w, "bad request", http.StatusBadRequest) },
		"echo": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s\n%v\n", r.Method, r.RequestURI, r.Header)
			_, _ = io.Copy(w, r.Body)
		},
		"passwords for anything": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "root:x:0:0:root:/root:/bin/bash\n[core]\nDB_PASSWORD=x\nref: refs/heads/main\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(handler)
			defer s.Close()
			n, to := local(s.Listener.Addr().String(), "http")
			for _, f := range Library().Run(t.Context(), n, to, Options{Active: true}) {
				t.Errorf("%s: %s", f.Check, f.Evidence.Request)
			}
		})
	}
}

func local(address, service string) (*wire.Net, wire.Target) {
	at := netip.MustParseAddrPort(address)
	host := scanlink.PlanHost{Address: at.Addr()}
	return wire.New([]scanlink.PlanHost{host}, wire.Limits{}), wire.Target{
		Host: host, Service: scanlink.Service{Address: at.Addr(), Port: at.Port(), Protocol: "tcp", State: "open", Name: service},
	}
}

func runOne(t *testing.T, tpl *Template, service string, answers []exchange) []scanlink.Finding {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if service == "" {
		service = "http"
		go serveHTTP(l, answers)
	} else {
		go serveTCP(l, answers)
	}
	n, to := local(l.Addr().String(), service)
	one := (&Set{}).Merge(&Set{templates: []*Template{tpl}})
	return one.Run(context.Background(), n, to, Options{Active: true})
}

func (e exchange) answers(request string) (string, bool) {
	vars := dsl.Map{}
	if e.Where != "" {
		re := regexp.MustCompile(e.Where)
		m := re.FindStringSubmatch(request)
		if m == nil {
			return "", false
		}
		for i, name := range re.SubexpNames() {
			if name != "" {
				vars[name] = m[i]
			}
		}
	}
	if e.Hex != "" {
		b, err := hex.DecodeString(strings.Join(strings.Fields(e.Hex), ""))
		return string(b), err == nil
	}
	return fill(e.Body, vars), true
}

func fill(text string, vars dsl.Map) string {
	c, err := dsl.CompileText(text)
	if err != nil {
		return err.Error()
	}
	return c.RenderLenient(vars)
}

// serveHTTP answers byte for byte what is asked, also for targets that net/http refuses to parse.
func serveHTTP(l net.Listener, answers []exchange) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			for r := bufio.NewReader(c); ; {
				request, err := readRequest(r)
				if err != nil {
					return
				}
				if _, err := io.WriteString(c, respond(answers, request)); err != nil {
					return
				}
			}
		}()
	}
}

func readRequest(r *bufio.Reader) (string, error) {
	var b strings.Builder
	length := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		line = strings.TrimRight(line, "\r\n")
		b.WriteString(line + "\n")
		if v, ok := strings.CutPrefix(strings.ToLower(line), "content-length:"); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(v))
		}
		if line == "" {
			break
		}
	}
	body := make([]byte, length)
	_, err := io.ReadFull(r, body)
	return b.String() + string(body), err
}

func respond(answers []exchange, request string) string {
	line, _, _ := strings.Cut(request, "\n")
	line = strings.TrimSuffix(line, " HTTP/1.1")
	for _, e := range answers {
		if e.On != "" && !matches(e.On, line) {
			continue
		}
		text, ok := e.answers(request)
		if !ok {
			continue
		}
		head := fmt.Sprintf("HTTP/1.1 %d Answer\r\nContent-Length: %d\r\n", max(e.Status, 200), len(text))
		for k, v := range e.Headers {
			value, _ := exchange{Where: e.Where, Body: v}.answers(request)
			head += k + ": " + value + "\r\n"
		}
		return head + "\r\n" + text
	}
	return "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot found"
}

func matches(pattern, s string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(s, prefix)
	}
	return pattern == s
}

// serveTCP sends the answers without a pattern as a greeting, then answers each message by the first that fits.
func serveTCP(l net.Listener, answers []exchange) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			for _, e := range answers {
				if e.Where == "" {
					text, _ := e.answers("")
					_, _ = io.WriteString(c, text)
				}
			}
			r := bufio.NewReader(c)
			b := make([]byte, 4096)
			for {
				n, err := r.Read(b)
				if err != nil {
					return
				}
				for _, e := range answers {
					if text, ok := e.answers(string(b[:n])); ok && e.Where != "" {
						_, _ = io.WriteString(c, text)
						break
					}
				}
			}
		}()
	}
}
