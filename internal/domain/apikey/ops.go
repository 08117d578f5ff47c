package apikey

import (
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// Attributes of a key on the wire.
type Attributes struct {
	ID         string      `json:"id"`
	Name       string      `json:"name" example:"Nightly export"`
	Prefix     string      `json:"prefix" doc:"How the key begins" example:"vdk_Zm9vYm"`
	Secret     string      `json:"key,omitempty" doc:"Only in the answer of its creation; send it as x-api-key"`
	CreatedBy  string      `json:"created_by" doc:"User name"`
	LastUsedAt *clock.Time `json:"last_used_at" format:"date-time" doc:"To the minute; null: never"`
	LastUsedIP string      `json:"last_used_ip"`
	CreatedAt  clock.Time  `json:"created_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "api_key" }

// CreateAttributes of a key.
type CreateAttributes struct {
	Name string `json:"name" maxLength:"100" example:"Nightly export"`
}

type createInput struct {
	Body struct {
		APIKey CreateAttributes `json:"api_key"`
	}
}

var columns = filter.Columns{Date: "created_at", Sort: "name", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "name", SQL: "?TableAlias.name", Search: true},
	{Name: "prefix", SQL: "?TableAlias.prefix", Search: true},
	{Name: "created_by", SQL: "?TableAlias.created_by", Search: true},
	{Name: "last_used_at", SQL: "?TableAlias.last_used_at", Kind: filter.Moment, Null: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
}}

// Operations of the noun.
func Operations() []op.Operation {
	return op.In("Organizations", "API Keys",
		op.List("listAPIKeys", "List API keys", "/v2/api_keys", access.OrganizationOwnUpdate, columns,
			func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
				rows, meta, err := fetch(tx, q)
				page := filter.Page[Attributes]{Meta: meta}
				for _, k := range rows {
					page.Rows = append(page.Rows, k.attributes())
				}
				return page, err
			}),
		op.Create("createAPIKey", "Create an API key", "/v2/api_keys", access.OrganizationOwnUpdate, func(tx *db.Tx, in *createInput) (Attributes, error) {
			k, key, err := Create(tx, in.Body.APIKey.Name)
			if err != nil {
				return Attributes{}, err
			}
			out := k.attributes()
			tx.Changed(db.Change{Type: "api_key", ID: k.ID, Name: k.Name, After: out})
			out.Secret = key.Reveal()
			return out, nil
		}).NotImpersonated().Conflicts().Says("A key names the calling application in the header `x-api-key`, for callers of the organization and of those below it; it gives no "+
			"rights. The answer shows it, this once."),
		op.Delete("revokeAPIKey", "Revoke an API key", "/v2/api_keys/{id}", access.OrganizationOwnUpdate, "api_key", func(tx *db.Tx, in *op.Path) error {
			k, err := byID(tx, in.ID)
			if err != nil {
				return err
			}
			tx.Changed(db.Change{Type: "api_key", ID: k.ID, Name: k.Name, Before: k.attributes()})
			return remove(tx, k)
		}).NotImpersonated(),
	)
}

func (k APIKey) attributes() Attributes {
	return Attributes{ID: k.ID, Name: k.Name, Prefix: k.Prefix, CreatedBy: k.CreatedBy, LastUsedAt: k.LastUsedAt, LastUsedIP: k.LastUsedIP, CreatedAt: k.CreatedAt}
}
