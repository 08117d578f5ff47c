package check

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/vedette/vedette/internal/scanlink"
)

// webLoginChecks try default accounts of web services.
var webLoginChecks = []check{
	{"creds-http", []string{"creds", "anon.http"}, over("tcp", "http"), credsBasic},
	{"creds-http-form", []string{"creds", "anon.http"}, over("tcp", "http"), credsForm},
}

// door is a place behind HTTP's basic authentication (RFC 7617) with the accounts that open it by default.
type door struct {
	path     string
	realm    string // a part of the realm or of the product's name, in lower case; empty fits all
	accounts []account
}

var doors = []door{
	{"/manager/html", "tomcat", []account{{"tomcat", []string{"tomcat", "s3cret"}}, {"admin", []string{"admin", "password", "tomcat"}}, {"manager", []string{"manager"}}, {"role1", []string{"role1"}}, {"both", []string{"tomcat"}}}},
	{"/api/whoami", "rabbitmq", []account{{"guest", []string{"guest"}}, {"admin", []string{"admin", "password"}}}},
	{"/admin/", "activemq", []account{{"admin", []string{"admin"}}, {"user", []string{"user"}}}},
	{"/_security/_authenticate", "elasticsearch", []account{{"elastic", []string{"changeme", "elastic"}}}},
	{"/nifi-api/", "nifi", []account{{"admin", []string{"admin"}}}},
	{"/", "", []account{
		{"admin", []string{"admin", "password", "1234"}}, {"root", []string{"root"}}, {"user", []string{"user"}}, {"test", []string{"test"}},
		{"guest", []string{"guest"}}, {"operator", []string{"operator"}},
	}},
}

// credsBasic knocks at each door; one that asks for basic authentication is tried. The first door that lets somebody in
// ends the check, as they share their accounts.
func credsBasic(ctx context.Context, e *env) []scanlink.Finding {
	if !e.o.Logins {
		return nil
	}
	for _, d := range doors {
		p, err := e.get(ctx, d.path)
		if err != nil {
			return nil
		}
		realm := strings.ToLower(p.header.Get("WWW-Authenticate"))
		if p.status != 401 || !strings.HasPrefix(realm, "basic") || (!strings.Contains(realm, d.realm) && !product(e.t, d.realm)) {
			continue
		}
		if found := e.defaultAccounts(ctx, d.accounts, 1, e.basicTry(d.path)); len(found) > 0 {
			for i := range found {
				found[i].Path = d.path
			}
			return found
		}
	}
	return nil
}

func (e *env) basicTry(path string) tryAccount {
	return e.eachPassword(func(ctx context.Context, user, password string) attempt {
		header := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}}
		p, err := e.http(ctx, http.MethodGet, path, header, nil)
		switch {
		case err != nil:
			return broken
		case p.status == 401:
			return rejected
		case p.status == 429 || p.status == 423:
			return unavailable
		case p.status < 400 || (p.status == 403 && strings.HasPrefix(path, "/manager")): // logged in, but another role
			return accepted
		}
		return rejected
	})
}

// form is an application's own login: how it is asked and how success looks.
type form struct {
	product  string // a part of the product's name, or of the page's title
	path     string
	encode   func(user, password string) (contentType, body string)
	let      func(*page) bool
	accounts []account
}

func jsonLogin(userKey, passwordKey string) func(string, string) (string, string) {
	return func(user, password string) (string, string) {
		b, _ := json.Marshal(map[string]string{userKey: user, passwordKey: password}) // strings always encode
		return "application/json", string(b)
	}
}

func formLogin(userKey, passwordKey string) func(string, string) (string, string) {
	return func(user, password string) (string, string) {
		return "application/x-www-form-urlencoded", url.Values{userKey: {user}, passwordKey: {password}}.Encode()
	}
}

func status200(p *page) bool { return p.status == 200 }

var forms = []form{
	{"grafana", "/login", jsonLogin("user", "password"), func(p *page) bool { return p.status == 200 && strings.Contains(string(p.body), "Logged in") }, []account{{"admin", []string{"admin", "grafana"}}}},
	{"couchdb", "/_session", jsonLogin("name", "password"), status200, []account{{"admin", []string{"admin", "password"}}, {"root", []string{"root"}}}},
	{"minio", "/api/v1/login", jsonLogin("accessKey", "secretKey"), func(p *page) bool { return p.status == 204 || p.status == 201 }, []account{{"minioadmin", []string{"minioadmin"}}}},
	{"sonarqube", "/api/authentication/login", formLogin("login", "password"), status200, []account{{"admin", []string{"admin"}}}},
	{"portainer", "/api/auth", jsonLogin("username", "password"), func(p *page) bool { return p.status == 200 && strings.Contains(string(p.body), "jwt") }, []account{{"admin", []string{"portainer", "admin"}}}},
}

func credsForm(ctx context.Context, e *env) []scanlink.Finding {
	if !e.o.Logins {
		return nil
	}
	var title = sync.OnceValue(func() string {
		p, err := e.get(ctx, "/")
		if err != nil {
			return ""
		}
		return strings.ToLower(string(p.body[:min(len(p.body), 4096)]))
	})
	for _, f := range forms {
		if !product(e.t, f.product) && !strings.Contains(strings.ToLower(e.t.Service.Title), f.product) && !strings.Contains(title(), "<title>"+f.product) {
			continue
		}
		found := e.defaultAccounts(ctx, f.accounts, 1, e.eachPassword(e.formTry(f)))
		for i := range found {
			found[i].Path = f.path
		}
		return found
	}
	return nil
}

func (e *env) formTry(f form) func(context.Context, string, string) attempt {
	return func(ctx context.Context, user, password string) attempt {
		kind, body := f.encode(user, password)
		p, err := e.http(ctx, http.MethodPost, f.path, http.Header{"Content-Type": {kind}}, []byte(body))
		switch {
		case err != nil:
			return broken
		case f.let(p):
			return accepted
		case p.status == 429:
			return unavailable
		}
		return rejected
	}
}
