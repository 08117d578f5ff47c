package scan

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/domain/target"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/scanlink"
)

type testLoginInput struct {
	op.Path
	Body struct {
		Host    string `json:"host,omitempty" doc:"Address or name of the target; default: its first" example:"192.0.2.7"`
		Scanner string `json:"scanner,omitempty" doc:"Id; default: the one that would scan it"`
		Port    int    `json:"port,omitempty" minimum:"0" maximum:"65535" doc:"Where a service listens besides its standard ports"`
	}
}

// LoginTests tell how the credentials of a target fared.
type LoginTests struct {
	Host     string      `json:"host" doc:"Address that was asked"`
	Scanner  op.Link     `json:"scanner"`
	Answered bool        `json:"answered" doc:"false: the scanner is offline, or did not answer within 15 seconds"`
	Results  []LoginTest `json:"results" doc:"One for each kind of credentials that the target has"`
}

// LoginTest of one kind.
type LoginTest struct {
	Kind   string `json:"kind" enum:"ssh,smb,snmp,http,esxi"`
	OK     bool   `json:"ok"`
	Result string `json:"result" enum:"authenticated,insufficient,failed,not capable,unknown" doc:"insufficient: signed in, and not allowed enough; not capable: nothing there takes it; unknown: nobody answered"`
	Detail string `json:"detail" doc:"Why not"`
}

const unknownResult = "unknown"

// LoginTestOperations test credentials by the scanner that would use them.
func LoginTestOperations(s Starter, d *db.DB) []op.Operation {
	return op.In("Targets", "",
		op.Long("testTargetCredentials", "Test the credentials of a target", http.MethodPost, "/v2/targets/{id}/credentials/test", access.TargetCreateCredentials,
			func(ctx context.Context, open op.Opener, in *testLoginInput) (LoginTests, error) {
				return s.signIns(ctx, d, open, in)
			}).Conflicts().
			Says("Has the scanner sign in to one host with each credential, once at each service that takes it, and waits at most 15 seconds. "+
				"The same rules hold as for a scan that attacks. At most 10 times a minute."),
	)
}

// signInPorts of each kind.
var signInPorts = map[string]string{"ssh": "22,2222", "smb": "139,445", "esxi": "443", "http": "80,443,8080,8443"}

func (s Starter) signIns(ctx context.Context, d *db.DB, open op.Opener, in *testLoginInput) (LoginTests, error) {
	var sub subject
	var kinds []string
	err := open.Read(ctx, func(tx *db.Tx) error {
		var err error
		sub, kinds, err = signInSubject(tx, in)
		return err
	})
	if err != nil {
		return LoginTests{}, err
	}
	hosts, _, err := s.resolve(ctx, sub, open.Grant().Organization())
	if err != nil {
		return LoginTests{}, err
	}
	host, err := hostOf(hosts, in.Body.Host)
	if err != nil {
		return LoginTests{}, err
	}
	out := LoginTests{Host: host.Address.String(), Scanner: op.Link{ID: sub.scanner.ID, Name: sub.scanner.Name}}
	id, reachable := "", false
	err = open.Write(ctx, func(tx *db.Tx) error {
		state := sub.scanner.StateAt(tx.Now())
		reachable = state == scanner.Online || state == scanner.Linked
		id, err = s.askSignIn(tx, sub, in, host, kinds)
		return err
	})
	if err != nil {
		return LoginTests{}, err
	}
	var checks []scanlink.VerifyCheck
	if reachable {
		if checks, out.Answered, err = scanner.SignInAnswer(ctx, d, open, id); err != nil {
			return LoginTests{}, err
		}
	}
	out.Results = resultsOf(kinds, checks, out.Answered)
	return out, nil
}

func signInSubject(tx *db.Tx, in *testLoginInput) (subject, []string, error) {
	var sub subject
	t, err := target.ByID(tx, in.ID)
	if err != nil {
		return sub, nil, err
	}
	sub.target = t
	if in.Body.Scanner != "" {
		sub.scanner, err = scanner.ByID(tx, in.Body.Scanner)
	} else {
		sub.scanner, err = standardScanner(tx, t.Product, t)
	}
	if err != nil {
		return sub, nil, err
	}
	if !sub.scanner.Active(t.Product) {
		return sub, nil, fault.New(fault.Conflict, "The scanner %s is not active for %s.", sub.scanner.Name, t.Product).Coded("scanner_inactive")
	}
	if err := reaches(sub.scanner, t); err != nil {
		return sub, nil, err
	}
	kinds, err := target.LoginKinds(tx, t.ID)
	if err == nil && len(kinds) == 0 {
		err = fault.New(fault.Conflict, "The target has no credentials to test.").Coded("no_credentials")
	}
	return sub, kinds, err
}

