package apikey

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
)

func init() {
	db.Constrain(db.Constraint{Name: "api_keys_name_key", Columns: "api_keys.organization_id, api_keys.name", Fault: func() *fault.Fault {
		return fault.At("/api_key/name", "taken", "There is an API key of this name already; choose another.")
	}})
}

func insert(tx *db.Tx, k *APIKey) error {
	if _, err := tx.Insert(k).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert API key: %w", err)
	}
	return nil
}

func count(tx *db.Tx) (int, error) {
	n, err := tx.Select((*APIKey)(nil)).Count(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("count API keys: %w", err)
	}
	return int(n), nil
}

func fetch(tx *db.Tx, q filter.Query) ([]APIKey, filter.Meta, error) {
	return filter.Fetch[APIKey](tx, q, func(rows any) *bun.SelectQuery { return tx.Select(rows) })
}

func byID(tx *db.Tx, id string) (*APIKey, error) {
	k := &APIKey{}
	if err := tx.Select(k).Where("id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("API key: %w", err)
	}
	return k, nil
}

// byHash is nil where no key has the hash.
func byHash(tx *db.Tx, hash string) (*APIKey, error) {
	var all []APIKey
	if err := tx.Select(&all).Where("hash = ?", hash).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("API key: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

func remove(tx *db.Tx, k *APIKey) error {
	if _, err := tx.Delete((*APIKey)(nil)).Where("id = ?", k.ID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("revoke API key: %w", err)
	}
	return nil
}

// use notes when and from where the key was used last.
func use(tx *db.Tx, k *APIKey, ip string) error {
	_, err := tx.Update((*APIKey)(nil)).Set("last_used_at = ?, last_used_ip = ?", tx.Now(), ip).Where("organization_id = ? AND id = ?", k.OrganizationID, k.ID).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("note the use of an API key: %w", err)
	}
	return nil
}
