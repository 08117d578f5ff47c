package web

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

var (
	scriptCookie = regexp.MustCompile(`document\.cookie\s*=\s*["'` + "`" + `]([\w.-]{1,60})=([^"'` + "`" + `;\s]{0,200})`)
	jsonLink     = regexp.MustCompile(`"((?:https?:/)?/[^"\\\s{}<>]{0,400})"`)
	scriptLink   = regexp.MustCompile("[\"'`](/[\\w./-]{0,200}\\?[\\w=&.-]{1,200})[\"'`$]")
	scriptCall   = regexp.MustCompile("(?:fetch|\\.post|\\.put|\\.ajax|axios|request)\\s*\\(\\s*(?:\\{\\s*url\\s*:\\s*)?[\"'`]([\\w./-]{1,200})[\"'`]|\\.open\\(\\s*[\"'`]POST[\"'`]\\s*,\\s*[\"'`]([\\w./-]{1,200})[\"'`]")
	objectName   = regexp.MustCompile(`^\s*["']?([A-Za-z_][\w-]{0,60})["']?\s*:?\s*$`)
)

const (
	maxOffers   = 40
	maxMembers  = 12
	callReach   = 600 // bytes after a call's address within which its object stands
	maxDocument = 512 << 10
)

// offer is a place that takes values, told by something else than a link or a form.
type offer struct {
	method string // GET or JSON
	path   string
	params []param

	numbers map[string]bool
}

// scriptOffers are the addresses that a script calls: those with a query, and those to which it posts an object.
func scriptOffers(script string) (links []string, objects []offer) {
	script = script[:min(len(script), maxDocument)]
	for _, m := range scriptLink.FindAllStringSubmatch(script, maxOffers) {
		links = append(links, m[1])
	}
	for _, m := range scriptCall.FindAllStringSubmatchIndex(script, maxOffers) {
		start, end := m[2], m[3]
		if start < 0 {
			start, end = m[4], m[5]
		}
		reach := script[m[1]:min(len(script), m[1]+callReach)]
		if params := stringified(reach); len(params) > 0 {
			objects = append(objects, offer{method: inJSON, path: script[start:end], params: params})
		}
	}
	return links, objects
}

// stringified are the members of the first object that is made into JSON: JSON.stringify({a: x, "b": y, c}).
func stringified(script string) []param {
	_, rest, ok := strings.Cut(script, "JSON.stringify(")
	rest = strings.TrimSpace(rest)
	if !ok || !strings.HasPrefix(rest, "{") {
		return nil
	}
	var out []param
	for member := range strings.SplitSeq(outermost(rest), ",") {
		m := objectName.FindStringSubmatch(member)
		if m != nil && len(out) < maxMembers && !slices.ContainsFunc(out, func(p param) bool { return p.name == m[1] }) {
			out = append(out, param{m[1], "1"})
		}
	}
	return out
}

