package web

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// context looks at where a harmless value stands in the page when no element of ours passed, and tries what matters
// there: to leave an attribute, to be a link that is a script, to leave a string of a script or to stand in its code.
func (s *scan) context(sp spot, shown *httpwire.Response, plain string) bool {
	root, err := html.Parse(bytes.NewReader(shown.Body))
	if err != nil {
		return false
	}
	var inAttribute, isLink, inScript bool
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		inScript = inScript || isProgram(n) && strings.Contains(n.FirstChild.Data, plain)
		for _, a := range n.Attr {
			inAttribute = inAttribute || strings.Contains(a.Val, plain)
			isLink = isLink || followed(n, a.Key) && strings.HasPrefix(a.Val, plain)
		}
	}
	return inAttribute && s.leavesAttribute(sp) || isLink && s.scriptLink(sp) || inScript && s.scriptContext(sp)
}

// leavesAttribute sends an attribute of ours, and wants it in the page as one.
func (s *scan) leavesAttribute(sp spot) bool {
	for _, quote := range []string{`"`, `'`, ""} {
		name := "vq" + randomName(8)
		sent := "x" + quote + " " + name + "=" + quote + "1"
		r := s.send(sp, sent)
		if r == nil || !isHTML(r) || !bytes.Contains(r.Body, []byte(name)) {
			continue
		}
		root, err := html.Parse(bytes.NewReader(r.Body))
		if err != nil {
			return false
		}
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && strings.HasPrefix(attribute(n, name), "1") {
				s.reportXSS(sp, r, name)
				return true
			}
		}
	}
	return false
}

// followed tells attributes whose address a browser goes to or loads as a page.
func followed(n *html.Node, key string) bool {
	switch n.DataAtom {
	case atom.A, atom.Area:
		return key == "href"
	case atom.Iframe, atom.Frame:
		return key == "src"
	case atom.Form:
		return key == "action"
	case atom.Button, atom.Input:
		return key == "formaction"
	}
	return false
}

// scriptLink wants a link that begins with the scheme of scripts.
func (s *scan) scriptLink(sp spot) bool {
	link := "javascript:vq" + randomName(8) + "()"
	r := s.send(sp, link)
	if r == nil || !isHTML(r) {
		return false
	}
	root, err := html.Parse(bytes.NewReader(r.Body))
	if err != nil {
		return false
	}
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			if n.Type == html.ElementNode && followed(n, a.Key) && a.Val == link {
				s.reportXSS(sp, r, link)
				return true
			}
		}
	}
	return false
}

// scriptContext covers values within a script: in a string, whose quote must come back unescaped, and in its code.
func (s *scan) scriptContext(sp spot) bool {
	for _, quote := range []string{`"`, `'`, "`", ""} {
		word := "vq" + randomName(8)
		probe := word + quote + ";" + word + "();" + quote
		r := s.send(sp, probe)
		if r == nil || !isHTML(r) || !bytes.Contains(r.Body, []byte(probe)) {
			continue
		}
		root, err := html.Parse(bytes.NewReader(r.Body))
		if err != nil {
			return false
		}
		for n := range root.Descendants() {
			if !isProgram(n) {
				continue
			}
			if at := strings.Index(n.FirstChild.Data, probe); at > 0 && within(n.FirstChild.Data[:at]) == quote {
				s.reportXSS(sp, r, probe)
				return true
			}
		}
	}
	return false
}

// isProgram tells scripts that a browser runs from those that hold data.
func isProgram(n *html.Node) bool {
	if n.Type != html.ElementNode || n.DataAtom != atom.Script || n.FirstChild == nil {
		return false
	}
	kind := strings.ToLower(attribute(n, "type"))
	return kind == "" || kind == "module" || strings.Contains(kind, "javascript") || strings.Contains(kind, "ecmascript")
}

// within says what is open at the end of a script's text: a string by its quote, a comment by its start, nothing by "".
func within(script string) string {
	in := ""
	for i := 0; i < len(script); i++ {
		switch c := script[i]; {
		case in == "/*":
			if c == '*' && strings.HasPrefix(script[i:], "*/") {
				in = ""
				i++
			}
		case in == "//":
			if c == '\n' {
				in = ""
			}
		case in != "":
			switch {
			case c == '\\':
				i++
			case string(c) == in, c == '\n' && in != "`":
				in = ""
			}
		case c == '"' || c == '\'' || c == '`':
			in = string(c)
		case strings.HasPrefix(script[i:], "//"), strings.HasPrefix(script[i:], "/*"):
			in = script[i : i+2]
			i++
		}
	}
	return in
}
