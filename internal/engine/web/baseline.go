package web

import (
	"math/rand/v2"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// baselines know what the server answers to paths that cannot exist, by folder and extension: many servers say 200 to
// anything.
type baselines struct {
	client *httpwire.Client
	lock   sync.Mutex
	known  map[string]*shape
}

// shape is what two answers of one kind have in common.
type shape struct {
	status int
	size   int
	words  map[string]bool
	to     string // of a redirect, its path without the query
}

func newBaselines(c *httpwire.Client) *baselines {
	return &baselines{client: c, known: map[string]*shape{}}
}

const lowercase = "abcdefghijklmnopqrstuvwxyz"

func randomName(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = lowercase[rand.IntN(len(lowercase))]
	}
	return string(b)
}

// exists says whether an answer to a path differs from that to a path beside it that cannot exist.
func (b *baselines) exists(target string, r *httpwire.Response) bool {
	if r.Status == 404 || r.Status == 410 || r.Status >= 500 || r.Status == 400 {
		return false
	}
	none := b.of(target)
	return none == nil || !none.fits(r, target)
}

// of is the shape of the answer beside a path; nil where none came.
func (b *baselines) of(target string) *shape {
	p, _, _ := strings.Cut(target, "?")
	folder := strings.HasSuffix(p, "/")
	p = strings.TrimSuffix(p, "/")
	at := strings.LastIndexByte(p, '/')
	if at < 0 {
		return nil
	}
	parent, extension := p[:at+1], path.Ext(p[at+1:])
	if folder {
		extension = "/"
	}
	key := parent + "*" + extension
	b.lock.Lock()
	known, ok := b.known[key]
	b.lock.Unlock()
	if ok {
		return known
	}
	name := randomName(12)
	var s *shape
	if r, err := b.client.Do(httpwire.Get(parent + name + extension)); err == nil {
		s = shapeOf(r, name)
	}
	b.lock.Lock()
	defer b.lock.Unlock()
	if len(b.known) < 5000 {
		b.known[key] = s
	}
	return s
}

var wordPattern = regexp.MustCompile(`[A-Za-z]{3,}`)

// shapeOf describes an answer; what it repeats of the path's own name does not count.
func shapeOf(r *httpwire.Response, name string) *shape {
	s := &shape{status: r.Status, size: len(r.Body), words: map[string]bool{}}
	body := string(r.Body[:min(len(r.Body), 64<<10)])
	if len(name) > 3 {
		body = strings.ReplaceAll(body, name, "")
	}
	for _, w := range wordPattern.FindAllString(body, 3000) {
		s.words[strings.ToLower(w)] = true
	}
	s.to, _, _ = strings.Cut(r.Header.Get("Location"), "?")
	if name != "" {
		s.to = strings.ReplaceAll(s.to, name, "")
	}
	return s
}

// fits says that an answer has this shape: the same status and mostly the same words.
func (s *shape) fits(r *httpwire.Response, target string) bool {
	if s.status != r.Status {
		return false
	}
	p, _, _ := strings.Cut(target, "?")
	own := shapeOf(r, path.Base(p))
	if s.status >= 300 && s.status < 400 {
		return own.to == s.to
	}
	return s.similar(own) > 0.9
}

// similar is the share of words that two answers have in common (Jaccard index).
func (s *shape) similar(o *shape) float64 {
	if len(s.words) == 0 && len(o.words) == 0 {
		if s.size == o.size {
			return 1
		}
		return 0
	}
	both := 0
	for w := range s.words {
		if o.words[w] {
			both++
		}
	}
	return float64(both) / float64(len(s.words)+len(o.words)-both)
}
