package web

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/engine/template/dsl"
	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// hole is one known vulnerability of a library: from is the first version that has it (empty: every one), before the
// first that has it no more.
type hole struct{ cve, from, before string }

// library is how a JavaScript library is recognised, and what is known of its versions.
type library struct {
	name  string
	class string
	text  *regexp.Regexp // in the file; group 1 is the version
	file  *regexp.Regexp // in the file's name; group 1 is the version
	holes []hole
	safe  string // the version to update to
}

const numbers = `(\d+\.\d+(?:\.\d+)?(?:-(?:rc|beta|alpha)[.\d]*)?)`

// libraries by order of recognition. The ranges are those of the CVE records.
var libraries = []library{
	{
		name: "jquery", class: "web.old-jquery", safe: "3.7.1",
		text: regexp.MustCompile(`(?:jQuery JavaScript Library v|/\*[!*]?\s*(?:\*\s*)?jQuery (?:v@?)?)` + numbers), // others name the version that they need
		file: regexp.MustCompile(`(?i)(?:^|/)jquery[-.]` + numbers + `(?:\.slim)?(?:\.min|\.pack)?\.js$`),
		holes: []hole{
			{"CVE-2012-6708", "", "1.9.0"}, {"CVE-2015-9251", "", "3.0.0"}, {"CVE-2019-11358", "", "3.4.0"},
			{"CVE-2020-11022", "1.2.0", "3.5.0"}, {"CVE-2020-11023", "1.0.3", "3.5.0"},
		},
	},
	{
		name: "jquery-ui", class: "web.old-jquery", safe: "1.14.1",
		text: regexp.MustCompile(`/\*[!*]?\s*(?:\*\s*)?jQuery UI (?:- v|v|Core )?` + numbers),
		file: regexp.MustCompile(`(?i)jquery-ui[-.]` + numbers + `(?:\.custom)?(?:\.min)?\.js$`),
		holes: []hole{
			{"CVE-2010-5312", "", "1.10.0"}, {"CVE-2016-7103", "", "1.12.0"}, {"CVE-2021-41182", "", "1.13.0"}, {"CVE-2021-41183", "", "1.13.0"},
			{"CVE-2021-41184", "", "1.13.0"}, {"CVE-2022-31160", "", "1.13.2"},
		},
	},
	{
		name: "bootstrap", class: "web.old-jquery", safe: "5.3.3",
		text: regexp.MustCompile(`Bootstrap(?:\.js)? v` + numbers), file: regexp.MustCompile(`(?i)bootstrap[-.]` + numbers + `(?:\.bundle)?(?:\.min)?\.js$`),
		holes: []hole{
			{"CVE-2018-14040", "", "3.4.0"}, {"CVE-2018-14042", "", "3.4.0"}, {"CVE-2016-10735", "", "3.4.0"}, {"CVE-2018-20676", "", "3.4.0"},
			{"CVE-2018-20677", "", "3.4.0"}, {"CVE-2019-8331", "", "3.4.1"}, {"CVE-2018-14040", "4.0.0", "4.1.2"}, {"CVE-2018-14041", "4.0.0", "4.1.2"},
			{"CVE-2018-14042", "4.0.0", "4.1.2"}, {"CVE-2019-8331", "4.0.0", "4.3.1"},
		},
	},
	{
		name: "angularjs", class: "web.old-jquery", safe: "none: AngularJS is out of support",
		text: regexp.MustCompile(`AngularJS v` + numbers), file: regexp.MustCompile(`(?i)angular[-.]` + numbers + `(?:\.min)?\.js$`),
		holes: []hole{
			{"CVE-2019-10768", "", "1.7.9"}, {"CVE-2019-14863", "", "1.5.0"}, {"CVE-2020-7676", "", "1.8.0"}, {"CVE-2022-25869", "", "2.0.0"},
			{"CVE-2023-26116", "1.2.21", "2.0.0"}, {"CVE-2023-26117", "1.0.0", "2.0.0"}, {"CVE-2023-26118", "1.4.9", "2.0.0"},
		},
	},
	{
		name: "lodash", class: "web.old-jquery", safe: "4.17.21",
		text: regexp.MustCompile(`(?is)lodash.{0,400}?\bVERSION\s*=\s*['"]` + numbers), file: regexp.MustCompile(`(?i)lodash[-.]` + numbers + `(?:\.min)?\.js$`),
		holes: []hole{
			{"CVE-2018-3721", "", "4.17.5"}, {"CVE-2018-16487", "", "4.17.11"}, {"CVE-2019-1010266", "", "4.17.11"}, {"CVE-2019-10744", "", "4.17.12"},
			{"CVE-2020-8203", "3.7.0", "4.17.19"}, {"CVE-2020-28500", "4.0.0", "4.17.21"}, {"CVE-2021-23337", "", "4.17.21"},
		},
	},
	{
		name: "moment", class: "web.old-jquery", safe: "2.30.1",
		text: regexp.MustCompile(`(?s)//! moment\.js.{0,80}?//! version : ` + numbers), file: regexp.MustCompile(`(?i)moment[-.]` + numbers + `(?:\.min)?\.js$`),
		holes: []hole{
			{"CVE-2016-4055", "", "2.11.2"}, {"CVE-2017-18214", "", "2.19.3"}, {"CVE-2022-24785", "1.0.1", "2.29.2"}, {"CVE-2022-31129", "2.18.0", "2.29.4"},
		},
	},
	{
		name: "handlebars", class: "web.old-jquery", safe: "4.7.8",
		text: regexp.MustCompile(`(?i)handlebars v` + numbers), file: regexp.MustCompile(`(?i)handlebars[-.]v?` + numbers + `(?:\.min)?\.js$`),
		holes: []hole{{"CVE-2015-8861", "", "4.0.0"}, {"CVE-2021-23369", "", "4.7.7"}, {"CVE-2021-23383", "", "4.7.7"}},
	},
	{
		name: "underscore", class: "web.old-jquery", safe: "1.13.7",
		text: regexp.MustCompile(`Underscore\.js ` + numbers), file: regexp.MustCompile(`(?i)underscore[-.]` + numbers + `(?:[-.]min)?\.js$`),
		holes: []hole{{"CVE-2021-23358", "1.3.2", "1.12.1"}},
	},
	{
		name: "dompurify", class: "web.old-jquery", safe: "3.2.4",
		text: regexp.MustCompile(`DOMPurify ` + numbers), file: regexp.MustCompile(`(?i)purify[-.]` + numbers + `(?:\.min)?\.js$`),
		holes: []hole{{"CVE-2020-26870", "", "2.0.17"}, {"CVE-2024-45801", "", "2.5.4"}, {"CVE-2024-47875", "", "2.5.0"}, {"CVE-2024-47875", "3.0.0", "3.1.3"}, {"CVE-2025-26791", "", "3.2.4"}},
	},
}

