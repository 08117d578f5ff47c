// Package docs is the documentation page: the texts of docs/api and a reference made from the OpenAPI document. It is made once, of
// files within the program, and needs nothing from elsewhere.
package docs

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"

	texts "github.com/vedette/vedette/docs"
	"github.com/vedette/vedette/internal/api/docs/openapi"
)

//go:embed page
var files embed.FS

// chapter is a text of docs/api.
type chapter struct {
	Title string
	Path  string
	file  string
}

// chapters in the order of reading; the first is the page itself.
var chapters = []chapter{
	{"Getting Started", "/docs/", "getting-started.md"},
	{"Authentication", "/docs/authentication", "authentication.md"},
	{"Common Error Responses", "/docs/errors", "errors.md"},
	{"Filtering Data", "/docs/filtering", "filtering.md"},
	{"Scans", "/docs/scans", "scans.md"},
	{"Organizations", "/docs/organizations", "organizations.md"},
	{"Plans and Subscriptions", "/docs/plans", "plans.md"},
	{"White Label", "/docs/white-label", "white-label.md"},
	{"Permissions", "/docs/permissions", "permissions.md"},
}

const reference = "/docs/reference"

// page is what the layout shows.
type page struct {
	Title    string
	Path     string
	Chapters []chapter
	Groups   []*group
	Contents []heading // of this page
	Body     template.HTML
}

type heading struct {
	ID    string
	Title string
	Badge string // method of an operation
}

// file is one answer of the handler.
type file struct {
	kind    string
	tag     string
	content []byte
}

// Handler serves everything under /docs/. The pages are made at the first request.
func Handler(document []byte) http.Handler {
	site := sync.OnceValues(func() (map[string]file, error) { return build(document) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all, err := site()
		if err != nil {
			panic(fmt.Errorf("documentation page: %w", err)) // the edge logs and answers it
		}
		f, ok := all[r.URL.Path]
		if !ok {
			f = all["/docs/404"]
		}
		w.Header().Set("Content-Type", f.kind)
		w.Header().Set("Cache-Control", "private, no-cache")
		w.Header().Set("ETag", f.tag)
		if ok && r.Header.Get("If-None-Match") == f.tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write(f.content) // the client is gone if this fails
	})
}

// builder collects the files of the site.
type builder struct {
	layout *template.Template
	groups []*group
	files  map[string]file
	search []entry
}

// entry is what the search box finds.
type entry struct {
	Title string `json:"title"`
	Where string `json:"where"`
	Path  string `json:"path"`
	Words string `json:"words"` // in lower case
}

func build(raw []byte) (map[string]file, error) {
	document, err := openapi.Read(raw)
	if err != nil {
		return nil, err
	}
	layout, err := template.ParseFS(files, "page/*.html")
	if err != nil {
		return nil, err
	}
	b := &builder{layout: layout, files: map[string]file{}}
	if b.groups, err = groupsOf(document); err != nil {
		return nil, err
	}
	for _, step := range []func() error{b.static, b.chapters, b.reference, b.missing, b.index} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b.files, nil
}

func (b *builder) put(path, kind string, content []byte) {
	b.files[path] = file{kind: kind, content: content, tag: fmt.Sprintf(`"%x"`, sha256.Sum256(content))[:34] + `"`}
}

func (b *builder) static() error {
	for name, kind := range map[string]string{"style.css": "text/css; charset=utf-8", "search.js": "text/javascript; charset=utf-8"} {
		content, err := files.ReadFile("page/" + name)
		if err != nil {
			return err
		}
		b.put("/docs/"+name, kind, content)
	}
	return nil
}

func (b *builder) chapters() error {
	for _, c := range chapters {
		source, err := texts.API.ReadFile("api/" + c.file)
		if err != nil {
			return err
		}
		body, headings, err := markdown(source)
		if err != nil {
			return fmt.Errorf("%s: %w", c.file, err)
		}
		if err := b.page(page{Title: c.Title, Path: c.Path, Contents: headings, Body: body}); err != nil {
			return err
		}
		b.search = append(b.search, entry{Title: c.Title, Where: "Guide", Path: c.Path, Words: strings.ToLower(c.Title)})
		for _, h := range headings {
			b.search = append(b.search, entry{Title: h.Title, Where: c.Title, Path: c.Path + "#" + h.ID, Words: strings.ToLower(h.Title + " " + c.Title)})
		}
	}
	return nil
}

func (b *builder) reference() error {
	body, err := b.execute("index", b.groups)
	if err != nil {
		return err
	}
	if err := b.page(page{Title: "Reference", Path: reference, Body: body}); err != nil {
		return err
	}
	for _, g := range b.groups {
		body, err := b.execute("group", g)
		if err != nil {
			return err
		}
		p := page{Title: g.Name, Path: g.Path, Body: body}
		for _, o := range g.Operations {
			p.Contents = append(p.Contents, heading{ID: o.ID, Title: o.Title, Badge: o.Method})
			b.search = append(b.search, entry{Title: o.Title, Where: o.Method + " " + o.Path, Path: g.Path + "#" + o.ID,
				Words: strings.ToLower(strings.Join([]string{o.Title, o.Path, o.ID, g.Name, o.Permission}, " "))})
		}
		if err := b.page(p); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) missing() error {
	return b.page(page{Title: "Not here", Path: "/docs/404", Body: "<h1>There is no such page</h1><p>See <a href=\"/docs/\">Getting Started</a> or the <a href=\"/docs/reference\">reference</a>.</p>"})
}

func (b *builder) index() error {
	raw, err := json.Marshal(b.search)
	b.put("/docs/search.json", "application/json", raw)
	return err
}

func (b *builder) page(p page) error {
	p.Chapters, p.Groups = chapters, b.groups
	var out bytes.Buffer
	if err := b.layout.ExecuteTemplate(&out, "layout", p); err != nil {
		return err
	}
	b.put(p.Path, "text/html; charset=utf-8", out.Bytes())
	return nil
}

func (b *builder) execute(name string, data any) (template.HTML, error) {
	var out bytes.Buffer
	if err := b.layout.ExecuteTemplate(&out, name, data); err != nil {
		return "", err
	}
	return template.HTML(out.String()), nil // made by html/template
}
