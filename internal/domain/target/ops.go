package target

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/internal/domain/network"
	"github.com/vedette/vedette/internal/domain/portlist"
	"github.com/vedette/vedette/internal/domain/tag"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
)

// Attributes of a target on the wire. Scans are counted by a noun above, through Enrich.
type Attributes struct {
	ID               string            `json:"id"`
	Name             string            `json:"name" example:"Shop"`
	Hosts            []string          `json:"hosts" example:"[\"203.0.113.0/28\",\"www.example.org\"]"`
	ExcludeHosts     []string          `json:"exclude_hosts"`
	Comment          string            `json:"comment"`
	PortList         *op.Link          `json:"port_list"`
	AliveTest        string            `json:"alive_test" enum:"auto,icmp,tcp,arp,none"`
	MaxParallel      int               `json:"max_parallel" doc:"Hosts scanned at once; 0 leaves it to the profile"`
	Credentials      []CredentialSet   `json:"credentials"`
	ScopeAttestation *ScopeAttestation `json:"scope_attestation"`
	AppType          string            `json:"app_type" enum:"pci,vrms,penetration" doc:"The product that it belongs to"`
	HostsCount       int               `json:"hosts_count" doc:"Distinct addresses, exclusions taken off; a name counts as one"`
	Network          *op.Link          `json:"network" doc:"The site; null: what all can reach"`
	Tags             []string          `json:"tags"`
	ScansCount       int               `json:"scans_count"`
	CreatedAt        clock.Time        `json:"created_at" format:"date-time"`
	UpdatedAt        clock.Time        `json:"updated_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "target" }

// CredentialSet tells that there is a credential, never its secret.
type CredentialSet struct {
	Kind     string  `json:"kind" enum:"ssh,smb,snmp,http,esxi"`
	Username *string `json:"username" doc:"Null for callers without TARGET_ACCESS_CREDENTIALS"`
	Set      bool    `json:"set" doc:"Always true"`
}

// ScopeAttestation as it was given.
type ScopeAttestation struct {
	Accepted   bool        `json:"accepted"`
	Name       string      `json:"name"`
	Title      string      `json:"title"`
	AcceptedAt *clock.Time `json:"accepted_at" format:"date-time"`
	AcceptedBy *string     `json:"accepted_by" doc:"Id of the user who sent it"`
}

// Enrich fills in what nouns above know of targets: scans_count. app sets it.
type Enrich func(tx *db.Tx, all []Attributes) error

// HostList is a list of hosts in a request; null empties it.
type HostList []string

// UnmarshalJSON reads an array, or a text with commas or lines.
func (l *HostList) UnmarshalJSON(b []byte) error { return (*op.Strings)(l).UnmarshalJSON(b) }

// Schema allows both forms and null.
func (HostList) Schema(r huma.Registry) *huma.Schema {
	s := op.Strings{}.Schema(r)
	s.OneOf[1].Nullable = true
	return s
}

// Attestation of the scope in a request.
type Attestation struct {
	Accepted bool   `json:"accepted,omitempty" doc:"The scope is complete and may be scanned"`
	Name     string `json:"name,omitempty" maxLength:"200" doc:"Who attests" example:"Ada Lovelace"`
	Title    string `json:"title,omitempty" maxLength:"200" example:"Head of IT"`
}

// Schema stands inline, so that an update may send null.
func (Attestation) Schema(r huma.Registry) *huma.Schema {
	type plain Attestation
	return huma.SchemaFromType(r, reflect.TypeFor[plain]())
}

// CreateAttributes of a target.
type CreateAttributes struct {
	Name             string            `json:"name" maxLength:"200" example:"Shop"`
	Hosts            HostList          `json:"hosts" doc:"Addresses, networks, ranges, names and URLs: an array, or one text with commas or lines"`
	ExcludeHosts     HostList          `json:"exclude_hosts,omitempty"`
	Comment          string            `json:"comment,omitempty" maxLength:"2000"`
	PortList         string            `json:"port_list,omitempty" doc:"Id; default: the product's"`
	PortListID       string            `json:"port_list_id,omitempty" doc:"The same as port_list"`
	AliveTest        string            `json:"alive_test,omitempty" enum:"auto,icmp,tcp,arp,none"`
	MaxParallel      int               `json:"max_parallel,omitempty" minimum:"0" maximum:"256"`
	Credentials      []CredentialInput `json:"credentials,omitempty" maxItems:"5" doc:"Needs TARGET_CREATE_CREDENTIALS"`
	ScopeAttestation *Attestation      `json:"scope_attestation,omitempty" doc:"Required in pci"`
	Network          string            `json:"network,omitempty" doc:"Id of a network (site); default: none"`
	NetworkID        string            `json:"network_id,omitempty" doc:"The same as network"`
	Tags             op.Strings        `json:"tags,omitempty"`
}

// UpdateAttributes of a target; what is not sent stays.
type UpdateAttributes struct {
	Name             op.Field[string]            `json:"name,omitempty" maxLength:"200"`
	Hosts            op.Field[HostList]          `json:"hosts,omitempty"`
	ExcludeHosts     op.Field[HostList]          `json:"exclude_hosts,omitempty"`
	Comment          op.Field[string]            `json:"comment,omitempty" maxLength:"2000"`
	PortList         op.Field[string]            `json:"port_list,omitempty" doc:"Id; null: the product's"`
	PortListID       op.Field[string]            `json:"port_list_id,omitempty" doc:"The same as port_list"`
	AliveTest        op.Field[string]            `json:"alive_test,omitempty" doc:"auto, icmp, tcp, arp or none"`
	MaxParallel      op.Field[int]               `json:"max_parallel,omitempty" minimum:"0" maximum:"256"`
	Credentials      op.Field[[]CredentialInput] `json:"credentials,omitempty" maxItems:"5" doc:"Replaces all; one without password and key keeps the secret of its kind. Needs TARGET_CREATE_CREDENTIALS"`
	ScopeAttestation op.Field[Attestation]       `json:"scope_attestation,omitempty"`
	Network          op.Field[string]            `json:"network,omitempty" doc:"Id; null: none"`
	NetworkID        op.Field[string]            `json:"network_id,omitempty" doc:"The same as network"`
	Tags             op.Field[op.Strings]        `json:"tags,omitempty"`
}

type createInput struct {
	Body struct {
		Target CreateAttributes `json:"target"`
	}
}

type updateInput struct {
	op.Path
	Body struct {
		Target UpdateAttributes `json:"target"`
	}
}

type listInput struct {
	Hosts []string `query:"q[hosts],explode" doc:"A host of the list, as it is written there; * matches anything, as in 192.168.*"`
}

var columns = filter.Columns{Date: "created_at", Sort: "name", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "name", SQL: "?TableAlias.name", Search: true},
	{Name: "hosts", SQL: "?TableAlias.hosts_text", Search: true}, // q[hosts] is listInput's: it looks at each host of the list
	{Name: "comment", SQL: "?TableAlias.comment", Search: true, NoSort: true},
	{Name: "hosts_count", SQL: "?TableAlias.hosts_count", Kind: filter.Number},
	{Name: "port_list", SQL: "?TableAlias.port_list_id", Kind: filter.ID, Null: true, NoSort: true},
	{Name: "network", SQL: "?TableAlias.network_id", Kind: filter.ID, Null: true, NoSort: true},
	{Name: "tags", SQL: "?TableAlias.tags", Kind: filter.Listed, Search: true, NoSort: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
	{Name: "updated_at", SQL: "?TableAlias.updated_at", Kind: filter.Moment},
}}

// Operations of the noun. enrich may be nil.
func Operations(rules Rules, sealer *secret.Sealer, enrich Enrich) []op.Operation {
	return op.In("Targets", "",
		op.List("listTargets", "List targets", "/v2/targets", access.TargetAccess, columns,
			func(tx *db.Tx, in *listInput, q filter.Query) (filter.Page[Attributes], error) {
				hosts, err := readHostMatches(in.Hosts)
				if err != nil {
					return filter.Page[Attributes]{}, err
				}
				rows, meta, err := fetch(tx, q, hosts)
				if err != nil {
					return filter.Page[Attributes]{}, err
				}
				all, err := represent(tx, rows, enrich)
				return filter.Page[Attributes]{Rows: all, Meta: meta}, err
			}).Says("The targets of the active product."),
		op.Create("createTarget", "Create Target", "/v2/targets", access.TargetCreate,
			func(tx *db.Tx, in *createInput) (Attributes, error) {
				t, err := Create(tx, rules, sealer, in.Body.Target)
				if err != nil {
					return Attributes{}, err
				}
				return Represent(tx, t, enrich)
			}),
		op.Show("showTarget", "Show a target", "/v2/targets/{id}", access.TargetAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			t, err := ByID(tx, in.ID)
			if err != nil {
				return Attributes{}, err
			}
			return Represent(tx, t, enrich)
		}),
		op.Update("updateTarget", "Update a target", "/v2/targets/{id}", access.TargetCreate, func(tx *db.Tx, in *updateInput) (Attributes, error) {
			t, err := update(tx, rules, sealer, in.ID, in.Body.Target)
			if err != nil {
				return Attributes{}, err
			}
			return Represent(tx, t, enrich)
		}),
		op.Delete("deleteTarget", "Delete a target", "/v2/targets/{id}", access.TargetCreate, "target", func(tx *db.Tx, in *op.Path) error {
			return deleteAll(tx, []string{in.ID})
		}).Conflicts(),
		op.Do("tagTargets", "Tag targets", http.MethodPut, "/v2/targets/tags", access.TargetCreate, tagAll).
			Says("Adds and removes tags of many targets, all or nothing."),
		op.Bulk("deleteTargets", "Delete targets", http.MethodDelete, "/v2/targets", access.TargetCreate, "target", deleteAll).Conflicts(),
	)
}

// Represent one target.
func Represent(tx *db.Tx, t *Target, enrich Enrich) (Attributes, error) {
	all, err := represent(tx, []Target{*t}, enrich)
	if err != nil {
		return Attributes{}, err
	}
	return all[0], nil
}

func represent(tx *db.Tx, rows []Target, enrich Enrich) ([]Attributes, error) {
	var ids, lists []string
	var sites []*string
	for _, t := range rows {
		ids, sites = append(ids, t.ID), append(sites, t.NetworkID)
		if t.PortListID != nil {
			lists = append(lists, *t.PortListID)
		}
	}
	logins, err := credentials(tx, ids...)
	if err != nil {
		return nil, err
	}
	names, err := portlist.Names(tx, lists)
	if err != nil {
		return nil, err
	}
	link, err := network.Links(tx, sites)
	if err != nil {
		return nil, err
	}
	told := tx.Grant().Principal().Holds(access.TargetAccessCredentials)
	all := make([]Attributes, len(rows))
	for i, t := range rows {
		all[i] = t.attributes(logins[t.ID], told)
		all[i].Network = link(t.NetworkID)
		if t.PortListID != nil {
			all[i].PortList = &op.Link{ID: *t.PortListID, Name: names[*t.PortListID]}
		}
	}
	if enrich == nil {
		return all, nil
	}
	return all, enrich(tx, all)
}

func (t Target) attributes(logins []Credential, told bool) Attributes {
	a := Attributes{ID: t.ID, Name: t.Name, Hosts: t.Hosts, ExcludeHosts: t.ExcludeHosts, Comment: t.Comment, AliveTest: t.AliveTest,
		MaxParallel: t.MaxParallel, Credentials: []CredentialSet{}, AppType: t.Product, HostsCount: t.HostsCount, Tags: tag.Read(t.Tags),
		CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt}
	if t.ScopeAccepted {
		a.ScopeAttestation = &ScopeAttestation{t.ScopeAccepted, t.ScopeName, t.ScopeTitle, t.ScopeAt, t.ScopeUserID}
	}
	for _, c := range logins {
		set := CredentialSet{Kind: c.Kind, Set: true}
		if told {
			set.Username = &c.Username
		}
		a.Credentials = append(a.Credentials, set)
	}
	return a
}
