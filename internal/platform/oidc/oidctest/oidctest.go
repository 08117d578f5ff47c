// Package oidctest is an OpenID Connect provider for tests: real HTTP over TLS, discovery, signed tokens, PKCE, codes that work
// once. What is wrong with it is set by its fields.
package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// The client that is registered here.
const (
	ClientID = "vedette"
	Secret   = "of the client"
)

// Claims of an ID token.
type Claims = map[string]any

// Provider is one. Change a field through Set alone.
type Provider struct {
	Issuer string // as it is reached; the one to configure

	tb     testing.TB
	server *httptest.Server
	mu     sync.Mutex
	faults Faults
	keys   []key
	codes  map[string]granted
	asked  map[string]int // requests by path
}

// Faults of a provider, and what it says of who signs in.
type Faults struct {
	Claims Claims           // of the person; they replace what is made up
	Says   Claims           // in the discovery document, in place of what is right
	Info   Claims           // of the user info endpoint; nil: there is none
	Sign   string           // RS256, ES256, HS256 or none; empty: RS256
	Key    string           // id of the key that the ID token names; empty: the right one
	Forged bool             // it is signed with a key that is not published
	Status int              // of the token endpoint's answer; 0: 200
	Now    func() time.Time // nil: the machine's
}

type key struct {
	id    string
	rsa   *rsa.PrivateKey
	ecdsa *ecdsa.PrivateKey
}

// granted is what a code stands for.
type granted struct{ nonce, challenge, redirect string }

// Start one, until the test ends.
func Start(tb testing.TB) *Provider {
	tb.Helper()
	p := &Provider{tb: tb, codes: map[string]granted{}, asked: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /keys", p.published)
	mux.HandleFunc("GET /userinfo", p.info)
	p.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked[r.URL.Path]++
		mux.ServeHTTP(w, r)
	}))
	tb.Cleanup(p.server.Close)
	p.Issuer = p.server.URL
	p.Rotate()
	return p
}

// Roots that trust it.
func (p *Provider) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.server.Certificate())
	return pool
}

// PEM of its certificate.
func (p *Provider) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
}

// Set what is wrong from now on.
func (p *Provider) Set(f Faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
}

// Asked tells how often a path was requested.
func (p *Provider) Asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// Rotate replaces its keys.
func (p *Provider) Rotate() {
	p.tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = []key{p.newKey()}
}

func (p *Provider) newKey() key {
	p.tb.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.tb.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.tb.Fatal(err)
	}
	return key{rand.Text(), r, e}
}

// Authorize is the browser: it goes to the provider's page, where the person signs in, and brings back what the page answers.
func (p *Provider) Authorize(address string) (code, state string) {
	p.tb.Helper()
	client := p.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	request, err := http.NewRequestWithContext(p.tb.Context(), http.MethodGet, address, nil)
	if err != nil {
		p.tb.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		p.tb.Fatal(err)
	}
	defer answer.Body.Close()
	back, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || answer.StatusCode != http.StatusFound {
		p.tb.Fatalf("the provider answered %d: %v", answer.StatusCode, err)
	}
	return back.Query().Get("code"), back.Query().Get("state")
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	doc := Claims{"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token", "jwks_uri": p.Issuer + "/keys",
		"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "none"}, "token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"}}
	if p.faults.Info != nil {
		doc["userinfo_endpoint"] = p.Issuer + "/userinfo"
	}
	maps.Copy(doc, p.faults.Says)
	answer(w, http.StatusOK, doc)
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 {
		http.Error(w, "this client asks wrongly", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.codes[code] = granted{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}
	back.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if p.faults.Status != 0 {
		answer(w, p.faults.Status, Claims{"error": "server_error"})
		return
	}
	id, pass, _ := r.BasicAuth()
	code := r.PostFormValue("code")
	g, ok := p.codes[code]
	delete(p.codes, code)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || id != ClientID || pass != url.QueryEscape(Secret) || encode(sum[:]) != g.challenge || r.PostFormValue("redirect_uri") != g.redirect {
		answer(w, http.StatusBadRequest, Claims{"error": "invalid_grant", "error_description": "of " + code})
		return
	}
	answer(w, http.StatusOK, Claims{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 300, "id_token": p.idToken(g)})
}

func (p *Provider) idToken(g granted) string {
	now := time.Now
	if p.faults.Now != nil {
		now = p.faults.Now
	}
	c := Claims{"iss": p.Issuer, "aud": ClientID, "sub": "person-1", "nonce": g.nonce, "iat": now().Unix(), "exp": now().Add(5 * time.Minute).Unix()}
	maps.Copy(c, p.faults.Claims)
	alg := p.faults.Sign
	if alg == "" {
		alg = "RS256"
	}
	k := p.keys[0]
	header := Claims{"alg": alg, "kid": k.id}
	if p.faults.Key != "" {
		header["kid"] = p.faults.Key
	}
	if p.faults.Forged {
		k = p.newKey()
	}
	text := segment(p.tb, header) + "." + segment(p.tb, c)
	return text + "." + encode(sign(p.tb, k, alg, text))
}

func sign(tb testing.TB, k key, alg, text string) []byte {
	tb.Helper()
	sum := sha256.Sum256([]byte(text))
	switch alg {
	case "RS256":
		signature, err := rsa.SignPKCS1v15(rand.Reader, k.rsa, crypto.SHA256, sum[:])
		if err != nil {
			tb.Error(err)
		}
		return signature
	case "ES256":
		r, s, err := ecdsa.Sign(rand.Reader, k.ecdsa, sum[:])
		if err != nil {
			tb.Error(err)
			return nil
		}
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return signature
	case "none":
		return nil
	}
	return sum[:] // whatever: no such token is to be accepted
}

func (p *Provider) published(w http.ResponseWriter, _ *http.Request) {
	var all []Claims
	for _, k := range p.keys {
		exponent := big.NewInt(int64(k.rsa.E)).Bytes()
		point, err := k.ecdsa.PublicKey.Bytes()
		if err != nil {
			p.tb.Error(err)
			return
		}
		all = append(all, Claims{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": k.id, "n": encode(k.rsa.N.Bytes()), "e": encode(exponent)},
			Claims{"kty": "EC", "use": "sig", "alg": "ES256", "kid": k.id, "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])})
	}
	answer(w, http.StatusOK, Claims{"keys": all})
}

func (p *Provider) info(w http.ResponseWriter, r *http.Request) {
	if p.faults.Info == nil || r.Header.Get("Authorization") == "" {
		http.NotFound(w, r)
		return
	}
	answer(w, http.StatusOK, p.faults.Info)
}

func answer(w http.ResponseWriter, status int, body Claims) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone if this fails
}

func segment(tb testing.TB, c Claims) string {
	tb.Helper()
	raw, err := json.Marshal(c)
	if err != nil {
		tb.Error(err)
	}
	return encode(raw)
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
