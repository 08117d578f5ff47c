package web

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/net/html"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// debugPages are error pages that belong to development: they show source and variables, or run code.
var debugPages = []struct {
	name string
	text *regexp.Regexp
}{
	{"Werkzeug debugger", regexp.MustCompile(`(?s)Werkzeug Debugger|EVALEX\s*=\s*true.{0,300}SECRET\s*=`)},
	{"Django debug page", regexp.MustCompile(`(?s)You.re seeing this error because you have <code>DEBUG = True</code>`)},
	{"Laravel error page", regexp.MustCompile(`(?i)facade\\ignition|"Whoops\\\\|<title>[^<]{0,40}Whoops! There was an error|window\.ignite\(`)},
	{"Rails error page", regexp.MustCompile(`(?s)<h1>[^<]{0,80}Action Controller: Exception caught|<title>Action Controller: Exception caught`)},
	{"Symfony exception page", regexp.MustCompile(`(?s)Symfony Exception|class="exception-message-wrapper"`)},
	{"ASP.NET error page", regexp.MustCompile(`(?s)<b> Stack Trace: </b>.{0,400}\[[A-Za-z]+Exception`)},
	{"Phoenix error page", regexp.MustCompile(`# Plug\.Debugger|Plug\.Debugger`)},
}

// stackTraces are the traces of failing programs.
var stackTraces = []struct {
	language string
	text     *regexp.Regexp
}{
	{"Python", regexp.MustCompile(`Traceback \(most recent call last\):\s+File (?:&quot;|")`)},
	{"Java", regexp.MustCompile(`(?:java|javax|jakarta|org)\.[\w.]+(?:Exception|Error)[^\n]{0,300}\n\s+at [\w.$]+\([\w]+\.java:\d+\)`)},
	{"Node.js", regexp.MustCompile(`Error: [^\n<]{0,300}(?:\n|<br>\s*)(?:\s|&nbsp;)+at [^\n<]{0,200}\(?/[^\n<]{0,200}\.js:\d+:\d+\)?`)},
	{"PHP", regexp.MustCompile(`(?:<b>)?(?:Fatal error|Warning|Parse error)(?:</b>)?:  ?[^\n]{0,300} in (?:<b>)?/[^\n<]{0,200}\.php(?:</b>)? on line (?:<b>)?\d+`)},
	{"Ruby", regexp.MustCompile(`/[\w./-]+\.rb:\d+:in (?:` + "`" + `|')[\w<> ]+'`)},
	{".NET", regexp.MustCompile(`System\.[\w.]+Exception: [^\n]{0,300}\n\s+at [\w.]+\(`)},
	{"Go", regexp.MustCompile(`goroutine \d+ \[running\]:\n`)},
}

// observe looks at one answer, whatever asked for it.
func (s *scan) observe(r *httpwire.Response) {
	if r.Status < 200 || len(r.Body) == 0 {
		return
	}
	path, _, _ := strings.Cut(r.Target, "?")
	body := string(r.Body[:min(len(r.Body), 200<<10)])
	if r.Status >= 400 || isHTML(r) {
		for _, d := range debugPages {
			if shown := d.text.FindString(body); shown != "" && r.Status >= 400 {
				s.report(s.found("web.debug-console", "web-debug-page", "/", 97, r, shown, d.name+" at "+path+": the application runs in development mode."))
				return
			}
		}
	}
	for _, t := range stackTraces {
		if shown := t.text.FindString(body); shown != "" && (r.Status >= 500 || t.language == "PHP") {
			s.report(s.found("info.stack-trace", "web-stack-trace", path, 95, r, shown, "The program shows where it failed ("+t.language+")."))
			return
		}
	}
}

// cardNumber finds runs of digits that may be the number of a payment card, in groups or not.
var cardNumber = regexp.MustCompile(`(?:\d[ -]?){12,18}\d`)

// cardWord tells that a text speaks of cards.
var cardWord = regexp.MustCompile(`(?i)\b(card|cc|pan|visa|master ?card|amex|credit|expir|exp|cvv|cvc|holder)`)

// checkCards looks for numbers of payment cards in what is served: several of them, or one beside words of cards.
func (s *scan) checkCards() {
	for _, p := range s.site.pages {
		if p.response.Status == 200 {
			s.cards(p.target, p.response)
		}
	}
	var names []string
	for _, f := range s.site.files {
		if strings.HasSuffix(f, ".csv") || strings.HasSuffix(f, ".txt") || strings.HasSuffix(f, ".log") || strings.HasSuffix(f, ".json") ||
			strings.HasSuffix(f, ".xml") || strings.HasSuffix(f, ".sql") || strings.HasSuffix(f, ".bak") {
			names = append(names, f)
		}
	}
	each(s, names[:min(len(names), 60)], func(f string) {
		if r, err := s.get(f); err == nil && r.Status == 200 {
			s.cards(f, r)
		}
	})
}

func (s *scan) cards(target string, r *httpwire.Response) {
	text := visible(r)
	var found []string
	for _, m := range cardNumber.FindAllString(text, 2000) {
		if digits, ok := card(m); ok && !strings.Contains(strings.Join(found, " "), digits) {
			found = append(found, digits)
		}
	}
	if len(found) == 0 || len(found) < 2 && !cardWord.MatchString(text) {
		return
	}
	path, _, _ := strings.Cut(target, "?")
	f := s.found("web.pan-exposed", "web-card-numbers", path, 95, nil, "", fmt.Sprintf("%d card numbers are served, the first %s.", len(found), masked(found[0])))
	f.Evidence.Request = "GET " + path
	s.report(f)
}

// card keeps the digits of a card number: 13 to 19, of a known issuer range, with a right check digit (ISO/IEC 7812).
func card(s string) (string, bool) {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
	return digits, issuer(digits) && luhn(digits) && strings.Count(digits, digits[:1]) < len(digits)-2
}

func issuer(d string) bool {
	two, four := d[:2], d[:4]
	switch n := len(d); {
	case d[0] == '4':
		return n == 13 || n == 16 || n == 19
	case two >= "51" && two <= "55", four >= "2221" && four <= "2720":
		return n == 16
	case two == "34", two == "37":
		return n == 15
	case four == "6011", two == "65", four >= "3528" && four <= "3589":
		return n == 16
	case two == "36", two == "38", four[:3] >= "300" && four[:3] <= "305":
		return n == 14
	}
	return false
}

func luhn(d string) bool {
	sum := 0
	for i := range len(d) {
		v := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// masked shows at most the first six and last four digits (PCI DSS 3.4.1).
func masked(d string) string { return d[:6] + strings.Repeat("*", len(d)-10) + d[len(d)-4:] }

// visible is the text that a reader sees: of HTML without scripts, styles and attributes.
func visible(r *httpwire.Response) string {
	if !isHTML(r) {
		if bytes.IndexByte(r.Body[:min(len(r.Body), 4096)], 0) >= 0 {
			return ""
		}
		return string(r.Body)
	}
	var b strings.Builder
	z := html.NewTokenizer(bytes.NewReader(r.Body))
	hidden := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.StartTagToken:
			name, _ := z.TagName()
			hidden = string(name) == "script" || string(name) == "style"
			b.WriteByte('\n')
		case html.EndTagToken:
			hidden = false
			b.WriteByte('\n')
		case html.TextToken:
			if !hidden {
				b.Write(z.Text())
			}
		}
	}
}
