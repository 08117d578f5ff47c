package access

import (
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/vedette/vedette/internal/platform/fault"
)

var update = flag.Bool("update", false, "write docs/api/permissions.md")

// TestReferenceIsFresh: the documentation page says what the table does.
func TestReferenceIsFresh(t *testing.T) {
	t.Parallel()
	const path = "../../../docs/api/permissions.md"
	want := string(Reference())
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("docs/api/permissions.md is stale (%v): run go test ./internal/platform/access -update", err)
	}
}

func everyFeature() map[Feature]bool {
	all := map[Feature]bool{}
	for _, f := range gates {
		all[f] = true
	}
	return all
}

func of(role Role) Principal {
	home := Organization{ID: "home", Chain: []string{Installation}}
	return Principal{User: "u", Role: role, Home: home, Acting: home, Product: "pci", Subscribed: true, Features: everyFeature()}
}

// TestRoles: the sentences of the product's description, one by one.
func TestRoles(t *testing.T) {
	t.Parallel()
	below := func(p Principal) Principal {
		p.Acting = Organization{ID: "child", Chain: []string{"home", Installation}}
		return p
	}
	for name, c := range map[string]struct {
		p      Principal
		holds  []Permission
		misses []Permission
	}{
		"admin":           {of(Admin), All, nil},
		"admin below":     {below(of(Admin)), All, nil},
		"partner":         {of(Partner), []Permission{OrganizationCreate, SubscriptionCreate, CustomerCreate, UserAdmin, UserImpersonate, ScannerAdmin, PortListAdmin, TargetCreate, ScanRun}, []Permission{AdminAccess, ExceptionReview}},
		"partner below":   {below(of(Partner)), []Permission{ExceptionReview, TargetCreate, ScanRun, UserCreate, WhitelabelCreate, AuditAccess}, []Permission{AdminAccess}},
		"manager":         {of(Manager), []Permission{TargetCreate, UserCreate, AuditAccess, WebhookCreate, ExceptionReview, OrganizationOwnUpdate, SubscriptionAccess}, []Permission{OrganizationAccess, CustomerCreate, ScannerAdmin, PortListAdmin, OrganizationCreate, SubscriptionCreate, UserAdmin, UserImpersonate, AdminAccess}},
		"manager below":   {below(of(Manager)), nil, All},
		"user":            {of(User), []Permission{TargetAccess, TargetCreate, ScanAccess, ScanCreate, ScanRun, ScheduleCreate, ReportCreate, ExceptionCreate, VulnerabilityAccess, HostAccess, PortListAccess, ScannerAccess}, []Permission{UserAccess, UserCreate, AuditAccess, WebhookAccess, ExceptionReview, ScannerCreate, PortListCreate, TargetAccessCredentials, OrganizationOwnUpdate, AdminAccess}},
		"auditor":         {of(Auditor), []Permission{TargetAccess, ScanAccess, ScheduleAccess, ReportAccess, VulnerabilityAccess, ExceptionAccess, HostAccess, ScannerAccess, PortListAccess, WebhookAccess, UserAccess, SubscriptionAccess, WhitelabelAccess, AuditAccess}, []Permission{AdminAccess, TargetAccessCredentials, TargetCreate, ScanRun, ReportCreate, UserCreate}},
		"an unknown role": {of("king"), nil, All},
		"nobody":          {Principal{}, nil, append(slices.Clone(All), SignedIn, Own)},
		"no role at all":  {of(""), nil, All},
	} {
		for _, code := range c.holds {
			if !c.p.Holds(code) {
				t.Errorf("%s lacks %s", name, code)
			}
		}
		for _, code := range c.misses {
			if c.p.Holds(code) {
				t.Errorf("%s holds %s", name, code)
			}
		}
		for _, code := range c.p.Held() {
			if !c.p.Holds(code) {
				t.Errorf("%s lists %s", name, code)
			}
		}
	}
	for _, code := range of(Auditor).Held() {
		if n := len(code); n > 7 && code[n-7:] == "_CREATE" {
			t.Errorf("an auditor holds %s", code)
		}
	}
}

// TestGates: what the role gives, a subscription may withhold.
func TestGates(t *testing.T) {
	t.Parallel()
	for code, feature := range gates {
		p := of(Manager)
		delete(p.Features, feature)
		if p.Holds(code) {
			t.Errorf("%s is held without %s", code, feature)
		}
		if _, err := Check(p, code); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", code, err)
		}
		p.Home.ID, p.Acting.ID, p.Role = Installation, Installation, Admin
		if !p.Holds(code) {
			t.Errorf("the installation lacks %s", code)
		}
	}
	p := of(Manager)
	p.Subscribed = false
	for _, code := range All {
		if p.Holds(code) == subscribed[code] && table[Manager].own[code] {
			t.Errorf("without a subscription %s is held: %t", code, p.Holds(code))
		}
	}
	if !p.Holds(TargetAccess) || p.Holds(ScanRun) {
		t.Error("without a subscription one reads and changes nothing")
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if g, err := Check(Principal{}, Public); err != nil || !g.IsSystem() || g.Door() != DoorPublic {
		t.Errorf("public: %+v, %v", g, err)
	}
	for _, code := range []Permission{SignedIn, Own, TargetAccess} {
		if _, err := Check(Principal{}, code); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("nobody, %s: %v", code, err)
		}
	}
	g, err := Check(of(Auditor), SignedIn)
	if err != nil || g.IsSystem() || g.Organization() != "home" || g.Valid() != nil || g.Principal().Role != Auditor {
		t.Errorf("%+v, %v", g, err)
	}
	if (Grant{}).Valid() == nil || Job(Organization{}, "pci", "u", "ada").Valid() == nil {
		t.Error("a grant without an organization is valid")
	}
	if Permission("").Known() || Permission("TARGET_DESTROY").Known() || !Public.Known() || !TargetAccess.Known() || Public.Coded() {
		t.Error("permissions that there are not are known")
	}
	for _, code := range All {
		if !code.Known() || !code.Coded() {
			t.Errorf("%s", code)
		}
	}
	o := Organization{ID: "c", Chain: []string{"b", "a"}}
	if !o.Below("a") || !o.Below("b") || o.Below("c") || o.Below("") {
		t.Error("the tree is upside down")
	}
}
