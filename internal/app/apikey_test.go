package app

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/apikey"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

func (p *program) apiKey(by, name string) (id, key string) {
	p.Helper()
	var out struct {
		Data struct {
			ID         string
			Attributes struct{ Key, Prefix, Name string }
		}
	}
	p.must(201, by, "POST", "/v2/api_keys", object{"api_key": object{"name": name}}).decode(p, &out)
	if a := out.Data.Attributes; a.Name != name || !strings.HasPrefix(a.Key, a.Prefix) || len(a.Prefix) != 10 || len(a.Key) < 40 {
		p.Fatalf("%+v", out)
	}
	return out.Data.ID, out.Data.Attributes.Key
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "partner", access.Partner)
		p.organization("partner@partner", "acme", access.Manager, access.User)
		p.organization("admin", "strange", access.Manager)
		const m = "manager@acme"
		id, key := p.apiKey(m, "Export")
		_, above := p.apiKey("partner@partner", "Export")
		_, strange := p.apiKey("manager@strange", "Export")
		sent := func(key string) []string { return []string{"x-api-key", key} }

		list := p.must(200, m, "GET", "/v2/api_keys", nil)
		if bytes.Contains(list.Body, []byte(key)) || !bytes.Contains(list.Body, []byte(`"last_used_at":null`)) {
			p.Errorf("%s", list.Body)
		}
		for _, good := range []string{key, above} {
			p.must(200, m, "GET", "/v2/targets", nil, sent(good)...)
			p.must(200, "", "POST", "/v2/auth/sign_in", object{"username": m, "password": password}, sent(good)...)
		}
		list = p.must(200, m, "GET", "/v2/api_keys?q[name]=Export", nil)
		if !bytes.Contains(list.Body, []byte(`"last_used_ip":"192.0.2.1"`)) || bytes.Contains(list.Body, []byte(`"last_used_at":null`)) {
			p.Errorf("%s", list.Body)
		}
		p.must(200, "partner@partner", "GET", "/v2/targets", nil, sent(above)...)
		for what, bad := range map[string]string{"unknown": "vdk_unknown", "a stranger's": strange, "overlong": strings.Repeat("k", 3000)} {
			if x := p.refused(401, m, "GET", "/v2/targets", nil, sent(bad)...); x.Code != "api_key_invalid" {
				p.Errorf("%s: %+v", what, x)
			}
		}
		p.refused(401, "partner@partner", "GET", "/v2/targets", nil, sent(key)...) // of an organization below
		p.refused(401, "", "POST", "/v2/auth/sign_in", object{"username": m, "password": password}, sent("vdk_unknown")...)
		for _, name := range []string{"", " ", "a\x07b", strings.Repeat("n", 101), "Export"} {
			if x := p.refused(422, m, "POST", "/v2/api_keys", object{"api_key": object{"name": name}}); len(x.Errors) != 1 || x.Errors[0].Pointer != "/api_key/name" {
				p.Errorf("%q: %+v", name, x)
			}
		}
		p.refused(403, "user@acme", "POST", "/v2/api_keys", object{"api_key": object{"name": "mine"}})
		p.must(200, m, "DELETE", "/v2/api_keys/"+id, nil)
		p.refused(401, m, "GET", "/v2/targets", nil, sent(key)...)
		p.refused(404, m, "DELETE", "/v2/api_keys/"+id, nil)
		if got := p.parallel(24, func(i int) int {
			return p.call(m, "POST", "/v2/api_keys", object{"api_key": object{"name": fmt.Sprint("key ", i)}}).Status
		}); got[201] != 20 || got[409] != 4 {
			p.Errorf("of 24 keys: %v", got)
		}
		p.noSecret(key, above)
	})
}

// TestRequiredAPIKey: where an installation asks for a key, nothing goes without, and each key is counted for itself.
func TestRequiredAPIKey(t *testing.T) {
	t.Parallel()
	p := start(t, dbtest.Dialects()[0], "VEDETTE_API_REQUIRE_KEY=true", "VEDETTE_API_RATE_LIMIT=30")
	var keys []string
	for _, name := range []string{"one", "two"} {
		home := access.Organization{ID: access.Installation, Name: "Vedette"}
		err := p.app.DB.Write(context.Background(), access.Job(home, "pci", "", "test"), func(tx *db.Tx) error {
			_, key, err := apikey.Create(tx, name)
			keys = append(keys, key.Reveal())
			return err
		})
		if err != nil {
			p.Fatal(err)
		}
	}
	credentials := object{"username": "admin", "password": password}
	for _, path := range []string{"POST /v2/auth/sign_in", "GET /v2/user/me", "GET /v2/nothing"} {
		method, path, _ := strings.Cut(path, " ")
		if x := p.refused(401, "", method, path, credentials); x.Code != "api_key_required" || !strings.Contains(x.Detail, "x-api-key") {
			p.Errorf("%s: %+v", path, x)
		}
	}
	p.must(200, "", "GET", "/v2/openapi.json", nil)
	var in signedIn
	p.must(200, "", "POST", "/v2/auth/sign_in", credentials, "x-api-key", keys[0]).decode(p, &in)
	ask := func(key string) int {
		return p.call("", "GET", "/v2/user/valid_token", nil, append(bearer(in.Token), "x-api-key", key)...).Status
	}
	for i := range 31 {
		if got := ask(keys[0]); (got == 200) != (i < 30) || got != 200 && got != 429 {
			p.Fatalf("call %d by the first key: %d", i, got)
		}
	}
	if got := ask(keys[1]); got != 200 {
		p.Errorf("the second key waits for the first: %d", got)
	}
	p.clock.Move(time.Minute)
	if got := ask(keys[0]); got != 200 {
		p.Errorf("after a minute: %d", got)
	}
}
