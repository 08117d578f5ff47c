package web

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// databaseErrors are what databases and their drivers say of a broken statement.
var databaseErrors = []struct {
	database string
	text     *regexp.Regexp
}{
	{"MySQL", regexp.MustCompile(`(?i)You have an error in your SQL syntax|Warning.{0,40}\bmysqli?_|MySqlException|valid MySQL result|SQLSTATE\[(42000|HY000)\].{0,80}(MySQL|MariaDB|syntax)`)},
	{"PostgreSQL", regexp.MustCompile(`(?i)PostgreSQL.{0,60}ERROR|Warning.{0,40}\bpg_|unterminated quoted string at or near|syntax error at or near "|PSQLException|Npgsql\.`)},
	{"SQL Server", regexp.MustCompile(`(?i)Unclosed quotation mark (after|before) the character string|Microsoft SQL (Server|Native Client).{0,60}error|ODBC SQL Server Driver|System\.Data\.SqlClient\.SqlException|Incorrect syntax near`)},
	{"Oracle", regexp.MustCompile(`\bORA-0(0933|1756|0936|0921|1789|1790)\b|quoted string not properly terminated`)},
	{"SQLite", regexp.MustCompile(`(?i)SQLite3?(::|\.)?(SQL)?(Exception|Error)|near ".{0,40}": syntax error|unrecognized token: "|SQLITE_ERROR|sqlite3\.OperationalError|SQLite3::(query|prepare|exec)\(\)`)},
	{"Access", regexp.MustCompile(`(?i)Microsoft (Access|JET Database Engine).{0,60}error|Syntax error \(missing operator\) in query expression`)},
	{"a database", regexp.MustCompile(`(?i)SQLSTATE\[\w+\]|java\.sql\.SQL(Syntax)?\w*Exception|PDOException|Dynamic SQL Error|DB2 SQL error`)},
}

// inject looks for SQL injection: by an error of the database, by conditions that the answer follows, by delays.
func (s *scan) inject(sp spot, usual *httpwire.Response) bool {
	return s.injectError(sp, usual) || s.injectBoolean(sp, usual) || s.injectQuote(sp, usual) || s.injectTime(sp)
}

func (s *scan) injectError(sp spot, usual *httpwire.Response) bool {
	for _, broken := range []string{"'", `"`, `\`, "')"} {
		r := s.send(sp, sp.value()+broken)
		if r == nil {
			continue
		}
		for _, e := range databaseErrors {
			shown := e.text.FindString(string(r.Body))
			if shown == "" || e.text.Match(usual.Body) {
				continue
			}
			// Text without a quote must not bring the same error: then the page complains of any unknown value.
			if plain := s.send(sp, sp.value()+"1"); plain == nil || e.text.Match(plain.Body) {
				continue
			}
			s.report(s.found("web.sqli", "web-sql-injection", sp.where(), 98, r, shown,
				fmt.Sprintf("%s in the parameter %s reaches the statement: %s complains of its syntax.", broken, sp.name(), e.database)))
			return true
		}
	}
	return false
}

func numeric(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// injectBoolean sends pairs of a true and a false condition. The answers must follow the condition, twice over with
// other numbers, while a true one gives the usual page.
func (s *scan) injectBoolean(sp spot, usual *httpwire.Response) bool {
	if !s.steady(sp, usual) {
		return false
	}
	for _, form := range []string{"%s AND %d=%d", "%s' AND '%d'='%d", "%s\" AND \"%d\"=\"%d", "%s') AND ('%d'='%d", "%s) AND (%d=%d",
		"%s' AND %d=%d -- ", "%s\" AND %d=%d -- ", "%s%%' AND %d=%d -- "} {
		if strings.HasPrefix(form, "%s AND") && !numeric(sp.value()) {
			continue
		}
		var last *httpwire.Response
		follows := true
		for range 2 {
			a := 1000 + rand.IntN(9000)
			yes, no := s.send(sp, fmt.Sprintf(form, sp.value(), a, a)), s.send(sp, fmt.Sprintf(form, sp.value(), a, a+1))
			if yes == nil || no == nil || !alike(usual, yes) || alike(usual, no) {
				follows = false
				break
			}
			last = no
		}
		if !follows {
			continue
		}
		s.report(s.found("web.sqli", "web-sql-injection", sp.where(), 96, last, "",
			fmt.Sprintf("The answer follows a condition in the parameter %s: it is the usual one for a true condition and another for a false one, twice. Form: %s", sp.name(), form)))
		return true
	}
	return false
}

// alike says that two answers show the same: the same status and nearly the same words and size.
func alike(a, b *httpwire.Response) bool {
	if a.Status != b.Status {
		return false
	}
	if string(a.Body) == string(b.Body) {
		return true
	}
	difference := max(len(a.Body), len(b.Body)) - min(len(a.Body), len(b.Body))
	return shapeOf(a, "").similar(shapeOf(b, "")) > 0.95 && difference < 40+len(a.Body)/50
}

const (
	delay     = 3   // seconds that the database is asked to wait
	undelayed = 1.5 // seconds within which an answer counts as prompt
)

// injectTime asks the database to wait.
func (s *scan) injectTime(sp spot) bool {
	if s.slow(sp) {
		return false
	}
	forms := sqlDelays
	if sp.method == inHeader || sp.method == inCookie && !numeric(sp.value()) {
		forms = textDelays
	}
	form, late := s.waits(sp, forms)
	if late == nil {
		return false
	}
	s.report(s.found("web.sqli", "web-sql-injection", sp.where(), 97, late, "",
		fmt.Sprintf("The answer waits as long as the parameter %s tells the database to, three times. Form: %s", sp.name(), form)))
	return true
}
