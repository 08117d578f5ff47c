package access

import (
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Installation is the id of the organization that is the installation itself. What all may see is its own.
const Installation = "00000000-0000-7000-8000-000000000001"

// Organization as a principal knows it.
type Organization struct {
	ID    string
	Name  string
	Chain []string // ids of its ancestors, nearest first; the installation last

	TwoFactorRequired bool // of its own users
}

// Below says whether the organization stands under the other in the tree.
func (o Organization) Below(id string) bool {
	for _, a := range o.Chain {
		if a == id {
			return true
		}
	}
	return false
}

// Principal is a caller whose token was checked. Sign-in makes it; nothing else may.
type Principal struct {
	User     string
	Username string
	Role     Role
	Timezone string
	Token    string      // id of the token used
	Expires  *clock.Time // of the token; nil: never

	MustEnroll bool // a second factor is asked for, and none is on: only what turns one on may be done

	Home   Organization // the user's own
	Acting Organization // chosen by X-Organization-Id; its own by default

	Impersonator     string // user id of who acts as this user; empty otherwise
	ImpersonatorName string

	Product    string           // the active product, or the one that ?product= names
	Subscribed bool             // the acting organization has an active subscription to Product
	Features   map[Feature]bool // of the acting organization's active subscriptions
}

// Holds says whether the caller holds the code where it acts.
func (p Principal) Holds(code Permission) bool { return p.refusal(code) == nil }

// refusal is nil where the caller may; otherwise the fault that says why not.
func (p Principal) refusal(code Permission) *fault.Fault {
	if p.User == "" {
		return fault.New(fault.Unauthenticated, "Sign in first: send Authorization: Bearer <token>, or Basic <access token>.")
	}
	if !code.Coded() {
		return nil
	}
	role := table[p.Role]
	held := role.own
	if p.Acting.ID != p.Home.ID {
		held = role.below
	}
	if !held[code] {
		return fault.New(fault.Forbidden, "Your role %s does not hold %s here.", p.Role, code).Coded("permission_missing")
	}
	if p.Acting.ID == Installation {
		return nil
	}
	if f, gated := gates[code]; gated && !p.Features[f] {
		return fault.New(fault.Forbidden, "%s needs the feature %s, which no active subscription gives.", code, f).Coded("feature_required")
	}
	if subscribed[code] && !p.Subscribed {
		return fault.New(fault.Forbidden, "There is no active subscription to %s; what exists can be read, not changed.", p.Product).
			Coded("subscription_required")
	}
	return nil
}

// Held lists what the caller holds where it acts, in the order of All.
func (p Principal) Held() []Permission {
	held := []Permission{}
	for _, code := range All {
		if p.Holds(code) {
			held = append(held, code)
		}
	}
	return held
}
