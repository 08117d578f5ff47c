package auth

import (
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// IdentityAttributes of a person of a provider on the wire.
type IdentityAttributes struct {
	ID         string     `json:"id"`
	Issuer     string     `json:"issuer" doc:"The provider"`
	Subject    string     `json:"subject" doc:"The provider's name for the person"`
	Email      string     `json:"email" doc:"By which the user was found the first time"`
	CreatedAt  clock.Time `json:"created_at" format:"date-time"`
	LastUsedAt clock.Time `json:"last_used_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a IdentityAttributes) Key() (string, string) { return a.ID, "identity" }

// RowID breaks ties of a list.
func (i Identity) RowID() string { return i.ID }

func (i Identity) attributes() IdentityAttributes {
	return IdentityAttributes{ID: i.ID, Issuer: i.Issuer, Subject: i.Subject, Email: i.Email, CreatedAt: i.CreatedAt, LastUsedAt: i.LastUsedAt}
}

var identityColumns = filter.Columns{Date: "created_at", Sort: "created_at", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "issuer", SQL: "?TableAlias.issuer", Search: true},
	{Name: "email", SQL: "?TableAlias.email", Search: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
	{Name: "last_used_at", SQL: "?TableAlias.last_used_at", Kind: filter.Moment},
}}

func identityOperations() []op.Operation {
	return op.In("User", "Single sign-on",
		op.List("listIdentities", "List the current user's identities", "/v2/user/identities", access.Own, identityColumns,
			func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[IdentityAttributes], error) {
				rows, meta, err := fetchIdentities(tx, q)
				page := filter.Page[IdentityAttributes]{Meta: meta}
				for _, i := range rows {
					page.Rows = append(page.Rows, i.attributes())
				}
				return page, err
			}).NotImpersonated().Says("Who the user is at identity providers: the links that single sign-on has made."),
		op.Delete("deleteIdentity", "Delete an identity of the current user", "/v2/user/identities/{id}", access.Own, "identity", func(tx *db.Tx, in *op.Path) error {
			i, err := ownIdentity(tx, in.ID)
			if err != nil {
				return err
			}
			tx.Changed(db.Change{Type: "identity", ID: i.ID, Name: tx.Grant().Principal().Username, Before: i.attributes()})
			return deleteIdentity(tx, i)
		}).NotImpersonated().Says("The next single sign-on with the user's address links the account anew, maybe to another person at the provider."),
	)
}
