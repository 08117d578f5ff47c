package scan

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vedette/vedette/internal/platform/db"
)

// Why a run is not judged again.
var (
	ErrOvertaken = errors.New("another version of the knowledge judges the run")
	ErrGone      = errors.New("the run is no more")
)

// rejudgedBy begins the version of a run that is being judged again, page by page: no version has judged all of it.
const rejudgedBy = "~"

// BeingRejudged says whether parts of the run are judged by one version of the knowledge and parts by another, at this moment.
func (h History) BeingRejudged() bool { return strings.HasPrefix(h.FeedVersion, rejudgedBy) }

// BeginRejudging marks a run as being judged by a version.
func BeginRejudging(tx *db.Tx, h *History, version string) error {
	_, err := tx.Update((*History)(nil)).Set("feed_version = ?", rejudgedBy+version).Where("id = ?", h.ID).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("rejudge: %w", err)
	}
	return nil
}

// Rejudging locks a run that is being judged by a version; ErrOvertaken where it is another by now, ErrGone where the run was
// deleted.
func Rejudging(tx *db.Tx, h *History, version string) error {
	res, err := tx.Update((*History)(nil)).Set("state = state").Where("id = ? AND feed_version = ?", h.ID, rejudgedBy+version).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("rejudge: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	if _, err := history(tx, h.ID); db.NoRows(err) {
		return ErrGone
	} else if err != nil {
		return err
	}
	return ErrOvertaken
}

// Rejudged writes how a run stands by other knowledge.
func Rejudged(tx *db.Tx, h *History) error {
	_, err := tx.Update(h).Column("coverage", "critical", "high", "medium", "low", "log", "pci_status", "pci_reason", "feed_version").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("rejudge: %w", err)
	}
	_, err = tx.Update((*Scan)(nil)).Set("last_verdict = ?", h.PCIStatus).Where("id = ? AND last_history_id = ?", h.ScanID, h.ID).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("rejudge: %w", err)
	}
	return nil
}
