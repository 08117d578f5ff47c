package app

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// things are the ids of one organization's resources, by the word that stands in paths.
type things map[string]string

// fixture is how the access test calls one operation: whose is what the path names, and a body that would do.
type fixture struct {
	path  func(things) string   // with the ids of an organization
	body  func(things) object   // nil: none
	refs  func(things) []object // bodies that refer to an organization's resources, each of which must be 404 for a stranger
	bulk  string                // word of the resources that ids name
	noID  bool                  // nothing of the path is an organization's own
	query string
}

func at(path string, words ...string) func(things) string {
	return func(t things) string {
		args := make([]any, len(words))
		for i, w := range words {
			args[i] = t[w]
		}
		return fmt.Sprintf(path, args...)
	}
}

func plain(path string) fixture {
	return fixture{path: func(things) string { return path }, noID: true}
}

func about(path string, words ...string) fixture { return fixture{path: at(path, words...)} }

func (f fixture) with(body object) fixture {
	f.body = func(things) object { return body }
	return f
}

func newTarget(name string) object {
	return object{"target": object{"name": name, "hosts": []string{"192.0.2.77"}, "scope_attestation": object{"accepted": true, "name": "A", "title": "B"}}}
}

// fixtures has a line for each operation of the table; the test fails without. The files access_<noun>_test.go add theirs.
var fixtures = map[string]fixture{
	"signIn":                      plain("/v2/auth/sign_in").with(object{"username": "nobody", "password": "not this one"}),
	"signOut":                     plain("/v2/auth/sign_out"),
	"validToken":                  plain("/v2/user/valid_token"),
	"listPermissions":             plain("/v2/user/permissions"),
	"generateAccessToken":         plain("/v2/user/generate_access_token"),
	"revokeAccessToken":           plain("/v2/user/revoke_access_token"),
	"showMe":                      plain("/v2/user/me"),
	"updateMe":                    plain("/v2/user/me").with(object{"user": object{"first_name": "Ada"}}),
	"changeProduct":               plain("/v2/user/change_product").with(object{"product_code": "pci"}),
	"changePreferredProduct":      plain("/v2/user/preferences/product").with(object{"product_code": "pci"}),
	"listTargets":                 plain("/v2/targets"),
	"createTarget":                {path: at("/v2/targets"), noID: true, body: func(things) object { return newTarget("made") }, refs: targetRefs},
	"showTarget":                  about("/v2/targets/%s", "target"),
	"updateTarget":                about("/v2/targets/%s", "target").with(object{"target": object{"comment": "changed"}}),
	"deleteTarget":                about("/v2/targets/%s", "spare target"),
	"deleteTargets":               {path: at("/v2/targets"), noID: true, bulk: "spare target"},
	"listScans":                   plain("/v2/scans"),
	"createScan":                  {path: at("/v2/scans"), noID: true, body: func(t things) object { return object{"scan": object{"name": "made", "target": t["target"]}} }, refs: scanRefs},
	"listUpcomingScans":           plain("/v2/scans/upcoming"),
	"listRecentScans":             plain("/v2/scans/recent"),
	"listRunningScans":            plain("/v2/scans/running"),
	"showScan":                    about("/v2/scans/%s", "scan"),
	"updateScan":                  {path: at("/v2/scans/%s", "scan"), body: func(things) object { return object{"scan": object{"comment": "changed"}} }, refs: scheduleRefs},
	"deleteScan":                  about("/v2/scans/%s", "spare scan"),
	"deleteScans":                 {path: at("/v2/scans"), noID: true, bulk: "spare scan"},
	"startScan":                   about("/v2/scans/%s/start", "spare scan"),
	"stopScan":                    about("/v2/scans/%s/stop", "scan"),
	"listScanHistories":           about("/v2/scans/%s/histories", "scan"),
	"showScanHistory":             about("/v2/scans/%s/histories/%s", "scan", "history"),
	"listScanHosts":               about("/v2/scans/%s/hosts", "scan"),
	"showScanHost":                about("/v2/scans/%s/hosts/%s", "scan", "host"),
	"listScanVulnerabilities":     about("/v2/scans/%s/vulnerabilities", "scan"),
	"showScanVulnerability":       about("/v2/scans/%s/vulnerabilities/%s", "scan", "vulnerability"),
	"scanVulnerabilityStatistics": about("/v2/scans/%s/vulnerabilities/statistics", "scan"),
	"listReports":                 plain("/v2/reports"),
	"showReport":                  about("/v2/reports/%s", "report"),
	"deleteReport":                about("/v2/reports/%s", "report"),
	"deleteReports":               {path: at("/v2/reports"), noID: true, bulk: "report"},
	"generateReport":              about("/v2/reports/%s/generate", "report").with(object{"type": "executive", "format": "json"}),
	"downloadReport":              about("/v2/reports/%s/download", "report"),
	"reportFileExists":            about("/v2/reports/%s/file_exists", "report"),
	"listVulnerabilities":         plain("/v2/vulnerabilities"),
	"showVulnerability":           about("/v2/vulnerabilities/%s", "vulnerability"),
	"totalVulnerabilities":        plain("/v2/vulnerabilities/total"),
	"pciCompliance":               plain("/v2/vulnerabilities/pci_compliant"),
	"listAuditEvents":             plain("/v2/audit/events"),
	"showAuditEvent":              about("/v2/audit/events/%s", "audit event"),
	"listHosts":                   plain("/v2/hosts"),
	"listMostVulnerableHosts":     plain("/v2/hosts/most_vulnerable"),
	"showHost":                    about("/v2/hosts/%s", "host"),
	"listSchedules":               plain("/v2/schedules"),
	"createSchedule":              plain("/v2/schedules").with(object{"schedule": object{"name": "made", "first_time": "2099-01-01 10:00:00", "timezone": "UTC"}}),
	"showSchedule":                about("/v2/schedules/%s", "schedule"),
	"updateSchedule":              about("/v2/schedules/%s", "schedule").with(object{"schedule": object{"comment": "changed"}}),
	"deleteSchedule":              about("/v2/schedules/%s", "spare schedule"),
	"deleteSchedules":             {path: at("/v2/schedules"), noID: true, bulk: "spare schedule"},
	"calculateFirstTime":          plain("/v2/schedules/first_time").with(object{"schedule": object{"timezone": "UTC"}}),
	"calculateNextTimes":          plain("/v2/schedules/next_times").with(object{"schedule": object{"timezone": "UTC"}}),
	"listScanners":                plain("/v2/scanners"),
	"listActivatedScanners":       plain("/v2/scanners/activated"),
	"showScanner":                 {path: func(things) string { return "/v2/scanners/" + scanner.EmbeddedID }, noID: true},
	"verifyScanner":               {path: func(things) string { return "/v2/scanners/" + scanner.EmbeddedID + "/verify" }, noID: true},
	"listPortLists":               plain("/v2/port_lists"),
	"listActivatedPortLists":      plain("/v2/port_lists/activated"),
	"showPortList":                {path: at("/v2/port_lists/%s", "port list"), noID: true},
	"createScanner":               plain("/v2/scanners").with(object{"scanner": object{"name": "made"}}),
	"updateScanner":               about("/v2/scanners/%s", "scanner").with(object{"scanner": object{"comment": "changed"}}),
	"deleteScanner":               about("/v2/scanners/%s", "scanner"),
	"activateScanner":             about("/v2/scanners/%s/activate", "scanner"),
	"deactivateScanner":           about("/v2/scanners/%s/deactivate", "scanner"),
	"updateScannerAppType":        about("/v2/scanners/%s/app_type", "scanner").with(object{"app_type": "vrms"}),
	"assignScanner":               {path: at("/v2/scanners/%s/assign", "scanner"), body: func(things) object { return object{"organization": nil} }, refs: assignRefs},
	"createPortList":              plain("/v2/port_lists").with(object{"port_list": object{"name": "made", "ranges": "1-10"}}),
	"updatePortList":              about("/v2/port_lists/%s", "own port list").with(object{"port_list": object{"description": "changed"}}),
	"deletePortList":              about("/v2/port_lists/%s", "own port list"),
	"createPortRange":             about("/v2/port_lists/%s/port_ranges", "own port list").with(object{"port_range": object{"protocol": "tcp", "start": 7, "end": 7}}),
	"deletePortRange":             about("/v2/port_lists/%s/port_ranges/%s", "own port list", "port range"),
	"activatePortList":            about("/v2/port_lists/%s/activate", "own port list"),
	"deactivatePortList":          about("/v2/port_lists/%s/deactivate", "own port list"),
	"updatePortListAppType":       about("/v2/port_lists/%s/app_type", "own port list").with(object{"app_type": "pci"}),
	"syncPortLists":               plain("/v2/port_lists/sync"),
	"listOrganizations":           plain("/v2/organizations"),
	"createOrganization":          {path: at("/v2/organizations"), noID: true, body: func(things) object { return object{"organization": object{"name": "made"}} }, refs: organizationRefs},
	"showOrganization":            about("/v2/organizations/%s", "organization"),
	"listUsers":                   plain("/v2/users"),
	"createUser":                  {path: at("/v2/users"), noID: true, body: func(things) object { return newUser("") }, refs: userRefs},
	"showUser":                    about("/v2/users/%s", "user"),
}

