package web

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
)

// corners is an application whose faults lie where an element of markup does not pass, each with a right twin.
func corners(w http.ResponseWriter, r *http.Request) {
	v, q := html.EscapeString(r.FormValue("v")), r.FormValue("v")
	tags := strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(q)
	switch p := r.URL.Path; {
	case p == "/":
		page200(w, `<a href="/attr?v=a">1</a><a href="/attr-safe?v=a">2</a><a href="/bare?v=a">3</a><a href="/link?v=/x">4</a><a href="/link-safe?v=/x">5</a>
			<a href="/code?v=5">6</a><a href="/text-safe?v=5">7</a><a href="/meta?v=/x">8</a><a href="/meta-safe?v=/x">9</a><a href="/after?v=/x">10</a>
			<a href="/cors">11</a><a href="/cors-safe">12</a><a href="/sort?v=name">13</a><a href="/named?v=ann">14</a><a href="/named-safe?v=ann">15</a>
			<a href="/php?v=1">16</a><a href="/who/ann">17</a><a href="/who-safe/ann">18</a>`)
	case p == "/attr":
		page200(w, `<input value="`+tags+`">`)
	case p == "/attr-safe":
		page200(w, `<input value="`+v+`">`)
	case p == "/bare":
		page200(w, `<input value=`+v+`>`)
	case p == "/link":
		page200(w, `<a href="`+v+`">on</a>`)
	case p == "/link-safe":
		page200(w, `<a href="/to?u=`+v+`">on</a>`)
	case p == "/code":
		page200(w, `<script>/* don't */ var n = `+v+`;</script>`)
	case p == "/text-safe":
		page200(w, `<script type="application/json">{"n": `+v+`}</script><script>// `+strings.ReplaceAll(v, "\n", "")+"\n</script>")
	case p == "/meta":
		page200(w, `<meta http-equiv="refresh" content="0; url=`+v+`">`)
	case p == "/meta-safe":
		page200(w, `<meta http-equiv="refresh" content="0; url=/to?`+v+`">`)
	case p == "/after":
		w.Header()["Location"] = []string{"http://" + r.Host + strings.ReplaceAll(q, "\n", "")}
		w.WriteHeader(http.StatusFound)
	case p == "/cors", p == "/cors-safe":
		w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		w.Header().Set("Access-Control-Allow-Credentials", fmt.Sprint(p == "/cors"))
		page200(w, "data")
	case p == "/sort":
		sorted(w, q)
	case p == "/named":
		if strings.Count(q, "'")%2 == 1 {
			http.Error(w, "Sorry, something went wrong", http.StatusInternalServerError)
			return
		}
		page200(w, "nobody of that name")
	case p == "/named-safe":
		if strings.ContainsAny(q, "'\"") {
			http.Error(w, "letters only", http.StatusBadRequest)
			return
		}
		page200(w, "nobody of that name")
	case p == "/php":
		if code, ok := strings.CutPrefix(q, "print('vq'.("); ok {
			page200(w, evaluate("vq${"+strings.Split(code, ")")[0]+"}qv"))
			return
		}
		page200(w, "1")
	case strings.HasPrefix(p, "/who/"):
		page200(w, "This is "+strings.TrimPrefix(p, "/who/"))
	case strings.HasPrefix(p, "/who-safe/"):
		page200(w, "This is "+html.EscapeString(strings.TrimPrefix(p, "/who-safe/")))
	default:
		http.NotFound(w, r)
	}
}

// sorted answers as a database does behind an ORDER BY, without telling its errors.
func sorted(w http.ResponseWriter, by string) {
	term, rest, _ := strings.Cut(by, ",")
	if term != "name" || rest != "" && (!strings.HasPrefix(rest, "(SELECT ") || strings.Contains(rest, "FROM")) {
		page200(w, "The list cannot be shown at present")
		return
	}
	page200(w, "apples, pears, plums and many other fruits of the season")
}

func TestCorners(t *testing.T) {
	t.Parallel()
	got := codes(runOn(t, http.HandlerFunc(corners), Options{Active: true}))
	want := strings.Join([]string{
		"web.cors /cors", "web.rce /php?v=", "web.redirect /after?v=", "web.redirect /meta?v=", "web.sqli /named?v=", "web.sqli /sort?v=",
		"web.xss /attr?v=", "web.xss /bare?v=", "web.xss /code?v=", "web.xss /link?v=", "web.xss /who/ann",
	}, "\n")
	if got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		`var a = "`: `"`, `var a = 'it\'s `: `'`, "var a = `${": "`", `var a = "x"; `: "", "// don't\nvar a = ": "", "/* don't": "/*", "// x": "//", `"http://x`: `"`,
	} {
		if got := within(script); got != want {
			t.Errorf("within(%q) = %q, want %q", script, got, want)
		}
	}
}
