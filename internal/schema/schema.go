// Package schema holds the tables: migrations in order, and the tenancy of each table, from which row security and the
// binding of every query follow.
package schema

import (
	"embed"

	"github.com/vedette/vedette/internal/platform/db"
)

// Files are the migrations, NNNN_words.sql, forward only.
//
//go:embed *.sql
var Files embed.FS

func init() {
	db.Register(
		db.Table{Name: "authorities", Closed: true},
		db.Table{Name: "sign_in_attempts", Closed: true},
		db.Table{Name: "oidc_sessions", Closed: true},
		db.Table{Name: "feed_versions", Closed: true},
		db.Table{Name: "organization_tree", Derived: true},

		db.Table{Name: "organizations", Tenancy: db.Branch, Parent: "parent_id", Outlast: true},
		db.Table{Name: "subscriptions", Tenancy: db.BranchAndAbove},
		db.Table{Name: "subscription_prices", Tenancy: db.Branch},
		db.Table{Name: "users", Tenancy: db.Branch},
		db.Table{Name: "tokens", Tenancy: db.Branch},
		db.Table{Name: "notification_preferences", Tenancy: db.Branch},
		db.Table{Name: "otp_methods", Tenancy: db.Branch},
		db.Table{Name: "otp_sessions", Tenancy: db.Branch},
		db.Table{Name: "otp_messages", Tenancy: db.Branch},
		db.Table{Name: "recovery_codes", Tenancy: db.Branch},
		db.Table{Name: "passkeys", Tenancy: db.Branch},
		db.Table{Name: "passkey_challenges", Tenancy: db.Branch},
		db.Table{Name: "mail_links", Tenancy: db.Branch},
		db.Table{Name: "oidc_identities", Tenancy: db.Branch},

		db.Table{Name: "plans", Tenancy: db.SharedDown},
		db.Table{Name: "port_lists", Tenancy: db.SharedDown},
		db.Table{Name: "port_ranges", Tenancy: db.SharedDown},
		db.Table{Name: "scanners", Tenancy: db.SharedDown},
		db.Table{Name: "whitelabels", Tenancy: db.SharedDown},
		db.Table{Name: "whitelabel_hosts", Tenancy: db.SharedDown},
		db.Table{Name: "whitelabel_images", Tenancy: db.SharedDown},
		db.Table{Name: "scan_holds", Tenancy: db.SharedDown},

		db.Table{Name: "api_keys", Tenancy: db.OwnRows},
		db.Table{Name: "idempotency_keys", Tenancy: db.OwnRows},
		db.Table{Name: "audit_heads", Tenancy: db.OwnRows, Outlast: true},
		db.Table{Name: "audit_events", Tenancy: db.OwnRows, Kept: true, Outlast: true},
		db.Table{Name: "events", Tenancy: db.OwnRows},
		db.Table{Name: "scanner_verifications", Tenancy: db.OwnRows},
		db.Table{Name: "networks", Tenancy: db.OwnRows},
		db.Table{Name: "control_proofs", Tenancy: db.OwnRows},
		db.Table{Name: "targets", Tenancy: db.OwnRows},
		db.Table{Name: "target_credentials", Tenancy: db.OwnRows},
		db.Table{Name: "schedules", Tenancy: db.OwnRows},
		db.Table{Name: "scans", Tenancy: db.OwnRows},
		db.Table{Name: "scan_histories", Tenancy: db.OwnRows},
		db.Table{Name: "scan_chunks", Tenancy: db.OwnRows},
		db.Table{Name: "scan_observations", Tenancy: db.OwnRows},
		db.Table{Name: "hosts", Tenancy: db.OwnRows},
		db.Table{Name: "host_changes", Tenancy: db.OwnRows},
		db.Table{Name: "host_marks", Tenancy: db.OwnRows},
		db.Table{Name: "scan_hosts", Tenancy: db.OwnRows},
		db.Table{Name: "vulnerabilities", Tenancy: db.OwnRows},
		db.Table{Name: "scan_vulnerabilities", Tenancy: db.OwnRows},
		db.Table{Name: "vulnerability_counters", Tenancy: db.OwnRows},
		db.Table{Name: "reports", Tenancy: db.OwnRows, Outlast: true},
		db.Table{Name: "report_files", Tenancy: db.OwnRows, Outlast: true},
	)
}
