package audit

import (
	"encoding/json"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// Attributes of an event on the wire.
type Attributes struct {
	ID           string     `json:"id"`
	Action       string     `json:"action" doc:"The operation's id" example:"createTarget"`
	Actor        *Actor     `json:"actor"`
	Impersonator *Actor     `json:"impersonator"`
	Organization op.Link    `json:"organization" doc:"In which it happened"`
	Resource     Resource   `json:"resource"`
	IP           string     `json:"ip"`
	UserAgent    string     `json:"user_agent"`
	RequestID    string     `json:"request_id"`
	Changes      Changes    `json:"changes"`
	Hash         string     `json:"hash" doc:"SHA-256 over the event and the hash before it"`
	PreviousHash string     `json:"previous_hash"`
	CreatedAt    clock.Time `json:"created_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "audit_event" }

// Actor of an event.
type Actor struct {
	ID       string `json:"id" doc:"Empty: no user, but a schedule, or an account of the server's own machine (vedette admin)"`
	Username string `json:"username"`
}

// Resource that was changed.
type Resource struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

var columns = filter.Columns{Date: "created_at", Sort: "created_at desc", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "action", SQL: "?TableAlias.action", Kind: filter.Word, Search: true},
	{Name: "actor", SQL: "?TableAlias.actor_name", Search: true},
	{Name: "actor_id", SQL: "?TableAlias.actor_id", Kind: filter.ID, Null: true, NoSort: true},
	{Name: "impersonator", SQL: "?TableAlias.impersonator_name"},
	{Name: "resource_type", SQL: "?TableAlias.resource_type", Kind: filter.Word},
	{Name: "resource_id", SQL: "?TableAlias.resource_id", NoSort: true},
	{Name: "resource_name", SQL: "?TableAlias.resource_name", Search: true},
	{Name: "ip", SQL: "?TableAlias.ip"},
	{Name: "request_id", SQL: "?TableAlias.request_id", NoSort: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
}}

// Operations of the noun.
func Operations() []op.Operation {
	return op.In("Audit", "",
		op.List("listAuditEvents", "List audit events", "/v2/audit/events", access.AuditAccess, columns,
			func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
				rows, meta, err := fetch(tx, q)
				page := filter.Page[Attributes]{Meta: meta}
				for _, e := range rows {
					page.Rows = append(page.Rows, represent(tx, e))
				}
				return page, err
			}),
		op.Show("showAuditEvent", "Show an audit event", "/v2/audit/events/{id}", access.AuditAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			e, err := byID(tx, in.ID)
			if err != nil {
				return Attributes{}, err
			}
			return represent(tx, *e), nil
		}),
	)
}

func represent(tx *db.Tx, e Event) Attributes {
	a := Attributes{ID: e.ID, Action: e.Action, Organization: op.Link{ID: e.OrganizationID, Name: tx.Grant().Principal().Acting.Name}, IP: e.IP, UserAgent: e.UserAgent, RequestID: e.RequestID,
		Resource: Resource{e.ResourceType, e.ResourceID, e.ResourceName}, Hash: e.Hash, PreviousHash: e.PreviousHash, CreatedAt: e.CreatedAt}
	switch {
	case e.ActorID != nil:
		a.Actor = &Actor{*e.ActorID, e.ActorName}
	case e.ActorName != "":
		a.Actor = &Actor{Username: e.ActorName}
	}
	if e.ImpersonatorID != nil {
		a.Impersonator = &Actor{*e.ImpersonatorID, e.ImpersonatorName}
	}
	_ = json.Unmarshal(e.Changes, &a.Changes) // written by Record
	return a
}
