package web

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
	"github.com/vedette/vedette/internal/scanlink"
)

// defaultLogins are tried on any login: common names with themselves as password, and a few that come with products.
// No name stands here more than three times, so that no account is locked.
var defaultLogins = []struct{ user, password string }{
	{"admin", "admin"}, {"admin", "password"}, {"admin", ""}, {"root", "root"}, {"root", "toor"}, {"user", "user"}, {"test", "test"}, {"guest", "guest"},
	{"demo", "demo"}, {"administrator", "administrator"}, {"operator", "operator"}, {"manager", "manager"}, {"tomcat", "tomcat"},
}

const maxLogins = 4 // login places that are tried on one target

// guarded are folders that often ask for a login.
var guarded = []string{"/", "/admin/", "/manager/html", "/private/", "/secure/", "/status/"}

// tryLogins tries the default logins where the target asks for one by HTTP (RFC 7617), and on login forms.
func (s *scan) tryLogins() {
	asked := map[string]string{}
	var places []string
	consider := func(target string, r *httpwire.Response) {
		realm := r.Header.Get("Www-Authenticate")
		if r.Status == 401 && strings.HasPrefix(strings.ToLower(realm), "basic") && asked[realm] == "" && len(places) < maxLogins {
			asked[realm] = target
			places = append(places, target)
		}
	}
	for _, p := range s.site.pages {
		consider(p.target, p.response)
	}
	for _, g := range guarded {
		if r, err := s.get(g); err == nil {
			consider(g, r)
		}
	}
	for _, target := range places {
		s.basicLogin(target)
	}
	forms := 0
	for _, p := range s.site.pages {
		if p.document == nil || forms >= maxLogins {
			continue
		}
		for _, f := range p.document.forms {
			if user, password := loginFields(f); user != "" && password != "" && f.method == "POST" {
				forms++
				s.formLogin(p.target)
				break
			}
		}
	}
}

func (s *scan) basicLogin(target string) {
	try := func(user, password string) *httpwire.Response {
		token := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		r, err := s.client.Do(&httpwire.Request{Method: "GET", Target: target, Header: []httpwire.Field{{Name: "Authorization", Value: "Basic " + token}}})
		if err != nil {
			return nil
		}
		return r
	}
	if r := try(randomName(10), randomName(10)); r == nil || r.Status != 401 {
		return // it takes anything, or has gone: no account would mean something
	}
	for _, l := range defaultLogins {
		r := try(l.user, l.password)
		if r == nil || locked(r) {
			return
		}
		if r.Status != 401 && r.Status != 403 && r.Status < 500 {
			s.reportLogin(target, l.user, l.password, r)
		}
	}
}

// locked tells answers that speak of too many tries.
func locked(r *httpwire.Response) bool {
	if r.Status == 429 {
		return true
	}
	text := strings.ToLower(string(r.Body[:min(len(r.Body), 64<<10)]))
	return strings.Contains(text, "too many") || strings.Contains(text, "locked out") || strings.Contains(text, "account is locked") || strings.Contains(text, "captcha")
}

func (s *scan) reportLogin(target, user, password string, r *httpwire.Response) {
	shown := password
	if shown == "" {
		shown = "-"
	}
	f := s.found("creds", "web-default-login", target, 98, r, "", "The login "+user+"/"+shown+" is taken.")
	f.Login, f.QoDType = user+"/"+shown, "remote_active"
	s.reportOnce(f)
}

// reportOnce keeps a finding whose key has the login too.
func (s *scan) reportOnce(f scanlink.Finding) {
	s.lock.Lock()
	defer s.lock.Unlock()
	key := f.Class + " " + f.Check + " " + f.Login
	if !s.seen[key] && len(s.findings) < 500 {
		s.seen[key] = true
		s.findings = append(s.findings, f)
	}
}

// loginFields are the names of a form's user and password fields; a form with two passwords sets one, and is none.
func loginFields(f form) (user, password string) {
	for _, in := range f.fields {
		switch in.kind {
		case "password":
			if password != "" {
				return "", ""
			}
			password = in.name
		case "", "text", "email":
			if password == "" {
				user = in.name
			}
		}
	}
	return user, password
}