func newUser(organization string) object {
	u := object{"email": "made@example.org", "role": "user"}
	if organization != "" {
		u["organization"] = organization
	}
	return object{"user": u}
}

func targetRefs(t things) []object {
	b := newTarget("refers")
	b["target"].(object)["port_list"] = t["organization"] // no port list of anybody's
	return []object{b}
}

func scanRefs(t things) []object {
	return []object{{"scan": object{"name": "refers", "target": t["target"]}}, {"scan": object{"name": "refers", "target_id": t["target"]}}}
}

func scheduleRefs(t things) []object { return []object{{"scan": object{"schedule": t["schedule"]}}} }

func organizationRefs(t things) []object {
	return []object{{"organization": object{"name": "refers", "parent_organization": t["organization"]}}}
}

func assignRefs(t things) []object { return []object{{"organization": t["organization"]}} }

func userRefs(t things) []object { return []object{newUser(t["organization"])} }

// world has two customers of two partners, each with everything that an operation may name.
type world struct {
	*program
	mine, theirs things
}

func newWorld(p *program) world {
	w := world{program: p}
	for _, name := range []string{"north", "south"} {
		partner := p.organization("admin", "partner-"+name, access.Partner)
		_ = partner
		org := p.organization("partner@partner-"+name, name, access.Manager, access.User, access.Auditor)
		t := w.fill("manager@"+name, org)
		if name == "north" {
			w.mine = t
		} else {
			w.theirs = t
		}
	}
	w.clock.Move(2 * scanner.Silence) // the scanner that all see falls silent now, not between two snapshots
	return w
}

