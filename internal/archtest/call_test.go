package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// reserved says which names of other packages may be used only in a few places of the module.
type reserved struct {
	pkg   string   // import path
	names []string // empty: the whole package
	free  []string // names that all may use although the package is reserved
	only  []string // packages and files that may
	tests bool     // the rule holds for tests, too
	why   string
}

var reservations = []reserved{
	{
		pkg:   "net",
		names: []string{"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "DialUnix", "Dialer"},
		only: []string{
			"internal/platform/netout", "internal/engine/wire",
			"cmd/vedette", // talks to the running server over its Unix socket
		},
		why: "connections are made where addresses are checked: netout for the server, wire for the engine",
	},
	{
		pkg:   "net/http",
		names: []string{"DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm"},
		only:  []string{"internal/platform/netout"},
		why:   "the default client goes anywhere and waits for ever",
	},
	{pkg: "crypto/tls", names: []string{"Dial", "DialWithDialer", "Dialer"}, only: nil, why: "connections are made in netout and wire"},
	{
		pkg: "time", names: []string{"Sleep"}, tests: true,
		only: nil,
		why:  "waiting is for a channel, a context or testing/synctest",
	},
	{
		pkg: "os", names: []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"},
		only: []string{
			"internal/platform/config",
			"internal/scanlink/child", // hands a chosen few variables to the scanner
		},
		why: "what can be configured is a field of config.Config",
	},
	{
		pkg: "database/sql",
		only: []string{
			"internal/platform/db", "internal/platform/jobs", "internal/platform/outbox", "internal/platform/secret",
			"internal/platform/clock", "internal/platform/replay",
		},
		why: "the pool does not leave platform/db",
	},
	{
		pkg:  "github.com/uptrace/bun",
		free: []string{"BaseModel"}, // names the table of a row
		only: []string{"internal/platform/db", "internal/platform/filter", "internal/platform/jobs", "internal/platform/outbox", "store.go"},
		why:  "queries stand in store files",
	},
	{pkg: "github.com/jackc/pgx/v5", only: []string{"internal/platform/db", "internal/platform/jobs"}, why: "the pool does not leave platform/db"},
	{pkg: "github.com/riverqueue/river", only: []string{"internal/platform/db", "internal/platform/jobs"}, why: "jobs are declared through platform/jobs"},
	{pkg: "golang.org/x/crypto/argon2", only: []string{"internal/platform/secret"}, why: "passwords are hashed in secret"},
	{pkg: "math/rand", only: nil, why: "math/rand/v2 where it need not be secret, crypto/rand where it must"},
}

// store says whether a file is one for SQL: store.go or subject_store.go.
func store(f *file) bool { return strings.HasSuffix(f.path, "store.go") }

func (r reserved) permits(f *file) bool {
	return under(f.pkg(), r.only...) || slices.Contains(r.only, f.path) || (slices.Contains(r.only, "store.go") && store(f))
}

func (r reserved) check(f *file) []string {
	if r.permits(f) || (f.test() && !r.tests) || f.generated {
		return nil
	}
	local := localName(f, r.pkg)
	if local == "" {
		return nil
	}
	if len(r.names)+len(r.free) == 0 {
		return []string{fmt.Sprintf("%s imports %s: %s", f.path, r.pkg, r.why)}
	}
	var found []string
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if ok && isIdent(s.X, local) && !slices.Contains(r.free, s.Sel.Name) && (len(r.names) == 0 || slices.Contains(r.names, s.Sel.Name)) {
			found = append(found, fmt.Sprintf("%s: %s.%s: %s", f.at(s.Pos()), local, s.Sel.Name, r.why))
		}
		return true
	})
	return found
}

// localName is the name under which a file knows a package, "" if it does not import it.
func localName(f *file, pkg string) string {
	for _, spec := range f.syntax.Imports {
		if text, _ := strconv.Unquote(spec.Path.Value); text != pkg {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return pkg[strings.LastIndex(pkg, "/")+1:]
	}
	return ""
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func TestReservedNames(t *testing.T) {
	t.Parallel()
	for _, r := range reservations {
		every(t, r.check)
	}
}

// timeNow: only clock asks for the time, and wire, which measures round trips. In the engine a deadline may be set and looked at: time.Now().Add(…), Before(…).
func timeNow(f *file) []string {
	local := localName(f, "time")
	if local == "" || f.test() || under(f.pkg(), "internal/platform/clock", "internal/engine/wire") {
		return nil
	}
	deadlines := map[ast.Node]bool{}
	if under(f.pkg(), "internal/engine") {
		deadlines = deadlineCalls(f)
	}
	var found []string
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || deadlines[n] {
			return true
		}
		if s, ok := call.Fun.(*ast.SelectorExpr); ok && isIdent(s.X, local) && slices.Contains([]string{"Now", "Since", "Until"}, s.Sel.Name) {
			found = append(found, fmt.Sprintf("%s: time.%s: ask clock, which tests can move", f.at(n.Pos()), s.Sel.Name))
		}
		return true
	})
	return found
}

// deadlineCalls are the calls x in x.Add(…), x.Before(…) and x.After(…).
func deadlineCalls(f *file) map[ast.Node]bool {
	found := map[ast.Node]bool{}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"Add", "Before", "After"}, s.Sel.Name) {
			found[s.X] = true
		}
		return true
	})
	return found
}

func TestOnlyClockAsksForTheTime(t *testing.T) {
	t.Parallel()
	every(t, timeNow)
}

var sqlText = regexp.MustCompile(`(?is)^\s*(select\s.+\sfrom\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\()`)

