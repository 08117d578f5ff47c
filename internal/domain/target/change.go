package target

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/network"
	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/domain/portlist"
	"github.com/vedette/vedette/internal/domain/tag"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
)

// Create a target in the caller's organization and product. Fault kinds: invalid, forbidden, notfound.
func Create(tx *db.Tx, rules Rules, sealer *secret.Sealer, in CreateAttributes) (*Target, error) {
	t := &Target{ID: db.NewID(), Product: tx.Product(), CreatedBy: userOf(tx), CreatedAt: tx.Now()}
	logins, err := apply(tx, rules, sealer, t, in.fields(), nil)
	if err != nil {
		return nil, err
	}
	if err := insert(tx, t); err != nil {
		return nil, err
	}
	if err := setCredentials(tx, t.ID, logins); err != nil {
		return nil, err
	}
	after, err := Represent(tx, t, nil)
	tx.Changed(db.Change{Type: "target", ID: t.ID, Name: t.Name, After: after})
	return t, err
}

// fields of a create are an update that sends all that a target needs.
func (in CreateAttributes) fields() UpdateAttributes {
	f := UpdateAttributes{Name: sent(in.Name), Hosts: sent(in.Hosts), ExcludeHosts: sent(in.ExcludeHosts), Comment: sent(in.Comment),
		PortList: sent(in.PortList), AliveTest: sent(in.AliveTest), MaxParallel: sent(in.MaxParallel)}
	if in.PortListID != "" {
		f.PortListID = sent(in.PortListID)
	}
	if len(in.Credentials) > 0 {
		f.Credentials = sent(in.Credentials)
	}
	f.Tags = sent(in.Tags)
	f.Network = sent(cmp.Or(in.Network, in.NetworkID))
	f.ScopeAttestation.Sent = true
	if in.ScopeAttestation != nil {
		f.ScopeAttestation.Value = *in.ScopeAttestation
	}
	return f
}

func sent[T any](value T) op.Field[T] { return op.Field[T]{Sent: true, Value: value} }

func update(tx *db.Tx, rules Rules, sealer *secret.Sealer, id string, in UpdateAttributes) (*Target, error) {
	if err := op.NoneSent("/target", in); err != nil {
		return nil, err
	}
	all, err := byIDs(tx, []string{id}, true)
	if err != nil {
		return nil, err
	}
	t := &all[0]
	before, err := Represent(tx, t, nil)
	if err != nil {
		return nil, err
	}
	kept, err := credentials(tx, id)
	if err != nil {
		return nil, err
	}
	logins, err := apply(tx, rules, sealer, t, in, kept[id])
	if err != nil {
		return nil, err
	}
	if err := save(tx, t); err != nil {
		return nil, err
	}
	if in.Credentials.Sent {
		if err := setCredentials(tx, id, logins); err != nil {
			return nil, err
		}
	}
	after, err := Represent(tx, t, nil)
	tx.Changed(db.Change{Type: "target", ID: t.ID, Name: t.Name, Before: before, After: after})
	return t, err
}

// apply checks what is sent and writes it into the row; every mistake in the attributes is told at once. It returns the
// credentials to keep, where they are sent.
func apply(tx *db.Tx, rules Rules, sealer *secret.Sealer, t *Target, in UpdateAttributes, kept []Credential) ([]Credential, error) {
	if in.Credentials.Sent && !tx.Grant().Principal().Holds(access.TargetCreateCredentials) {
		return nil, fault.New(fault.Forbidden, "Credentials of a target need %s.", access.TargetCreateCredentials).Coded("permission_missing")
	}
	logins, err := sealAll(sealer, tx.Organization(), in.Credentials.Value, kept)
	if err != nil && !fault.Is(err, fault.Invalid) {
		return nil, err
	}
	scope, scopeErr := t.applyScope(in)
	wrong := slices.Concat(t.applyPlain(in), fault.DetailsOf(scopeErr), t.attest(tx, in.ScopeAttestation), fault.DetailsOf(err))
	if len(wrong) > 0 {
		return nil, fault.All(wrong)
	}
	if err := choosePorts(tx, t, in); err != nil {
		return nil, err
	}
	if err := chooseNetwork(tx, t, in); err != nil {
		return nil, err
	}
	if in.Hosts.Sent || in.ExcludeHosts.Sent {
		if err := rules.checkIn(tx, scope); err != nil {
			return nil, err
		}
	}
	if in.Hosts.Sent || in.ExcludeHosts.Sent || in.Network.Sent || in.NetworkID.Sent {
		if scope, err = t.Scope(); err != nil {
			return nil, err
		}
		if err := withinPlan(tx, t.ID, scope); err != nil {
			return nil, err
		}
	}
	t.UpdatedAt = tx.Now()
	return logins, nil
}

