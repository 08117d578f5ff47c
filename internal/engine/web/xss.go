package web

import (
	"bytes"
	"regexp"
	"strings"

	"golang.org/x/net/html"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// crossSite looks for markup of ours in the answer: reflected cross-site scripting. An element with a name of our own
// must stand in the page as an element; text, comments and attributes do not count.
func (s *scan) crossSite(sp spot) bool {
	plain := randomName(10)
	r := s.send(sp, plain)
	if r == nil || !isHTML(r) || !bytes.Contains(r.Body, []byte(plain)) {
		s.sow(sp)
		return false
	}
	for _, prefix := range []string{"", `">`, `'>`, `--></script></title></textarea></style>"'>`} {
		tag := "vq" + randomName(6)
		s.sowed(tag, sp)
		r := s.send(sp, prefix+"<"+tag+" onx=1>")
		if r != nil && holdsElement(r, tag) {
			s.reportXSS(sp, r, tag)
			return true
		}
	}
	return s.context(sp, r, plain)
}

// sow sends an element of ours by a form that does not show it at once; harvest looks where it may have gone.
func (s *scan) sow(sp spot) {
	if sp.method == "POST" || sp.method == inJSON || sp.method == inHeader {
		tag := "vq" + randomName(6)
		s.sowed(tag, sp)
		s.send(sp, `">`+"<"+tag+" onx=1>")
	}
}

func (s *scan) sowed(tag string, sp spot) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if len(s.tags) < 1000 {
		s.tags[tag] = sp
	}
}

const maxHarvest = 40

var sownTag = regexp.MustCompile(`<(vq[a-z]{6})`)

// harvest reads the pages again and looks for elements that were sent elsewhere: stored cross-site scripting.
func (s *scan) harvest() {
	if len(s.tags) == 0 {
		return
	}
	var pages []page
	for _, p := range s.site.pages {
		if p.document != nil && p.response.Status == 200 && len(pages) < maxHarvest {
			pages = append(pages, p)
		}
	}
	each(s, pages, func(p page) {
		r, err := s.get(p.target)
		if err != nil {
			return
		}
		for _, m := range sownTag.FindAllStringSubmatch(string(r.Body), 20) {
			if sp, ok := s.tags[m[1]]; ok && holdsElement(r, m[1]) {
				s.report(s.found("web.xss", "web-stored-xss", sp.where(), 98, r, m[0],
					"What is sent in the parameter "+sp.name()+" stands unescaped in the page "+p.target+" afterwards."))
				return
			}
		}
	})
}

func (s *scan) reportXSS(sp spot, r *httpwire.Response, shown string) {
	s.report(s.found("web.xss", "web-reflected-xss", sp.where(), 98, r, shown,
		"The parameter "+sp.name()+" is written into the page unescaped: the element that was sent stands in it."))
}

// holdsElement says whether a page, as a browser reads it, has an element of this name that was sent with an event
// attribute.
func holdsElement(r *httpwire.Response, tag string) bool {
	if !isHTML(r) || !bytes.Contains(r.Body, []byte("<"+tag)) {
		return false
	}
	root, err := html.Parse(bytes.NewReader(r.Body))
	if err != nil {
		return false
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == tag {
			return attribute(n, "onx") == "1"
		}
	}
	return false
}

// splitHeader looks for a header field of ours in the answer: response splitting through a parameter.
func (s *scan) splitHeader(sp spot) {
	for _, breaks := range []string{"\r\n", "\n", "\r"} {
		mark := randomName(10)
		r := s.send(sp, sp.value()+breaks+"X-Vq-"+mark+": 1")
		if r != nil && r.Header.Get("X-Vq-"+mark) == "1" {
			s.report(s.found("web.crlf", "web-response-splitting", sp.where(), 98, r, "X-Vq-", "Line ends in the parameter "+sp.name()+" add header fields to the answer."))
			return
		}
	}
}

// splitPath does the same through the path, as servers do that redirect with a decoded path.
func (s *scan) splitPath(folder string) {
	for _, breaks := range []string{"%0d%0a", "%0a", "%E5%98%8D%E5%98%8A"} {
		mark := randomName(10)
		r, err := s.get(strings.TrimSuffix(folder, "/") + "/" + breaks + "X-Vq-" + mark + ":%201")
		if err == nil && r.Header.Get("X-Vq-"+mark) == "1" {
			s.report(s.found("web.crlf", "web-response-splitting", folder, 98, r, "X-Vq-", "Line ends in the path add header fields to the answer."))
			return
		}
	}
}
