package template

import (
	"maps"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/vedette/vedette/internal/engine/template/dsl"
	"github.com/vedette/vedette/internal/engine/web/httpwire"
	"github.com/vedette/vedette/internal/engine/wire"
)

// scope holds the variables of one template while it runs against one target.
type scope struct {
	base      dsl.Map             // the target's, and random texts
	variables dsl.Map             // the template's own
	payload   dsl.Map             // of the current combination
	extracted dsl.Map             // what extractors took so far: the first value of each
	lists     map[string][]string // and all of them
	answers   []dsl.Vars
	protocols map[string]dsl.Vars // the last answer of each protocol, for the template's other blocks
	jarm      func() string       // the target's TLS fingerprint, taken when it is first asked for
	calls     *calls              // names of the collaborator; nil without one
	heard     dsl.Map             // what it heard
}

func newScope(t wire.Target) *scope {
	return &scope{base: targetVars(t), variables: dsl.Map{}, payload: dsl.Map{}, extracted: dsl.Map{}, lists: map[string][]string{}, protocols: map[string]dsl.Vars{}}
}

// keep remembers the last answer of a block for the blocks of other protocols.
func (s *scope) keep(protocol string) {
	for i := len(s.answers) - 1; i >= 0; i-- {
		if s.answers[i] != nil {
			s.protocols[protocol] = s.answers[i]
			return
		}
	}
}

// clone is a scope of its own with the same values.
func (s *scope) clone() *scope {
	return &scope{
		base: s.base, variables: maps.Clone(s.variables), payload: maps.Clone(s.payload), extracted: maps.Clone(s.extracted),
		lists: maps.Clone(s.lists), answers: slices.Clone(s.answers), protocols: s.protocols, jarm: s.jarm,
		calls: s.calls, heard: s.heard,
	}
}

// Lookup implements dsl.Vars. The template's own names go before those of answers.
func (s *scope) Lookup(name string) (any, bool) {
	if strings.HasPrefix(name, "interactsh_") && s.heard != nil {
		if part, _, ok := numbered(name); ok { // interactsh_protocol_2: of the second request, which is the one that was sent
			name = part
		}
		if v, ok := s.heard[name]; ok {
			return v, true
		}
	}
	for _, m := range []dsl.Map{s.extracted, s.payload, s.variables} {
		if v, ok := m[name]; ok {
			return v, true
		}
	}
	if k := len(s.answers); k > 0 && s.answers[k-1] != nil {
		if v, ok := s.answers[k-1].Lookup(name); ok {
			return v, true
		}
	}
	if v, ok := s.base[name]; ok {
		return v, true
	}
	if strings.HasPrefix(name, "randstr") {
		v := dsl.Random(12, "abcdefghijklmnopqrstuvwxyz0123456789")
		s.base[name] = v
		return v, true
	}
	if part, i, ok := numbered(name); ok && i <= len(s.answers) && s.answers[i-1] != nil {
		return s.answers[i-1].Lookup(part)
	}
	if name == "jarm()" && s.jarm != nil {
		return s.jarm(), true
	}
	if protocol, part, ok := strings.Cut(name, "_"); ok && s.protocols[protocol] != nil {
		if number, rest, ok := strings.Cut(part, "_"); ok && number != "" && strings.Trim(number, "0123456789") == "" {
			part = rest // http_1_body: of the first block
		}
		if v, ok := s.protocols[protocol].Lookup(partName(part)); ok {
			return v, true
		}
	}
	if strings.HasPrefix(name, "interactsh-url") || strings.HasPrefix(name, "interactsh_url") {
		if s.calls != nil {
			if v, ok := s.calls.host(name); ok {
				return v, true
			}
		}
		// A name that nobody answers for (RFC 6761, 6.4): without a collaborator no word of the target leaves it.
		v := dsl.Random(16, "abcdefghijklmnopqrstuvwxyz0123456789") + ".oob.invalid"
		s.base[name] = v
		return v, true
	}
	return nil, false
}

// numbered splits body_2 into body and 2.
func numbered(name string) (part string, i int, ok bool) {
	at := strings.LastIndexByte(name, '_')
	if at < 1 {
		return "", 0, false
	}
	i, err := strconv.Atoi(name[at+1:])
	return partName(name[:at]), i, err == nil && i > 0 && i < 1000
}

// targetVars are the names of the target that every template may use.
func targetVars(t wire.Target) dsl.Map {
	host := t.Name()
	if host == "" {
		host = t.Host.Address.String()
	}
	secure := httpwire.Secure(t)
	scheme, port := "http", strconv.Itoa(int(t.Service.Port))
	if secure {
		scheme = "https"
	}
	bracketed := host
	if strings.Contains(host, ":") {
		bracketed = "[" + host + "]"
	}
	authority := bracketed + ":" + port
	if port == "80" && !secure || port == "443" && secure {
		authority = bracketed
	}
	vars := dsl.Map{
		"BaseURL": scheme + "://" + authority, "RootURL": scheme + "://" + authority, "Input": scheme + "://" + authority,
		"Hostname": authority, "Host": bracketed, "Port": port, "Scheme": scheme, "Path": "", "File": "", "Query": "",
		"ip": t.Host.Address.String(), "host": scheme + "://" + authority, "port": port, "scheme": scheme,
	}
	nameVars(vars, host)
	return vars
}

