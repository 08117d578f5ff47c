package identify

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math/bits"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/vedette/vedette/internal/engine/wire"
)

// browser fetches a few pages of one web server.
type browser struct {
	a         *asker
	transport *http.Transport
	left      int // requests it may still make
}

// page is an answer with what matters of its HTML.
type page struct {
	status    int
	header    http.Header
	body      []byte
	title     string
	generator string
	scripts   []string // src as written
	path      string
}

func newBrowser(a *asker) *browser {
	dial := func(context.Context, string, string) (net.Conn, error) { return a.dial() }
	return &browser{a: a, left: 24, transport: &http.Transport{
		DialContext: dial, DialTLSContext: dial, DisableCompression: false, MaxResponseHeaderBytes: 64 << 10,
		ResponseHeaderTimeout: a.wait + 3*time.Second, MaxIdleConnsPerHost: 1, IdleConnTimeout: 5 * time.Second,
	}}
}

func (b *browser) close() { b.transport.CloseIdleConnections() }

// get fetches a path of this server, following redirects within it; nil when there is no answer.
func (b *browser) get(path string) *page {
	for range 4 {
		p, next := b.fetch(path)
		if p == nil || next == "" {
			return p
		}
		path = next
	}
	return nil
}

func (b *browser) fetch(path string) (*page, string) {
	if b.left--; b.left < 0 {
		return nil, ""
	}
	scheme := "http"
	if b.a.secure {
		scheme = "https"
	}
	base := &url.URL{Scheme: scheme, Host: net.JoinHostPort(b.a.target.Host.Address.String(), strconv.Itoa(int(b.a.target.Port)))}
	ref, err := url.Parse(path)
	if err != nil {
		return nil, ""
	}
	u := base.ResolveReference(ref)
	ctx, cancel := context.WithTimeout(b.a.ctx, b.a.wait+8*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, ""
	}
	req.Host = b.host()
	req.Header.Set("User-Agent", userAgent(b.a.target.Contact))
	req.Header.Set("Accept", "*/*")
	resp, err := b.transport.RoundTrip(req)
	if err != nil {
		return nil, ""
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, pageLimit))
	p := &page{status: resp.StatusCode, header: resp.Header, body: body, path: u.RequestURI()}
	if next := b.redirect(base, u, resp); next != "" {
		return p, next
	}
	p.read()
	return p, ""
}

func (b *browser) host() string {
	port := b.a.target.Port
	name := b.a.target.host()
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if b.a.secure && port == 443 || !b.a.secure && port == 80 {
		return name
	}
	return name + ":" + strconv.Itoa(int(port))
}

// redirect gives the path where a redirect stays on this server; others are not followed.
func (b *browser) redirect(base, from *url.URL, resp *http.Response) string {
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return ""
	}
	to, err := from.Parse(resp.Header.Get("Location"))
	if err != nil || to.Scheme != base.Scheme {
		return ""
	}
	if to.Host != base.Host && to.Host != b.host() && to.Hostname() != b.a.target.host() {
		return ""
	}
	if port := to.Port(); port != "" && port != strconv.Itoa(int(b.a.target.Port)) {
		return ""
	}
	if to.RequestURI() == from.RequestURI() {
		return ""
	}
	return to.RequestURI()
}

func userAgent(contact string) string {
	ua := "Mozilla/5.0 (compatible; Vedette vulnerability scanner"
	if contact != "" {
		ua += "; " + strings.Map(func(r rune) rune {
			if r < 0x20 || r > 0x7e {
				return -1
			}
			return r
		}, contact)
	}
	return ua + ")"
}

// read takes title, generator and scripts out of the HTML.
func (p *page) read() {
	z := html.NewTokenizer(strings.NewReader(string(p.body)))
	z.SetMaxBuf(64 << 10)
	for n := 0; n < 20000; n++ {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			name, hasAttr := z.TagName()
			tag := string(name)
			if tag == "title" && p.title == "" {
				if z.Next() == html.TextToken {
					p.title = wire.Printable([]byte(strings.Join(strings.Fields(string(z.Text())), " ")), 200)
				}
				continue
			}
			if hasAttr && (tag == "meta" || tag == "script") {
				p.attributes(tag, z)
			}
		}
	}
}

func (p *page) attributes(tag string, z *html.Tokenizer) {
	at := map[string]string{}
	for {
		k, v, more := z.TagAttr()
		at[string(k)] = string(v)
		if !more {
			break
		}
	}
	if tag == "meta" && strings.EqualFold(at["name"], "generator") && p.generator == "" {
		p.generator = at["content"]
	}
	if src := at["src"]; tag == "script" && src != "" && len(p.scripts) < 32 {
		p.scripts = append(p.scripts, src)
	}
}

// favicon gives the 32-bit murmur3 of the icon in base64 lines, the hash that search engines of the field use.
func (b *browser) favicon() (string, bool) {
	p := b.get("/favicon.ico")
	if p == nil || p.status != 200 || len(p.body) == 0 || len(p.body) > 256<<10 || strings.Contains(strings.ToLower(p.header.Get("Content-Type")), "html") {
		return "", false
	}
	text := base64.StdEncoding.EncodeToString(p.body)
	var lines strings.Builder
	for len(text) > 76 {
		lines.WriteString(text[:76] + "\n")
		text = text[76:]
	}
	lines.WriteString(text + "\n")
	return strconv.Itoa(int(int32(murmur3([]byte(lines.String()))))), true
}

// murmur3 is MurmurHash3_x86_32 with seed 0.
func murmur3(b []byte) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	h, n := uint32(0), uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := bits.RotateLeft32(binary.LittleEndian.Uint32(b)*c1, 15) * c2
		h = bits.RotateLeft32(h^k, 13)*5 + 0xe6546b64
	}
	var tail uint32
	for i := len(b) - 1; i >= 0; i-- {
		tail = tail<<8 | uint32(b[i])
	}
	if len(b) > 0 {
		h ^= bits.RotateLeft32(tail*c1, 15) * c2
	}
	h ^= n
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
