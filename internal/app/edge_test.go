package app

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vedette/vedette/internal/platform/access"
)

type problem struct {
	Type       string
	Title      string
	Status     int
	Detail     string
	Code       string
	Instance   string
	RequestID  string `json:"request_id"`
	StatusText string `json:"status_text"`
	Errors     []struct{ Pointer, Code, Detail string }
}

// refused is must for an answer that is a problem, whole and in its form (RFC 9457).
func (p *program) refused(status int, user, method, path string, body any, headers ...string) problem {
	p.Helper()
	a := p.must(status, user, method, path, body, headers...)
	return p.problem(a, path)
}

func (p *program) problem(a answer, path string) problem {
	p.Helper()
	var out problem
	a.decode(p, &out)
	path, _, _ = strings.Cut(path, "?")
	titles := map[int]string{401: "Unauthorized", 403: "Forbidden", 404: "Record Not Found", 422: "Parameter Error", 409: "Conflict"}
	want := titles[a.Status]
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") || out.Status != a.Status || out.Detail == "" || out.Type != "about:blank" || out.Errors == nil || a.Status == 422 && len(out.Errors) == 0 ||
		out.Title == "" || out.Title != out.StatusText || want != "" && out.Title != want || out.Instance != path || out.RequestID == "" || out.RequestID != a.Header.Get("X-Request-Id") {
		p.Errorf("%s: %d as %s: %s", path, a.Status, a.Header.Get("Content-Type"), a.Body)
	}
	if a.Status == 401 && a.Header.Get("WWW-Authenticate") == "" {
		p.Errorf("%s: 401 without WWW-Authenticate", path)
	}
	return out
}

// names says whether one of the errors has the pointer and the code.
func (x problem) names(pointer, code string) bool {
	for _, e := range x.Errors {
		if e.Pointer == pointer && e.Code == code && e.Detail != "" {
			return true
		}
	}
	return false
}

// raw sends bytes that need not be JSON.
func (p *program) raw(user, method, path, body string, headers ...string) answer {
	p.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+p.token(user))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.app.api.Handler.ServeHTTP(w, r)
	return answer{w.Code, w.Result().Header, w.Body.Bytes()}
}

// TestEdge is about the forms of requests and answers, which are the same for every noun.
func TestEdge(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager, access.Auditor)
		const m = "manager@acme"
		target := p.target(m, "web", "192.0.2.1")
		p.badRequests(m, target)
		p.wellFormed(m, target)
		p.bulk(m)
		p.lists(m)
		p.updates(m, target)
	})
}