func nameVars(vars dsl.Map, host string) {
	vars["FQDN"] = host
	if _, err := netip.ParseAddr(host); err == nil {
		vars["RDN"], vars["DN"], vars["TLD"], vars["SD"] = host, host, "", ""
		return
	}
	registered, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		registered = host
	}
	suffix, _ := publicsuffix.PublicSuffix(host)
	vars["RDN"], vars["TLD"] = registered, suffix
	vars["DN"] = strings.TrimSuffix(strings.TrimSuffix(registered, suffix), ".")
	vars["SD"] = strings.TrimSuffix(strings.TrimSuffix(host, registered), ".")
}

// httpAnswer gives an answer's parts by name.
type httpAnswer struct {
	resp   *httpwire.Response
	fields map[string]string // header fields and cookies, lower case with underscores
	body   string
	all    string
}

func newHTTPAnswer(r *httpwire.Response) *httpAnswer {
	a := &httpAnswer{resp: r, fields: map[string]string{}, body: string(r.Body)}
	for name, values := range r.Header {
		a.fields[fieldName(name)] = strings.Join(values, " ")
	}
	for _, c := range r.Header["Set-Cookie"] {
		pair, _, _ := strings.Cut(c, ";")
		if name, value, ok := strings.Cut(pair, "="); ok {
			if key := fieldName(strings.TrimSpace(name)); a.fields[key] == "" {
				a.fields[key] = strings.TrimSpace(value)
			}
		}
	}
	return a
}

func fieldName(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }

// Lookup implements dsl.Vars.
func (a *httpAnswer) Lookup(name string) (any, bool) {
	switch name {
	case "status_code":
		return a.resp.Status, true
	case "body":
		return a.body, true
	case "header", "all_headers":
		return a.resp.Head, true
	case "raw", "all", "response":
		if a.all == "" {
			a.all = a.resp.Head + "\r\n" + a.body
		}
		return a.all, true
	case "content_length":
		if n, err := strconv.Atoi(a.fields["content_length"]); err == nil {
			return n, true
		}
		return len(a.body), true
	case "duration":
		return a.resp.Duration.Seconds(), true
	case "request":
		return string(a.resp.Sent), true
	case "matched", "path":
		return a.resp.Target, true
	case "title":
		return title(a.body), true
	}
	v, ok := a.fields[strings.ReplaceAll(name, "-", "_")]
	if !ok && (name == "location" || name == "content_type" || name == "set_cookie" || name == "server") {
		return "", true
	}
	return v, ok
}

func title(body string) string {
	lower := strings.ToLower(body[:min(len(body), 64<<10)])
	start := strings.Index(lower, "<title")
	if start < 0 {
		return ""
	}
	open := strings.IndexByte(lower[start:], '>')
	end := strings.Index(lower[start:], "</title")
	if open < 0 || end < open {
		return ""
	}
	// Case folding may change lengths outside ASCII; the slice is taken from the folded text then.
	if len(lower) == min(len(body), 64<<10) {
		return strings.TrimSpace(body[start+open+1 : start+end])
	}
	return strings.TrimSpace(lower[start+open+1 : start+end])
}

// cookies is the jar of one run of a template: every cookie of the target, whatever its path.
type cookies map[string]string

func (c cookies) take(r *httpwire.Response) {
	for _, line := range r.Header["Set-Cookie"] {
		pair, _, _ := strings.Cut(line, ";")
		name, value, ok := strings.Cut(pair, "=")
		if name = strings.TrimSpace(name); ok && name != "" && len(c) < 50 && len(line) < 8<<10 {
			c[name] = strings.TrimSpace(value)
		}
	}
}

func (c cookies) header() string {
	var all []string
	for name, value := range c {
		all = append(all, name+"="+value)
	}
	return strings.Join(all, "; ")
}

// control turns a request target into a sibling that cannot exist: the answer to it shows what the server says to
// anything. False for the root, which has no sibling.
func control(target string) (string, bool) {
	p, _, _ := strings.Cut(target, "?")
	trailing := strings.HasSuffix(p, "/")
	p = strings.TrimSuffix(p, "/")
	at := strings.LastIndexByte(p, '/')
	if at < 0 || p[at+1:] == "" {
		return "", false
	}
	name := dsl.Random(14, "abcdefghijklmnopqrstuvwxyz") + path.Ext(strings.TrimLeft(p[at+1:], "."))
	if trailing {
		name += "/"
	}
	return p[:at+1] + name, true
}