// formLogin tries the default logins on the form of a page. What fails looks like the answers to two invented logins.
func (s *scan) formLogin(target string) {
	first, second := s.submitLogin(target, randomName(10), randomName(10)), s.submitLogin(target, randomName(10), randomName(10))
	if first == nil || second == nil || !refusedAlike(first, second) || !first.asksAgain {
		return
	}
	for _, l := range defaultLogins {
		got := s.submitLogin(target, l.user, l.password)
		if got == nil || locked(got.answer) {
			return
		}
		if got.asksAgain || refusedAlike(first, got) || got.answer.Status >= 400 {
			continue
		}
		// An invented login must still be refused, else the form has merely changed its mind.
		if again := s.submitLogin(target, randomName(10), randomName(10)); again == nil || !refusedAlike(first, again) {
			return
		}
		s.reportLogin(target, l.user, l.password, got.answer)
	}
}

// outcome of one submitted login.
type outcome struct {
	answer    *httpwire.Response
	location  string
	asksAgain bool // the page in the end has a password field
	jar       map[string]string
}

func refusedAlike(a, b *outcome) bool {
	return a.answer.Status == b.answer.Status && a.location == b.location && a.asksAgain == b.asksAgain &&
		shapeOf(a.answer, "").similar(shapeOf(b.answer, "")) > 0.9
}

// submitLogin fetches the page afresh, for its tokens and cookies, fills in the form, and follows where it leads.
func (s *scan) submitLogin(target, user, password string) *outcome {
	if s.ctx.Err() != nil {
		return nil
	}
	page, err := s.client.Do(httpwire.Get(target))
	if err != nil || !isHTML(page) {
		return nil
	}
	jar := map[string]string{}
	keepCookies(jar, page)
	for _, f := range parseHTML(page.Body).forms {
		userField, passwordField := loginFields(f)
		if userField == "" || passwordField == "" {
			continue
		}
		values := url.Values{}
		for _, in := range f.fields {
			values.Set(in.name, in.value)
		}
		values.Set(userField, user)
		values.Set(passwordField, password)
		action := f.action
		if action == "" {
			action = target
		}
		to, ok := s.client.Resolve(target, action)
		if !ok {
			return nil
		}
		return s.post(to, values, jar)
	}
	return nil
}

func (s *scan) post(to string, values url.Values, jar map[string]string) *outcome {
	r := &httpwire.Request{Method: "POST", Target: to, Body: []byte(values.Encode())}
	r.Set("Content-Type", "application/x-www-form-urlencoded")
	addCookies(r, jar)
	answer, err := s.client.Do(r)
	if err != nil {
		return nil
	}
	keepCookies(jar, answer)
	o := &outcome{answer: answer, jar: jar}
	end := answer
	for range 3 {
		next, ok := s.client.Resolve(to, end.Header.Get("Location"))
		if end.Status < 300 || end.Status > 399 || !ok {
			break
		}
		if o.location == "" {
			o.location, _, _ = strings.Cut(next, "?")
		}
		get := httpwire.Get(next)
		addCookies(get, jar)
		if end, err = s.client.Do(get); err != nil {
			return nil
		}
		keepCookies(jar, end)
		to = next
	}
	o.asksAgain = end.Status == 401 || end.Status == 403
	for _, f := range parseHTML(end.Body).forms {
		if _, password := loginFields(f); password != "" {
			o.asksAgain = true
		}
	}
	return o
}

func keepCookies(jar map[string]string, r *httpwire.Response) {
	for _, line := range r.Header["Set-Cookie"] {
		pair, _, _ := strings.Cut(line, ";")
		if name, value, ok := strings.Cut(pair, "="); ok && len(jar) < 30 && len(pair) < 4096 {
			jar[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
}

func addCookies(r *httpwire.Request, jar map[string]string) {
	var all []string
	for name, value := range jar {
		all = append(all, name+"="+value)
	}
	if len(all) > 0 {
		r.Set("Cookie", strings.Join(all, "; "))
	}
}
