package web

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	maxLinks  = 2000
	maxForms  = 50
	maxFields = 50
	maxLink   = 2000 // bytes
)

// document is what one page of HTML refers to.
type document struct {
	base    string
	title   string
	links   []string // as written
	scripts []string // sources of scripts, as written
	inline  []string // scripts within the page
	forms   []form
}

// form is one HTML form with the values it would send.
type form struct {
	method string
	action string
	fields []field
}

type field struct {
	name, value, kind string
}

// parseHTML reads what a page refers to, whatever the bytes are.
func parseHTML(b []byte) *document {
	d := &document{}
	root, err := html.Parse(bytes.NewReader(b))
	if err != nil {
		return d
	}
	d.walk(root, 0)
	return d
}

func (d *document) walk(n *html.Node, depth int) {
	if depth > 500 {
		return
	}
	if n.Type == html.ElementNode {
		d.element(n)
		if n.DataAtom == atom.Form && len(d.forms) < maxForms {
			d.forms = append(d.forms, form{method: strings.ToUpper(attribute(n, "method")), action: attribute(n, "action")})
			for c := n.FirstChild; c != nil; c = c.NextSibling {
				d.fields(c, len(d.forms)-1, depth)
			}
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		d.walk(c, depth+1)
	}
}

func (d *document) element(n *html.Node) {
	switch n.DataAtom {
	case atom.A, atom.Area, atom.Link:
		d.link(attribute(n, "href"))
	case atom.Iframe, atom.Frame, atom.Img, atom.Embed, atom.Source:
		d.link(attribute(n, "src"))
	case atom.Script:
		if src := attribute(n, "src"); src != "" {
			if len(d.scripts) < maxLinks && len(src) <= maxLink {
				d.scripts = append(d.scripts, src)
			}
		} else if n.FirstChild != nil && len(d.inline) < 50 {
			d.inline = append(d.inline, n.FirstChild.Data)
		}
	case atom.Base:
		if d.base == "" {
			d.base = attribute(n, "href")
		}
	case atom.Meta:
		if strings.EqualFold(attribute(n, "http-equiv"), "refresh") {
			if _, to, ok := strings.Cut(strings.ToLower(attribute(n, "content")), "url="); ok {
				content := attribute(n, "content")
				d.link(strings.Trim(content[max(0, len(content)-len(to)):], `'" `))
			}
		}
	case atom.Title:
		if d.title == "" && n.FirstChild != nil {
			d.title = strings.TrimSpace(n.FirstChild.Data)
		}
	}
}

func (d *document) link(to string) {
	if to != "" && len(to) <= maxLink && len(d.links) < maxLinks {
		d.links = append(d.links, to)
	}
}

func (d *document) fields(n *html.Node, at, depth int) {
	if depth > 500 {
		return
	}
	if n.Type == html.ElementNode && len(d.forms[at].fields) < maxFields {
		if name := attribute(n, "name"); name != "" && len(name) < 200 {
			switch n.DataAtom {
			case atom.Input, atom.Button:
				d.forms[at].fields = append(d.forms[at].fields, field{name, attribute(n, "value"), strings.ToLower(attribute(n, "type"))})
			case atom.Textarea:
				d.forms[at].fields = append(d.forms[at].fields, field{name, text(n), "textarea"})
			case atom.Select:
				d.forms[at].fields = append(d.forms[at].fields, field{name, firstOption(n), "select"})
			}
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		d.fields(c, at, depth+1)
	}
}

func text(n *html.Node) string {
	if n.FirstChild == nil || n.FirstChild.Type != html.TextNode {
		return ""
	}
	return n.FirstChild.Data
}

func firstOption(n *html.Node) string {
	for c := range n.Descendants() {
		if c.DataAtom == atom.Option {
			if v := attribute(c, "value"); v != "" {
				return v
			}
			if c.FirstChild != nil {
				return strings.TrimSpace(c.FirstChild.Data)
			}
		}
	}
	return ""
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}
