package web

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
	"sync"
	"testing"

	_ "modernc.org/sqlite" // registers sqlite
)

// ledger is an application on a real database that puts into statements what does not stand in its URLs. safe is its
// right twin, with placeholders and escapes.
type ledger struct {
	db   *sql.DB
	safe bool

	lock   sync.Mutex
	agents []string
}

func newLedger(t *testing.T, safe bool) *ledger {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+randomName(12)+"?mode=memory&cache=shared")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	for _, q := range []string{
		"CREATE TABLE visits (agent TEXT, referer TEXT)", "CREATE TABLE themes (name TEXT, text TEXT)", "CREATE TABLE goods (id INTEGER, name TEXT)",
		"INSERT INTO themes VALUES ('light', 'A bright page for the day'), ('dark', 'A dim one for the night')",
		"INSERT INTO goods VALUES (1, 'Oolong tea from Taiwan'), (2, 'Sencha from Shizuoka'), (3, 'Assam of the second flush')",
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	return &ledger{db: db, safe: safe}
}

// texts runs a statement whose %s are the values, or its placeholders in the safe twin.
func (l *ledger) texts(statement string, values ...any) (string, error) {
	var rows *sql.Rows
	var err error
	if l.safe {
		rows, err = l.db.Query(strings.NewReplacer("'%s'", "?", "%s", "?").Replace(statement), values...)
	} else {
		rows, err = l.db.Query(fmt.Sprintf(statement, values...))
	}
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return "", err
		}
		out = append(out, s)
	}
	return strings.Join(out, ", "), rows.Err()
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/":
		http.SetCookie(w, &http.Cookie{Name: "theme", Value: "light", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		page200(w, `<a href="/visit">v</a><a href="/themed">t</a><a href="/goods?limit=2">g</a><a href="/agents">a</a><script>
			fetch("/api/find", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({name: field.value, "page": 1})})</script>`)
	case "/visit":
		l.answer(w, func() (string, error) {
			return l.texts("INSERT INTO visits VALUES ('%s', '%s') RETURNING 'Your visit was noted'", r.UserAgent(), "")
		})
	case "/themed":
		name := "light"
		if c, err := r.Cookie("theme"); err == nil {
			name = c.Value
		}
		text, err := l.texts("SELECT text FROM themes WHERE name = '%s'", name)
		if err != nil {
			text = "" // it hides what went wrong
		}
		page200(w, "Welcome to the shop. "+text)
	case "/goods":
		l.answer(w, func() (string, error) { return l.texts("SELECT name FROM goods LIMIT %s", r.FormValue("limit")) })
	case "/api/find":
		var body struct{ Name string }
		if json.NewDecoder(r.Body).Decode(&body) != nil {
			http.Error(w, "no object", http.StatusBadRequest)
			return
		}
		l.answer(w, func() (string, error) { return l.texts("SELECT count(*) FROM goods WHERE name = '%s'", body.Name) })
	case "/agents":
		l.lock.Lock()
		defer l.lock.Unlock()
		page200(w, "Seen: "+strings.Join(l.agents, ", "))
		if l.agents = append(l.agents, r.UserAgent()); l.safe {
			l.agents[len(l.agents)-1] = html.EscapeString(r.UserAgent())
		}
		l.agents = l.agents[max(0, len(l.agents)-5000):]
	default:
		http.NotFound(w, r)
	}
}

func (l *ledger) answer(w http.ResponseWriter, f func() (string, error)) {
	text, err := f()
	if err != nil {
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		return
	}
	page200(w, "Here is what we have: "+html.EscapeString(text))
}

func TestValuesOutsideOfURLs(t *testing.T) {
	t.Parallel()
	got := codes(runOn(t, newLedger(t, false), Options{Active: true}))
	want := strings.Join([]string{
		"web.sqli /api/find [json name]", "web.sqli /goods?limit=", "web.sqli /themed [cookie theme]", "web.sqli /visit [header User-Agent]",
		"web.xss /agents [header User-Agent]",
	}, "\n")
	if got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
	if got := codes(runOn(t, newLedger(t, true), Options{Active: true})); got != "" {
		t.Errorf("the right twin:\n%s", got)
	}
}
