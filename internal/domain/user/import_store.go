package user

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/db"
)

// insertNew inserts those users whose names and addresses nobody has, in batches, and tells their ids.
func insertNew(tx *db.Tx, users []*User) (map[string]bool, error) {
	made := make(map[string]bool, len(users))
	for len(users) > 0 {
		some := users[:min(len(users), 500)]
		users = users[len(some):]
		for _, u := range some {
			u.UsernameKey, u.EmailKey = Fold(u.Username), Fold(u.Email)
		}
		var ids []string
		if _, err := tx.Insert(&some).On("CONFLICT DO NOTHING").Returning("id").Exec(tx.Context(), &ids); err != nil {
			return nil, fmt.Errorf("insert users: %w", err)
		}
		for _, id := range ids {
			made[id] = true
		}
	}
	return made, nil
}

// unconfirmed are those of the users who are there and have not confirmed.
func unconfirmed(tx *db.Tx, ids []string) ([]User, error) {
	var all []User
	err := tx.Select(&all).Where("?TableAlias.id IN (?) AND ?TableAlias.confirmed_at IS NULL", bun.List(ids)).Order("id").Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("unconfirmed users: %w", err)
	}
	return all, nil
}
