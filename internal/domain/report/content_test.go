package report

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/net/html"

	"github.com/vedette/vedette/internal/domain/pci"
	"github.com/vedette/vedette/internal/domain/vulnerability"
	"github.com/vedette/vedette/internal/platform/fault"
)

func TestBands(t *testing.T) {
	t.Parallel()
	for tenths, want := range map[int][2]string{0: {"Low", "Info"}, 1: {"Low", "Low"}, 39: {"Low", "Low"}, 40: {"Medium", "Medium"}, 69: {"Medium", "Medium"}, 70: {"High", "High"}, 89: {"High", "High"}, 90: {"High", "Critical"}, 100: {"High", "Critical"}} {
		if got := [2]string{band(tenths), rating(tenths)}; got != want {
			t.Errorf("%d: %v, not %v", tenths, got, want)
		}
	}
	if score(98) != "9.8" || score(100) != "10.0" || score(0) != "0.0" {
		t.Error("scores are written wrongly")
	}
}

func TestPossibleAndExceptedFindingsDoNotCount(t *testing.T) {
	t.Parallel()
	m := failingShop()
	if c := m.Counts; c.Unconfirmed != 3 || c.Excepted != 1 || c.Total() != len(m.Findings)-4 || c.Exploited != 3 {
		t.Errorf("%+v of %d", c, len(m.Findings))
	}
	sum := 0
	for _, c := range m.Components {
		sum += c.Counts.Total()
	}
	if sum != m.Counts.Total() {
		t.Errorf("components count %d, the report %d", sum, m.Counts.Total())
	}
	judged, unconfirmed := m.sorted()
	for _, f := range m.fixes(open(judged, m.exceptions())) {
		for _, v := range f.findings {
			if v.Certainty == vulnerability.Possible || v.NVT == "CVE-2023-48795" {
				t.Errorf("%s is to be fixed", v.NVT)
			}
		}
	}
	if len(unconfirmed) != 3 {
		t.Errorf("%d unconfirmed", len(unconfirmed))
	}
}

func TestFixesComeInTheOrderOfTheirPressure(t *testing.T) {
	t.Parallel()
	m := failingShop()
	judged, _ := m.sorted()
	fixes := m.fixes(judged)
	if f := fixes[0]; f.title != "Update Apache HTTP Server 2.4.49 to a fixed version" || len(f.findings) != 3 || !f.exploited() || !f.failing {
		t.Errorf("first is %q", f.title)
	}
	if !slices.IsSortedFunc(fixes, compareFixes) {
		t.Error("not sorted")
	}
	for _, f := range fixes {
		if f.title == "Allow TLS 1.2 and 1.3 only" && len(f.findings) != 2 {
			t.Error("the same work stands twice")
		}
	}
}

// Every field of the Guide's appendices is in its document.
func TestDocumentsSayWhatTheGuideAsks(t *testing.T) {
	t.Parallel()
	m := failingShop()
	for ty, wanted := range map[Type][]string{
		Attestation: {"A.1", "A.2", "A.3", "A.4", "A.5", m.Customer.Company, m.Customer.Contact, m.Customer.Title, m.Customer.Telephone, m.Customer.Email, m.Customer.Address, m.Customer.City, m.Customer.State, m.Customer.ZIP, m.Customer.Country, m.Customer.URL,
			m.ASV.Company, m.ASV.Contact, m.ASV.Telephone, "20 November 2026", "18 February 2027", "Full scan", PreAssessment},
		Executive: {"1  Scan information", "2  Component compliance summary", "3a  Vulnerabilities by component", "Correction plan", "3b  Special notes by component", "3c  Special notes in full", "4a  Scope submitted", "4b  Components in scope", "4c  Components out of scope",
			"False positive, accepted until 18 February 2027", "Compensating control, rejected", "Administration of the database by our hosting partner.", "Awaiting the customer's declaration", "Office VPN of another tenant", noteKind("unknown_service").Text},
		Detailed: {"CVE-2021-42013", "6379/tcp", "redis_version:6.0.16", "NVD, primary", "Bind Redis to an internal address", "Unconfirmed – version only", "CVE-2024-7347", "openssh 9.2p1", "The server tells no version before login."},
	} {
		text := string(render(t, m, ty, HTML))
		for _, s := range wanted {
			if !strings.Contains(text, html.EscapeString(s)) && !strings.Contains(text, s) && !strings.Contains(text, strings.ReplaceAll(s, "+", "&#43;")) {
				t.Errorf("%s lacks %q", ty, s)
			}
		}
	}
}

func TestCertificateTakesTheMarkAway(t *testing.T) {
	t.Parallel()
	m := cleanPass()
	for _, ty := range Types {
		if page := render(t, m, ty, HTML); bytes.Contains(page, []byte(PreAssessment)) {
			t.Errorf("%s is marked in spite of a certificate", ty)
		}
	}
	if page := render(t, m, Attestation, HTML); !bytes.Contains(page, []byte(m.Certificate)) || !bytes.Contains(page, []byte(m.Reviewer)) {
		t.Error("certificate number or reviewer is missing")
	}
	m.Certificate = ""
	for _, ty := range Types {
		if page := render(t, m, ty, HTML); !bytes.Contains(page, []byte(PreAssessment)) {
			t.Errorf("%s is not marked", ty)
		}
	}
}

