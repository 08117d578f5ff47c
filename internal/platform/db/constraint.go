package db

import (
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"github.com/vedette/vedette/internal/platform/fault"
)

// Constraint ties a named constraint to the fault that its violation means. Columns is how SQLite, which does not tell
// the name of a unique index, names it: "targets.organization_id, targets.name".
type Constraint struct {
	Name    string
	Columns string
	Fault   func() *fault.Fault
}

var constraints []Constraint

// Constrain registers constraints; called when a noun's package is initialised.
func Constrain(all ...Constraint) { constraints = append(constraints, all...) }

// Violation names the constraint that err violated, by name or by SQLite's columns; empty when it is another error.
func Violation(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && strings.HasPrefix(pg.Code, "23") {
		return pg.ConstraintName
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		// "constraint failed: UNIQUE constraint failed: targets.organization_id, targets.name (2067)"
		if i := strings.LastIndex(lite.Error(), "constraint failed: "); i >= 0 {
			what, _, _ := strings.Cut(lite.Error()[i+len("constraint failed: "):], " (")
			return what
		}
	}
	return ""
}

// passing says whether a PostgreSQL error goes by itself: transactions that stood in each other's way (class 40), a server
// that has no room (53), or that is going down or coming up (57P).
func passing(code string) bool {
	return strings.HasPrefix(code, "40") || strings.HasPrefix(code, "53") || strings.HasPrefix(code, "57P")
}

// NoRows says whether err means that there is no such row.
func NoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) || fault.Is(err, fault.NotFound) }

// translate turns database errors into faults where they mean something to a user.
func (d *DB) translate(err error) error {
	var f *fault.Fault
	if errors.As(err, &f) {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Missing().Because(err)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "22021" || pg.Code == "22P05") {
		return fault.New(fault.Invalid, "A text holds a character that can't be kept, such as NUL.").Coded("bad_text").Because(err)
	}
	if pg != nil && passing(pg.Code) {
		return fault.New(fault.Unavailable, "The database could not take this at this moment; try again shortly.").RetryAfter(time.Second).Because(err)
	}
	violated := Violation(err)
	if violated == "" {
		return err
	}
	for _, c := range constraints {
		if c.Name == violated || c.Columns == violated {
			return c.Fault().Because(err)
		}
	}
	if strings.Contains(violated, "FOREIGN KEY") || strings.HasSuffix(violated, "_fkey") {
		return fault.New(fault.Conflict, "Something else still refers to it, or what it refers to is gone.").Because(err)
	}
	return err
}