func (h hole) hits(version string) bool {
	return dsl.CompareVersions(version, h.before) < 0 && (h.from == "" || dsl.CompareVersions(version, h.from) >= 0)
}

// vulnerable are the CVE ids of a version, each once.
func (l *library) vulnerable(version string) []string {
	var all []string
	for _, h := range l.holes {
		if h.hits(version) && !strings.Contains(strings.Join(all, " "), h.cve) {
			all = append(all, h.cve)
		}
	}
	return all
}

// recognise names the library and version of a script by its text, else by its name.
func recognise(target, text string) (lib *library, version, shown string) {
	head := text[:min(len(text), 200<<10)]
	p, _, _ := strings.Cut(target, "?")
	for i := range libraries {
		if m := libraries[i].text.FindStringSubmatch(head); m != nil {
			return &libraries[i], m[1], m[0]
		}
	}
	for i := range libraries {
		if m := libraries[i].file.FindStringSubmatch(p); m != nil {
			return &libraries[i], m[1], ""
		}
	}
	return nil, "", ""
}

// checkLibraries reads the scripts that the pages use from this target.
func (s *scan) checkLibraries() {
	each(s, s.site.scripts, func(target string) {
		r, err := s.get(target)
		if err != nil || r.Status != 200 || isHTML(r) {
			return
		}
		lib, version, shown := recognise(target, string(r.Body))
		if lib == nil {
			return
		}
		if cves := lib.vulnerable(version); len(cves) > 0 {
			s.reportLibrary(lib, version, cves, target, r, shown)
		}
	})
}

const libraryQoD = 80 // the version is read from what is served; a patched copy may keep it

func (s *scan) reportLibrary(lib *library, version string, cves []string, target string, r *httpwire.Response, shown string) {
	detail := fmt.Sprintf("%s %s is served and used by pages of this site.", lib.name, version)
	f := s.found(lib.class, "web-"+lib.name, target, libraryQoD, r, shown, detail)
	f.CVEs, f.QoDType = cves, "remote_analysis"
	f.Solution = "Update " + lib.name + " to " + lib.safe + "."
	f.Name = fmt.Sprintf("Outdated JavaScript library %s %s", lib.name, version)
	s.report(f)
	for _, id := range cves {
		one := s.found("cve", "web-"+lib.name+"-"+id, target, libraryQoD, r, shown, detail)
		one.CVEs, one.QoDType, one.Solution = []string{id}, f.QoDType, f.Solution
		one.Name = fmt.Sprintf("%s in the JavaScript library %s %s", id, lib.name, version)
		one.References = []string{"https://nvd.nist.gov/vuln/detail/" + id}
		s.report(one)
	}
}
