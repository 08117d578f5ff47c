package target

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
	"github.com/vedette/vedette/internal/scanlink/address"
)

// Control tells for each host of a target whether the organization has proven to control it.
type Control struct {
	Proven bool          `json:"proven" doc:"Every host is proven or needs no proof; names are told by their addresses at the start of a scan"`
	Hosts  []HostControl `json:"hosts"`
}

// HostControl is one host of a target.
type HostControl struct {
	Host       string      `json:"host" example:"shop.example.org"`
	Needed     bool        `json:"needed" doc:"false: the operator allows these addresses to shared scanners"`
	Proven     bool        `json:"proven" doc:"By itself, or by a zone or network that it lies in"`
	State      *string     `json:"state" enum:"pending,verified,failed,expired" doc:"Of its own challenge; null: none was asked for"`
	Method     *string     `json:"method" enum:"dns_txt,http_file,operator"`
	Detail     string      `json:"detail" doc:"Why the last check failed, or the operator's note"`
	Challenges []Challenge `json:"challenges" doc:"Either of them proves the host"`
	AskedBy    string      `json:"asked_by" doc:"Who asked for the check, or gave the word"`
	CheckedAt  *clock.Time `json:"checked_at" format:"date-time"`
	VerifiedAt *clock.Time `json:"verified_at" format:"date-time"`
	ExpiresAt  *clock.Time `json:"expires_at" format:"date-time"`
}

// Challenge is what the owner of a host publishes.
type Challenge struct {
	Method string `json:"method" enum:"dns_txt,http_file"`
	Where  string `json:"where" doc:"Name of the TXT record, or URL of the file" example:"_vedette-challenge.shop.example.org"`
	What   string `json:"what" doc:"Text of the record, or a line of the file"`
}

type controlInput struct {
	op.Path
	Body struct {
		Method string   `json:"method" enum:"dns_txt,http_file,operator"`
		Hosts  HostList `json:"hosts,omitempty" doc:"Some of the target's hosts; default: all"`
		Note   string   `json:"note,omitempty" maxLength:"1000" doc:"With operator: why"`
	}
}

// ControlOperations are those of the proof of control.
func ControlOperations(rules Rules, p *Prover) []op.Operation {
	return op.In("Targets", "",
		op.Get("showTargetControl", "Show the proof of control over a target", "/v2/targets/{id}/control", access.TargetAccess,
			func(tx *db.Tx, in *op.Path) (Control, error) {
				t, err := ByID(tx, in.ID)
				if err != nil {
					return Control{}, err
				}
				return rules.control(tx, t)
			}),
		op.Long("verifyTargetControl", "Prove the control over a target", http.MethodPost, "/v2/targets/{id}/verify_control", access.TargetCreate,
			func(ctx context.Context, open op.Opener, in *controlInput) (Control, error) {
				return rules.verify(ctx, open, p, in)
			}).
			Says("Outside the networks that the operator allows, a shared scanner attacks only proven hosts. The first call gives the challenges: "+
				"publish one for each host, as a TXT record or as a file, and call again. A proof is good for a year, and for the whole organization. "+
				"`operator` takes an operator's word, and needs ADMIN_ACCESS."),
	)
}

// verify makes challenges for hosts that have none, and looks whether those that were given out are met.
func (r Rules) verify(ctx context.Context, open op.Opener, p *Prover, in *controlInput) (Control, error) {
	var asked []address.Host
	var proofs []Proof
	known := map[string]bool{}
	err := open.Write(ctx, func(tx *db.Tx) error {
		t, err := ByID(tx, in.ID)
		if err != nil {
			return err
		}
		if asked, err = r.asked(tx, t, in); err != nil {
			return err
		}
		proofs, known, err = ensureProofs(tx, asked, in.Body.Method)
		return err
	})
	if err != nil {
		return Control{}, err
	}
	problems := make([]string, len(asked))
	if in.Body.Method != ByOperator {
		tokens := make([]string, len(asked))
		for i := range proofs {
			tokens[i] = proofs[i].Token
		}
		problems = p.look(ctx, in.Body.Method, asked, tokens)
	}
	var out Control
	err = open.Write(ctx, func(tx *db.Tx) error {
		t, err := ByID(tx, in.ID)
		if err != nil {
			return err
		}
		if err := settle(tx, t, in, proofs, problems, known); err != nil {
			return err
		}
		out, err = r.control(tx, t)
		return err
	})
	return out, err
}

// asked are the hosts that a request is about.
func (r Rules) asked(tx *db.Tx, t *Target, in *controlInput) ([]address.Host, error) {
	b := in.Body
	switch {
	case !slices.Contains(Methods, b.Method):
		return nil, fault.At("/method", "unknown", "method is one of %s.", strings.Join(Methods, ", "))
	case b.Method == ByOperator && !tx.Grant().Principal().Holds(access.AdminAccess):
		return nil, fault.New(fault.Forbidden, "An operator's word needs %s.", access.AdminAccess).Coded("permission_missing")
	case b.Method == ByOperator && strings.TrimSpace(b.Note) == "":
		return nil, fault.At("/note", "required", "Say why the operator vouches for these hosts.")
	}
	s, err := t.Scope()
	if err != nil {
		return nil, err
	}
	all := s.subjects()
	if len(b.Hosts) > 0 {
		if all, err = chosen(all, b.Hosts); err != nil {
			return nil, err
		}
	} else {
		all = slices.DeleteFunc(all, r.exempt)
	}
	if len(all) > maxProofs {
		return nil, fault.At("/hosts", "too_many", "These are %d hosts; name at most %d at a time.", len(all), maxProofs)
	}
	return all, nil
}

