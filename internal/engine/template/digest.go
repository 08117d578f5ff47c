package template

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/engine/template/dsl"
	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// digestAuth is an account that a template signs in with by the digest scheme (RFC 7616).
type digestAuth struct{ username, password string }

var digestField = regexp.MustCompile(`([a-zA-Z]+)\s*=\s*(?:"([^"]*)"|([^\s,]+))`)

// again answers a challenge, once; where there is none the first answer stands.
func (d *digestAuth) again(x *execution, req *httpwire.Request, first *httpwire.Response) (*httpwire.Response, error) {
	challenge := ""
	for _, c := range first.Header["Www-Authenticate"] {
		if strings.HasPrefix(strings.ToLower(c), "digest ") {
			challenge = c[len("digest "):]
			break
		}
	}
	if challenge == "" || req.Raw != nil {
		return first, nil
	}
	next := *req
	next.Header = append(append([]httpwire.Field(nil), req.Header...), httpwire.Field{Name: "Authorization", Value: d.answer(challenge, req.Method, req.Target)})
	return x.follow(&next, 0, x.jar)
}

// answer is the Authorization field to a challenge.
func (d *digestAuth) answer(challenge, method, target string) string {
	f := map[string]string{}
	for _, m := range digestField.FindAllStringSubmatch(challenge, 20) {
		f[strings.ToLower(m[1])] = m[2] + m[3]
	}
	h := func(parts ...string) string {
		var w hash.Hash = md5.New()
		if strings.HasPrefix(strings.ToUpper(f["algorithm"]), "SHA-256") {
			w = sha256.New()
		}
		w.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(w.Sum(nil))
	}
	cnonce := dsl.Random(16, "0123456789abcdef")
	secret := h(d.username, f["realm"], d.password)
	if strings.HasSuffix(strings.ToLower(f["algorithm"]), "-sess") {
		secret = h(secret, f["nonce"], cnonce)
	}
	response := h(secret, f["nonce"], h(method, target))
	quality := ""
	if f["qop"] != "" {
		response = h(secret, f["nonce"], "00000001", cnonce, "auth", h(method, target))
		quality = fmt.Sprintf(`, qop=auth, nc=00000001, cnonce=%q`, cnonce)
	}
	s := fmt.Sprintf(`Digest username=%q, realm=%q, nonce=%q, uri=%q, response=%q%s`, d.username, f["realm"], f["nonce"], target, response, quality)
	for _, name := range []string{"algorithm", "opaque"} {
		if v, ok := f[name]; ok {
			s += fmt.Sprintf(`, %s=%q`, name, v)
		}
	}
	return s
}
