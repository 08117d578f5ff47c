package user

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
)

type preferenceRow struct {
	bun.BaseModel `bun:"table:notification_preferences,alias:np"`
	db.Branched
	UserID    string     `bun:"user_id,pk"`
	Event     string     `bun:"event,pk"`
	InApp     bool       `bun:"in_app"`
	Email     bool       `bun:"email"`
	UpdatedAt clock.Time `bun:"updated_at"`
}

// chosenPreferences of a user, by event.
func chosenPreferences(tx *db.Tx, user string) (map[string]preferenceRow, error) {
	var rows []preferenceRow
	if err := tx.Select(&rows).Where("?TableAlias.user_id = ?", user).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("notification preferences: %w", err)
	}
	byEvent := map[string]preferenceRow{}
	for _, r := range rows {
		byEvent[r.Event] = r
	}
	return byEvent, nil
}

func keepPreference(tx *db.Tx, u *User, p Preference) error {
	row := &preferenceRow{UserID: u.ID, Event: p.Event, InApp: p.InApp, Email: p.Email, UpdatedAt: tx.Now()}
	row.OrganizationID = u.OrganizationID
	_, err := tx.Insert(row).On("CONFLICT (organization_id, user_id, event) DO UPDATE").
		Set("in_app = EXCLUDED.in_app, email = EXCLUDED.email, updated_at = EXCLUDED.updated_at").Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("keep a notification preference: %w", err)
	}
	return nil
}
