package network

import (
	"net/http"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// Attributes of a network on the wire.
type Attributes struct {
	ID            string     `json:"id"`
	Name          string     `json:"name" example:"Berlin office"`
	Description   string     `json:"description"`
	TargetsCount  int        `json:"targets_count"`
	ScannersCount int        `json:"scanners_count"`
	HostsCount    int        `json:"hosts_count" doc:"Hosts that were seen there, in all products"`
	CreatedAt     clock.Time `json:"created_at" format:"date-time"`
	UpdatedAt     clock.Time `json:"updated_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "network" }

func (n Network) attributes(u uses) Attributes {
	return Attributes{ID: n.ID, Name: n.Name, Description: n.Description, TargetsCount: u.Targets, ScannersCount: u.Scanners, HostsCount: u.Hosts,
		CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt}
}

type createInput struct {
	Body struct {
		Network createAttributes `json:"network"`
	}
}

type createAttributes struct {
	Name        string `json:"name" maxLength:"200" example:"Berlin office"`
	Description string `json:"description,omitempty" maxLength:"2000"`
}

type updateInput struct {
	op.Path
	Body struct {
		Network updateAttributes `json:"network"`
	}
}

type updateAttributes struct {
	Name        op.Field[string] `json:"name,omitempty" maxLength:"200"`
	Description op.Field[string] `json:"description,omitempty" maxLength:"2000"`
}

var columns = filter.Columns{Date: "created_at", Sort: "name", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "name", SQL: "?TableAlias.name", Search: true},
	{Name: "description", SQL: "?TableAlias.description", Search: true, NoSort: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
	{Name: "updated_at", SQL: "?TableAlias.updated_at", Kind: filter.Moment},
}}

// Operations of the noun.
func Operations() []op.Operation {
	return op.In("Networks", "",
		op.List("listNetworks", "List networks", "/v2/networks", access.TargetAccess, columns,
			func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
				rows, meta, err := fetch(tx, q)
				if err != nil {
					return filter.Page[Attributes]{}, err
				}
				all, err := represent(tx, rows)
				return filter.Page[Attributes]{Rows: all, Meta: meta}, err
			}).Says("Sites whose private addresses mean something there alone."),
		op.Create("createNetwork", "Create a network", "/v2/networks", access.TargetCreate, func(tx *db.Tx, in *createInput) (Attributes, error) {
			n, err := create(tx, in.Body.Network)
			if err != nil {
				return Attributes{}, err
			}
			return n.attributes(uses{}), nil
		}),
		op.Show("showNetwork", "Show a network", "/v2/networks/{id}", access.TargetAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			n, err := byID(tx, in.ID)
			return one(tx, n, err)
		}),
		op.Update("updateNetwork", "Update a network", "/v2/networks/{id}", access.TargetCreate, func(tx *db.Tx, in *updateInput) (Attributes, error) {
			n, err := update(tx, in.ID, in.Body.Network)
			return one(tx, n, err)
		}),
		op.Delete("deleteNetwork", "Delete a network", "/v2/networks/{id}", access.TargetCreate, "network", func(tx *db.Tx, in *op.Path) error {
			return deleteAll(tx, []string{in.ID})
		}).Conflicts().Says(usedText),
		op.Bulk("deleteNetworks", "Delete networks", http.MethodDelete, "/v2/networks", access.TargetCreate, "network", deleteAll).Conflicts().Says(usedText),
	)
}

const usedText = "A network that targets or scanners are in can't be deleted (409); the hosts that were seen there stay."

func one(tx *db.Tx, n *Network, err error) (Attributes, error) {
	if err != nil {
		return Attributes{}, err
	}
	all, err := represent(tx, []Network{*n})
	if err != nil {
		return Attributes{}, err
	}
	return all[0], nil
}

func represent(tx *db.Tx, rows []Network) ([]Attributes, error) {
	ids := make([]string, len(rows))
	for i, n := range rows {
		ids[i] = n.ID
	}
	used, err := usesOf(tx, ids)
	if err != nil {
		return nil, err
	}
	all := make([]Attributes, len(rows))
	for i, n := range rows {
		all[i] = n.attributes(used[n.ID])
	}
	return all, nil
}