// fillers make the resources that the fixtures of access_<noun>_test.go name.
var fillers []func(w world, by string, t things)

// watched are the lists by which a change of a stranger's rows is noticed.
var watched = []string{"/v2/targets", "/v2/scans", "/v2/reports", "/v2/hosts", "/v2/vulnerabilities", "/v2/users", "/v2/schedules", "/v2/port_lists", "/v2/scanners"}

// fill makes an organization's resources.
func (w world) fill(by, org string) things {
	w.Helper()
	t := things{"organization": org}
	t["target"] = w.target(by, "web", "192.0.2.10", "192.0.2.11")
	t["spare target"] = w.target(by, "spare", "192.0.2.20")
	t["scan"] = w.scan(by, "quarterly", t["target"])
	t["spare scan"] = w.scan(by, "spare", t["target"])
	w.finish(by, t["scan"])
	t["schedule"] = w.schedule(by, "monthly", object{"first_time": "2099-01-31 10:00:00", "timezone": "Europe/Vienna", "period": 1, "period_unit": "month"})
	t["spare schedule"] = w.schedule(by, "spare", object{"first_time": "2099-01-31 10:00:00", "timezone": "UTC"})
	w.must(200, by, "PUT", "/v2/scans/"+t["scan"], object{"scan": object{"schedule": t["schedule"]}})
	t["history"] = w.first(by, "/v2/scans/"+t["scan"]+"/histories")
	t["host"] = w.first(by, "/v2/hosts")
	t["vulnerability"] = w.first(by, "/v2/vulnerabilities")
	t["audit event"] = w.first(by, "/v2/audit/events")
	t["port list"] = w.first(by, "/v2/port_lists")
	t["own port list"] = w.must(201, by, "POST", "/v2/port_lists", object{"port_list": object{"name": "ours", "ranges": "80,443"}}).id(w)
	t["port range"] = w.must(201, by, "POST", "/v2/port_lists/"+t["own port list"]+"/port_ranges", object{"port_range": object{"protocol": "udp", "start": 53, "end": 53}}).id(w)
	t["scanner"] = w.must(201, by, "POST", "/v2/scanners", object{"scanner": object{"name": "ours"}}).id(w)
	t["user"] = w.first(by, "/v2/users")
	w.eventually("the report of a finished scan", func() bool {
		var list struct{ Data []struct{ ID string } }
		w.must(200, by, "GET", "/v2/reports", nil).decode(w, &list)
		if len(list.Data) > 0 {
			t["report"] = list.Data[0].ID
		}
		return len(list.Data) > 0
	})
	for _, f := range fillers {
		f(w, by, t)
	}
	return t
}

