package access

import "github.com/vedette/vedette/internal/platform/fault"

// Grant is the right to open a transaction. Its zero value is refused; the functions of this file are the only ways to one.
type Grant struct {
	kind      kind
	principal Principal
	door      Door
}

type kind int

const (
	none kind = iota
	caller
	job
	system
)

// Check grants what the permission allows. Fault kinds: unauthenticated, forbidden.
func Check(p Principal, code Permission) (Grant, error) {
	if code == Public {
		return System(DoorPublic), nil
	}
	if f := p.refusal(code); f != nil {
		return Grant{}, f
	}
	return Grant{kind: caller, principal: p}, nil
}

// Job grants a job the organization, product and actor written in its row.
func Job(organization Organization, product, user, username string) Grant {
	return Grant{kind: job, principal: Principal{
		User: user, Username: username, Home: organization, Acting: organization, Product: product, Timezone: "UTC",
	}}
}

// Within is the grant to go on for an organization that its holder might as well have chosen: the one that it acts in, its home,
// or one below it, whatever the product. What is done there is still the holder's doing. Fault kind: notfound for any other.
func (g Grant) Within(o Organization, product string) (Grant, error) {
	p := g.principal
	if g.kind == system || o.ID != p.Acting.ID && o.ID != p.Home.ID && !o.Below(p.Acting.ID) && !o.Below(p.Home.ID) {
		return Grant{}, fault.Missing()
	}
	p.Acting, p.Product, p.Subscribed, p.Features = o, product, false, nil
	return Grant{kind: g.kind, principal: p}, nil
}

// Door is a purpose for which code may act without a tenant. The list is short and reviewed.
type Door string

// Doors.
const (
	DoorPublic        Door = "public"        // public operations: sign-in and its kin
	DoorAuthenticate  Door = "authenticate"  // token look-up
	DoorFirstStart    Door = "first_start"   // makes the installation's own rows
	DoorDispatch      Door = "dispatch"      // scanners lease chunks of any tenant and send observations
	DoorScheduleTick  Door = "schedule_tick" // finds what is due
	DoorRematch       Door = "rematch"       // a feed change judges stored facts anew
	DoorRetention     Door = "retention"     // gives up rows of all tenants whose time is over
	DoorAssign        Door = "assign"        // a scanner moves from one organization of a branch to another
	DoorMail          Door = "mail"          // a job makes the token of a link that was promised, and reads the branding of its mail
	DoorImpersonate   Door = "impersonate"   // tells the start and end in both organizations' audit trails
	DoorSubscriptions Door = "subscriptions" // subscriptions of any tenant end and renew on time
	DoorOperator      Door = "operator"      // vedette admin: the operator's commands on the server's own machine
	DoorTest          Door = "test"          // factories of tests
)

// Doors lists them all.
var Doors = []Door{DoorPublic, DoorAuthenticate, DoorFirstStart, DoorDispatch, DoorScheduleTick, DoorRematch, DoorRetention, DoorAssign, DoorMail, DoorImpersonate, DoorSubscriptions, DoorOperator, DoorTest}

// System grants a door. Every use stands in a list that a test prints.
func System(door Door) Grant { return Grant{kind: system, door: door} }

// Valid returns a fault for the zero Grant.
func (g Grant) Valid() error {
	if g.kind == none || (g.kind != system && g.principal.Acting.ID == "") {
		return fault.New(fault.Internal, "a transaction was asked for without a grant")
	}
	return nil
}

// IsSystem says that the grant has no tenant.
func (g Grant) IsSystem() bool { return g.kind == system }

// Door of a system grant.
func (g Grant) Door() Door { return g.door }

// Principal who acts; its zero value for a system grant.
func (g Grant) Principal() Principal { return g.principal }

// Organization in which the grant acts; empty for a system grant.
func (g Grant) Organization() string { return g.principal.Acting.ID }
