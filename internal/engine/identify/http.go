package identify

import (
	"bufio"
	"bytes"
	"net/http"
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/engine/wire"
)

// The request carries a Host that no server knows, which the default site answers.
var httpHello = []byte("GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0 (compatible; Vedette)\r\nAccept: */*\r\nConnection: close\r\n\r\n")

var webProbes = []probe{
	{name: "tls", ports: []uint16{443, 8443, 9443, 4443, 10443, 993, 995, 465, 636, 3269, 990, 5061, 6697, 853, 2376, 6443, 10250, 5986, 8883, 5671, 992, 563, 989},
		rank: 2, hello: clientHello, only: true, match: func([]byte) (Match, bool) { return Match{}, false }},
	{name: "http", ports: []uint16{80, 8080, 8000, 8008, 8081, 8888, 3000, 5000, 9090, 9200, 2375, 5984, 8086, 8500, 9000, 9091, 9093, 15672, 2379, 10255, 8161, 8123, 7474, 3128, 631, 11434, 2019},
		rank: 1, hello: httpHello, match: matchHTTP, ask: askHTTP},
}

var printerProbe = probe{name: "jetdirect", hello: []byte("\x1b%-12345X@PJL INFO ID\r\n\x1b%-12345X\r\n\r\n"), match: matchPJL, only: true}

func matchPJL(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("@PJL")) {
		return Match{}, false
	}
	m := Match{Name: "jetdirect"}
	if f := pattern(`"([^"]{1,80})"`).FindSubmatch(b); f != nil {
		m.product(strings.ToLower(string(f[1])), "", "", toldExactly)
	}
	return m, true
}

// clearComplaint is how servers answer clear text on a TLS port.
var clearComplaint = regexp.MustCompile(`(?i)plain HTTP|HTTP request to an HTTPS|speaking plain|requires (?:TLS|SSL)|use (?:https|the HTTPS)|This combination of host and port requires TLS`)

func matchHTTP(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("HTTP/1.")) && !bytes.HasPrefix(b, []byte("HTTP/0.")) && !bytes.HasPrefix(b, []byte("HTTP/2")) {
		return matchBareHTML(b)
	}
	if len(b) < 12 || b[8] != ' ' && b[6] != ' ' {
		return Match{}, false
	}
	m := Match{Name: "http"}
	head, body, _ := bytes.Cut(b, []byte("\r\n\r\n"))
	r, err := http.ReadResponse(bufio.NewReaderSize(bytes.NewReader(b), 16<<10), nil)
	if err == nil {
		m.headers(r.Header)
	} else if f := pattern(`(?im)^server:[ \t]*([^\r\n]+)`).FindSubmatch(head); f != nil {
		m.serverHeader(string(f[1]))
	}
	m.maybeTLS = bytes.HasPrefix(b[9:], []byte("400")) && (clearComplaint.Match(body) || len(body) == 0)
	return m, true
}

// matchBareHTML accepts HTTP/0.9, which has no header, and error pages sent without one.
func matchBareHTML(b []byte) (Match, bool) {
	t := bytes.ToLower(bytes.TrimSpace(b[:min(len(b), 256)]))
	if bytes.HasPrefix(t, []byte("<!doctype html")) || bytes.HasPrefix(t, []byte("<html")) || bytes.HasPrefix(t, []byte("<head><title>")) {
		return Match{Name: "http", maybeTLS: clearComplaint.Match(b)}, true
	}
	return Match{}, false
}

// kept are the headers worth keeping as evidence.
var kept = []string{
	"Server", "X-Powered-By", "Via", "Www-Authenticate", "Location", "X-Generator", "X-Aspnet-Version", "X-Aspnetmvc-Version", "X-Jenkins", "X-Drupal-Cache",
	"X-Runtime", "X-Influxdb-Version", "X-Clickhouse-Server-Display-Name", "X-Varnish", "X-Amz-Bucket-Region", "X-Elastic-Product", "Docker-Experimental", "Api-Version",
	"X-Grafana-Id", "X-Gitlab-Meta", "X-Kubernetes-Pf-Flowschema-Uid", "X-Debug-Token", "X-Backend-Server", "X-Nextjs-Cache", "X-Shopify-Stage", "X-Pingback", "X-Confluence-Request-Time", "X-Application-Context",
}

func (m *Match) headers(h http.Header) {
	for _, k := range kept {
		if v := h.Get(k); v != "" {
			if m.Headers == nil {
				m.Headers = map[string]string{}
			}
			m.Headers[k] = wire.Printable([]byte(v), 256)
		}
	}
	if v := h.Get("Server"); v != "" {
		m.serverHeader(v)
	}
	if v := h.Get("X-Powered-By"); v != "" {
		m.poweredBy(v)
	}
	m.headerProducts(h)
}

// askHTTP fetches the page as a browser would and looks at what shows there.
func askHTTP(a *asker, m *Match) {
	w := newBrowser(a)
	defer w.close()
	p := w.get("/")
	if p == nil {
		return
	}
	front := Match{Name: "http"}
	front.headers(p.header)
	if m.take(front); len(front.Headers) > 0 {
		m.Headers = front.Headers
	}
	m.mergeSoftware(front.Software)
	m.Title = p.title
	w.applications(m, p)
	w.libraries(m, p)
	if hash, ok := w.favicon(); ok {
		if m.Headers == nil {
			m.Headers = map[string]string{}
		}
		m.Headers["favicon-mmh3"] = hash
	}
}
