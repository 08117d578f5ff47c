package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDoorsAreFewAndUsed prints who acts without a tenant, and fails where a door stands in the list that nobody goes through.
func TestDoorsAreFewAndUsed(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile("../platform/access/grant.go")
	if err != nil {
		t.Fatal(err)
	}
	users := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t(Door[A-Z]\w+)\s+Door = `).FindAllStringSubmatch(string(list), -1) {
		users[m[1]] = nil
	}
	if len(users) == 0 {
		t.Fatal("no door was read")
	}
	through := regexp.MustCompile(`\b(?:access\.)?System\((?:access\.)?(Door\w+)\)`)
	err = filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range through.FindAllStringSubmatch(string(source), -1) {
			file := strings.TrimPrefix(filepath.ToSlash(path), "../../")
			if m[1] == "DoorTest" && !strings.HasSuffix(file, "_test.go") {
				t.Errorf("%s goes through DoorTest, which is for tests", file)
			}
			if !slices.Contains(users[m[1]], file) {
				users[m[1]] = append(users[m[1]], file)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for door, files := range users {
		t.Logf("%s: %s", door, strings.Join(files, ", "))
		if len(files) == 0 {
			t.Errorf("nobody goes through %s; take it off the list", door)
		}
	}
}
