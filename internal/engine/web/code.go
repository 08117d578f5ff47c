package web

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// execute lets a shell, a template engine or a language compute a product: command, template and code injection.
// A command whose output is not shown is told by how long it takes.
func (s *scan) execute(sp spot) bool {
	a, b := 10000+rand.IntN(80000), 10000+rand.IntN(80000)
	want := "vq" + strconv.Itoa(a*b) + "qv"
	for _, f := range codeForms(sp.value(), a, b) {
		r := s.send(sp, f.value)
		if r != nil && strings.Contains(string(r.Body), want) {
			s.report(s.found("web.rce", "web-code-injection", sp.where(), 99, r, want,
				fmt.Sprintf("A %s computed %d times %d from the parameter %s.", f.by, a, b, sp.name())))
			return true
		}
	}
	return s.executeBlind(sp)
}

type codeForm struct{ by, value string }

// codeForms are values that become a product between marks where they are run, and stay what they are elsewhere.
func codeForms(value string, a, b int) []codeForm {
	shell := fmt.Sprintf("echo vq$((%d*%d))qv", a, b)
	product := fmt.Sprintf("%d*%d", a, b)
	return []codeForm{
		{"shell", value + ";" + shell},
		{"shell", value + "|" + shell},
		{"shell", value + "\n" + shell + "\n"},
		{"shell", value + "&&" + shell},
		{"shell", value + "`" + shell + "`"},
		{"shell", value + "$(" + shell + ")"},
		{"shell", value + "';" + shell + ";'"},
		{"shell", value + `"|` + shell + `|"`},
		{"template engine", "vq{{" + product + "}}qv"},
		{"template engine", "vq${" + product + "}qv"},
		{"template engine", "vq#{" + product + "}qv"},
		{"template engine", "vq{" + product + "}qv"},
		{"template engine", "vq<%= " + product + " %>qv"},
		{"template engine", "vq@(" + product + ")qv"},
		{"PHP interpreter", "print('vq'.(" + product + ").'qv')"},
		{"PHP interpreter", "'.print('vq'.(" + product + ").'qv').'"},
		{"script interpreter", "'vq'+(" + product + ")+'qv'"},
		{"script interpreter", "'+'vq'+(" + product + ")+'qv'+'"},
		{"Python interpreter", "'vq'+str(" + product + ")+'qv'"},
		{"Ruby interpreter", "'vq'+(" + product + ").to_s+'qv'"},
	}
}

// pauses make a shell, or a shell begun by a language, wait; %d stands for the seconds.
var pauses = []string{";sleep %d;", "|sleep %d", "$(sleep %d)", "`sleep %d`", "\nsleep %d\n", "';sleep %d;'", "\";sleep %d;\""}

func (s *scan) executeBlind(sp spot) bool {
	if s.slow(sp) {
		return false
	}
	form, late := s.waits(sp, pauses)
	if late == nil {
		return false
	}
	s.report(s.found("web.rce", "web-code-injection", sp.where(), 97, late, "",
		fmt.Sprintf("A shell waits as long as the parameter %s tells it to, three times. Form: %q", sp.name(), form)))
	return true
}