func (w world) operations() []op.Operation { return Operations(Parts{}) }

func (w world) try(user string, o op.Operation, f fixture, of, body things, headers ...string) answer {
	w.Helper()
	var b any
	if f.body != nil {
		b = f.body(body)
	}
	if f.bulk != "" {
		b = object{"ids": []string{of[f.bulk]}}
	}
	return w.call(user, o.Method, f.path(of)+f.query, b, headers...)
}

// TestAccess walks the whole table on both databases, as the ordinary database role.
func TestAccess(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			w := newWorld(start(t, dialect, "VEDETTE_SMS_PROVIDER=log", "VEDETTE_BASE_URL="+party.Origin))
			w.walk()
			w.succeed()
		})
	}
}

func (w world) walk() {
	w.Helper()
	for _, o := range w.operations() {
		f, ok := fixtures[o.ID]
		if !ok {
			w.Errorf("operation %s (%s %s) has no fixture", o.ID, o.Method, o.Path)
			continue
		}
		w.withoutToken(o, f)
		w.withoutPermission(o, f)
		w.strangers(o, f)
		w.impersonated(o, f)
	}
	for id := range fixtures {
		if !slices.ContainsFunc(w.operations(), func(o op.Operation) bool { return o.ID == id }) {
			w.Errorf("the fixture %s is of no operation", id)
		}
	}
}

func (w world) withoutToken(o op.Operation, f fixture) {
	w.Helper()
	a := w.try("", o, f, w.mine, w.mine)
	if o.Permission == access.Public {
		if a.Status == 401 && o.ID != "signIn" {
			w.Errorf("%s is public and answers 401", o.ID)
		}
		return
	}
	if a.Status != 401 || !strings.Contains(a.Header.Get("Content-Type"), "problem+json") {
		w.Errorf("%s without a token: %d %s, want 401", o.ID, a.Status, a.Body)
	}
}

