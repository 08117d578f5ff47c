package mirror

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/platform/netout"
)

// maxUnpacked is how much of a packed feed is hashed at most: the largest file of NVD has some 200 MB.
const maxUnpacked = 4 << 30

var (
	nvdForm  = regexp.MustCompile(`/nvdcve-2\.0-[a-z0-9]+\.json\.gz$`)
	hashForm = regexp.MustCompile(`(?mi)^sha256:([0-9a-f]{64})\s*$`)
)

// publishedHash is what NVD tells beside each of its files, in a text of lines such as size:… and sha256:… (of the unpacked
// JSON). Empty for publishers that tell none.
func publishedHash(ctx context.Context, client *netout.Client, url string) (string, error) {
	if !nvdForm.MatchString(url) {
		return "", nil
	}
	meta := strings.TrimSuffix(url, ".json.gz") + ".meta"
	response, err := client.Get(ctx, meta)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return "", err
	}
	m := hashForm.FindSubmatch(text)
	if response.StatusCode != 200 || m == nil {
		return "", fmt.Errorf("no hash is published at %s (%s)", meta, response.Status)
	}
	return strings.ToLower(string(m[1])), nil
}

// check holds what was fetched against the published hash.
func (c *mirrored) check(published string) error {
	if published == "" {
		return nil
	}
	in, err := os.Open(c.part)
	if err != nil {
		return err
	}
	defer in.Close()
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		return fmt.Errorf("the file is damaged: %w", err)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(unpacked, maxUnpacked)); err != nil {
		return fmt.Errorf("the file is damaged: %w", err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != published {
		return fmt.Errorf("the file has the SHA-256 %s, and the publisher tells %s", got, published)
	}
	return nil
}
