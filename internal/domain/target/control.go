package target

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink/address"
)

// Methods to prove control over a host.
const (
	ByDNS      = "dns_txt"
	ByFile     = "http_file"
	ByOperator = "operator"
)

// Methods in the order in which they are told.
var Methods = []string{ByDNS, ByFile, ByOperator}

// States of a proof.
const (
	Pending  = "pending"  // the challenge was given out and not met yet
	Verified = "verified" // until it expires
	Unmet    = "failed"   // looked for again and not found
	Expired  = "expired"
)

// proofLife is how long a proof is good.
const proofLife = 365 * 24 * time.Hour

// Proof that the organization controls a host, or an operator's word for it. The token is published by the host's owner and thus
// no secret.
type Proof struct {
	bun.BaseModel `bun:"table:control_proofs,alias:cp"`
	db.Owned
	ID          string      `bun:"id,pk"`
	Host        string      `bun:"host"` // a name, an address, a network or a range, canonical
	Method      string      `bun:"method"`
	Token       string      `bun:"token"`
	State       string      `bun:"state"`
	Detail      string      `bun:"detail"`
	AskedBy     *string     `bun:"asked_by"`
	AskedByName string      `bun:"asked_by_name"`
	AskedAt     clock.Time  `bun:"asked_at"`
	CheckedAt   *clock.Time `bun:"checked_at"`
	VerifiedAt  *clock.Time `bun:"verified_at"`
	ExpiresAt   *clock.Time `bun:"expires_at"`
}

// StateAt an instant.
func (p Proof) StateAt(now clock.Time) string {
	if p.State == Verified && !p.holds(now) {
		return Expired
	}
	return p.State
}

func (p Proof) holds(now clock.Time) bool {
	return p.State == Verified && p.ExpiresAt != nil && now < *p.ExpiresAt
}

// Settle what a check found. A proof that holds is not lost by a check that fails.
func (p *Proof) settle(now clock.Time, method, problem string) {
	p.CheckedAt, p.Detail = &now, problem
	switch {
	case problem == "":
		until := now.Add(proofLife)
		p.State, p.Method, p.VerifiedAt, p.ExpiresAt = Verified, method, &now, &until
	case p.holds(now):
	default:
		p.State, p.Method = Unmet, method
	}
}

// Reach is an address that a run would touch, with the names that lead to it.
type Reach struct {
	Address netip.Addr
	Names   []string
}

// proven is what an organization has proven to control.
type proven struct {
	addresses address.Set
	names     map[string]bool // by whatever method
	zones     map[string]bool // by DNS or an operator's word, so that names below are covered too
}

func provenBy(proofs []Proof, now clock.Time) proven {
	p := proven{names: map[string]bool{}, zones: map[string]bool{}}
	var hosts []address.Host
	for _, x := range proofs {
		h, err := address.Parse(x.Host)
		switch {
		case err != nil || !x.holds(now):
		case h.Name == "":
			hosts = append(hosts, h)
		default:
			p.names[h.Name] = true
			p.zones[h.Name] = x.Method != ByFile
		}
	}
	p.addresses = address.SetOf(hosts)
	return p
}

func (p proven) name(name string) bool {
	if p.names[name] {
		return true
	}
	for zone := name; zone != ""; _, zone, _ = strings.Cut(zone, ".") {
		if p.zones[zone] {
			return true
		}
	}
	return false
}

func (p proven) reach(r Reach) bool {
	return p.addresses.Contains(r.Address) || slices.ContainsFunc(r.Names, p.name)
}

// harmless profiles send nothing that attacks: the recorded permission is enough for them.
var harmless = []string{"discovery", "pci"}

// Permit says whether a scanner may work on the addresses with a profile. private: it is the organization's own, which answers
// for what it does there. What the operator allows (scan.allow_networks) needs nothing. Elsewhere the scope must be attested for
// discovery and PCI, and every host proven for what attacks. Fault kind: invalid, with code scope_not_attested or
// control_not_proven.
func (r Rules) Permit(tx *db.Tx, t *Target, profile string, private bool, all []Reach) error {
	outside := slices.DeleteFunc(slices.Clone(all), func(x Reach) bool { return r.allows(x.Address) })
	if private || len(outside) == 0 || tx.Organization() == access.Installation {
		return nil
	}
	if slices.Contains(harmless, profile) {
		if t.ScopeAccepted {
			return nil
		}
		return fault.New(fault.Invalid, "Nobody has attested yet that the target %s may be scanned; set its scope_attestation.", t.Name).Coded("scope_not_attested")
	}
	proofs, err := holding(tx)
	if err != nil {
		return err
	}
	known := provenBy(proofs, tx.Now())
	var unproven []string
	for _, x := range outside {
		if !known.reach(x) {
			unproven = append(unproven, x.text())
		}
	}
	if len(unproven) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "The profile %s attacks, and a shared scanner attacks only hosts that you have proven to control, which %s not: %s. "+
		"Prove it with POST /v2/targets/{id}/verify_control, scan with a scanner of your own, or choose the profile discovery.",
		profile, map[bool]string{true: "this one is", false: "these are"}[len(unproven) == 1], strings.Join(unproven[:min(5, len(unproven))], ", ")).Coded("control_not_proven")
}

func (r Reach) text() string {
	if len(r.Names) > 0 {
		return r.Names[0] + " (" + r.Address.String() + ")"
	}
	return r.Address.String()
}

// subjects are the hosts of a scope as they are proven: names, addresses, networks and ranges, each once; of a URL its host.
func (s Scope) subjects() []address.Host {
	var all []address.Host
	for _, h := range s.Hosts {
		if h.URL != "" {
			text := h.Name
			if text == "" {
				text = h.Span.First.String()
			}
			h.Text, h.URL = text, ""
		}
		if !slices.ContainsFunc(all, func(x address.Host) bool { return x.Text == h.Text }) {
			all = append(all, h)
		}
	}
	return all
}

// exempt says whether a host needs no proof: the operator allows all its addresses. A name is told by its addresses at the start
// alone.
func (r Rules) exempt(h address.Host) bool {
	return h.Name == "" && slices.ContainsFunc(r.Allow, func(p netip.Prefix) bool { return p.Contains(h.Span.First) && p.Contains(h.Span.Last) })
}