func (t *Target) applyPlain(in UpdateAttributes) []fault.Detail {
	var wrong []fault.Detail
	if in.Name.Sent {
		name, err := organization.CleanName(in.Name.Value, "/target/name")
		wrong = append(wrong, fault.DetailsOf(err)...)
		t.Name = name
	}
	in.Comment.Set(&t.Comment)
	in.AliveTest.Set(&t.AliveTest)
	if t.AliveTest == "" {
		t.AliveTest = AliveTests[0]
	}
	if !slices.Contains(AliveTests, t.AliveTest) {
		wrong = append(wrong, fault.DetailsOf(fault.At("/target/alive_test", "unknown", "alive_test is one of %s.", strings.Join(AliveTests, ", ")))...)
	}
	if in.Tags.Sent {
		tags, err := tag.Clean("/target/tags", in.Tags.Value)
		wrong = append(wrong, fault.DetailsOf(err)...)
		t.Tags = tag.Text(tags)
	}
	in.MaxParallel.Set(&t.MaxParallel)
	if t.MaxParallel < 0 || t.MaxParallel > MaxParallel {
		wrong = append(wrong, fault.DetailsOf(fault.At("/target/max_parallel", "out_of_range", "max_parallel is from 0 to %d.", MaxParallel))...)
	}
	return wrong
}

func (t *Target) applyScope(in UpdateAttributes) (Scope, error) {
	if !in.Hosts.Sent && !in.ExcludeHosts.Sent {
		return Scope{}, nil
	}
	hosts, excluded := HostList(t.Hosts), HostList(t.ExcludeHosts)
	in.Hosts.Set(&hosts)
	in.ExcludeHosts.Set(&excluded)
	s, err := ReadScope(hosts, excluded)
	if err == nil {
		t.setScope(s)
	}
	return s, err
}

// attest keeps the customer's word for the scope; in PCI a target is nothing without it.
func (t *Target) attest(tx *db.Tx, in op.Field[Attestation]) []fault.Detail {
	if !in.Sent {
		return nil
	}
	a := in.Value
	a.Name, a.Title = strings.TrimSpace(a.Name), strings.TrimSpace(a.Title)
	complete := a.Accepted && a.Name != "" && a.Title != ""
	switch {
	case !complete && (t.Product == plan.PCI || a != Attestation{}):
		return fault.DetailsOf(fault.At("/target/scope_attestation", "required",
			`Attest the scope: {"accepted": true, "name": "…", "title": "…"} of the person who answers for it.`))
	case !complete:
		t.Attested = Attested{}
	default:
		now := tx.Now()
		t.Attested = Attested{ScopeAccepted: true, ScopeName: a.Name, ScopeTitle: a.Title, ScopeAt: &now, ScopeUserID: userOf(tx)}
	}
	return nil
}

// choosePorts sets the port list that is named, or the product's.
func choosePorts(tx *db.Tx, t *Target, in UpdateAttributes) error {
	chosen, pointer := in.PortList, "/target/port_list"
	if in.PortListID.Sent {
		chosen, pointer = in.PortListID, "/target/port_list_id"
	}
	if !chosen.Sent {
		return nil
	}
	var l *portlist.PortList
	var err error
	if chosen.Value == "" {
		l, err = portlist.Default(tx, t.Product)
	} else {
		l, err = portlist.ByID(tx, chosen.Value)
	}
	switch {
	case err != nil:
		return err
	case t.PortListID != nil && *t.PortListID == l.ID: // it stays, whatever became of it since
	case !l.Active && chosen.Value != "":
		return fault.At(pointer, "inactive", "The port list %s is not active; choose one of GET /v2/port_lists/activated.", l.Name)
	case !l.Serves(t.Product):
		return fault.At(pointer, "other_product", "The port list %s is for %s; choose one of GET /v2/port_lists/activated.", l.Name, l.AppType)
	}
	t.PortListOrganizationID, t.PortListID = &l.OrganizationID, &l.ID
	return nil
}

