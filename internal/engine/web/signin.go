package web

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// Login is a customer's own account, with which pages behind a login are looked at.
type Login struct{ User, Password string }

func (Login) String() string   { return "••••" }
func (Login) GoString() string { return "••••" }

// SignIn tries the account at one service, and does nothing else there.
func SignIn(ctx context.Context, n *wire.Net, t wire.Target, l Login) scanlink.Login {
	s := &scan{ctx: ctx, target: t, client: httpwire.New(ctx, n, t, httpwire.Options{MaxRequests: signInRequests})}
	defer s.client.Close()
	return s.at(s.signIn(l))
}

// signInRequests bound the search for a login form.
const signInRequests = 100

// doors are where applications have their login form, besides the page that is met first.
var doors = []string{"/", "/login", "/signin", "/users/sign_in", "/user/login", "/accounts/login/", "/admin/login", "/login.php", "/wp-login.php"}

// signIn signs in by HTTP (RFC 7617) where the server asks so, else on the first login form that is found. From then on each
// request carries the session; what findings show of a request does not. The password is sent once.
func (s *scan) signIn(l Login) scanlink.Login {
	out := scanlink.Login{Kind: "http", Port: s.target.Service.Port, Result: scanlink.NotCapable, Detail: "No login by HTTP and no login form was found."}
	for _, door := range doors {
		page := s.landing(door)
		if page == nil {
			continue
		}
		if page.Status == 401 {
			if out = s.signInBasic(l, page); out.Result != scanlink.NotCapable {
				return s.at(out)
			}
			continue
		}
		if hasLoginForm(page) {
			return s.at(s.signInForm(l, page.Target))
		}
	}
	return out
}

func (s *scan) at(l scanlink.Login) scanlink.Login {
	l.Kind, l.Port = "http", s.target.Service.Port
	s.signed = l.Result == scanlink.Authenticated
	return l
}

// landing is where a path leads within the target.
func (s *scan) landing(path string) *httpwire.Response {
	for range 4 {
		r, err := s.client.Do(httpwire.Get(path))
		if err != nil {
			return nil
		}
		next, ok := s.client.Resolve(path, r.Header.Get("Location"))
		if r.Status < 300 || r.Status > 399 || !ok {
			return r
		}
		path = next
	}
	return nil
}

func hasLoginForm(page *httpwire.Response) bool {
	return isHTML(page) && slices.ContainsFunc(parseHTML(page.Body).forms, func(f form) bool {
		user, password := loginFields(f)
		return user != "" && password != "" && f.method == "POST"
	})
}

func (s *scan) signInBasic(l Login, page *httpwire.Response) scanlink.Login {
	if !strings.HasPrefix(strings.ToLower(page.Header.Get("Www-Authenticate")), "basic") {
		return scanlink.Login{Result: scanlink.NotCapable, Detail: "The server asks for a kind of login by HTTP other than Basic."}
	}
	field := httpwire.Field{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte(l.User+":"+l.Password))}
	r, err := s.client.Do(&httpwire.Request{Method: "GET", Target: page.Target, Header: []httpwire.Field{field}})
	switch {
	case err != nil:
		return scanlink.Login{Result: scanlink.LoginFailed, Detail: "The server did not answer."}
	case r.Status == 401 || r.Status == 403:
		return scanlink.Login{Result: scanlink.LoginFailed, Detail: "The server refuses the user name or password."}
	}
	s.client.Always(field)
	return scanlink.Login{Result: scanlink.Authenticated}
}

// signInForm holds the answer against that to an invented login: what looks alike is a refusal.
func (s *scan) signInForm(l Login, target string) scanlink.Login {
	refused := s.submitLogin(target, randomName(10), randomName(10))
	got := s.submitLogin(target, l.User, l.Password)
	switch {
	case refused == nil || got == nil:
		return scanlink.Login{Result: scanlink.LoginFailed, Detail: "The login form did not answer."}
	case got.asksAgain || got.answer.Status >= 400 || refusedAlike(refused, got):
		return scanlink.Login{Result: scanlink.LoginFailed, Detail: "The login form refuses the user name or password, or wants more than these."}
	}
	var pairs []string
	for name, value := range got.jar {
		pairs = append(pairs, name+"="+value)
	}
	if len(pairs) == 0 {
		return scanlink.Login{Result: scanlink.Insufficient, Detail: "Signed in, but the application gave no cookie to stay so."}
	}
	slices.Sort(pairs)
	s.client.Always(httpwire.Field{Name: "Cookie", Value: strings.Join(pairs, "; ")})
	return scanlink.Login{Result: scanlink.Authenticated}
}
