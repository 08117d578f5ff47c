// Package mirror keeps local copies of published feeds. A copy is replaced only by a whole one: what broke off is taken up
// where it ended (RFC 9110, section 14), what has not changed is not fetched again, and where the publisher tells a hash
// the copy must have it.
package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/netout"
)

// Mirror is a folder of copies.
type Mirror struct {
	Dir    string
	Client *netout.Client
}

// Result of one feed.
type Result struct {
	URL     string `json:"url"`
	Path    string `json:"path,omitempty"` // of the copy; empty where there is none, not even an old one
	Changed bool   `json:"changed"`
	Bytes   int64  `json:"bytes"` // fetched by this call
	Resumed bool   `json:"resumed,omitempty"`
	Error   string `json:"error,omitempty"` // why the copy could not be brought up to date
}

// Stamp tells copies apart from later ones of the same feeds.
func (m *Mirror) Stamp(copies []string) (string, error) {
	sum := sha256.New()
	for _, path := range copies {
		info, err := os.Stat(path)
		if err != nil {
			return "", fmt.Errorf("folder of the feeds: %w", err)
		}
		fmt.Fprintf(sum, "%s %d %d\n", filepath.Base(path), info.Size(), info.ModTime().UnixNano())
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Taken is the stamp of the copies that were last made use of.
func (m *Mirror) Taken() string {
	b, _ := os.ReadFile(filepath.Join(m.Dir, "taken")) // none yet: empty
	return string(b)
}

// Take notes that the copies of this stamp were made use of.
func (m *Mirror) Take(stamp string) error {
	if err := os.WriteFile(filepath.Join(m.Dir, "taken"), []byte(stamp), 0o644); err != nil {
		return fmt.Errorf("folder of the feeds: %w", err)
	}
	return nil
}

// firstYear of NVD's files by year.
const firstYear = 2002

// Expand replaces {year} by each year that NVD has a file of.
func Expand(urls []string, now time.Time) []string {
	var all []string
	for _, u := range urls {
		if !strings.Contains(u, "{year}") {
			all = append(all, u)
			continue
		}
		for year := firstYear; year <= now.Year(); year++ {
			all = append(all, strings.ReplaceAll(u, "{year}", strconv.Itoa(year)))
		}
	}
	return all
}

// Fetch brings the copies of all URLs up to date. A feed that fails keeps its old copy and says why; the error is ctx's, or
// that another process is at work in this folder.
func (m *Mirror) Fetch(ctx context.Context, urls []string) ([]Result, error) {
	if err := os.MkdirAll(m.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("folder of the feeds: %w", err)
	}
	unlock, err := lock(filepath.Join(m.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	var all []Result
	for _, u := range urls {
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
		r := Result{URL: u}
		c := m.copyOf(u)
		if err := c.refresh(ctx, m.Client, &r); err != nil {
			r.Error = err.Error()
		}
		if _, err := os.Stat(c.path); err == nil {
			r.Path = c.path
		}
		all = append(all, r)
	}
	return all, ctx.Err()
}

// mirrored is one copy: its file, what is known of it, and the beginning of the next one.
type mirrored struct {
	url, path, part string
	state           state // of path
	next            state // of part
}

// state lies beside a file as JSON.
type state struct {
	URL      string `json:"url"`
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"last_modified,omitempty"`
	SHA256   string `json:"sha256,omitempty"` // as published, of the unpacked content
}

func (m *Mirror) copyOf(url string) *mirrored {
	sum := sha256.Sum256([]byte(url))
	path := filepath.Join(m.Dir, hex.EncodeToString(sum[:8]))
	c := &mirrored{url: url, path: path, part: path + ".part"}
	c.state, c.next = readState(c.path, url), readState(c.part, url)
	return c
}

func readState(path, url string) state {
	var s state
	b, err := os.ReadFile(path + ".json")
	if err != nil || json.Unmarshal(b, &s) != nil || s.URL != url {
		return state{}
	}
	if _, err := os.Stat(path); err != nil {
		return state{}
	}
	return s
}

func writeState(path string, s state) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(path+".json", b, 0o644)
}

// refresh fetches what has changed.
func (c *mirrored) refresh(ctx context.Context, client *netout.Client, r *Result) error {
	published, err := publishedHash(ctx, client, c.url)
	if err != nil {
		return err
	}
	if published != "" && published == c.state.SHA256 {
		return nil
	}
	response, err := c.ask(ctx, client, published)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusNotModified:
		return nil
	case http.StatusPartialContent:
		r.Resumed = true
	case http.StatusOK:
		if err := os.WriteFile(c.part, nil, 0o644); err != nil {
			return err
		}
		c.next = state{URL: c.url, ETag: response.Header.Get("ETag"), Modified: response.Header.Get("Last-Modified"), SHA256: published}
		if err := writeState(c.part, c.next); err != nil {
			return err
		}
	case http.StatusRequestedRangeNotSatisfiable: // what had begun is of no use
		return errors.Join(errors.New("the publisher has another file by now; the next call fetches it whole"), c.forget())
	default:
		return fmt.Errorf("the publisher answers %s", response.Status)
	}
	if r.Bytes, err = c.append(response.Body); err != nil {
		return err
	}
	if err := c.check(published); err != nil {
		return errors.Join(err, c.forget())
	}
	r.Changed = true
	return c.take()
}

// ask for the rest of what has begun, or for the whole if it has changed.
func (c *mirrored) ask(ctx context.Context, client *netout.Client, published string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%q is no URL of a feed.", c.url)
	}
	request.Header.Set("Accept-Encoding", "identity") // else a range would be one of something else
	begun, err := os.Stat(c.part)
	strong := c.next.ETag != "" && !strings.HasPrefix(c.next.ETag, "W/")
	switch {
	case err == nil && begun.Size() > 0 && strong && c.next.SHA256 == published:
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", begun.Size()))
		request.Header.Set("If-Range", c.next.ETag)
	case published != "": // it is known to be another one
	case c.state.ETag != "":
		request.Header.Set("If-None-Match", c.state.ETag)
	case c.state.Modified != "":
		request.Header.Set("If-Modified-Since", c.state.Modified)
	}
	return client.Do(request)
}

func (c *mirrored) append(body io.Reader) (int64, error) {
	out, err := os.OpenFile(c.part, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, body)
	return n, errors.Join(err, out.Sync(), out.Close())
}

// take puts the whole copy in the old one's place.
func (c *mirrored) take() error {
	if err := writeState(c.path, c.next); err != nil {
		return err
	}
	return errors.Join(os.Rename(c.part, c.path), os.Remove(c.part+".json"))
}

func (c *mirrored) forget() error { return errors.Join(os.Remove(c.part), os.Remove(c.part+".json")) }
