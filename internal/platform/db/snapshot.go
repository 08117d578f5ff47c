package db

import (
	"context"
	"errors"
	"fmt"
)

// Snapshot writes a copy of a SQLite database to a path where there is nothing, or an empty file: all of one instant,
// whatever is written meanwhile, by this process or another.
func (d *DB) Snapshot(ctx context.Context, path string) error {
	if d.dialect != SQLite {
		return errors.New("only a SQLite database can be copied here; PostgreSQL has pg_dump")
	}
	_, err := d.writer.DB.ExecContext(ctx, "vacuum into ?", path)
	return wrapErr("copy the database", err)
}

// Sound has SQLite look at every page of a database for damage.
func (d *DB) Sound(ctx context.Context) error {
	if d.dialect != SQLite {
		return nil
	}
	var verdict string
	if err := d.writer.DB.QueryRowContext(ctx, "pragma quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("the database is damaged: %s", verdict)
	}
	return nil
}
