package archtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// ranks orders the nouns: one imports another only if that ranks lower.
var ranks = map[string]int{
	"feed": 0, "organization": 0, "pci": 0, "tag": 0,
	"plan": 1,
	"user": 2, "portlist": 2, "whitelabel": 2, "network": 2,
	"auth": 3, "apikey": 3, "target": 3, "scanner": 3, "schedule": 3,
	"scan":          4,
	"host":          5,
	"vulnerability": 6,
	"exception":     7, "assistant": 7,
	"report": 8, "advancedreport": 8,
	"webhook": 9, "notification": 9, "audit": 9,
	"retention": 10,
}

// readers of the scanner's messages among the nouns.
var readers = []string{"feed", "scanner", "vulnerability", "host", "scan", "report"}

// dispatchers are the nouns that answer scanners: they fill the interface that scanlink/server declares.
var dispatchers = []string{"scanner", "scan"}

// databases are the packages of platform that a scanner must not link.
var databases = []string{
	"internal/platform/access", "internal/platform/db", "internal/platform/filter", "internal/platform/jobs",
	"internal/platform/op", "internal/platform/outbox", "internal/platform/replay",
}

func under(pkg string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return pkg == dir || strings.HasPrefix(pkg, dir+"/") })
}

// noun is the noun that a package of domain belongs to.
func noun(pkg string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(pkg, "internal/domain/"), "/")
	return name
}

// mayImport says whether a package may import another of the module, by section 3 of the architecture.
func mayImport(from, to string) bool {
	switch {
	case slices.Contains(testPackages, to) || under(to, "cmd", "test"):
		return false
	case under(from, "test"):
		return true
	case under(from, "cmd"):
		return true
	case under(from, "internal/app"):
		return !under(to, "client")
	case under(from, "internal/api"): // docs: the guides that the documentation page shows
		return under(to, "internal/api", "internal/platform") || (to == "docs" && from == "internal/api/docs")
	case from == "internal/clientgen": // a program for developers, which reads the document that the page reads
		return to == "internal/api/docs/openapi"
	case under(from, "internal/oneshot"): // values only: no transaction, no tenant
		return under(to, "internal/oneshot", "internal/engine", "internal/scanlink", "internal/domain") ||
			(under(to, "internal/platform") && !under(to, databases...))
	case under(from, "internal/portal"):
		return under(to, "internal/portal", "internal/platform", "web")
	case under(from, "internal/domain"):
		return domainMayImport(from, to)
	case under(from, "internal/engine"):
		return under(to, "internal/engine", "internal/platform/fault", "internal/platform/clock", "internal/platform/netout") ||
			to == "internal/scanlink" || to == "internal/scanlink/address"
	case under(from, "internal/scanlink"):
		return scanlinkMayImport(from, to)
	case under(from, "internal/platform"):
		return under(to, "internal/platform")
	case under(from, "internal/schema"):
		return under(to, "internal/platform")
	case under(from, "client"):
		return under(to, "client")
	}
	return false
}

func domainMayImport(from, to string) bool {
	if under(to, "internal/domain") {
		mine, ranked := ranks[noun(from)]
		theirs, theyRanked := ranks[noun(to)]
		return noun(from) == noun(to) || (ranked && theyRanked && theirs < mine)
	}
	if to == "internal/scanlink" {
		return slices.Contains(readers, noun(from))
	}
	if under(to, "internal/scanlink/server", "internal/scanlink/authority") {
		return slices.Contains(dispatchers, noun(from))
	}
	return under(to, "internal/platform", "internal/scanlink/address")
}

func scanlinkMayImport(from, to string) bool {
	if under(from, "internal/scanlink/server") {
		return under(to, "internal/scanlink", "internal/platform")
	}
	switch {
	case under(to, "internal/engine"):
		return under(from, "internal/scanlink/agent", "internal/scanlink/child")
	case under(to, "internal/scanlink/server"):
		return false
	case from == "internal/scanlink":
		return under(to, "internal/platform/fault", "internal/platform/clock")
	}
	return under(to, "internal/scanlink") || (under(to, "internal/platform") && !under(to, databases...))
}

