package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/internal/platform/netout"
	"github.com/vedette/vedette/internal/scanlink/address"
)

// What an owner publishes.
const (
	txtLabel = "_vedette-challenge"
	txtKey   = "vedette-verification="
	filePath = "/.well-known/vedette-verification.txt"
)

// Bounds of a check.
const (
	proofPatience = 25 * time.Second // of all hosts of a request
	lookPatience  = 8 * time.Second  // of one look
	lookParallel  = 8
	maxProofFile  = 16 << 10
	maxProofs     = 100 // hosts of a request that are looked at
)

// Prover looks whether a challenge was met. It reaches the public internet and the networks that the operator allows.
type Prover struct {
	Resolver *net.Resolver // nil: the machine's
	Client   *netout.Client
	origins  func(host string) []string // of tests; nil: both standard ports
}

// NewProver for the rules; resolver may be nil.
func NewProver(rules Rules, resolver *net.Resolver) *Prover {
	return &Prover{Resolver: resolver, Client: netout.New(netout.Policy{Allow: rules.Allow, Timeout: lookPatience, MaxBody: maxProofFile, Resolver: resolver})}
}

// challenge is what proves a host by a method; empty where it can't be proven so.
func challenge(h address.Host, method, token string) (where, what string) {
	switch method {
	case ByDNS:
		if zone := zoneOf(h); zone != "" {
			return txtLabel + "." + zone, txtKey + token
		}
	case ByFile:
		if h.Name != "" || h.Span.First == h.Span.Last {
			return "http://" + authority(h) + filePath, token
		}
	}
	return "", ""
}

func authority(h address.Host) string {
	if h.Name != "" {
		return h.Name
	}
	return (&url.URL{Host: bracketed(h.Span.First)}).Host
}

func bracketed(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// zoneOf a host: the name itself, or the reverse zone of an address or of a network that is one (RFC 1035 section 3.5, RFC 3596
// section 2.5).
func zoneOf(h address.Host) string {
	if h.Name != "" {
		return h.Name
	}
	bits, ok := prefixBits(h.Span)
	a := h.Span.First
	step, suffix := 8, "in-addr.arpa"
	if a.Is6() {
		step, suffix = 4, "ip6.arpa"
	}
	if !ok || bits == 0 || bits%step != 0 {
		return ""
	}
	labels := []string{suffix}
	raw := a.AsSlice()
	for at := 0; at < bits; at += step {
		part := fmt.Sprint(raw[at/8])
		if step == 4 {
			part = fmt.Sprintf("%x", raw[at/8]>>(4-at%8)&15)
		}
		labels = append(labels, part)
	}
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}

// prefixBits of a span that is one network.
func prefixBits(s address.Span) (int, bool) {
	for bits := 0; bits <= s.First.BitLen(); bits++ {
		p := netip.PrefixFrom(s.First, bits)
		if p.Masked().Addr() == s.First && lastOf(p) == s.Last {
			return bits, true
		}
	}
	return 0, false
}

func lastOf(p netip.Prefix) netip.Addr {
	raw := p.Addr().AsSlice()
	for i := p.Bits(); i < len(raw)*8; i++ {
		raw[i/8] |= 128 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(raw)
	return a
}

// look at many hosts at once; the answer has for each why it is not proven, empty where it is.
func (p *Prover) look(ctx context.Context, method string, hosts []address.Host, tokens []string) []string {
	ctx, cancel := context.WithTimeout(ctx, proofPatience)
	defer cancel()
	problems := make([]string, len(hosts))
	var group errgroup.Group
	group.SetLimit(lookParallel)
	for i, h := range hosts {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, lookPatience)
			defer cancel()
			problems[i] = p.lookAt(ctx, method, h, tokens[i])
			return nil
		})
	}
	_ = group.Wait()
	return problems
}

func (p *Prover) lookAt(ctx context.Context, method string, h address.Host, token string) string {
	where, what := challenge(h, method, token)
	if where == "" {
		return h.Text + " can't be proven by " + method + "; ask the operator for their word, or write it as single addresses or names."
	}
	if method == ByDNS {
		return p.lookTXT(ctx, where, what)
	}
	origins := []string{"http://" + authority(h), "https://" + authority(h)}
	if p.origins != nil {
		origins = p.origins(authority(h))
	}
	var problem string
	for _, origin := range origins {
		if problem = p.lookFile(ctx, origin+filePath, what); problem == "" {
			return ""
		}
	}
	return problem
}

func (p *Prover) lookTXT(ctx context.Context, name, want string) string {
	texts, err := p.Resolver.LookupTXT(ctx, name+".")
	var dns *net.DNSError
	switch {
	case slices.Contains(texts, want):
		return ""
	case errors.As(err, &dns) && !dns.IsNotFound:
		return "The TXT record of " + name + " can't be looked up at this moment."
	}
	return "No TXT record of " + name + " is " + want + "."
}

func (p *Prover) lookFile(ctx context.Context, address, want string) string {
	response, err := p.Client.Get(ctx, address)
	if err != nil {
		if errors.Is(err, netout.ErrAddress) {
			return address + " is at an address that this service does not reach."
		}
		return address + " can't be fetched."
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK || err != nil {
		return fmt.Sprintf("%s answers %d.", address, response.StatusCode)
	}
	for line := range strings.Lines(string(body)) {
		if strings.TrimSpace(line) == want {
			return ""
		}
	}
	return address + " does not hold the token on a line of its own."
}