func (p *program) badRequests(m, target string) {
	p.Helper()
	for name, body := range map[string]string{
		"malformed": `{"target": `, "no object": `[1]`, "empty": ``, "nothing": `{}`, "null": `null`, "wrong kind": `{"target": {"name": 7, "hosts": ["192.0.2.3"]}}`,
		"hosts of numbers": `{"target": {"name": "x", "hosts": [1]}}`, "unwrapped": `{"name": "x", "hosts": ["192.0.2.3"]}`, "not UTF-8": "{\"target\": {\"name\": \"\xff\", \"hosts\": [\"192.0.2.3\"]}}",
		"NUL in a name":    `{"target": {"name": "a\u0000b", "hosts": ["192.0.2.3"], "scope_attestation": {"accepted": true, "name": "A", "title": "B"}}}`,
		"NUL in a comment": `{"target": {"name": "nul", "comment": "a\u0000b", "hosts": ["192.0.2.3"], "scope_attestation": {"accepted": true, "name": "A", "title": "B"}}}`,
		"deep":             strings.Repeat("[", 20_000), "long name": `{"target": {"name": "` + strings.Repeat("x", 201) + `", "hosts": ["192.0.2.3"]}}`,
	} {
		a := p.raw(m, "POST", "/v2/targets", body)
		if a.Status != 422 {
			p.Errorf("%s: %d %s", name, a.Status, a.Body)
			continue
		}
		p.problem(a, "/v2/targets")
	}
	if x := p.refused(422, m, "POST", "/v2/targets", object{"target": object{"name": "x", "hosts": []string{"192.0.2.3"}, "colour": "red"}}); !x.names("/target/colour", "unknown_attribute") {
		p.Errorf("an unknown attribute is told as %+v", x)
	}
	if x := p.refused(422, m, "POST", "/v2/targets", object{"target": object{"hosts": []string{"192.0.2.3"}}}); !x.names("/target/name", "required") {
		p.Errorf("a missing name is told as %+v", x)
	}
	if x := p.refused(422, m, "GET", "/v2/targets?colour=red", nil); !x.names("colour", "unknown_parameter") || !strings.Contains(x.Errors[0].Detail, "per_page") || !strings.Contains(x.Errors[0].Detail, "hosts_count") {
		p.Errorf("an unknown parameter is told as %+v", x)
	}
	if x := p.refused(422, m, "GET", "/v2/targets/"+target+"?colour=red", nil); !x.names("colour", "unknown_parameter") {
		p.Errorf("an unknown parameter is told as %+v", x)
	}
	if x := p.refused(422, m, "GET", "/v2/user/me?colour=red", nil); !strings.Contains(x.Errors[0].Detail, "current_plan") {
		p.Errorf("an unknown parameter is told as %+v", x)
	}
	if a := p.raw(m, "POST", "/v2/targets", `{"target": {"name": "`+strings.Repeat("x", 2<<20)+`"}}`); a.Status != 413 {
		p.Errorf("two MiB: %d %.200s", a.Status, a.Body)
	} else {
		p.problem(a, "/v2/targets")
	}
	p.refused(404, m, "GET", "/v2/nothing", nil)
	p.refused(404, "", "GET", "/v2/nothing", nil)
	if a := p.call(m, "PATCH", "/v2/targets/"+target, nil); a.Status != 405 || !strings.Contains(a.Header.Get("Allow"), "PUT") {
		p.Errorf("PATCH: %d, Allow %s", a.Status, a.Header.Get("Allow"))
	} else {
		p.problem(a, "/v2/targets/"+target)
	}
	for _, id := range []string{"1", "x", target + "x", "00000000-0000-7000-8000-00000000dead", "%00", "..%2f"} {
		for _, path := range []string{"/v2/targets/", "/v2/scans/", "/v2/organizations/", "/v2/users/", "/v2/reports/", "/v2/hosts/", "/v2/vulnerabilities/", "/v2/scanners/", "/v2/port_lists/", "/v2/audit/events/"} {
			if a := p.call("admin", "GET", path+id, nil); a.Status != 404 {
				p.Errorf("%s%s: %d %s", path, id, a.Status, a.Body)
			}
		}
	}
	for _, header := range []string{"Bearer", "Bearer ", "Basic x", "Digest x", "Bearer " + strings.Repeat("x", 600), "nonsense", "Bearer a\tb"} {
		x := p.refused(401, "", "GET", "/v2/targets", nil, "Authorization", header)
		if strings.Contains(x.Detail, "xxx") {
			p.Errorf("the token is repeated: %s", x.Detail)
		}
	}
	p.refused(401, "", "GET", "/v2/targets", nil)
	if x := p.refused(403, "auditor@acme", "POST", "/v2/targets", newTarget("x")); x.Code != "permission_missing" {
		p.Errorf("a role that lacks a permission: %+v", x)
	}
}

var moment = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)

