package retention

import (
	"io/fs"
	"regexp"
	"slices"
	"testing"

	"github.com/vedette/vedette/internal/schema"
)

// TestEveryBlobColumnIsKnown: a file that a column names which is not in the list would be taken for an orphan.
func TestEveryBlobColumnIsKnown(t *testing.T) {
	t.Parallel()
	content := [][2]string{{"whitelabel_images", "sha256"}} // of content that stands in the row itself
	names, err := fs.Glob(schema.Files, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(schema.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		table := ""
		for _, m := range regexp.MustCompile(`(?m)^(?:create table|alter table) (\w+)|(?:^  |add column )(\w*(?:sha256|blob)\w*) `).FindAllStringSubmatch(string(text), -1) {
			if m[1] != "" {
				table = m[1]
			}
			if c := [2]string{table, m[2]}; m[2] != "" && !slices.Contains(blobColumns, c) && !slices.Contains(content, c) {
				t.Errorf("%s: does %s of %s name a blob? Put it into one of the lists", name, c[1], c[0])
			}
		}
	}
}
