package replay

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/secret"
)

func init() {
	twin := func() *fault.Fault {
		return fault.New(fault.Conflict, "A request with this Idempotency-Key is being answered at this moment; ask again shortly.").Coded("idempotency_twin")
	}
	db.Constrain(db.Constraint{Name: "idempotency_keys_pkey", Fault: twin,
		Columns: "idempotency_keys.organization_id, idempotency_keys.caller, idempotency_keys.method, idempotency_keys.path, idempotency_keys.key"})
}

type keyRow struct {
	bun.BaseModel `bun:"table:idempotency_keys,alias:k"`
	db.Owned
	Caller    string        `bun:"caller,pk"`
	Method    string        `bun:"method,pk"`
	Path      string        `bun:"path,pk"`
	Key       string        `bun:"key,pk"`
	BodyHash  string        `bun:"body_hash"`
	Answer    secret.Sealed `bun:"answer"`
	CreatedAt clock.Time    `bun:"created_at"`
	ExpiresAt clock.Time    `bun:"expires_at"`
}

func find(tx *db.Tx, r Request) (*keyRow, error) {
	var rows []keyRow
	err := tx.Select(&rows).Where("caller = ? AND method = ? AND path = ? AND key = ?", r.Caller, r.Method, r.Path, r.Key).
		Where("expires_at > ?", tx.Now()).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("find an idempotency key: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

func insert(tx *db.Tx, k *keyRow) error {
	if _, err := tx.Delete((*keyRow)(nil)).Where("expires_at <= ?", tx.Now()).Exec(tx.Context()); err != nil {
		return fmt.Errorf("forget old idempotency keys: %w", err)
	}
	if _, err := tx.Insert(k).Exec(tx.Context()); err != nil {
		return fmt.Errorf("claim an idempotency key: %w", err)
	}
	return nil
}

func keep(tx *db.Tx, r Request, answer secret.Sealed) error {
	_, err := tx.Update((*keyRow)(nil)).Set("answer = ?", answer).
		Where("caller = ? AND method = ? AND path = ? AND key = ?", r.Caller, r.Method, r.Path, r.Key).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	return nil
}

func forget(tx *db.Tx, r Request) error {
	_, err := tx.Delete((*keyRow)(nil)).
		Where("caller = ? AND method = ? AND path = ? AND key = ?", r.Caller, r.Method, r.Path, r.Key).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("forget an idempotency key: %w", err)
	}
	return nil
}