func (p *program) wellFormed(m, target string) {
	p.Helper()
	created := p.must(201, m, "POST", "/v2/targets", newTarget("fresh"))
	id := created.id(p)
	if got := created.Header.Get("Location"); got != "/v2/targets/"+id {
		p.Errorf("Location is %q", got)
	}
	var one struct {
		Data struct {
			ID, Type   string
			Attributes map[string]any
		}
	}
	created.decode(p, &one)
	if one.Data.Type != "target" || one.Data.Attributes["id"] != id {
		p.Errorf("a resource is %s", created.Body)
	}
	for name, v := range one.Data.Attributes {
		if s, ok := v.(string); strings.HasSuffix(name, "_at") && (!ok || !moment.MatchString(s)) {
			p.Errorf("%s is %v", name, v)
		}
		if name != strings.ToLower(name) {
			p.Errorf("%s is not snake_case", name)
		}
	}
	if got := string(p.must(200, m, "DELETE", "/v2/targets/"+id, nil).Body); strings.TrimSpace(got) != `{"data":{"id":"`+id+`","type":"target"}}` {
		p.Errorf("a deletion answers %s", got)
	}
	p.refused(404, m, "GET", "/v2/targets/"+id, nil)
	p.refused(404, m, "DELETE", "/v2/targets/"+id, nil)
	scan := p.must(201, m, "POST", "/v2/scans", object{"scan": object{"name": "by target_id", "target_id": target}})
	if !bytes.Contains(scan.Body, []byte(`"target":{"id":"`+target+`","name":"web"}`)) {
		p.Errorf("a reference is answered as %s", scan.Body)
	}
	if a := p.raw(m, "POST", "/v2/scans", `{"scan": {"name": "without a content type", "target_id": "`+target+`", "comment": "a \\u0000 in words"}}`, "Content-Type", ""); a.Status != 201 {
		p.Errorf("without a content type: %d %s", a.Status, a.Body)
	}
	if x := p.refused(422, m, "POST", "/v2/scans", object{"scan": object{"name": "both", "target": target, "target_id": target}}); !x.names("/scan/target_id", "unknown_attribute") {
		p.Errorf("target and target_id: %+v", x)
	}
	bare := p.must(201, "admin", "POST", "/v2/organizations", object{"organization": object{"name": "bare"}})
	if len(bare.Body) != 0 || !strings.HasPrefix(bare.Header.Get("Location"), "/v2/organizations/") {
		p.Errorf("Create Organization answers %q at %q", bare.Body, bare.Header.Get("Location"))
	}
	full := p.must(201, "admin", "POST", "/v2/organizations", object{"organization": object{"name": "full"}}, "Prefer", "return=representation")
	if full.Header.Get("Location") != "/v2/organizations/"+full.id(p) || full.Header.Get("Preference-Applied") != "return=representation" {
		p.Errorf("Prefer: return=representation answers %v %s", full.Header, full.Body)
	}
	for _, path := range []string{"/v2/targets", "/v2/nothing", "/healthz"} {
		a := p.call(m, "GET", path, nil)
		if a.Header.Get("X-Request-Id") == "" || a.Header.Get("X-Content-Type-Options") != "nosniff" || a.Header.Get("Cache-Control") != "no-store" {
			p.Errorf("%s: %v", path, a.Header)
		}
	}
}

func (p *program) bulk(m string) {
	p.Helper()
	var ids []string
	for i := range 5 {
		ids = append(ids, p.target(m, fmt.Sprint("bulk ", i), "192.0.2.50"))
	}
	left := func(want int) {
		p.Helper()
		var list struct{ Data []any }
		p.must(200, m, "GET", "/v2/targets?q[name]=bulk*", nil).decode(p, &list)
		if len(list.Data) != want {
			p.Errorf("%d are left, want %d", len(list.Data), want)
		}
	}
	strange := "00000000-0000-7000-8000-00000000dead"
	p.refused(422, m, "DELETE", "/v2/targets", nil)
	p.refused(422, m, "DELETE", "/v2/targets", object{"ids": []string{}})
	p.refused(422, m, "DELETE", "/v2/targets?ids=", nil)
	p.refused(404, m, "DELETE", "/v2/targets", object{"ids": []string{ids[0], strange}})
	p.refused(404, m, "DELETE", "/v2/targets?ids="+ids[0]+",x", nil)
	p.refused(404, m, "DELETE", "/v2/targets", object{"ids": []string{ids[0], ""}})
	tooMany := make([]string, 1001)
	for i := range tooMany {
		tooMany[i] = fmt.Sprintf("00000000-0000-7000-8000-%012d", i)
	}
	p.refused(422, m, "DELETE", "/v2/targets", object{"ids": tooMany})
	p.refused(422, m, "DELETE", "/v2/targets?ids="+strings.Join(tooMany, ","), nil)
	p.refused(404, m, "DELETE", "/v2/targets", object{"ids": tooMany[:1000]})
	p.refused(422, m, "DELETE", "/v2/targets", object{"ids": []string{ids[0]}, "all": true})
	left(5)
	refs := func(a answer) (out []string) {
		var list struct{ Data []struct{ ID, Type string } }
		a.decode(p, &list)
		for _, d := range list.Data {
			if d.Type != "target" {
				p.Errorf("%s", a.Body)
			}
			out = append(out, d.ID)
		}
		return out
	}
	if got := refs(p.must(200, m, "DELETE", "/v2/targets", object{"ids": []string{ids[2], ids[0], ids[2], strings.ToUpper(ids[0])}})); !slices.Equal(got, []string{ids[2], ids[0]}) {
		p.Errorf("a bulk deletion answers %v", got)
	}
	if got := refs(p.must(200, m, "DELETE", "/v2/targets?ids="+ids[4]+",%20"+ids[1], nil)); !slices.Equal(got, []string{ids[4], ids[1]}) {
		p.Errorf("a bulk deletion answers %v", got)
	}
	left(1)
}

