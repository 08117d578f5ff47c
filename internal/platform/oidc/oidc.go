// Package oidc asks an OpenID Connect provider who somebody is (OpenID Connect Core 1.0, code flow with PKCE, RFC 7636). Whom
// that makes here, and what they may do, is for others to say. The provider is reached under netout's rules.
package oidc

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/netout"
	"github.com/vedette/vedette/internal/platform/secret"
)

var (
	// ErrUnavailable is returned where the provider can't be asked now; it says nothing about the person.
	ErrUnavailable = errors.New("the identity provider can't be reached or gives no acceptable answer")
	// ErrRefused is returned where the provider refuses the code, or what it says can't be trusted.
	ErrRefused = errors.New("the identity provider does not vouch for this sign-in")
)

// Options of a provider, as its operator registered this installation there.
type Options struct {
	Issuer       string // https, exactly as the provider writes it
	ClientID     string
	ClientSecret secret.Text // empty: a public client
	Scopes       []string    // openid is asked for besides
	RedirectURL  string
	Allow        []netip.Prefix // private networks that it may be in
	Roots        *x509.CertPool // nil: the machine's
	Clock        *clock.Clock
}

// Identity is what the provider says of who signed in. Issuer and Subject together name a person, for ever; an address may pass
// to somebody else.
type Identity struct {
	Issuer, Subject string
	Email           string
	EmailVerified   bool
	Methods         []string // how the person signed in there (amr, RFC 8176)
	Context         string   // the class of that sign-in (acr)
}

// Request is one sign-in on its way. Its texts are secrets of whoever began it, each of at least 256 bits, but for State and Nonce,
// which travel through the browser.
type Request struct {
	State, Nonce, Verifier string
}

// Provider is safe for concurrent use. It learns the provider's endpoints when they are first needed.
type Provider struct {
	options Options
	client  *http.Client

	mu      sync.Mutex
	known   *oidc.Provider
	learned time.Time // when known was read
	failed  time.Time // when reading it last failed
}

const (
	fresh    = time.Hour        // how long endpoints are believed
	patience = 10 * time.Second // between tries at a provider that does not answer
)

