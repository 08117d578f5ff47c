package auth

import (
	"net/http"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// SessionAttributes of a sign-in on the wire.
type SessionAttributes struct {
	ID           string      `json:"id"`
	Kind         string      `json:"kind" enum:"session,impersonation"`
	Current      bool        `json:"current" doc:"The one that asks"`
	IP           string      `json:"ip" doc:"Where it was begun"`
	UserAgent    string      `json:"user_agent"`
	Impersonator *op.Link    `json:"impersonator" doc:"Who acts as you; null: you do"`
	Reason       string      `json:"reason" doc:"Why, of an impersonation"`
	LinkBy       *op.Link    `json:"single_sign_on_link_by" doc:"Who made the single-sign-on link that began it; null: none did"`
	CreatedAt    clock.Time  `json:"created_at" format:"date-time"`
	LastUsedAt   clock.Time  `json:"last_used_at" format:"date-time" doc:"To the minute"`
	ExpiresAt    *clock.Time `json:"expires_at" format:"date-time" doc:"At the latest: it ends earlier where it goes unused (api.token_idle)"`
}

// Key is the resource's id and type.
func (a SessionAttributes) Key() (string, string) { return a.ID, "session" }

// Ended is the answer of ending all other sessions.
type Ended struct {
	Ended int `json:"ended" doc:"How many there were"`
}

var sessionColumns = filter.Columns{Date: "created_at", Sort: "created_at desc", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "kind", SQL: "?TableAlias.kind", Kind: filter.Word, Words: []string{session, impersonation}},
	{Name: "ip", SQL: "?TableAlias.ip", Search: true},
	{Name: "user_agent", SQL: "?TableAlias.user_agent", Search: true, NoSort: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
	{Name: "last_used_at", SQL: "?TableAlias.last_used_at", Kind: filter.Moment},
	{Name: "expires_at", SQL: "?TableAlias.expires_at", Kind: filter.Moment, Null: true},
}}

func (a *Auth) ownSessionOperations() []op.Operation {
	return op.In("User", "Sessions",
		op.List("listSessions", "List the current user's sessions", "/v2/user/sessions", access.Own, sessionColumns,
			func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[SessionAttributes], error) {
				rows, meta, err := fetchSessions(tx, tx.Grant().Principal().User, a.Idle, q)
				page := filter.Page[SessionAttributes]{Meta: meta}
				for _, t := range rows {
					page.Rows = append(page.Rows, t.attributes(tx.Grant().Principal().Token))
				}
				return page, err
			}).NotImpersonated().Says("Sign-ins that have not ended, and impersonations of you. The access token is none."),
		op.Delete("endSession", "End a session of the current user", "/v2/user/sessions/{id}", access.Own, "session", func(tx *db.Tx, in *op.Path) error {
			t, err := sessionOf(tx, tx.Grant().Principal().User, in.ID, a.Idle)
			if err != nil {
				return err
			}
			tx.Changed(db.Change{Type: "session", ID: t.ID, Name: t.IP, Before: t.attributes(tx.Grant().Principal().Token)})
			return endSession(tx, t.ID)
		}).NotImpersonated(),
		op.Do("endOtherSessions", "End all other sessions of the current user", http.MethodDelete, "/v2/user/sessions", access.Own,
			func(tx *db.Tx, _ *op.Empty) (Ended, error) {
				p := tx.Grant().Principal()
				n, err := countOtherSessions(tx, p.User, p.Token, a.Idle)
				if err != nil || n == 0 {
					return Ended{}, err
				}
				tx.Changed(db.Change{Type: "user", ID: p.User, Name: p.Username})
				return Ended{n}, endSessions(tx, p.User, p.Token)
			}).NotImpersonated(),
	)
}

// RowID breaks ties of a list.
func (t Token) RowID() string { return t.ID }

func (t Token) attributes(current string) SessionAttributes {
	a := SessionAttributes{ID: t.ID, Kind: t.Kind, Current: t.ID == current, IP: t.IP, UserAgent: t.UserAgent, Reason: t.Reason, CreatedAt: t.CreatedAt,
		LastUsedAt: max(t.CreatedAt, t.LastUsedAt), ExpiresAt: t.ExpiresAt}
	if t.ImpersonatorID != nil {
		a.Impersonator = &op.Link{ID: *t.ImpersonatorID, Name: t.ImpersonatorName}
	}
	if t.Maker != nil {
		a.LinkBy = &op.Link{ID: t.Maker.ID, Name: t.Maker.Username}
	}
	return a
}
