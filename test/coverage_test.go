package test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// covered are the groups of the API (tags of api/openapi.json) of which the journeys together call each operation, on each
// database, by the generated client, and get a success. Add a group once its journeys are whole: an operation that is missing
// then fails a run of the whole package, and a run of some tests only with `-args -covered`, which asks for it:
//
//	go test ./test -run 'Journey' -args -covered
//
// Nothing else is to be done: the clients of a world note what they call. A client made by hand gets its transport from
// world.noting.
var covered = []string{"Authentication", "User", "Users", "Organizations", "Whitelabel Settings",
	"Targets", "Port Lists", "Schedules", "Scanners", "Scans", "Hosts", "Networks", "Installation"}

// elsewhere are operations of those groups that only stories of internal/app call: they need an identity provider, which stands there.
var elsewhere = []string{"POST /v2/auth/oidc/{provider}", "POST /v2/auth/oidc/{provider}/callback", "DELETE /v2/user/identities/{id}"}

var asked = flag.Bool("covered", false, "fail for what no journey calls though only some tests run")

// contract is the API document: its paths, and a router that tells the path of a request.
type contract struct {
	Paths  map[string]map[string]struct{ Tags []string }
	router *http.ServeMux
}

var document = sync.OnceValue(func() contract {
	d := contract{router: http.NewServeMux()}
	if err := json.Unmarshal(must(os.ReadFile("../api/openapi.json")), &d); err != nil {
		panic(err)
	}
	for path, methods := range d.Paths {
		for method := range methods {
			d.router.Handle(strings.ToUpper(method)+" "+path, http.NotFoundHandler())
		}
	}
	return d
})

// called are the operations that answered with a success, as "GET /v2/users/{id}", by database.
var called = struct {
	sync.Mutex
	on map[db.Dialect]map[string]bool
}{on: map[db.Dialect]map[string]bool{}}

type noting struct {
	by      http.RoundTripper
	dialect db.Dialect
}

// noting is a transport that notes which operations succeed.
func (w *world) noting(by http.RoundTripper) http.RoundTripper { return noting{by, w.dialect} }

func (n noting) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := n.by.RoundTrip(r)
	if err == nil && answer.StatusCode >= 200 && answer.StatusCode < 300 {
		_, operation := document().router.Handler(r)
		called.Lock()
		defer called.Unlock()
		if called.on[n.dialect] == nil {
			called.on[n.dialect] = map[string]bool{}
		}
		called.on[n.dialect][operation] = true
	}
	return answer, err
}

// uncovered are the operations of the covered groups that no journey called with success; none where only some tests ran.
func uncovered() []string {
	for _, some := range []string{"test.run", "test.skip", "test.list"} {
		if flag.Lookup(some).Value.String() != "" && !*asked {
			return nil
		}
	}
	var missing []string
	for _, dialect := range dbtest.Dialects() {
		for path, methods := range document().Paths {
			for method, o := range methods {
				operation := strings.ToUpper(method) + " " + path
				wanted := slices.ContainsFunc(o.Tags, func(tag string) bool { return slices.Contains(covered, tag) }) && !slices.Contains(elsewhere, operation)
				if wanted && !called.on[dialect][operation] {
					missing = append(missing, fmt.Sprintf("no journey calls %s with success on %s", operation, dialect))
				}
			}
		}
	}
	slices.Sort(missing)
	return missing
}
