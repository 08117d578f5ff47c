package report

import (
	"fmt"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/db"
)

// KeepPCI deletes the reports of the transaction's organization but those of PCI, which are kept for their retention, and tells in
// words how many those are; empty: none.
func KeepPCI(tx *db.Tx) (string, error) {
	others := tx.Select((*Report)(nil)).Column("id").Where("?TableAlias.product <> ?", plan.PCI)
	if _, err := tx.Delete((*File)(nil)).Where("report_id IN (?)", others).Exec(tx.Context()); err != nil {
		return "", fmt.Errorf("delete report files: %w", err)
	}
	if _, err := tx.Delete((*Report)(nil)).Where("product <> ?", plan.PCI).Exec(tx.Context()); err != nil {
		return "", fmt.Errorf("delete reports: %w", err)
	}
	n, err := tx.Select((*Report)(nil)).Count(tx.Context())
	if err != nil || n == 0 {
		return "", err
	}
	return fmt.Sprintf("%d issued PCI reports", n), nil
}
