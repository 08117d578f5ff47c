package app

import (
	"context"
	"errors"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/secret"
)

// Rotated tells what rotate-key did.
type Rotated struct {
	Key      string // that all is sealed with now
	Resealed map[string]int
	// Lost are values by table that no configured key opens.
	Lost map[string]int
}

// resealBatch is how many values one transaction seals anew; fewer in tests.
var resealBatch = 200

// RotateKey seals with the active key every sealed value that an older one has sealed. It may be broken off at any time, and
// goes on where it was when it is called again.
func (a *Admin) RotateKey(ctx context.Context) (Rotated, error) {
	sealer, err := a.Config.Sealer()
	if err != nil {
		return Rotated{}, err
	}
	r := Rotated{Key: sealer.ActiveKeyID(), Resealed: map[string]int{}, Lost: map[string]int{}}
	for _, c := range sealedColumns {
		var after []any
		for {
			rows, err := a.reseal(ctx, sealer, c, after, &r)
			if err != nil {
				return r, err
			}
			if len(rows) < resealBatch {
				break
			}
			after = rows[len(rows)-1].key
		}
	}
	return r, a.write(ctx, func(tx *db.Tx) error {
		return a.tell(tx, "adminRotateKey", access.Installation, db.Change{Type: "installation", ID: access.Installation, Name: "sealing key",
			After: map[string]any{"key": r.Key, "resealed": r.Resealed, "lost": r.Lost}})
	})
}

// reseal one batch.
func (a *Admin) reseal(ctx context.Context, sealer *secret.Sealer, c sealedColumn, after []any, r *Rotated) ([]sealedRow, error) {
	var rows []sealedRow
	var done, lost int
	err := a.write(ctx, func(tx *db.Tx) error {
		var err error
		if rows, err = c.stale(tx, sealer.ActiveKeyID(), after, resealBatch); err != nil {
			return err
		}
		for _, row := range rows {
			next, err := sealer.Reseal(row.value, secret.At(c.table, c.column, row.bound))
			if errors.Is(err, secret.ErrUnknownKey) || errors.Is(err, secret.ErrOpen) {
				lost++
				continue
			}
			if err != nil {
				return err
			}
			if err := c.replace(tx, row, next); err != nil {
				return err
			}
			done++
		}
		return nil
	})
	if err == nil && done > 0 {
		r.Resealed[c.table] += done
	}
	if err == nil && lost > 0 {
		r.Lost[c.table] += lost
	}
	return rows, err
}