func chosen(all []address.Host, names []string) ([]address.Host, error) {
	var some []address.Host
	for _, name := range names {
		h, err := address.Parse(name)
		i := slices.IndexFunc(all, func(x address.Host) bool { return x.Text == h.Text })
		if err != nil || i < 0 {
			return nil, fault.At("/hosts", "unknown", "%.100s is none of the target's hosts.", name)
		}
		if !slices.ContainsFunc(some, func(x address.Host) bool { return x.Text == h.Text }) {
			some = append(some, all[i])
		}
	}
	return some, nil
}

// ensureProofs gives the rows of hosts in their order, and tells which hosts had a challenge before.
func ensureProofs(tx *db.Tx, hosts []address.Host, method string) ([]Proof, map[string]bool, error) {
	texts := texts(hosts)
	before, err := proofsOf(tx, texts)
	if err != nil {
		return nil, nil, err
	}
	known := map[string]bool{}
	var fresh []Proof
	for _, text := range texts {
		if _, known[text] = before[text]; !known[text] {
			fresh = append(fresh, Proof{ID: db.NewID(), Host: text, Method: method, Token: secret.NewToken("vdc").Reveal(), State: Pending, AskedAt: tx.Now(),
				AskedBy: userOf(tx), AskedByName: tx.Grant().Principal().Username})
		}
	}
	if err := addProofs(tx, fresh); err != nil {
		return nil, nil, err
	}
	now, err := proofsOf(tx, texts)
	if err != nil {
		return nil, nil, err
	}
	rows := make([]Proof, len(texts))
	for i, text := range texts {
		rows[i] = now[text]
	}
	return rows, known, nil
}

// settle keeps what was found. A challenge that has just been given out is pending, not failed.
func settle(tx *db.Tx, t *Target, in *controlInput, proofs []Proof, problems []string, known map[string]bool) error {
	told := map[string]string{}
	for i := range proofs {
		p := &proofs[i]
		p.settle(tx.Now(), in.Body.Method, problems[i])
		if p.State == Unmet && !known[p.Host] {
			p.State = Pending
		}
		if in.Body.Method == ByOperator {
			p.Detail = strings.TrimSpace(in.Body.Note)
		}
		if problems[i] == "" {
			p.AskedBy, p.AskedByName, p.AskedAt = userOf(tx), tx.Grant().Principal().Username, tx.Now()
		}
		if err := saveProof(tx, p); err != nil {
			return err
		}
		told[p.Host] = fmt.Sprint(p.Method, " ", p.State)
	}
	tx.Changed(db.Change{Type: "target", ID: t.ID, Name: t.Name, After: map[string]any{"control": told, "note": in.Body.Note}})
	return nil
}

// control of a target as it stands.
func (r Rules) control(tx *db.Tx, t *Target) (Control, error) {
	out := Control{Proven: true, Hosts: []HostControl{}}
	s, err := t.Scope()
	if err != nil {
		return out, err
	}
	all := s.subjects()
	rows, err := proofsOf(tx, texts(all))
	if err != nil {
		return out, err
	}
	holding, err := holding(tx)
	if err != nil {
		return out, err
	}
	known := provenBy(holding, tx.Now())
	for _, h := range all {
		c := HostControl{Host: h.Text, Needed: !r.exempt(h), Proven: known.host(h), Challenges: []Challenge{}}
		if p, asked := rows[h.Text]; asked {
			c.tell(p, h, tx.Now())
		}
		out.Proven = out.Proven && (c.Proven || !c.Needed)
		out.Hosts = append(out.Hosts, c)
	}
	return out, nil
}

func (c *HostControl) tell(p Proof, h address.Host, now clock.Time) {
	state, method := p.StateAt(now), p.Method
	c.State, c.Method, c.Detail, c.AskedBy = &state, &method, p.Detail, p.AskedByName
	c.CheckedAt, c.VerifiedAt, c.ExpiresAt = p.CheckedAt, p.VerifiedAt, p.ExpiresAt
	for _, m := range []string{ByDNS, ByFile} {
		if where, what := challenge(h, m, p.Token); where != "" {
			c.Challenges = append(c.Challenges, Challenge{Method: m, Where: where, What: what})
		}
	}
}

// host says whether all of a host is proven.
func (p proven) host(h address.Host) bool {
	if h.Name != "" {
		return p.name(h.Name)
	}
	return address.NewSet(h.Span).Without(p.addresses).Count() == 0
}
