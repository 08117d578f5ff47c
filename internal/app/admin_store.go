package app

import (
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/secret"
)

// auditTrails lists the organizations that have an audit trail.
func auditTrails(tx *db.Tx) ([]string, error) {
	var all []string
	err := tx.Query(&all, "select cast(organization_id as text) from audit_heads union select cast(organization_id as text) from audit_events order by 1")
	if err != nil {
		return nil, fmt.Errorf("audit trails: %w", err)
	}
	return all, nil
}

func clearLock(tx *db.Tx, userID string) error {
	if _, err := tx.Exec("update users set locked_at = null where id = ?", userID); err != nil {
		return fmt.Errorf("unlock: %w", err)
	}
	return nil
}

// sealedColumn is one place of the schema where sealed values are. Bound is the column that names whom they are bound to;
// empty: the installation.
type sealedColumn struct {
	table, column string
	key           []string
	bound         string
}

// sealedColumns are all there are; a test holds the list against the source.
var sealedColumns = []sealedColumn{
	{"authorities", "private_key", []string{"id"}, ""},
	{"target_credentials", "secret", []string{"organization_id", "id"}, "organization_id"},
	{"otp_methods", "seed", []string{"organization_id", "id"}, "user_id"},
	{"otp_messages", "code_hash", []string{"organization_id", "id"}, "user_id"},
	{"recovery_codes", "code", []string{"organization_id", "id"}, "user_id"},
	{"idempotency_keys", "answer", []string{"organization_id", "caller", "method", "path", "key"}, "organization_id"},
}

// sealedRow is one value. Key are the row's, in the order of the column's.
type sealedRow struct {
	key   []any
	bound string
	value secret.Sealed
}

// stale gives values that another key than the active one has sealed, from a row on, in the order of their keys.
func (c sealedColumn) stale(tx *db.Tx, active string, after []any, limit int) ([]sealedRow, error) {
	columns := make([]string, 0, len(c.key)+2)
	for i, k := range c.key {
		columns = append(columns, fmt.Sprintf("cast(%s as text) as k%d", k, i))
	}
	bound := "'" + access.Installation + "'"
	if c.bound != "" {
		bound = "cast(" + c.bound + " as text)"
	}
	columns = append(columns, bound+" as bound", c.column+" as value")
	query := "select " + strings.Join(columns, ", ") + " from " + c.table + " where " + c.column + " is not null and " + c.column + " not like ?"
	args := []any{"v1:" + active + ":%"}
	if after != nil {
		query += " and (" + c.keys() + ") > (" + strings.TrimSuffix(strings.Repeat("?, ", len(after)), ", ") + ")"
		args = append(args, after...)
	}
	var found []struct {
		K0, K1, K2, K3, K4, Bound string
		Value                     secret.Sealed
	}
	err := tx.Query(&found, query+" order by "+strings.Join(c.key, ", ")+" limit ?", append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("sealed values of %s: %w", c.table, err)
	}
	rows := make([]sealedRow, len(found))
	for i, f := range found {
		rows[i] = sealedRow{key: []any{f.K0, f.K1, f.K2, f.K3, f.K4}[:len(c.key)], bound: f.Bound, value: f.Value}
		if c.table == "authorities" {
			rows[i].key = []any{bun.Safe(f.K0)} // a number
		}
	}
	return rows, nil
}

func (c sealedColumn) keys() string { return strings.Join(c.key, ", ") }

// replace a value, unless it was changed meanwhile.
func (c sealedColumn) replace(tx *db.Tx, r sealedRow, next secret.Sealed) error {
	query, args := "update "+c.table+" set "+c.column+" = ? where "+c.column+" = ?", []any{next, r.value}
	for i, k := range c.key {
		query += " and " + k + " = ?"
		args = append(args, r.key[i])
	}
	if _, err := tx.Exec(query, args...); err != nil {
		return fmt.Errorf("reseal a value of %s: %w", c.table, err)
	}
	return nil
}

// keptKinds of jobs do their work within the installation. All others may send something, and go with a restore: a kind to
// come does so unless it is named here.
var keptKinds = []string{"report_render", "rematch", "retention", "auth_prune", "subscription_tick", "schedule_tick"}

// keptSubscribers are those of events that send nothing.
var keptSubscribers = []string{reportSubscriber}

// dropJobs deletes what waits to be done and would send something, and tells how much of each kind.
func dropJobs(tx *db.Tx) (map[string]int, error) {
	const which = " from river_job where state not in ('completed', 'cancelled', 'discarded') and kind not in (?) and not (kind = 'event' and args ->> 'subscriber' in (?))"
	var found []struct {
		Kind string
		N    int
	}
	args := []any{bun.List(keptKinds), bun.List(keptSubscribers)}
	if err := tx.Query(&found, "select kind, count(*) as n"+which+" group by kind", args...); err != nil {
		return nil, fmt.Errorf("waiting jobs: %w", err)
	}
	dropped := map[string]int{}
	for _, f := range found {
		dropped[f.Kind] = f.N
	}
	if _, err := tx.Exec("delete"+which, args...); err != nil {
		return nil, fmt.Errorf("drop waiting jobs: %w", err)
	}
	return dropped, nil
}

// endAllSessions ends every sign-in, half sign-in and link in a mail, and tells how many sign-ins and links.
func endAllSessions(tx *db.Tx) (sessions, links int, err error) {
	if sessions, err = tx.Exec("delete from tokens where kind <> 'access'"); err != nil {
		return 0, 0, fmt.Errorf("end sessions: %w", err)
	}
	if links, err = tx.Exec("delete from mail_links"); err != nil {
		return 0, 0, fmt.Errorf("end links: %w", err)
	}
	for _, table := range []string{"otp_sessions", "otp_messages", "passkey_challenges", "oidc_sessions"} {
		if _, err := tx.Exec("delete from " + table); err != nil {
			return 0, 0, fmt.Errorf("end half sign-ins: %w", err)
		}
	}
	return sessions, links, nil
}