// outermost is the text of an object's members without whatever stands in strings' and brackets' depth of their values.
func outermost(object string) string {
	var out strings.Builder
	depth, value := 0, false
	var quote byte
	for i := range len(object) {
		c := object[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
			if depth == 1 && !value {
				out.WriteByte(c)
			}
			continue
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{' || c == '(' || c == '[':
			if depth++; depth == 1 {
				continue
			}
		case c == '}' || c == ')' || c == ']':
			if depth--; depth == 0 {
				return out.String()
			}
		case c == ',' && depth == 1:
			value = false
		}
		if depth == 1 && !value {
			out.WriteByte(c)
		}
		if c == ':' && depth == 1 && quote == 0 {
			value = true
		}
	}
	return "" // it does not end here
}

// description is what is read of an OpenAPI document, version 2 or 3.
type description struct {
	OpenAPI    string                                `json:"openapi"`
	Swagger    string                                `json:"swagger"`
	BasePath   string                                `json:"basePath"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
	Definitions map[string]schema `json:"definitions"`
}

type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"` // a name, or from version 3.1 on several
	Format     string            `json:"format"`
	Example    any               `json:"example"`
	Default    any               `json:"default"`
	Enum       []any             `json:"enum"`
	Properties map[string]schema `json:"properties"`
}

type operation struct {
	Parameters []struct {
		Name    string `json:"name"`
		In      string `json:"in"`
		Schema  schema `json:"schema"`
		Type    string `json:"type"`
		Example any    `json:"example"`
		Default any    `json:"default"`
	} `json:"parameters"`
	RequestBody struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

// describedOffers are the GETs with parameters and the POSTs of objects that an OpenAPI document tells.
func describedOffers(document []byte) []offer {
	var d description
	if len(document) > maxDocument || json.Unmarshal(document, &d) != nil || d.OpenAPI == "" && d.Swagger == "" {
		return nil
	}
	paths := make([]string, 0, len(d.Paths))
	for p := range d.Paths {
		if strings.HasPrefix(p, "/") { // OpenAPI 3.1 section 4.8.8
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	var out []offer
	for _, p := range paths {
		for _, method := range []string{"get", "post"} {
			var o operation
			if raw := d.Paths[p][method]; raw == nil || json.Unmarshal(raw, &o) != nil || len(out) == maxOffers {
				continue
			}
			if made, ok := d.offer(strings.TrimSuffix(d.BasePath, "/")+p, method, &o); ok {
				out = append(out, made)
			}
		}
	}
	return out
}

func (d *description) offer(path, method string, o *operation) (offer, bool) {
	out := offer{method: "GET", path: path, numbers: map[string]bool{}}
	body := o.RequestBody.Content["application/json"].Schema
	for _, p := range o.Parameters {
		s := p.Schema
		if s.Type == nil && p.Type != "" {
			s.Type = p.Type
		}
		if s.Example == nil {
			s.Example = p.Example
		}
		if s.Default == nil {
			s.Default = p.Default
		}
		switch {
		case p.In == "path":
			out.path = strings.ReplaceAll(out.path, "{"+p.Name+"}", d.value(s))
		case p.In == "query" && method == "get" && len(out.params) < maxMembers:
			out.params = append(out.params, param{p.Name, d.value(s)})
		case p.In == "body":
			body = s
		}
	}
	if method == "post" {
		out.method = inJSON
		out.members(d, body)
	}
	usable := len(out.params) > 0 || method == "get" && out.path != path
	return out, usable && !strings.ContainsAny(out.path, "{}") && len(out.path) <= maxLink
}

// members fills in the object that a schema describes.
func (o *offer) members(d *description, s schema) {
	all := d.resolve(s).Properties
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names[:min(len(names), maxMembers)] {
		member := d.resolve(all[name])
		o.params = append(o.params, param{name, d.value(member)})
		o.numbers[name] = isNumber(member)
	}
}

func (d *description) resolve(s schema) schema {
	for range 5 {
		if s.Ref == "" {
			return s
		}
		name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		next, ok := d.Components.Schemas[name]
		if !ok {
			next = d.Definitions[name]
		}
		s = next
	}
	return schema{}
}

func isNumber(s schema) bool {
	kind, _ := s.Type.(string)
	return kind == "integer" || kind == "number"
}

// value is one that the schema allows.
func (d *description) value(s schema) string {
	s = d.resolve(s)
	for _, v := range append([]any{s.Example, s.Default}, s.Enum...) {
		switch v := v.(type) {
		case string:
			if v != "" && len(v) <= 200 {
				return v
			}
		case float64:
			if b, err := json.Marshal(v); err == nil {
				return string(b)
			}
		}
	}
	if s.Format == "email" {
		return "probe@example.com"
	}
	return "1"
}

// descriptions are where frameworks put the description of their interface.
var descriptions = []string{"/openapi.json", "/swagger.json", "/v2/api-docs", "/v3/api-docs", "/api/openapi.json", "/api/swagger.json", "/swagger/v1/swagger.json"}

// offers adds what scripts and descriptions tell to what the crawler found.
func (c *crawler) offers() {
	for _, p := range descriptions {
		r, err := c.s.get(p)
		if err != nil || r.Status != 200 || !isJSON(r) {
			continue
		}
		for _, o := range describedOffers(r.Body) {
			c.offer(p, o)
		}
	}
	for _, p := range slices.Clone(c.site.pages) {
		if p.document != nil {
			for _, script := range p.document.inline {
				c.scripted(p.target, script)
			}
		}
	}
	for _, at := range c.site.scripts[:min(len(c.site.scripts), 20)] {
		if r, err := c.s.get(at); err == nil && r.Status == 200 {
			c.scripted("/", string(r.Body)) // calls are told from the page, not from the script
		}
	}
}

func (c *crawler) scripted(from, script string) {
	links, objects := scriptOffers(script)
	for _, l := range links {
		if target, ok := c.s.client.Resolve(from, l); ok {
			at, query, _ := strings.Cut(target, "?")
			params := queryParams(query)
			for i := range params {
				if params[i].value == "" {
					params[i].value = "1"
				}
			}
			c.offer(from, offer{method: "GET", path: at, params: params})
		}
	}
	for _, o := range objects {
		c.offer(from, o)
	}
}

// offer takes one up: a GET as a page and a point, an object as one that is tried.
func (c *crawler) offer(from string, o offer) {
	target, ok := c.s.client.Resolve(from, o.path)
	if !ok || leaves(target) {
		return
	}
	at, _, _ := strings.Cut(target, "?")
	if o.method == "GET" {
		if len(o.params) > 0 {
			at = joinQuery(at, o.params)
		}
		c.add(at, 1)
		return
	}
	key := inJSON + " " + at
	if c.site.named[key] || len(c.site.objects) >= maxOffers {
		return
	}
	c.site.named[key] = true
	c.site.objects = append(c.site.objects, point{method: inJSON, path: at, params: o.params, from: from, numbers: o.numbers})
}
