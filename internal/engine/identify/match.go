package identify

import (
	"regexp"
	"sync"

	"github.com/vedette/vedette/internal/scanlink"
)

// Quality of detection of product and version.
const (
	toldExactly = 95 // the protocol has a field for it
	toldBanner  = 80 // free text that the server shows by itself
	guessed     = 30 // concluded from behaviour
)

// Match is what a service's bytes tell of it.
type Match struct {
	Name     string // the protocol
	Tunnel   string
	Product  string
	Version  string
	Package  string // version of the distribution's package
	CPE      string // vendor:product where the product table has none
	QoD      int
	Note     string
	OS       OS
	Title    string
	Headers  map[string]string
	Software []scanlink.Software

	maybeTLS bool // an answer that servers give to clear text on a TLS port
}

// OS is a sign of the operating system.
type OS struct {
	Name string
	CPE  string // CPE 2.3 formatted string
	QoD  int
}

// take fills what o knows better.
func (m *Match) take(o Match) {
	if o.Product != "" && (m.Product == "" || o.QoD >= m.QoD) {
		m.Product, m.Version, m.Package, m.CPE, m.QoD = o.Product, o.Version, o.Package, o.CPE, o.QoD
	}
	if o.Note != "" {
		m.Note = o.Note
	}
	if o.Tunnel != "" {
		m.Tunnel = o.Tunnel
	}
	if o.OS.QoD > m.OS.QoD {
		m.OS = o.OS
	}
}

// product sets product and version with the signs of a distribution that text holds.
func (m *Match) product(name, version, text string, qod int) {
	m.Product, m.Version, m.QoD = name, version, qod
	if o := osOf(text); o.QoD > m.OS.QoD {
		m.OS = o
	}
}

var patterns sync.Map

// pattern compiles an expression once. It is for expressions of this program alone, never for text from outside.
func pattern(s string) *regexp.Regexp {
	if p, ok := patterns.Load(s); ok {
		return p.(*regexp.Regexp)
	}
	p := regexp.MustCompile(s)
	patterns.Store(s, p)
	return p
}