// withoutPermission tries each role that lacks the code.
func (w world) withoutPermission(o op.Operation, f fixture) {
	w.Helper()
	if !o.Permission.Coded() {
		return
	}
	for _, role := range []access.Role{access.Manager, access.User, access.Auditor} {
		if access.Allows(role, o.Permission) {
			continue
		}
		if a := w.try(string(role)+"@north", o, f, w.mine, w.mine); a.Status != 403 {
			w.Errorf("%s as %s, who lacks %s: %d %s, want 403", o.ID, role, o.Permission, a.Status, a.Body)
		}
	}
}

// impersonated tries each operation as an operator who acts as the one that holds the code, with a stranger's ids, so that nothing
// of north's is lost.
func (w world) impersonated(o op.Operation, f fixture) {
	w.Helper()
	as := "operator as " + w.holder(o)
	if w.tokens[as] == "" || w.call(as, "GET", "/v2/user/valid_token", nil).Status == 401 { // the last operation ended it
		w.tokens[as] = w.impersonate("admin", w.holder(o))
	}
	a := w.try(as, o, f, w.theirs, w.theirs)
	switch want := o.Impersonated(); {
	case want != 0 && a.Status != want:
		w.Errorf("%s by an impersonator: %d %s, want %d", o.ID, a.Status, a.Body, want)
	case a.Status == 401 && o.ID != "signIn" && o.ID != "listPermissions" || a.Status >= 500:
		w.Errorf("%s by an impersonator: %d %s%s", o.ID, a.Status, a.Body, w.why(a))
	}
}

// why is what the program logged of an answer that is its own fault.
func (w world) why(a answer) string {
	if a.Status < 500 {
		return ""
	}
	var x struct {
		ID string `json:"request_id"`
	}
	a.decode(w, &x)
	var lines []string
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, x.ID) {
			lines = append(lines, line)
		}
	}
	return "\n" + strings.Join(lines, "")
}

// holder is a user of north that holds the code in its own organization.
func (w world) holder(o op.Operation) string {
	if !o.Permission.Coded() || access.Allows(access.Manager, o.Permission) {
		return "manager@north"
	}
	return "partner@partner-north"
}

// strangers tries south's ids, with the code held: in the path, in a bulk request, in a body, and as the organization to act in.
func (w world) strangers(o op.Operation, f fixture) {
	w.Helper()
	if o.Permission == access.Public {
		return
	}
	before := w.snapshot()
	by := w.holder(o)
	if !f.noID {
		if a := w.try(by, o, f, w.theirs, w.mine); a.Status != 404 {
			w.Errorf("%s with a stranger's id: %d %s, want 404", o.ID, a.Status, a.Body)
		}
	}
	if f.bulk != "" {
		both := object{"ids": []string{w.mine[f.bulk], w.theirs[f.bulk]}}
		if a := w.call(by, o.Method, f.path(w.mine), both); a.Status != 404 {
			w.Errorf("%s with a stranger's id among one's own: %d %s, want 404", o.ID, a.Status, a.Body)
		}
	}
	if f.refs != nil {
		for _, b := range f.refs(w.theirs) {
			if a := w.call(by, o.Method, f.path(w.mine), b); a.Status != 404 {
				w.Errorf("%s with a body that refers to a stranger's resource: %d %s, want 404", o.ID, a.Status, a.Body)
			}
		}
	}
	if !strings.HasPrefix(o.Path, "/v2/user/") && !strings.HasPrefix(o.Path, "/v2/auth/") {
		if a := w.try(by, o, f, w.theirs, w.theirs, "X-Organization-Id", w.theirs["organization"]); a.Status != 404 {
			w.Errorf("%s in a stranger's organization: %d %s, want 404", o.ID, a.Status, a.Body)
		}
	}
	if after := w.snapshot(); !bytes.Equal(before, after) {
		w.Errorf("%s changed a stranger's rows", o.ID)
	}
}

// snapshot is what south's manager sees of its own.
func (w world) snapshot() []byte {
	var all []byte
	for _, path := range watched {
		all = append(all, w.must(200, "manager@south", "GET", path, nil).Body...)
	}
	return all
}