// queries: SQL and what sends it stand in store files of the nouns and in a few packages of platform.
func queries(f *file) []string {
	if f.test() || store(f) || !under(f.pkg(), "internal/domain", "internal/api", "internal/app", "internal/portal", "internal/scanlink", "cmd") {
		return nil
	}
	var found []string
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil && sqlText.MatchString(text) {
				found = append(found, f.at(n.Pos())+": SQL outside a store file")
			}
		case *ast.SelectorExpr:
			if isIdent(n.X, "tx") && slices.Contains([]string{"Select", "Insert", "Update", "Delete", "Query", "Exec", "Wrap", "SQL"}, n.Sel.Name) {
				found = append(found, fmt.Sprintf("%s: tx.%s outside a store file", f.at(n.Pos()), n.Sel.Name))
			}
		}
		return true
	})
	return found
}

func TestSQLStandsInStores(t *testing.T) {
	t.Parallel()
	every(t, queries)
}

// slow are packages whose work takes too long for a transaction.
var slow = []string{"netout", "mail", "sms", "blob"}

// shortTransactions: a function that takes a Tx does no network, mail or file work and hashes no password.
func shortTransactions(f *file) []string {
	if f.test() || !under(f.pkg(), "internal/domain", "internal/app", "internal/scanlink") {
		return nil
	}
	names := []string{}
	for _, pkg := range slow {
		if local := localName(f, module+"/internal/platform/"+pkg); local != "" {
			names = append(names, local)
		}
	}
	var found []string
	for _, decl := range f.syntax.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil || !takesTx(fn) {
			continue
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			s, ok := call.Fun.(*ast.SelectorExpr)
			if ok && (slices.ContainsFunc(names, func(name string) bool { return isIdent(s.X, name) }) || s.Sel.Name == "VerifyNobody") {
				found = append(found, fmt.Sprintf("%s: %s works inside a transaction", f.at(n.Pos()), fn.Name.Name))
			}
			return true
		})
	}
	return found
}

func takesTx(fn *ast.FuncDecl) bool {
	return slices.ContainsFunc(fn.Type.Params.List, func(p *ast.Field) bool {
		star, ok := p.Type.(*ast.StarExpr)
		if !ok {
			return false
		}
		s, ok := star.X.(*ast.SelectorExpr)
		return ok && isIdent(s.X, "db") && s.Sel.Name == "Tx"
	})
}

func TestTransactionsAreShort(t *testing.T) {
	t.Parallel()
	every(t, shortTransactions)
}

func TestCallRules(t *testing.T) {
	t.Parallel()
	all := func(f *file) []string {
		var found []string
		for _, r := range reservations {
			found = append(found, r.check(f)...)
		}
		return slices.Concat(found, timeNow(f), queries(f), shortTransactions(f))
	}
	const tx = `import "github.com/vedette/vedette/internal/platform/db"; `
	for _, c := range []struct {
		name, source string
		want         bool
	}{
		{"internal/domain/scan/ops.go", `import "net"; var _, _ = net.Dial("tcp", "x")`, true},
		{"internal/domain/scan/ops.go", `import n "net"; var _ n.Dialer`, true},
		{"internal/domain/scan/ops.go", `import "net"; var _ = net.ParseIP("x")`, false},
		{"internal/platform/netout/x.go", `import "net"; var _, _ = net.Dial("tcp", "x")`, false},
		{"internal/domain/scan/ops_test.go", `import "net"; var _, _ = net.Dial("tcp", "x")`, false},
		{"internal/domain/scan/ops.go", `import "net/http"; var _ = http.DefaultClient`, true},
		{"internal/domain/scan/ops.go", `import "time"; var _ = time.Now()`, true},
		{"internal/domain/scan/ops.go", `import "time"; var _ = time.Now().Add(1)`, true},
		{"internal/engine/check/x.go", `import "time"; var _ = time.Now().Add(1)`, false},
		{"internal/engine/check/x.go", `import "time"; var _ = time.Now()`, true},
		{"internal/domain/scan/x_test.go", `import "time"; func f() { time.Sleep(1) }`, true},
		{"internal/domain/scan/x.go", `import "os"; var _ = os.Getenv("x")`, true},
		{"internal/domain/scan/ops.go", `import "database/sql"; var _ sql.DB`, true},
		{"internal/domain/scan/ops.go", `import "github.com/uptrace/bun"; var _ bun.Ident`, true},
		{"internal/domain/scan/scan.go", `import "github.com/uptrace/bun"; type s struct { bun.BaseModel }`, false},
		{"internal/domain/scan/store.go", `import "github.com/uptrace/bun"; var _ bun.Ident`, false},
		{"internal/domain/scan/lease_store.go", `var _ = "select a from b"`, false},
		{"internal/domain/scan/lease.go", "var _ = `\n\tselect a\n\tfrom b`", true},
		{"internal/domain/scan/lease.go", `var _ = "Select a target from the list"`, true},
		{"internal/domain/scan/lease.go", `var _ = "update the scan"`, false},
		{"internal/domain/scan/ops.go", tx + `func f(tx *db.Tx) { tx.Select(nil) }`, true},
		{"internal/domain/scan/store.go", tx + `func f(tx *db.Tx) { tx.Select(nil) }`, false},
		{"internal/domain/report/ops.go", tx + `import "github.com/vedette/vedette/internal/platform/blob"; func f(tx *db.Tx) { blob.Open("x") }`, true},
		{"internal/domain/report/ops.go", `import "github.com/vedette/vedette/internal/platform/blob"; func f() { blob.Open("x") }`, false},
	} {
		if got := breaks(t, all, c.name, "package x; "+c.source); got != c.want {
			t.Errorf("%s: %s: broken %v", c.name, c.source, got)
		}
	}
}
