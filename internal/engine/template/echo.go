package template

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/engine/template/dsl"
	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// literals are the texts that an expression holds.
var literals = regexp.MustCompile(`"([^"\\]{3,})"|'([^'\\]{3,})'`)

// pieces are the texts that a matcher may have found in an answer.
func (m *matcher) pieces(vars dsl.Vars) []string {
	var all []string
	for _, item := range m.items {
		switch m.kind {
		case "word":
			if t, err := dsl.CompileText(item); err == nil {
				all = append(all, t.RenderLenient(vars))
			}
		case "dsl":
			for _, l := range literals.FindAllStringSubmatch(item, 50) {
				if t, err := dsl.CompileText(l[1] + l[2]); err == nil {
					all = append(all, t.RenderLenient(vars))
				}
			}
		}
	}
	return all
}

// echo says that all that matched in the answer's body is what the request itself said, and that another path which
// cannot exist repeats it just as well. Such a server repeats anything, which says nothing of the software that the
// template names; that it repeats scripts is for the web stage to find.
func (h *httpRequests) echo(x *execution, req *httpwire.Request, resp *httpwire.Response) bool {
	if !x.template.control || req.Raw != nil || !h.repeats(x.scope, resp) {
		return false
	}
	target, ok := elsewhere(req.Target)
	if !ok {
		return false
	}
	other := *req
	other.Target = target
	answer, err := x.follow(&other, h.redirects, nil)
	if err != nil {
		return false
	}
	s := x.scope.clone()
	s.answers[len(s.answers)-1] = newHTTPAnswer(answer)
	return h.judge(s).matched
}

// repeats says that each piece which matched in the body stands in the request.
func (h *httpRequests) repeats(vars *scope, resp *httpwire.Response) bool {
	sent := string(resp.Sent)
	if plain, err := url.QueryUnescape(sent); err == nil {
		sent += plain
	} else if plain, err := url.PathUnescape(sent); err == nil {
		sent += plain
	}
	body, any := string(resp.Body), false
	for _, m := range h.matchers {
		if m.negative {
			continue
		}
		if m.kind == "regex" || m.kind == "binary" || m.kind == "xpath" {
			return false
		}
		for _, p := range m.pieces(vars) {
			switch {
			case p == "" || !strings.Contains(body, p):
			case !strings.Contains(sent, p):
				return false
			default:
				any = true
			}
		}
	}
	return any
}

// elsewhere changes the last plain part of a target's path into a name that cannot exist; query and what follows stay.
func elsewhere(target string) (string, bool) {
	p, query, asked := strings.Cut(target, "?")
	parts := strings.Split(p, "/")
	for i := len(parts) - 1; i > 0; i-- {
		if parts[i] == "" || strings.ContainsAny(parts[i], `<>"'%();{}$&=`) {
			continue
		}
		parts[i] = dsl.Random(14, "abcdefghijklmnopqrstuvwxyz") + path.Ext(strings.TrimLeft(parts[i], "."))
		if p = strings.Join(parts, "/"); asked {
			p += "?" + query
		}
		return p, true
	}
	return "", false
}