// node calls f for every element of a page.
func node(n *html.Node, f func(*html.Node)) {
	if n.Type == html.ElementNode {
		f(n)
	}
	for c := range n.ChildNodes() {
		node(c, f)
	}
}

func TestPagesNeedNothingElseAndCanBeRead(t *testing.T) {
	t.Parallel()
	for name, model := range models() {
		for _, ty := range Types {
			root, err := html.Parse(bytes.NewReader(render(t, model(), ty, HTML)))
			if err != nil {
				t.Fatal(err)
			}
			checkPage(t, name+" "+string(ty), root)
		}
	}
}

func checkPage(t *testing.T, name string, root *html.Node) {
	t.Helper()
	ids, links, headings, marks := map[string]bool{}, []string{}, 0, map[string]int{}
	node(root, func(n *html.Node) {
		marks[n.Data]++
		if slices.Contains([]string{"script", "iframe", "link", "object", "embed", "form", "base"}, n.Data) {
			t.Errorf("%s: <%s>", name, n.Data)
		}
		if level := strings.Index("h1h2h3h4", n.Data); level >= 0 && len(n.Data) == 2 && n.Data[0] == 'h' {
			if level/2 > headings {
				t.Errorf("%s: %s follows a heading of level %d", name, n.Data, headings)
			}
			headings = level/2 + 1
		}
		scoped := false
		for _, a := range n.Attr {
			switch {
			case a.Key == "id" && ids[a.Val]:
				t.Errorf("%s: id %s stands twice", name, a.Val)
			case a.Key == "id":
				ids[a.Val] = true
			case a.Key == "href":
				links = append(links, a.Val)
			case a.Key == "src" && !strings.HasPrefix(a.Val, "data:image/png;"), strings.HasPrefix(a.Key, "on"):
				t.Errorf("%s: %s=%q", name, a.Key, a.Val)
			case a.Key == "scope":
				scoped = true
			}
		}
		if n.Data == "th" && !scoped {
			t.Errorf("%s: a header cell has no scope", name)
		}
	})
	for _, want := range []string{"header", "main", "footer", "h1", "title"} {
		if marks[want] != 1 {
			t.Errorf("%s: %d of <%s>", name, marks[want], want)
		}
	}
	for _, to := range links {
		u, err := url.Parse(to)
		if err != nil || !(strings.HasPrefix(to, "#") && ids[to[1:]]) && !slices.Contains([]string{"https", "http", "mailto"}, u.Scheme) {
			t.Errorf("%s: a link leads to %q", name, to)
		}
	}
}

func TestCSVHoldsNoFormula(t *testing.T) {
	t.Parallel()
	m := stress(40)
	for _, ty := range []Type{Detailed, Remediation} {
		rows, err := csv.NewReader(bytes.NewReader(render(t, m, ty, CSV))).ReadAll()
		if err != nil || len(rows) < 2 {
			t.Fatalf("%s: %d rows, %v", ty, len(rows), err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
					t.Errorf("%s: %.40q", ty, cell)
				}
			}
		}
		if ty == Detailed && len(rows) != len(m.Findings)+1 {
			t.Errorf("%d rows of %d findings", len(rows), len(m.Findings))
		}
	}
}