func (p *program) lists(m string) {
	p.Helper()
	p.must(201, m, "POST", "/v2/targets", object{"target": object{"name": "=HYPERLINK(1)", "hosts": "192.0.2.60, 192.0.2.61\n192.0.2.62", "comment": "a,\"b\"\nc",
		"scope_attestation": object{"accepted": true, "name": "Ada", "title": "CTO"}}})
	var list struct {
		Data []struct {
			Type       string
			Attributes map[string]any
		}
		Meta struct{ Pagination map[string]any }
	}
	a := p.must(200, m, "GET", "/v2/targets?per_page=2&sort_by=name", nil)
	a.decode(p, &list)
	if len(list.Data) != 2 || list.Meta.Pagination["total_count"] != 3.0 || list.Meta.Pagination["total_pages"] != 2.0 || list.Meta.Pagination["per_page"] != 2.0 ||
		list.Meta.Pagination["current_page"] != 1.0 || list.Meta.Pagination["next_cursor"] == nil {
		p.Errorf("a list is %s", a.Body)
	}
	if links := strings.Join(a.Header.Values("Link"), ", "); !strings.Contains(links, `rel="next"`) || !strings.Contains(links, `rel="last"`) {
		p.Errorf("Link is %s", links)
	}
	a = p.must(200, m, "GET", "/v2/targets?per_page=2&page=9", nil)
	if !bytes.Contains(a.Body, []byte(`"data":[]`)) {
		p.Errorf("a page behind the end is %s", a.Body)
	}
	p.refused(422, m, "GET", "/v2/targets?cursor="+fmt.Sprint(list.Meta.Pagination["next_cursor"])+"&sort_by=-name", nil)
	p.refused(422, m, "GET", "/v2/targets?cursor=%00", nil)
	p.refused(422, m, "GET", "/v2/targets?q[name]=%00", nil)
	p.must(200, m, "GET", "/v2/targets?cursor="+fmt.Sprint(list.Meta.Pagination["next_cursor"])+"&sort_by=name", nil)
	sheet := p.must(200, m, "GET", "/v2/targets?per_page=1&sort_by=name", nil, "Accept", "text/csv")
	rows, err := csv.NewReader(bytes.NewReader(sheet.Body)).ReadAll()
	if err != nil || len(rows) != 4 || sheet.Header.Get("Content-Type") != "text/csv; charset=utf-8" || rows[0][0] != "id" || rows[1][1] != "'=HYPERLINK(1)" ||
		!slices.Contains(rows[1], "192.0.2.60; 192.0.2.61; 192.0.2.62") || !slices.Contains(rows[1], "a,\"b\"\nc") {
		p.Errorf("as CSV: %v %v %s", err, sheet.Header, sheet.Body)
	}
	if x := p.call(m, "GET", "/v2/targets?q[colour]=1", nil, "Accept", "text/csv"); x.Status != 422 {
		p.Errorf("a bad filter as CSV: %d", x.Status)
	}
}

func (p *program) updates(m, target string) {
	p.Helper()
	path := "/v2/targets/" + target
	p.must(200, m, "PUT", path, object{"target": object{"comment": "kept"}})
	if x := p.refused(422, m, "PUT", path, object{"target": object{}}); !x.names("/target", "empty") {
		p.Errorf("an update without attributes: %+v", x)
	}
	p.refused(422, m, "PUT", path, object{})
	p.refused(422, m, "PUT", path, object{"target": object{"id": target}})
	p.refused(422, m, "PUT", path, object{"target": object{"name": nil}})
	p.refused(422, m, "PUT", path, object{"target": object{"hosts": nil}})
	var one struct {
		Data struct {
			Attributes struct{ Name, Comment string }
		}
	}
	p.must(200, m, "PUT", path, object{"target": object{"name": "renamed"}}).decode(p, &one)
	if one.Data.Attributes.Name != "renamed" || one.Data.Attributes.Comment != "kept" {
		p.Errorf("an update of the name leaves %+v", one)
	}
	p.must(200, m, "PUT", path, object{"target": object{"comment": nil}}).decode(p, &one)
	if one.Data.Attributes.Name != "renamed" || one.Data.Attributes.Comment != "" {
		p.Errorf("null leaves %+v", one)
	}
}

