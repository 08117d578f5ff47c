package web

import (
	"encoding/xml"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// site is what the crawler found.
type site struct {
	pages   []page
	folders []string // with a slash at the end, in the order found
	files   []string // paths that exist or are linked
	scripts []string // paths of JavaScript on this target
	points  []point  // where values go in
	objects []point  // that take an object in JSON
	named   map[string]bool
}

// page is one answer, kept for the passive checks.
type page struct {
	target   string
	response *httpwire.Response
	document *document
}

// point is one place that takes values: a URL or form with its parameters.
type point struct {
	method string
	path   string
	params []param
	from   string // the page it was found on

	numbers map[string]bool // in JSON, the names whose values are numbers
}

type param struct{ name, value string }

// crawler walks a target breadth first, within bounds, and asks for each kind of URL a few times only.
type crawler struct {
	s     *scan
	site  *site
	queue []step
	asked map[string]bool
	kinds map[string]int // by path and parameter names: pages that differ in values only
	known map[string]bool
	tried int
}

type step struct {
	target string
	depth  int
	guess  bool // nobody linked it
}

const (
	maxPoints  = 200
	maxFolders = 150
	maxFiles   = 1000
	perKind    = 3
)

func crawl(s *scan) *site {
	c := &crawler{
		s: s, site: &site{named: map[string]bool{}}, asked: map[string]bool{}, kinds: map[string]int{}, known: map[string]bool{},
	}
	c.add("/", 0)
	for _, u := range s.target.Host.URLs {
		c.follow("/", u, 0)
	}
	c.robots()
	c.sitemap("/sitemap.xml", 0)
	for _, f := range usualFolders {
		c.queue = append(c.queue, step{target: "/" + f + "/", depth: 1, guess: true})
	}
	c.walk()
	c.offers()
	c.walk()
	return c.site
}

// walk visits what is queued, within the bounds of the run.
func (c *crawler) walk() {
	o := c.s.options
	for ; len(c.queue) > 0 && c.tried < 4*o.MaxPages && len(c.site.pages) < o.MaxPages && c.s.ctx.Err() == nil && !c.s.client.Down(); c.tried++ {
		next := c.queue[0]
		c.queue = c.queue[1:]
		c.visit(next)
	}
}

func (c *crawler) follow(from, link string, depth int) {
	if target, ok := c.s.client.Resolve(from, link); ok {
		c.add(target, depth)
	}
}

// add queues a target once, and notes its folders, file and parameters.
func (c *crawler) add(target string, depth int) {
	if len(target) > maxLink || depth > c.s.options.MaxDepth || c.asked[target] || len(c.queue) > 5000 || leaves(target) {
		return
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return
	}
	c.asked[target] = true
	c.note(u)
	kind := u.Path
	for name := range u.Query() {
		kind += "&" + name
	}
	if u.RawQuery != "" {
		c.point("GET", u.EscapedPath(), queryParams(u.RawQuery), target)
	}
	if c.kinds[kind]++; c.kinds[kind] > perKind {
		return
	}
	c.queue = append(c.queue, step{target: target, depth: depth})
}

// leaves tells links that would end a session or change something by being followed.
func leaves(target string) bool {
	lower := strings.ToLower(target)
	for _, w := range []string{"logout", "signout", "sign-out", "log-out", "logoff", "delete", "remove", "unsubscribe", "shutdown"} {
		if strings.Contains(lower, w) {
			return true
		}
	}
	return false
}

func queryParams(raw string) []param {
	var all []param
	for one := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(one, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if n != "" && err1 == nil && err2 == nil && len(all) < maxFields {
			all = append(all, param{n, v})
		}
	}
	return all
}

func (c *crawler) note(u *url.URL) {
	p := u.EscapedPath()
	if !strings.HasSuffix(p, "/") && !c.known["f"+p] && len(c.site.files) < maxFiles {
		c.known["f"+p] = true
		c.site.files = append(c.site.files, p)
	}
	for folder := path.Dir(p + "x"); ; folder = path.Dir(folder) {
		full := strings.TrimSuffix(folder, "/") + "/"
		if !strings.HasPrefix(full, "/") || c.known["d"+full] || len(c.site.folders) >= maxFolders {
			return
		}
		c.known["d"+full] = true
		c.site.folders = append(c.site.folders, full)
		if full == "/" {
			return
		}
	}
}

func (c *crawler) point(method, at string, params []param, from string) {
	names := make([]string, len(params))
	for i, p := range params {
		names[i] = p.name
	}
	slices.Sort(names)
	key := method + " " + at + " " + strings.Join(names, "&")
	if len(params) == 0 || c.site.named[key] || len(c.site.points) >= maxPoints || leaves(at) {
		return
	}
	c.site.named[key] = true
	c.site.points = append(c.site.points, point{method: method, path: at, params: params, from: from})
}

func (c *crawler) visit(next step) {
	if skipped(next.target) {
		return
	}
	if next.guess && c.asked[next.target] {
		return
	}
	r, err := c.s.get(next.target)
	if err != nil || next.guess && !c.guessed(next.target, r) {
		return
	}
	if to := r.Header.Get("Location"); to != "" && r.Status >= 300 && r.Status < 400 {
		c.follow(next.target, to, next.depth)
	}
	p := page{target: next.target, response: r}
	if isHTML(r) {
		p.document = parseHTML(r.Body)
		if r.Status < 400 {
			c.refer(p, next.depth+1)
		}
	} else if isScript(next.target, r) && r.Status == 200 {
		c.script(next.target)
	} else if isJSON(r) && r.Status == 200 {
		for _, m := range jsonLink.FindAllStringSubmatch(string(r.Body[:min(len(r.Body), 64<<10)]), maxOffers) {
			c.follow(next.target, m[1], next.depth+1)
		}
	}
	c.site.pages = append(c.site.pages, p)
}

// guessed says whether a folder that nobody linked is there, and notes it.
func (c *crawler) guessed(target string, r *httpwire.Response) bool {
	if !c.s.missing.exists(target, r) {
		return false
	}
	c.asked[target] = true
	if u, err := url.ParseRequestURI(target); err == nil {
		c.note(u)
	}
	return true
}

// refer follows what a page refers to.
func (c *crawler) refer(p page, depth int) {
	base := p.target
	if p.document.base != "" {
		if b, ok := c.s.client.Resolve(base, p.document.base); ok {
			base = b
		}
	}
	for _, l := range p.document.links {
		c.follow(base, l, depth)
	}
	for _, src := range p.document.scripts {
		if target, ok := c.s.client.Resolve(base, src); ok {
			if u, err := url.ParseRequestURI(target); err == nil {
				c.note(u)
				c.script(target)
			}
		}
	}
	for _, f := range p.document.forms {
		c.form(base, f)
	}
}

func (c *crawler) script(target string) {
	if !c.known["s"+target] && len(c.site.scripts) < 100 {
		c.known["s"+target] = true
		c.site.scripts = append(c.site.scripts, target)
	}
}

func (c *crawler) form(base string, f form) {
	action := f.action
	if action == "" {
		action = base
	}
	target, ok := c.s.client.Resolve(base, action)
	if !ok {
		return
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return
	}
	c.note(u)
	params := queryParams(u.RawQuery)
	method := "GET"
	if f.method == "POST" {
		method = "POST"
	} else {
		params = nil // a GET form replaces the query of its action
	}
	for _, in := range f.fields {
		if in.kind == "file" || in.kind == "image" || in.kind == "reset" {
			continue
		}
		params = append(params, param{in.name, filling(in)})
	}
	c.point(method, u.EscapedPath(), params, base)
}

// filling is the value a form field gets where the page gives none.
func filling(f field) string {
	if f.value != "" {
		return f.value
	}
	switch f.kind {
	case "email":
		return "probe@example.com"
	case "number", "range":
		return "1"
	case "url":
		return "http://example.com/"
	case "checkbox", "radio":
		return "on"
	}
	return "1"
}

// skipped tells files that hold no links.
func skipped(target string) bool {
	p, _, _ := strings.Cut(target, "?")
	switch strings.ToLower(path.Ext(p)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".ico", ".svg", ".webp", ".woff", ".woff2", ".ttf", ".eot", ".mp4", ".mp3", ".webm", ".pdf", ".zip",
		".gz", ".tgz", ".bz2", ".xz", ".rar", ".7z", ".iso", ".exe", ".msi", ".deb", ".rpm", ".dmg", ".jar", ".war", ".css":
		return true
	}
	return false
}

func isHTML(r *httpwire.Response) bool {
	kind := strings.ToLower(r.Header.Get("Content-Type"))
	if kind == "" {
		return strings.Contains(strings.ToLower(string(r.Body[:min(len(r.Body), 1000)])), "<html")
	}
	return strings.Contains(kind, "html")
}

func isScript(target string, r *httpwire.Response) bool {
	p, _, _ := strings.Cut(target, "?")
	return strings.HasSuffix(strings.ToLower(p), ".js") || strings.Contains(strings.ToLower(r.Header.Get("Content-Type")), "javascript")
}

func (c *crawler) robots() {
	r, err := c.s.get("/robots.txt")
	if err != nil || r.Status != 200 || isHTML(r) {
		return
	}
	for i, line := range strings.Split(string(r.Body[:min(len(r.Body), 64<<10)]), "\n") {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		if !ok || i > 1000 || value == "" {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "allow", "disallow":
			if !strings.ContainsAny(value, "*$") {
				c.follow("/", value, 1)
			} else if at := strings.IndexAny(value, "*$"); at > 1 {
				c.follow("/", value[:strings.LastIndexByte(value[:at], '/')+1], 1)
			}
		case "sitemap":
			if target, ok := c.s.client.Resolve("/", value); ok {
				c.sitemap(target, 0)
			}
		}
	}
}

// sitemap reads the URLs of a sitemap, or of the sitemaps that an index names.
func (c *crawler) sitemap(target string, depth int) {
	if c.known["m"+target] || depth > 2 {
		return
	}
	c.known["m"+target] = true
	r, err := c.s.get(target)
	if err != nil || r.Status != 200 {
		return
	}
	var m struct {
		URLs []string `xml:"url>loc"`
		Maps []string `xml:"sitemap>loc"`
	}
	if xml.Unmarshal(r.Body, &m) != nil {
		return
	}
	for _, u := range m.URLs[:min(len(m.URLs), maxLinks)] {
		c.follow("/", u, 1)
	}
	for _, u := range m.Maps[:min(len(m.Maps), 10)] {
		if next, ok := c.s.client.Resolve("/", u); ok {
			c.sitemap(next, depth+1)
		}
	}
}