func imports(f *file) []string {
	if f.test() {
		return nil
	}
	var found []string
	for _, to := range f.imports() {
		to, ours := strings.CutPrefix(to, module+"/")
		if ours && !mayImport(f.pkg(), to) {
			found = append(found, fmt.Sprintf("%s imports %s", f.path, to))
		}
	}
	return found
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	every(t, imports)
}

func TestImportRule(t *testing.T) {
	t.Parallel()
	for edge, want := range map[[2]string]bool{
		{"internal/domain/scan", "internal/domain/target"}:             true,
		{"internal/domain/target", "internal/domain/scan"}:             false,
		{"internal/domain/target", "internal/domain/scanner"}:          false,
		{"internal/domain/feed/nvd", "internal/domain/feed/cpe"}:       true,
		{"internal/domain/unranked", "internal/domain/feed"}:           false,
		{"internal/domain/scan", "internal/domain/webhook"}:            false,
		{"internal/domain/scan", "internal/scanlink"}:                  true,
		{"internal/domain/audit", "internal/scanlink"}:                 false,
		{"internal/domain/target", "internal/scanlink/address"}:        true,
		{"internal/domain/scan", "internal/scanlink/server"}:           true,
		{"internal/domain/target", "internal/scanlink/server"}:         false,
		{"internal/domain/scan", "internal/engine"}:                    false,
		{"internal/domain/scan", "internal/api"}:                       false,
		{"internal/api", "internal/platform/op"}:                       true,
		{"internal/api", "internal/domain/scan"}:                       false,
		{"internal/api/docs", "docs"}:                                  true,
		{"internal/api", "docs"}:                                       false,
		{"internal/clientgen", "internal/api/docs/openapi"}:            true,
		{"internal/clientgen", "internal/app"}:                         false,
		{"internal/engine/check", "internal/engine/wire"}:              true,
		{"internal/engine/check", "internal/platform/netout"}:          true,
		{"internal/engine/check", "internal/platform/db"}:              false,
		{"internal/engine/check", "internal/scanlink/agent"}:           false,
		{"internal/scanlink", "internal/engine"}:                       false,
		{"internal/scanlink/agent", "internal/engine"}:                 true,
		{"internal/scanlink/agent", "internal/platform/db"}:            false,
		{"internal/scanlink/agent", "internal/scanlink/server"}:        false,
		{"internal/scanlink/server", "internal/domain/scan"}:           false,
		{"internal/platform/db", "internal/platform/access"}:           true,
		{"internal/platform/db", "internal/domain/scan"}:               false,
		{"internal/app", "internal/domain/scan"}:                       true,
		{"internal/oneshot", "internal/domain/pci"}:                    true,
		{"internal/oneshot", "internal/platform/db"}:                   false,
		{"internal/app", "cmd/vedette"}:                                false,
		{"cmd/vedette", "internal/app"}:                                true,
		{"cmd/vedette", "internal/schema/dbtest"}:                      false,
		{"client", "internal/platform/fault"}:                          false,
		{"internal/domain/scan", "internal/engine/lab"}:                false,
		{"internal/newring", "internal/platform/fault"}:                false,
		{"internal/domain/vulnerability", "internal/domain/pci"}:       true,
		{"internal/domain/pci", "internal/domain/vulnerability"}:       false,
		{"internal/domain/report/html", "internal/domain/report"}:      true,
		{"internal/domain/reporting", "internal/domain/vulnerability"}: false,
	} {
		if got := mayImport(edge[0], edge[1]); got != want {
			t.Errorf("%s imports %s: allowed %v", edge[0], edge[1], got)
		}
	}
}

// Every noun has a rank, so that none is outside the order.
func TestEveryNounHasARank(t *testing.T) {
	t.Parallel()
	every(t, func(f *file) []string {
		if !under(f.pkg(), "internal/domain") || f.pkg() == "internal/domain" {
			return nil
		}
		if _, ranked := ranks[noun(f.pkg())]; !ranked {
			return []string{f.path + ": its noun has no rank in internal/archtest"}
		}
		return nil
	})
}