// TestIdempotencyKey: what is sent twice with one key happens once.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		org := p.organization("admin", "acme", access.Manager, access.User)
		const m = "manager@acme"
		body, key := newTarget("once"), []string{"Idempotency-Key", "k1"}
		first := p.must(201, m, "POST", "/v2/targets", body, key...)
		same := func(name string, first, again answer) {
			p.Helper()
			if again.Status != first.Status || strings.TrimSpace(string(again.Body)) != strings.TrimSpace(string(first.Body)) || again.Header.Get("Location") != first.Header.Get("Location") ||
				again.Header.Get("Content-Type") != first.Header.Get("Content-Type") || again.Header.Get("Idempotent-Replayed") != "true" {
				p.Errorf("%s again: %d %v %s\nfirst: %d %v %s", name, again.Status, again.Header, again.Body, first.Status, first.Header, first.Body)
			}
		}
		same("a target", first, p.call(m, "POST", "/v2/targets", body, key...))
		if x := p.refused(422, m, "POST", "/v2/targets", newTarget("other"), key...); !x.names("Idempotency-Key", "reused") {
			p.Errorf("the key with another body: %+v", x)
		}
		p.must(422, "user@acme", "POST", "/v2/targets", body, key...) // the name is taken: another caller's key is another key
		p.refused(422, m, "POST", "/v2/targets", body, "Idempotency-Key", strings.Repeat("k", 256))
		p.refused(422, m, "POST", "/v2/targets", newTarget(""), "Idempotency-Key", "k2")
		p.must(201, m, "POST", "/v2/targets", newTarget("after a refusal"), "Idempotency-Key", "k2")

		org2 := object{"organization": object{"name": "bare"}}
		bare := p.must(201, "admin", "POST", "/v2/organizations", org2, key...)
		same("an organization", bare, p.call("admin", "POST", "/v2/organizations", org2, key...))
		asked := []string{"Idempotency-Key", "k3", "Prefer", "return=representation"}
		full := p.must(201, "admin", "POST", "/v2/organizations", object{"organization": object{"name": "full"}}, asked...)
		same("a shown organization", full, p.call("admin", "POST", "/v2/organizations", object{"organization": object{"name": "full"}}, asked...))
		u := object{"user": object{"email": "once@example.org", "role": "user", "organization": org, "password": password}}
		user := p.must(201, m, "POST", "/v2/users", u, key...)
		same("a user", user, p.call(m, "POST", "/v2/users", u, key...))
		scan := p.scan(m, "one", first.id(p))
		started := p.must(200, m, "POST", "/v2/scans/"+scan+"/start", nil, key...)
		same("a start", started, p.call(m, "POST", "/v2/scans/"+scan+"/start", nil, key...))
		p.refused(409, m, "POST", "/v2/scans/"+scan+"/start", nil)

		p.must(200, "", "POST", "/v2/auth/sign_in", object{"username": m, "password": password}, key...)
		p.must(401, "", "POST", "/v2/auth/sign_in", object{"username": m, "password": "not this one"}, key...)
		p.twins(m)
		p.clock.Move(25 * 60 * 60 * 1e9)
		p.tokens = map[string]string{}
		if a := p.call(m, "POST", "/v2/targets", newTarget("another day"), key...); a.Status != 201 {
			p.Errorf("the key a day later: %d %s", a.Status, a.Body)
		}
	})
}

// twins are sent at the same moment: one row, and each answer is the first or a conflict.
func (p *program) twins(m string) {
	p.Helper()
	p.token(m)
	answers := make([]answer, 20)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = p.call(m, "POST", "/v2/targets", newTarget("twin"), "Idempotency-Key", "twins") })
	}
	all.Wait()
	made := map[string]bool{}
	for _, a := range answers {
		switch a.Status {
		case 201:
			made[a.id(p)] = true
		case 409:
			var x problem
			if json.Unmarshal(a.Body, &x) != nil || x.Code != "idempotency_twin" {
				p.Errorf("a twin: %s", a.Body)
			}
		default:
			p.Errorf("a twin: %d %s", a.Status, a.Body)
		}
	}
	var list struct{ Data []any }
	p.must(200, m, "GET", "/v2/targets?q[name]=twin", nil).decode(p, &list)
	if len(made) != 1 || len(list.Data) != 1 {
		p.Errorf("twenty twins made %d, and %d rows are there", len(made), len(list.Data))
	}
}

