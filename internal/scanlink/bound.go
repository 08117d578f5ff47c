package scanlink

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// Bounds of an observation. What is longer is cut, never refused: a long banner must not cost a chunk.
const (
	maxName     = 255
	maxLine     = 1 << 10
	maxBanner   = 2 << 10
	maxText     = 4 << 10
	maxNames    = 256
	maxSoftware = 256
	maxSuites   = 1024
	maxChain    = 16
	maxCVEs     = 256
	maxPackages = 20_000
	maxLogins   = 64

	maxUnanswered = 512
)

// Check cuts what is too long, takes out what no database keeps (NUL, broken UTF-8), and returns an error when the
// observation cannot be a fact: no or several kinds, no address, an unknown protocol or state.
func (o *Observation) Check() error {
	set := 0
	var err error
	if o.Host != nil {
		set++
		err = o.Host.check()
	}
	if o.Service != nil {
		set++
		err = o.Service.check()
	}
	if o.Finding != nil {
		set++
		err = o.Finding.check()
	}
	if o.Progress != nil {
		set++
		o.Progress.check()
	}
	if set != 1 {
		return fmt.Errorf("an observation has %d kinds instead of one", set)
	}
	return err
}

// Address that the observation is about; the zero Addr of progress.
func (o *Observation) Address() netip.Addr {
	switch {
	case o.Host != nil:
		return o.Host.Address
	case o.Service != nil:
		return o.Service.Address
	case o.Finding != nil:
		return o.Finding.Address
	}
	return netip.Addr{}
}

func (h *Host) check() error {
	if err := checkAddress(&h.Address); err != nil {
		return err
	}
	h.Names = cutAll(h.Names, maxNames, maxName)
	cut(maxLine, &h.Interference, &h.OS, &h.Error)
	cut(maxName, &h.OSCPE, &h.MAC, &h.Authenticated, &h.Kernel, &h.KernelPackage, &h.Templates)
	h.Logins = h.Logins[:min(len(h.Logins), maxLogins)]
	for i := range h.Logins {
		l := &h.Logins[i]
		cut(maxName, &l.Kind, &l.Result, &l.HostKey)
		cut(maxLine, &l.Detail)
	}
	h.Unanswered = h.Unanswered[:min(len(h.Unanswered), maxUnanswered)]
	for i := range h.Unanswered {
		u := &h.Unanswered[i]
		cut(maxName, &u.Stage, &u.Protocol)
		u.Requests, u.Unanswered, u.Unsent = max(u.Requests, 0), max(u.Unanswered, 0), max(u.Unsent, 0)
	}
	h.Recall = within(h.Recall, 0, 1)
	h.OSQoD = min(max(h.OSQoD, 0), 100)
	h.Packages = h.Packages[:min(len(h.Packages), maxPackages)]
	for i := range h.Packages {
		p := &h.Packages[i]
		cut(maxName, &p.Ecosystem, &p.Name, &p.Version, &p.Source, &p.SourceVersion)
	}
	if h.Coverage != "" && h.Coverage != Complete && h.Coverage != Inconclusive {
		return fmt.Errorf("coverage %.20q is not known", h.Coverage)
	}
	return nil
}

func (s *Service) check() error {
	if err := checkAddress(&s.Address); err != nil {
		return err
	}
	if err := checkProtocol(s.Protocol); err != nil {
		return err
	}
	switch s.State {
	case "open", "closed", "filtered", "open|filtered":
	default:
		return fmt.Errorf("state %.20q of a port is not known", s.State)
	}
	if s.Port == 0 {
		return fmt.Errorf("a service has no port")
	}
	cut(maxName, &s.Name, &s.Tunnel, &s.Product, &s.Version, &s.Package, &s.CPE)
	cut(maxLine, &s.Note, &s.Title)
	cut(maxBanner, &s.Banner)
	s.QoD = min(max(s.QoD, 0), 100)
	s.Software = s.Software[:min(len(s.Software), maxSoftware)]
	for i := range s.Software {
		w := &s.Software[i]
		cut(maxName, &w.Product, &w.Version, &w.CPE)
		cut(maxLine, &w.Evidence, &w.URL)
		w.QoD = min(max(w.QoD, 0), 100)
	}
	s.Headers = cutMap(s.Headers)
	if s.TLS != nil {
		s.TLS.check()
	}
	return nil
}

