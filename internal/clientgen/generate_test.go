package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGolden shows every kind of operation and type in small.
func TestGolden(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("testdata", "small.json"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := generate(raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		compare(t, filepath.Join("testdata", name+".golden"), content)
	}
}

func TestMethodNames(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		id, group string
		bulk      bool
		want      string
	}{
		{"createTarget", "Targets", false, "Create"},
		{"listTargets", "Targets", false, "List"},
		{"deleteTarget", "Targets", false, "Delete"},
		{"deleteTargets", "Targets", true, "DeleteMany"},
		{"listScanHistories", "Scans", false, "ListHistories"},
		{"listRecentScans", "Scans", false, "ListRecent"},
		{"listActivatedPortLists", "Port Lists", false, "ListActivated"},
		{"pciCompliance", "Vulnerabilities", false, "PCICompliance"},
		{"showVulnerability", "Vulnerabilities", false, "Show"},
		{"createCustomer", "Users", false, "CreateCustomer"},
		{"showMe", "User", false, "ShowMe"},
		{"reportFileExists", "Reports", false, "FileExists"},
		{"signIn", "Authentication", false, "SignIn"},
		{"verifyMFAInstallation", "User", false, "VerifyMFAInstallation"},
	} {
		if got := methodName(x.id, x.group, x.bulk); got != x.want {
			t.Errorf("%s of %s is %s, want %s", x.id, x.group, got, x.want)
		}
	}
}

func TestClashesAreRefused(t *testing.T) {
	t.Parallel()
	const answer = `"tags": ["Boxes"], "responses": {"200": {}}`
	for name, x := range map[string]struct{ document, says string }{
		"two operations of one name": {`{"paths": {"/v2/boxes": {"get": {"operationId": "listBoxes", ` + answer + `}, "put": {"operationId": "listBox", ` + answer + `}}}}`, "would both be Boxes.List"},
		"no tag":                     {`{"paths": {"/v2/boxes": {"get": {"operationId": "listBoxes"}}}}`, "needs one tag"},
		"a schema that is not there": {`{"paths": {"/v2/boxes": {"get": {"operationId": "listBoxes", "tags": ["Boxes"], "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Box"}}}}}}}}}`, "there is no schema"},
		"no JSON":                    {`{`, "unexpected end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := generate([]byte(x.document)); err == nil || !strings.Contains(err.Error(), x.says) {
				t.Errorf("%v, want %q", err, x.says)
			}
		})
	}
}