func chooseNetwork(tx *db.Tx, t *Target, in UpdateAttributes) error {
	chosen := in.Network
	if in.NetworkID.Sent {
		chosen = in.NetworkID
	}
	if !chosen.Sent {
		return nil
	}
	var err error
	t.NetworkID, err = network.Choose(tx, chosen)
	return err
}

// Tagged are the resources whose tags were changed.
type Tagged struct {
	Data []op.Ref `json:"data"`
}

type tagInput struct{ Body tag.Edit }

func tagAll(tx *db.Tx, in *tagInput) (Tagged, error) {
	out := Tagged{}
	if err := in.Body.Clean(); err != nil {
		return out, err
	}
	all, err := byIDs(tx, in.Body.IDs, true)
	if err != nil {
		return out, err
	}
	for i := range all {
		t := &all[i]
		before := t.Tags
		if t.Tags, err = in.Body.Apply(before); err != nil {
			return out, err
		}
		out.Data = append(out.Data, op.Ref{ID: t.ID, Type: "target"})
		if t.Tags == before {
			continue
		}
		if err := saveTags(tx, t); err != nil {
			return out, err
		}
		tx.Changed(db.Change{Type: "target", ID: t.ID, Name: t.Name, Before: tagsOf(before), After: tagsOf(t.Tags)})
	}
	return out, nil
}

func tagsOf(text string) map[string][]string { return map[string][]string{"tags": tag.Read(text)} }

func (r Rules) checkIn(tx *db.Tx, s Scope) error {
	own, err := r.own(tx)
	if err != nil {
		return err
	}
	return r.CheckScope(s, own)
}

func (r Rules) own(tx *db.Tx) (bool, error) {
	if r.OwnScanner == nil {
		return false, nil
	}
	return r.OwnScanner(tx)
}

func deleteAll(tx *db.Tx, ids []string) error {
	all, err := byIDs(tx, ids, true)
	if err != nil {
		return err
	}
	before, err := represent(tx, all, nil)
	if err != nil {
		return err
	}
	if err := remove(tx, ids); err != nil {
		return err
	}
	for _, a := range before {
		tx.Changed(db.Change{Type: "target", ID: a.ID, Name: a.Name, Before: a})
	}
	return nil
}

func userOf(tx *db.Tx) *string {
	if id := tx.Grant().Principal().User; id != "" {
		return &id
	}
	return nil
}

// readHostMatches reads the values of q[hosts] by the rules of every list: commas part alternatives, ! negates, quotes take all
// but * literally.
func readHostMatches(values []string) ([]hostMatch, error) {
	var all []hostMatch
	for _, value := range values {
		if len(value) > 1000 {
			return nil, fault.At("q[hosts]", "too_long", "A filter is at most 1000 characters long.")
		}
		var m hostMatch
		value, m.negated = strings.CutPrefix(strings.TrimSpace(value), "!")
		value = strings.TrimPrefix(value, "=")
		for _, part := range unquoted(value) {
			if part != "" {
				m.patterns = append(m.patterns, filter.Pattern(part))
			}
		}
		if len(m.patterns) > 0 {
			all = append(all, m)
		}
	}
	return all, nil
}

func unquoted(value string) []string {
	if n := len(value); n >= 2 && (value[0] == '\'' || value[0] == '"') && value[n-1] == value[0] && !strings.Contains(value[1:n-1], value[:1]) {
		return []string{value[1 : n-1]}
	}
	parts := strings.Split(value, ",")
	for i, p := range parts {
		p = strings.TrimLeft(strings.TrimSpace(p), "!=")
		if n := len(p); n >= 2 && (p[0] == '\'' || p[0] == '"') && p[n-1] == p[0] {
			p = p[1 : n-1]
		}
		parts[i] = p
	}
	return parts
}
