package docs

import (
	"bytes"
	"html/template"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

var renderer = goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))

// markdown makes HTML of one of our own texts, with the headings below its title. Links to its sister files become links to their
// pages. Raw HTML in a text is left out.
func markdown(source []byte) (template.HTML, []heading, error) {
	tree := renderer.Parser().Parse(text.NewReader(source))
	var headings []heading
	err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			n.Destination = []byte(pageOf(string(n.Destination)))
		case *ast.Heading:
			if id, ok := n.AttributeString("id"); ok && n.Level == 2 {
				headings = append(headings, heading{ID: string(id.([]byte)), Title: plain(n, source)})
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return "", nil, err
	}
	var out bytes.Buffer
	if err := renderer.Renderer().Render(&out, source, tree); err != nil {
		return "", nil, err
	}
	html := strings.NewReplacer("<table>", `<div class="wide"><table>`, "</table>", "</table></div>", "<pre>", `<pre tabindex="0">`).Replace(out.String())
	return template.HTML(html), headings, nil // goldmark escapes what it is given
}

func pageOf(link string) string {
	name, fragment, has := strings.Cut(link, "#")
	for _, c := range chapters {
		if c.file == name {
			if has {
				return c.Path + "#" + fragment
			}
			return c.Path
		}
	}
	return link
}

func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(source))
		}
		return ast.WalkContinue, nil
	}) // the visitor gives no error
	return b.String()
}
