package report

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
)

// insert a report unless its run has one already; the id that stands is given back.
func insert(tx *db.Tx, r *Report) (string, error) {
	if _, err := tx.Insert(r).On("CONFLICT (organization_id, history_id) DO NOTHING").Exec(tx.Context()); err != nil {
		return "", fmt.Errorf("insert report: %w", err)
	}
	var kept Report
	if err := tx.Select(&kept).Where("history_id = ?", r.HistoryID).Scan(tx.Context()); err != nil {
		return "", fmt.Errorf("insert report: %w", err)
	}
	return kept.ID, nil
}

// byID finds a report of the active product that is not deleted.
func byID(tx *db.Tx, id string) (*Report, error) {
	r := &Report{}
	if err := tx.Select(r).Where("id = ? AND product = ? AND hidden_at IS NULL", id, tx.Product()).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return r, nil
}

func fetch(tx *db.Tx, q filter.Query) ([]Report, filter.Meta, error) {
	return filter.Fetch[Report](tx, q, func(rows any) *bun.SelectQuery {
		return tx.Select(rows).Where("?TableAlias.product = ? AND ?TableAlias.hidden_at IS NULL", tx.Product())
	})
}

// hide reports, and tell how many there were.
func hide(tx *db.Tx, ids []string) ([]Report, error) {
	var all []Report
	err := tx.Update((*Report)(nil)).Set("hidden_at = ?", tx.Now()).Where("id IN (?) AND product = ? AND hidden_at IS NULL", bun.List(ids), tx.Product()).
		Returning("*").Scan(tx.Context(), &all)
	if err != nil {
		return nil, fmt.Errorf("delete reports: %w", err)
	}
	return all, nil
}

func files(tx *db.Tx, reports ...string) (map[string][]File, error) {
	byReport := map[string][]File{}
	if len(reports) == 0 {
		return byReport, nil
	}
	var all []File
	if err := tx.Select(&all).Where("report_id IN (?)", bun.List(reports)).Order("type", "format").Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("report files: %w", err)
	}
	for _, f := range all {
		byReport[f.ReportID] = append(byReport[f.ReportID], f)
	}
	return byReport, nil
}

// file of a report; nil where it was never asked for.
func file(tx *db.Tx, report string, t Type, f Format) (*File, error) {
	var all []File
	if err := tx.Select(&all).Where("report_id = ? AND type = ? AND format = ?", report, t, f).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("report file: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

func fileByID(tx *db.Tx, id string) (*File, error) {
	f := &File{}
	if err := tx.Select(f).Where("id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("report file: %w", err)
	}
	return f, nil
}

// ask for a file: a new row, or a failed one queued again.
func ask(tx *db.Tx, f *File) error {
	_, err := tx.Insert(f).On("CONFLICT (organization_id, report_id, type, format) DO UPDATE").
		Set("status = EXCLUDED.status, error = '', asked_by = EXCLUDED.asked_by, asked_at = EXCLUDED.asked_at").Returning("id").Exec(tx.Context(), f)
	if err != nil {
		return fmt.Errorf("ask for a file: %w", err)
	}
	return nil
}

func setFile(tx *db.Tx, f *File) error {
	if f.Status == fileDone {
		f.GeneratedAt = clock.AtPointer(tx.Now().Time())
	}
	_, err := tx.Update(f).Column("status", "size", "sha256", "error", "generated_at").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("report file: %w", err)
	}
	return nil
}

// reportOfJob finds a report whatever its product, for the jobs of its organization.
func reportOfJob(tx *db.Tx, id string) (*Report, error) {
	r := &Report{}
	if err := tx.Select(r).Where("id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return r, nil
}