func (t *TLS) check() {
	t.Versions = cutAll(t.Versions, 16, 16)
	t.Suites = t.Suites[:min(len(t.Suites), maxSuites)]
	for i := range t.Suites {
		cut(maxName, &t.Suites[i].Version, &t.Suites[i].Name)
	}
	t.Chain = t.Chain[:min(len(t.Chain), maxChain)]
	for i := range t.Chain {
		t.Chain[i].check()
	}
	if t.Certificate != nil {
		t.Certificate.check()
	}
}

func (c *Certificate) check() {
	cut(maxLine, &c.Subject, &c.Issuer)
	cut(maxName, &c.Serial, &c.KeyType, &c.Signature, &c.SHA256)
	c.Names = cutAll(c.Names, maxNames, maxName)
	if y := c.NotBefore.Year(); y < 1 || y > 9999 {
		c.NotBefore = c.NotBefore.AddDate(-c.NotBefore.Year()+1, 0, 0)
	}
	if y := c.NotAfter.Year(); y < 1 || y > 9999 {
		c.NotAfter = c.NotAfter.AddDate(9999-y, 0, 0)
	}
}

func (f *Finding) check() error {
	if err := checkAddress(&f.Address); err != nil {
		return err
	}
	if f.Protocol == "" {
		f.Protocol = "tcp"
	}
	if err := checkProtocol(f.Protocol); err != nil {
		return err
	}
	cut(maxName, &f.Class, &f.Check, &f.Login, &f.Name, &f.CVSS, &f.Severity, &f.QoDType)
	if !code(f.Class) || f.Check == "" {
		return fmt.Errorf("a finding has class %.40q and check %.40q", f.Class, f.Check)
	}
	cut(maxLine, &f.Path)
	cut(maxText, &f.Summary, &f.Impact, &f.Solution, &f.Evidence.Request, &f.Evidence.Response, &f.Evidence.Detail)
	f.CVEs = cutAll(f.CVEs, maxCVEs, 32)
	f.References = cutAll(f.References, maxNames, maxLine)
	f.QoD = min(max(f.QoD, 0), 100)
	return nil
}

func (p *Progress) check() {
	p.Percent = within(p.Percent, 0, 100)
	p.Rate = within(p.Rate, 0, 1e9)
	p.ETA = within(p.ETA, 0, 1e8)
	p.Hosts = max(p.Hosts, 0)
	cut(maxName, &p.Stage)
}

func checkAddress(a *netip.Addr) error {
	if !a.IsValid() || a.Zone() != "" {
		return fmt.Errorf("an observation has no address")
	}
	*a = a.Unmap()
	return nil
}

func checkProtocol(p string) error {
	if p != "tcp" && p != "udp" {
		return fmt.Errorf("protocol %.20q is neither tcp nor udp", p)
	}
	return nil
}

// code says whether a class is written as one: words of small letters, digits and hyphens, joined by dots.
func code(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == ""
}

func within(v, low, high float64) float64 {
	if math.IsNaN(v) {
		return low
	}
	return min(max(v, low), high)
}

func cut(limit int, texts ...*string) {
	for _, t := range texts {
		*t = clean(*t, limit)
	}
}

func clean(s string, limit int) string {
	if len(s) <= limit && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	s = strings.ReplaceAll(s[:min(len(s), limit)], "\x00", "")
	return strings.ToValidUTF8(s, "")
}

func cutAll(texts []string, most, limit int) []string {
	texts = texts[:min(len(texts), most)]
	for i := range texts {
		texts[i] = clean(texts[i], limit)
	}
	return texts
}

func cutMap(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, min(len(m), 64))
	for k, v := range m {
		if len(out) < 64 {
			out[clean(k, maxName)] = clean(v, maxLine)
		}
	}
	return out
}