// New makes a provider. It asks nobody yet.
func New(o Options) *Provider {
	out := netout.New(netout.Policy{Allow: o.Allow, HTTPSOnly: true, Roots: o.Roots})
	return &Provider{options: o, client: &http.Client{Transport: guarded{out}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// guarded sends requests by netout.
type guarded struct{ out *netout.Client }

// RoundTrip is that of http.RoundTripper.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) { return g.out.Do(r) }

// Start gives the address to which the browser goes. Error: ErrUnavailable.
func (p *Provider) Start(ctx context.Context, r Request) (string, error) {
	known, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	return p.config(known).AuthCodeURL(r.State, oidc.Nonce(r.Nonce), oauth2.S256ChallengeOption(r.Verifier)), nil
}

// Finish exchanges the code that the browser brought back, and says who signed in. issuer is the one that the answer named (RFC 9207);
// empty: none. Errors: ErrUnavailable, ErrRefused.
func (p *Provider) Finish(ctx context.Context, r Request, code, issuer string) (Identity, error) {
	known, err := p.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	if err := p.answered(known, issuer); err != nil {
		return Identity{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.config(known).Exchange(ctx, code, oauth2.VerifierOption(r.Verifier))
	if err != nil {
		return Identity{}, exchangeError(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Identity{}, fmt.Errorf("%w: it gave no ID token", ErrRefused)
	}
	verified, err := known.Verifier(&oidc.Config{ClientID: p.options.ClientID, Now: p.options.Clock.Now}).Verify(ctx, raw)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if verified.Nonce != r.Nonce {
		return Identity{}, fmt.Errorf("%w: the ID token has another nonce", ErrRefused)
	}
	who, err := p.identity(verified)
	if err != nil || who.Email != "" || known.UserInfoEndpoint() == "" {
		return who, err
	}
	return askFurther(ctx, known, who, token)
}

// answered holds the issuer that an answer named against the one that was asked.
func (p *Provider) answered(known *oidc.Provider, issuer string) error {
	var says struct {
		NamesIssuer bool `json:"authorization_response_iss_parameter_supported"`
	}
	if err := known.Claims(&says); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if issuer != p.options.Issuer && (issuer != "" || says.NamesIssuer) {
		return fmt.Errorf("%w: the answer names another issuer", ErrRefused)
	}
	return nil
}

// exchangeError keeps the code of what the token endpoint answered; its body may repeat secrets.
func exchangeError(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if s := refused.Response.StatusCode; s >= 500 || s == http.StatusTooManyRequests {
		return fmt.Errorf("%w: the token endpoint answered %d", ErrUnavailable, s)
	}
	return fmt.Errorf("%w: the token endpoint answered %d %.100q", ErrRefused, refused.Response.StatusCode, refused.ErrorCode)
}

// claims that are read besides those that the library checks.
type claims struct {
	Email         string   `json:"email"`
	EmailVerified truth    `json:"email_verified"`
	Party         string   `json:"azp"`
	Methods       []string `json:"amr"`
	Context       string   `json:"acr"`
}

// truth is a boolean that some providers write as a text.
type truth bool

// UnmarshalJSON reads true and "true"; all else is false.
func (t *truth) UnmarshalJSON(raw []byte) error {
	*t = string(raw) == "true" || string(raw) == `"true"`
	return nil
}

func (p *Provider) identity(t *oidc.IDToken) (Identity, error) {
	var c claims
	if err := t.Claims(&c); err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	switch { // OpenID Connect Core 1.0, 2 (sub) and 3.1.3.7 (azp)
	case t.Subject == "" || len(t.Subject) > 255:
		return Identity{}, fmt.Errorf("%w: the ID token has no subject of 1 to 255 characters", ErrRefused)
	case c.Party != "" && c.Party != p.options.ClientID, c.Party == "" && len(t.Audience) > 1:
		return Identity{}, fmt.Errorf("%w: the ID token was given to another party", ErrRefused)
	}
	return Identity{Issuer: p.options.Issuer, Subject: t.Subject, Email: c.Email, EmailVerified: bool(c.EmailVerified), Methods: c.Methods, Context: c.Context}, nil
}

// askFurther looks for the address where the ID token does not tell it.
func askFurther(ctx context.Context, known *oidc.Provider, who Identity, token *oauth2.Token) (Identity, error) {
	info, err := known.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return Identity{}, fmt.Errorf("%w: user info: %w", ErrUnavailable, err)
	}
	if info.Subject != who.Subject {
		return Identity{}, fmt.Errorf("%w: user info is about somebody else", ErrRefused)
	}
	who.Email, who.EmailVerified = info.Email, info.EmailVerified
	return who, nil
}

func (p *Provider) config(known *oidc.Provider) *oauth2.Config {
	endpoint := known.Endpoint()
	endpoint.AuthStyle = p.style(known)
	scopes := append([]string{oidc.ScopeOpenID}, p.options.Scopes...)
	slices.Sort(scopes)
	return &oauth2.Config{ClientID: p.options.ClientID, ClientSecret: p.options.ClientSecret.Reveal(), Endpoint: endpoint, RedirectURL: p.options.RedirectURL,
		Scopes: slices.Compact(scopes)}
}

// style of telling the client's secret: client_secret_basic, unless the provider names others and not that one.
func (p *Provider) style(known *oidc.Provider) oauth2.AuthStyle {
	var says struct {
		Styles []string `json:"token_endpoint_auth_methods_supported"`
	}
	if known.Claims(&says) == nil && len(says.Styles) > 0 && !slices.Contains(says.Styles, "client_secret_basic") || p.options.ClientSecret.Empty() {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// discover reads the provider's endpoints, once an hour. While it does not answer, what was known before serves on.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.options.Clock.Now()
	if p.known != nil && now.Sub(p.learned) < fresh {
		return p.known, nil
	}
	if now.Sub(p.failed) < patience {
		return p.known, p.unlessKnown(ErrUnavailable)
	}
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.options.Issuer)
	if err == nil && !strings.HasPrefix(found.Endpoint().AuthURL, "https://") {
		err = errors.New("its authorization endpoint is no https URL")
	}
	if err != nil {
		p.failed = now
		return p.known, p.unlessKnown(fmt.Errorf("%w: %.300s", ErrUnavailable, err)) // the text may hold a whole page
	}
	p.known, p.learned = found, now
	return found, nil
}

func (p *Provider) unlessKnown(err error) error {
	if p.known != nil {
		return nil
	}
	return err
}