func TestWorkbookSaysWhatToDo(t *testing.T) {
	t.Parallel()
	f, err := excelize.OpenReader(bytes.NewReader(render(t, failingShop(), Remediation, XLSX)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.GetSheetList(); !slices.Equal(got, []string{"Fixes", "Hosts", "Findings", "Unconfirmed", "About"}) {
		t.Errorf("sheets: %v", got)
	}
	for sheet, want := range map[string]int{"Fixes": 22, "Hosts": 7, "Findings": 26, "Unconfirmed": 4} {
		if rows, err := f.GetRows(sheet); err != nil || len(rows) != want {
			t.Errorf("%s has %d rows (%v)", sheet, len(rows), err)
		}
	}
	about, err := f.GetRows("About")
	if err != nil || !slices.ContainsFunc(about, func(r []string) bool { return slices.Contains(r, PreAssessment) }) {
		t.Errorf("the mark is missing: %v (%v)", about, err)
	}
}

// dataFile is what a program reads of a JSON or XML file.
type dataFile struct {
	Version    int             `json:"version" xml:"version,attr"`
	Type       Type            `json:"type" xml:"type,attr"`
	Verdict    dataVerdict     `json:"verdict" xml:"verdict"`
	Counts     dataCounts      `json:"counts" xml:"counts"`
	Components []dataComponent `json:"components" xml:"components>component"`
	Findings   []dataFinding   `json:"findings" xml:"findings>finding"`
	Fixes      []dataFix       `json:"fixes" xml:"fixes>fix"`
	Notes      []dataNote      `json:"notes" xml:"notes>note"`
}

func TestJSONAndXMLSayTheSame(t *testing.T) {
	t.Parallel()
	for name, model := range models() {
		for _, ty := range Types {
			var j, x dataFile
			if err := json.Unmarshal(render(t, model(), ty, JSON), &j); err != nil {
				t.Fatal(err)
			}
			if err := xml.Unmarshal(render(t, model(), ty, XML), &x); err != nil {
				t.Fatal(err)
			}
			if j.Version != 1 || j.Type != ty || len(j.Findings) != len(x.Findings) || len(j.Fixes) != len(x.Fixes) || j.Verdict != x.Verdict || j.Counts != x.Counts || len(j.Components) != len(x.Components) || len(j.Notes) != len(x.Notes) {
				t.Errorf("%s %s: JSON and XML differ", name, ty)
			}
			if name == "fail" && ty == Detailed && (len(j.Findings) != 28 || j.Findings[0].Severity != "10.0" || x.Findings[0].Severity != "10.0" || j.Findings[0].Exception == nil) {
				t.Errorf("findings: %+v", j.Findings[0])
			}
		}
	}
}

func TestSARIF(t *testing.T) {
	t.Parallel()
	m := failingShop()
	var log struct {
		sarifLog
		Runs []struct {
			sarifRun
			Results []sarifResult `json:"results"`
		} `json:"runs"`
	}
	if err := json.Unmarshal(render(t, m, Detailed, SARIF), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || len(run.Results) != len(m.Findings) {
		t.Fatalf("version %s, %d results", log.Version, len(run.Results))
	}
	suppressed, review := 0, 0
	for _, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("%s points at another rule", r.RuleID)
		}
		// SARIF 2.1.0, 3.27.10: a kind other than fail has the level none.
		if (r.Kind == "fail") == (r.Level == "none") {
			t.Errorf("kind %s with level %s", r.Kind, r.Level)
		}
		if u, err := url.Parse(r.Locations[0].Physical.Artifact.URI); err != nil || u.Scheme == "" || u.Host == "" {
			t.Errorf("no address: %s", r.Locations[0].Physical.Artifact.URI)
		}
		suppressed += len(r.Suppressions)
		if r.Kind == "review" {
			review++
		}
	}
	if suppressed != 1 || review != 3 {
		t.Errorf("%d suppressed, %d to review", suppressed, review)
	}
}

func TestRenderRefusesWhatThereIsNot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		t Type
		f Format
	}{{"summary", PDF}, {Attestation, SARIF}, {Executive, XLSX}, {Detailed, "docx"}, {"", ""}} {
		if err := Render(t.Context(), io.Discard, cleanPass(), c.t, c.f); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s as %s: %v", c.t, c.f, err)
		}
	}
	for _, ty := range Types {
		for _, f := range Formats(ty) {
			if f.MediaType() == "" {
				t.Errorf("%s has no media type", f)
			}
		}
	}
}

func TestEmptyModelRenders(t *testing.T) {
	t.Parallel()
	for _, ty := range Types {
		for _, f := range Formats(ty) {
			render(t, Model{}, ty, f)
		}
	}
}

// The service freezes a model as JSON when a scan ends, and renders it for years.
func TestFrozenModelSaysTheSame(t *testing.T) {
	t.Parallel()
	for name, model := range models() {
		m := model()
		frozen, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var thawed Model
		if err := json.Unmarshal(frozen, &thawed); err != nil {
			t.Fatal(err)
		}
		for _, ty := range Types {
			if !bytes.Equal(render(t, m, ty, HTML), render(t, thawed, ty, HTML)) {
				t.Errorf("%s %s differs once frozen", name, ty)
			}
		}
	}
}

func TestRenderStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, f := range []Format{PDF, HTML, CSV} {
		if err := Render(ctx, io.Discard, stress(50), Detailed, f); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", f, err)
		}
	}
	if err := Render(ctx, io.Discard, stress(50), Remediation, XLSX); !errors.Is(err, context.Canceled) {
		t.Errorf("xlsx: %v", err)
	}
}

func TestFindingsGiveRiseToNotes(t *testing.T) {
	t.Parallel()
	for _, row := range pci.Rows() {
		if row.Rule == pci.RuleNote && !slices.Contains(NoteKinds, noteKind(row.Subject)) {
			t.Errorf("%s: no words for the note %q", row.Class, row.Subject)
		}
	}
	m := failingShop()
	m.Notes = nil
	m.Tally()
	var got []string
	for _, n := range m.Notes {
		got = append(got, place(n.Host, n.Port, n.Protocol)+" "+n.Kind)
	}
	want := []string{"198.51.100.11:22/tcp remote_access", "198.51.100.13:21/tcp insecure_service", "198.51.100.13:8080/tcp directory_browsing", "198.51.100.14:3389/tcp remote_access"}
	if !slices.Equal(got, want) {
		t.Errorf("notes: %q", got)
	}
	if page := render(t, m, Executive, HTML); !bytes.Contains(page, []byte("4 notes wait")) {
		t.Error("open notes are not shown")
	}
}
