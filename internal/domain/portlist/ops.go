package portlist

import (
	"net/http"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// Attributes of a port list on the wire.
type Attributes struct {
	ID          string            `json:"id"`
	Name        string            `json:"name" example:"Top 1000 TCP"`
	Description string            `json:"description"`
	AppType     string            `json:"app_type" enum:"all,pci,vrms,penetration" doc:"The product that it serves"`
	Active      bool              `json:"active" doc:"It may be chosen for a target"`
	Predefined  bool              `json:"predefined" doc:"It belongs to the installation and is kept by it"`
	TCPCount    int               `json:"tcp_count" doc:"TCP ports in it"`
	UDPCount    int               `json:"udp_count" doc:"UDP ports in it"`
	PortRanges  []RangeAttributes `json:"port_ranges"`
	CreatedAt   clock.Time        `json:"created_at" format:"date-time"`
	UpdatedAt   clock.Time        `json:"updated_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "port_list" }

// RangeAttributes of a port range on the wire.
type RangeAttributes struct {
	ID       string `json:"id"`
	Protocol string `json:"protocol" enum:"tcp,udp"`
	Start    int    `json:"start" minimum:"1" maximum:"65535" example:"8000"`
	End      int    `json:"end" minimum:"1" maximum:"65535" example:"8100" doc:"The last port; included"`
	Comment  string `json:"comment"`
}

// Key is the resource's id and type.
func (a RangeAttributes) Key() (string, string) { return a.ID, "port_range" }

func (r Range) attributes() RangeAttributes {
	return RangeAttributes{ID: r.ID, Protocol: r.Protocol, Start: r.Start, End: r.End, Comment: r.Comment}
}

type createInput struct {
	Body struct {
		PortList createAttributes `json:"port_list"`
	}
}

type createAttributes struct {
	Name        string `json:"name" maxLength:"200" example:"Web and DNS"`
	Description string `json:"description,omitempty" maxLength:"2000"`
	Ranges      string `json:"ranges" doc:"TCP ports and ranges; T: and U: name the protocol of what follows" example:"T:1-1024,8443,U:53,161"`
}

type updateInput struct {
	op.Path
	Body struct {
		PortList updateAttributes `json:"port_list"`
	}
}

type updateAttributes struct {
	Name        op.Field[string] `json:"name,omitempty" maxLength:"200"`
	Description op.Field[string] `json:"description,omitempty" maxLength:"2000"`
}

type addRangeInput struct {
	op.Path
	Body struct {
		PortRange rangeInput `json:"port_range"`
	}
}

type rangeInput struct {
	Protocol string `json:"protocol" enum:"tcp,udp"`
	Start    int    `json:"start" minimum:"1" maximum:"65535" example:"8000"`
	End      int    `json:"end" minimum:"1" maximum:"65535" example:"8100" doc:"The last port; included"`
	Comment  string `json:"comment,omitempty" maxLength:"500"`
}

type rangePath struct {
	ID      string `path:"id" doc:"Id of the port list (UUID)"`
	RangeID string `path:"port_range_id" doc:"Id of the range (UUID)"`
}

// PathID is what is deleted: the range.
func (p rangePath) PathID() string { return p.RangeID }

type appTypeInput struct {
	op.Path
	Body struct {
		AppType string `json:"app_type" enum:"all,pci,vrms,penetration" doc:"The product that it serves"`
	}
}

var columns = filter.Columns{Date: "created_at", Sort: "name", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "name", SQL: "?TableAlias.name", Search: true},
	{Name: "description", SQL: "?TableAlias.description", Search: true, NoSort: true},
	{Name: "app_type", SQL: "?TableAlias.app_type", Kind: filter.Word, Words: AppTypes},
	{Name: "active", SQL: "?TableAlias.active", Kind: filter.Flag},
	{Name: "predefined", SQL: "?TableAlias.predefined", Kind: filter.Flag},
	{Name: "tcp_count", SQL: "?TableAlias.tcp_count", Kind: filter.Number},
	{Name: "udp_count", SQL: "?TableAlias.udp_count", Kind: filter.Number},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
	{Name: "updated_at", SQL: "?TableAlias.updated_at", Kind: filter.Moment},
}}

// Operations of the noun.
func Operations() []op.Operation {
	return op.In("Port Lists", "",
		op.List("listPortLists", "List port lists", "/v2/port_lists", access.PortListAccess, columns,
			func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
				return list(tx, q, false)
			}).
			Says("The organization's own port lists, and those that the installation or a partner above shares."),
		op.List("listActivatedPortLists", "List activated port lists", "/v2/port_lists/activated", access.PortListAccess, columns,
			func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
				return list(tx, q, true)
			}).
			Says("The port lists that a target of the active product may use: active, and for that product or for all."),
		op.Create("createPortList", "Create a port list", "/v2/port_lists", access.PortListCreate, create).
			Says("Ranges that touch or overlap become one. The list is active and serves all products."),
		op.Show("showPortList", "Show a port list", "/v2/port_lists/{id}", access.PortListAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			return show(tx, in.ID)
		}),
		op.Update("updatePortList", "Update a port list", "/v2/port_lists/{id}", access.PortListCreate, update).Conflicts().Says(predefinedText),
		op.Delete("deletePortList", "Delete a port list", "/v2/port_lists/{id}", access.PortListCreate, "port_list", func(tx *db.Tx, in *op.Path) error {
			return remove(tx, in.ID)
		}).Conflicts().Says("A list that a target uses can't be deleted (409). "+predefinedText),
		op.Create("createPortRange", "Add a port range to a port list", "/v2/port_lists/{id}/port_ranges", access.PortListCreate, addRange).Conflicts().
			Says("Ports that the list has already are refused. "+predefinedText),
		op.Delete("deletePortRange", "Delete a port range from a port list", "/v2/port_lists/{id}/port_ranges/{port_range_id}", access.PortListCreate,
			"port_range", removeRange).Conflicts().Says("A list keeps at least one range (409). "+predefinedText),
		op.Action("activatePortList", "Activate a port list", http.MethodPut, "/v2/port_lists/{id}/activate", access.PortListAdmin, turn(true)).Says(ownedText),
		op.Action("deactivatePortList", "Deactivate a port list", http.MethodPut, "/v2/port_lists/{id}/deactivate", access.PortListAdmin, turn(false)).
			Says("It can't be chosen for a target any more, and serves on where it was chosen. "+ownedText),
		op.Action("updatePortListAppType", "Update the app type of a port list", http.MethodPut, "/v2/port_lists/{id}/app_type", access.PortListAdmin,
			func(tx *db.Tx, in *appTypeInput) (Attributes, error) {
				return change(tx, in.ID, owned, func(l *PortList) error {
					l.AppType = in.Body.AppType
					return nil
				})
			}).Says(ownedText),
		op.Do("syncPortLists", "Sync port lists", http.MethodPost, "/v2/port_lists/sync", access.PortListAdmin,
			func(tx *db.Tx, _ *op.Empty) (Synced, error) { return sync(tx) }).
			Says("Brings the installation's predefined lists to the state of this version of the program, and tells how many were made, changed or right already. For the installation's operator alone."),
	)
}

const (
	predefinedText = "Predefined lists can't be changed (409)."
	ownedText      = "Lists that the organization owns; the installation's operator changes its predefined ones."
)

func turn(active bool) func(*db.Tx, *op.Path) (Attributes, error) {
	return func(tx *db.Tx, in *op.Path) (Attributes, error) {
		return change(tx, in.ID, owned, func(l *PortList) error {
			l.Active = active
			return nil
		})
	}
}

func show(tx *db.Tx, id string) (Attributes, error) {
	l, err := ByID(tx, id)
	if err != nil {
		return Attributes{}, err
	}
	all, err := represent(tx, []PortList{*l})
	if err != nil {
		return Attributes{}, err
	}
	return all[0], nil
}

func list(tx *db.Tx, q filter.Query, activated bool) (filter.Page[Attributes], error) {
	rows, meta, err := fetch(tx, q, activated)
	if err != nil {
		return filter.Page[Attributes]{}, err
	}
	all, err := represent(tx, rows)
	return filter.Page[Attributes]{Rows: all, Meta: meta}, err
}

func represent(tx *db.Tx, rows []PortList) ([]Attributes, error) {
	ids := make([]string, len(rows))
	for i, l := range rows {
		ids[i] = l.ID
	}
	ranges, err := Ranges(tx, ids...)
	if err != nil {
		return nil, err
	}
	all := make([]Attributes, len(rows))
	for i, l := range rows {
		all[i] = Attributes{ID: l.ID, Name: l.Name, Description: l.Description, AppType: l.AppType, Active: l.Active, Predefined: l.Predefined,
			TCPCount: l.TCPCount, UDPCount: l.UDPCount, PortRanges: []RangeAttributes{}, CreatedAt: l.CreatedAt, UpdatedAt: l.UpdatedAt}
		for _, r := range ranges[l.ID] {
			all[i].PortRanges = append(all[i].PortRanges, r.attributes())
		}
	}
	return all, nil
}