func hostOf(hosts []scanlink.PlanHost, named string) (scanlink.PlanHost, error) {
	named = strings.ToLower(strings.TrimSpace(named))
	i := slices.IndexFunc(hosts, func(h scanlink.PlanHost) bool {
		return named == "" || h.Address.String() == named || slices.Contains(h.Names, named)
	})
	if i < 0 {
		return scanlink.PlanHost{}, fault.At("/host", "unknown", "%.100s is no address or name of the target.", named)
	}
	return hosts[i], nil
}

// askSignIn writes the request, under the rules of the start of a scan that attacks: a password is offered to somebody's machine.
func (s Starter) askSignIn(tx *db.Tx, sub subject, in *testLoginInput, host scanlink.PlanHost, kinds []string) (string, error) {
	again, _, err := signInSubject(tx, in)
	switch {
	case err != nil:
		return "", err
	case again.target.UpdatedAt != sub.target.UpdatedAt || again.scanner.ID != sub.scanner.ID || again.scanner.OrganizationID != sub.scanner.OrganizationID:
		return "", fault.New(fault.Conflict, "The target or its scanner was changed at this moment; test again.").Coded(targetChanged)
	}
	if err := notHeld(tx); err != nil {
		return "", err
	}
	if err := s.Rules.Permit(tx, again.target, "full", again.scanner.Private(tx.Organization()), reach([]scanlink.PlanHost{host})); err != nil {
		return "", err
	}
	id, err := scanner.AskSignIn(tx, again.scanner, scanner.SignIn{TargetID: again.target.ID, Product: again.target.Product, Host: host, Ports: portsToSignIn(kinds, in.Body.Port)})
	tx.Changed(db.Change{Type: "target", ID: again.target.ID, Name: again.target.Name,
		After: map[string]any{"tested": kinds, "host": host.Address.String(), "scanner": again.scanner.Name}})
	return id, err
}

func portsToSignIn(kinds []string, more int) string {
	var tcp, udp []string
	for _, k := range kinds {
		if p := signInPorts[k]; p != "" {
			tcp = append(tcp, p)
		} else {
			udp = append(udp, "161")
		}
	}
	if more > 0 {
		tcp = append(tcp, fmt.Sprint(more))
	}
	var parts []string
	if len(tcp) > 0 {
		parts = append(parts, "T:"+strings.Join(tcp, ","))
	}
	if len(udp) > 0 {
		parts = append(parts, "U:"+strings.Join(udp, ","))
	}
	return strings.Join(parts, ",")
}

func resultsOf(kinds []string, checks []scanlink.VerifyCheck, answered bool) []LoginTest {
	results := make([]LoginTest, len(kinds))
	why := "The scanner did not answer within 15 seconds, or is offline."
	if answered {
		why = "The scanner did not try it; it may be of an older version."
	}
	for _, c := range checks {
		if c.Name == "host" && c.Detail != "" {
			why = c.Detail
		}
	}
	for i, k := range kinds {
		results[i] = LoginTest{Kind: k, Result: unknownResult, Detail: why}
		for _, c := range checks {
			if c.Name != scanlink.LoginCheck+k {
				continue
			}
			results[i] = LoginTest{Kind: k, OK: c.OK && c.Value == scanlink.Authenticated, Result: c.Value, Detail: c.Detail}
			if !slices.Contains([]string{scanlink.Authenticated, scanlink.Insufficient, scanlink.LoginFailed, scanlink.NotCapable}, c.Value) {
				results[i].Result = unknownResult // a scanner may say anything
			}
		}
	}
	return results
}

// signInPlan is what a scanner is given for a test; nil where the verification is none.
func signInPlan(in *scanner.SignIn) *scanlink.Plan {
	if in == nil {
		return nil
	}
	return &scanlink.Plan{Profile: "fast", SignIn: true, Hosts: []scanlink.PlanHost{in.Host}, Ports: in.Ports, AliveTest: "none"}
}

// armSignIn puts the credentials of the target that a verification tests into its lease.
func (d *Dispatcher) armSignIn(ctx context.Context, l *scanlink.Lease) error {
	var v *scanner.Verification
	var actor jobs.Actor
	err := d.DB.Read(ctx, access.System(access.DoorDispatch), func(tx *db.Tx) error {
		var err error
		if v, err = scanner.VerificationByID(tx, l.Verify.ID); err != nil {
			return err
		}
		place, err := organization.Place(tx, v.OrganizationID)
		actor = jobs.Actor{OrganizationID: place.ID, OrganizationName: place.Name, Chain: place.Chain, Product: v.SignIn.Product, Username: "credential test"}
		return err
	})
	if err != nil {
		return err
	}
	return d.DB.Read(ctx, actor.Grant(), func(tx *db.Tx) error { return d.load(tx, l, v.SignIn.TargetID) })
}