// TestActingFor: a partner acts below itself, nobody sideways or up.
func TestActingFor(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		reseller := p.organization("admin", "reseller", access.Partner, access.Manager)
		child := p.organization("partner@reseller", "child", access.Manager)
		side := p.organization("admin", "side", access.Partner, access.Manager)
		target := p.target("manager@child", "web", "192.0.2.1")
		as := func(org string) []string { return []string{"X-Organization-Id", org} }
		p.must(200, "partner@reseller", "GET", "/v2/targets/"+target, nil, as(child)...)
		p.must(200, "partner@reseller", "GET", "/v2/targets/"+target, nil, as(strings.ToUpper(child))...)
		p.must(200, "admin", "GET", "/v2/targets/"+target, nil, as(child)...)
		made := p.must(201, "partner@reseller", "POST", "/v2/targets", newTarget("by the partner"), as(child)...).id(p)
		p.must(200, "manager@child", "GET", "/v2/targets/"+made, nil)
		p.refused(404, "partner@reseller", "GET", "/v2/targets/"+target, nil)
		for user, orgs := range map[string][]string{
			"partner@reseller": {side, "nonsense", "00000000-0000-7000-8000-00000000dead", access.Installation}, "manager@reseller": {child, side},
			"manager@child": {reseller, side, access.Installation}, "partner@side": {child, reseller},
		} {
			for _, org := range orgs {
				p.refused(404, user, "GET", "/v2/targets", nil, as(org)...)
				p.refused(404, user, "POST", "/v2/targets", newTarget("x"), as(org)...)
			}
		}
		p.must(200, "manager@child", "GET", "/v2/user/me", nil, as(side)...) // about oneself it says nothing
		p.must(200, "manager@child", "GET", "/v2/targets", nil, as(child)...)
		// products of one call
		p.must(200, "manager@child", "GET", "/v2/targets?product=vrms", nil)
		if x := p.refused(422, "manager@child", "GET", "/v2/targets?product=shoes", nil); !strings.Contains(x.Detail, "vrms") {
			p.Errorf("an unknown product: %+v", x)
		}
		p.refused(404, "manager@child", "GET", "/v2/targets/"+target+"?product=vrms", nil)
		v := p.must(201, "manager@child", "POST", "/v2/targets?product=vrms", newTarget("web"))
		if !bytes.Contains(v.Body, []byte(`"app_type":"vrms"`)) {
			p.Errorf("made with ?product=vrms: %s", v.Body)
		}
	})
}

// TestLimits has small limits of its own.
func TestLimits(t *testing.T) {
	t.Parallel()
	p := start(t, "sqlite", "VEDETTE_API_SIGN_IN_LIMIT=3", "VEDETTE_API_RATE_LIMIT=5")
	token := p.token("admin")
	limited := func(a answer, path, limit string) {
		p.Helper()
		if a.Status != 429 || a.Header.Get("Retry-After") == "" || a.Header.Get("Retry-After") == "0" || a.Header.Get("RateLimit-Limit") != limit ||
			a.Header.Get("RateLimit-Remaining") != "0" || a.Header.Get("RateLimit-Reset") == "" {
			p.Errorf("%s: %d %v %s", path, a.Status, a.Header, a.Body)
		}
		p.problem(a, path)
	}
	for range 5 {
		if a := p.must(200, "admin", "GET", "/v2/targets", nil); a.Header.Get("RateLimit-Limit") != "5" {
			p.Errorf("%v", a.Header)
		}
	}
	limited(p.call("admin", "GET", "/v2/targets", nil), "/v2/targets", "5")
	for range 2 {
		p.must(401, "", "POST", "/v2/auth/sign_in", object{"username": "nobody", "password": "wrong password"})
	}
	limited(p.call("", "POST", "/v2/auth/sign_in", object{"username": "admin", "password": password}), "/v2/auth/sign_in", "3")
	p.clock.Move(60 * 1e9)
	p.must(200, "", "POST", "/v2/auth/sign_in", object{"username": "admin", "password": password})
	if p.must(200, "admin", "GET", "/v2/targets", nil); p.tokens["admin"] != token {
		p.Error("another token")
	}
	if a := p.must(http.StatusOK, "", "GET", "/healthz", nil); a.Header.Get("RateLimit-Limit") != "" {
		p.Error("health checks are limited")
	}
}
