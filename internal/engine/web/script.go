package web

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// cardField names fields of payment forms.
var cardField = regexp.MustCompile(`(?i)^(cc|card|credit_?card)[-_. ]?(num|number|no|nr|pan|cvc|cvv|csc|exp)|^(cardnumber|ccnum|ccnumber|cvv2?|cvc2?|pan)$`)

// checkScripts reports code that pages load from elsewhere, and the scripts of payment pages: both are special notes
// (ASV Program Guide 7.2, PCI DSS 6.4.3).
func (s *scan) checkScripts() {
	foreign := map[string][]string{}
	var pages []string
	for _, p := range s.site.pages {
		if p.document == nil || p.response.Status != 200 {
			continue
		}
		all, others := s.scriptsOf(p)
		if len(others) > 0 && foreign[strings.Join(others, " ")] == nil && len(pages) < 20 {
			foreign[strings.Join(others, " ")] = others
			pages = append(pages, p.target)
			f := s.found("web.embedded", "web-embedded-code", p.target, 95, p.response, others[0], "Code from elsewhere is loaded: "+strings.Join(others, ", "))
			s.report(f)
		}
		if takesCards(p.document) {
			detail := "No script is loaded."
			if len(all) > 0 {
				detail = "Scripts: " + strings.Join(all, ", ")
			}
			if n := len(p.document.inline); n > 0 {
				detail += fmt.Sprintf(" Scripts within the page: %d.", n)
			}
			s.report(s.found("web.payment-script", "web-payment-page", p.target, 95, p.response, "", "The page takes card data. "+detail))
		}
	}
}

// scriptsOf lists the scripts of a page, and those from other hosts among them.
func (s *scan) scriptsOf(p page) (all, others []string) {
	base, err := url.Parse(s.client.Scheme() + "://" + s.client.Authority() + p.target)
	if err != nil {
		return nil, nil
	}
	for _, src := range p.document.scripts {
		u, err := base.Parse(src)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || len(all) >= 50 {
			continue
		}
		all = append(all, u.String())
		if !s.client.Own(u) && !strings.EqualFold(u.Hostname(), base.Hostname()) {
			others = append(others, u.Scheme+"://"+u.Host+u.Path)
		}
	}
	slices.Sort(others)
	return all, slices.Compact(others)
}

func takesCards(d *document) bool {
	for _, f := range d.forms {
		for _, in := range f.fields {
			if cardField.MatchString(in.name) {
				return true
			}
		}
	}
	return false
}
