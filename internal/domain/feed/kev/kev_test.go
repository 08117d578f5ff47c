package kev

import (
	"context"
	"strings"
	"testing"
)

const catalogue = `{"catalogVersion":"2026.01.01","count":3,"vulnerabilities":[
{"cveID":"CVE-2021-0001","vendorProject":"Acme","product":"App","vulnerabilityName":"Acme App Hole","dateAdded":"2021-11-03","shortDescription":"says \"cveID\": x","requiredAction":"Update.","dueDate":"2021-11-17","knownRansomwareCampaignUse":"Known","notes":"","cwes":["CWE-79"]},
{"cveID":"CVE-2021-0002","dateAdded":7},
{"cveID":"CVE-2021-0003","dateAdded":"soon","knownRansomwareCampaignUse":"Unknown"}]}`

func TestRead(t *testing.T) {
	t.Parallel()
	var got []Entry
	bad := 0
	err := Read(context.Background(), strings.NewReader(catalogue), func(e Entry, err error) error {
		if err != nil {
			bad++
			return nil
		}
		got = append(got, e)
		return nil
	})
	if err != nil || bad != 1 || len(got) != 2 {
		t.Fatalf("%v, %d damaged, %+v", err, bad, got)
	}
	want := Entry{CVE: "CVE-2021-0001", Name: "Acme App Hole", Vendor: "Acme", Product: "App", Added: "2021-11-03", Due: "2021-11-17", Action: "Update.", Ransomware: true}
	if got[0] != want || got[1].Added != "" || got[1].Ransomware {
		t.Errorf("%+v", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"cveID":"CVE-2021-0001","dateAdded":"2021-11-03"},`))
	f.Add([]byte(`{"cveID":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := Parse(raw); err == nil && !strings.HasPrefix(e.CVE, "CVE-") {
			t.Fatalf("%+v", e)
		}
	})
}
