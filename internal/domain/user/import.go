package user

import (
	"context"
	"strings"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/op"
)

type importInput struct {
	op.Upload
	DryRun  bool   `query:"dry_run" doc:"Tell what would happen, and do nothing"`
	OnError string `query:"on_error" enum:"abort,skip" doc:"Default: abort, which imports all rows or none; skip leaves out the rows that can't be"`
}

// Imported is the report of an import.
type Imported struct {
	Imported int           `json:"imported"`
	Failed   int           `json:"failed"`
	Rows     []ImportedRow `json:"rows" nullable:"false"`
}

// ImportedRow is one row of the file in the report.
type ImportedRow struct {
	Line   int            `json:"line" doc:"Where it begins in the file, the header's being 1"`
	Email  string         `json:"email"`
	Status string         `json:"status" enum:"imported,valid,skipped,failed" doc:"valid: would be imported (dry_run); skipped: nothing is wrong with it, but with another"`
	Errors []fault.Detail `json:"errors" nullable:"false"`
}

// Statuses of a row.
const (
	rowImported = "imported"
	rowValid    = "valid"
	rowSkipped  = "skipped"
	rowFailed   = "failed"
)

// candidate is a row of the file with the user that it would be; nil where something is wrong with it.
type candidate struct {
	record
	user *User
}

// importUsers from a file, in one transaction. Each is asked by mail to confirm the address and choose a password. Fault kind:
// invalid, where the file as a whole can't be read.
func (p Parts) importUsers(ctx context.Context, open op.Opener, in *importInput) (Imported, error) {
	content, err := in.File(ctx)
	if err != nil {
		return Imported{}, err
	}
	records, err := readCSV(content)
	if err != nil {
		return Imported{}, err
	}
	maker := open.Grant().Principal()
	return op.AnswerFlat(ctx, open, func(tx *db.Tx) (Imported, bool, error) {
		all, err := candidates(tx, maker, records)
		if err != nil {
			return Imported{}, false, err
		}
		if err := insertAll(tx, all); err != nil {
			return Imported{}, false, err
		}
		out := reportOf(all)
		keep := !in.DryRun && out.Imported > 0 && (out.Failed == 0 || in.OnError == "skip")
		if !keep {
			out.undo(in.DryRun)
			return out, false, nil
		}
		return out, true, follow(tx, all)
	})
}

// candidates checks each row by itself, and against those before it.
func candidates(tx *db.Tx, maker access.Principal, records []record) ([]candidate, error) {
	known, err := organizationsOf(tx, records)
	if err != nil {
		return nil, err
	}
	all := make([]candidate, len(records))
	emails, names := map[string]int{}, map[string]int{}
	for i, r := range records {
		r.in.Organization = strings.ToLower(r.in.Organization)
		c := candidate{record: r}
		if len(c.wrong) == 0 {
			c.check(maker, known)
		}
		if len(c.wrong) == 0 {
			if c.once("email", emails, Fold(c.user.Email)); len(c.wrong) == 0 {
				c.once("username", names, Fold(c.user.Username))
			}
		}
		if len(c.wrong) > 0 {
			c.user = nil
		}
		all[i] = c
	}
	return all, nil
}

func (c *candidate) check(maker access.Principal, known map[string]string) {
	if id := c.in.Organization; id != "" && known[id] == "" {
		c.wrong = []fault.Detail{{Pointer: "organization", Code: "unknown", Detail: "There is no such organization; name one of your branch by its id."}}
		return
	}
	var err error
	if c.user, err = c.in.user(maker); err == nil {
		return
	}
	if c.wrong = fault.DetailsOf(err); len(c.wrong) == 0 {
		c.wrong = []fault.Detail{{Pointer: "organization", Code: "unknown", Detail: "There is no such organization; name one of your branch by its id."}}
	}
	for i, d := range c.wrong {
		c.wrong[i].Pointer = strings.TrimPrefix(d.Pointer, "/user/")
	}
}

// once refuses what an earlier row has already.
func (c *candidate) once(column string, seen map[string]int, key string) {
	if line, twice := seen[key]; twice {
		c.wrong = append(c.wrong, fault.At(column, "twice", "Line %d has this %s already.", line, column).Details...)
		return
	}
	seen[key] = c.line
}

// organizationsOf the rows that are in the branch, by id.
func organizationsOf(tx *db.Tx, records []record) (map[string]string, error) {
	var ids []string
	seen := map[string]bool{}
	for _, r := range records {
		if id := strings.ToLower(r.in.Organization); filter.IsID(id) && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return organization.Names(tx, ids)
}

// insertAll of the candidates; those that an existing user stands in the way of become failures.
func insertAll(tx *db.Tx, all []candidate) error {
	var users []*User
	for _, c := range all {
		if c.user != nil {
			c.user.CreatedAt, c.user.UpdatedAt = tx.Now(), tx.Now()
			users = append(users, c.user)
		}
	}
	made, err := insertNew(tx, users)
	if err != nil {
		return err
	}
	for i, c := range all {
		if c.user != nil && !made[c.user.ID] {
			all[i].user = nil
			all[i].wrong = fault.At("email", "taken", "There is a user with this e-mail address or user name already.").Details
		}
	}
	return nil
}

func reportOf(all []candidate) Imported {
	out := Imported{Rows: make([]ImportedRow, len(all))}
	for i, c := range all {
		row := ImportedRow{Line: c.line, Email: strings.TrimSpace(c.in.Email), Status: rowImported, Errors: c.wrong}
		if row.Errors == nil {
			row.Errors = []fault.Detail{}
		}
		if c.user == nil {
			row.Status = rowFailed
			out.Failed++
		} else {
			out.Imported++
		}
		out.Rows[i] = row
	}
	return out
}

// undo tells the report of an import of which nothing is kept.
func (i *Imported) undo(dry bool) {
	status := rowSkipped
	if dry {
		status = rowValid
	}
	for n, row := range i.Rows {
		if row.Status == rowImported {
			i.Rows[n].Status = status
		}
	}
	i.Imported = 0
}

// batch is how many users one entry of the audit trail and one job of mails are about.
const batch = 200

// imported is what the audit trail keeps of a user who came by a file.
type imported struct {
	ID           string      `json:"id"`
	Email        string      `json:"email"`
	Role         access.Role `json:"role"`
	Organization string      `json:"organization"`
}

// follow up an import: the audit trail, and the mails that ask to confirm.
func follow(tx *db.Tx, all []candidate) error {
	var entries []imported
	job := confirmJob{Actor: jobs.ActorOf(tx)}
	flush := func() error {
		if len(entries) == 0 {
			return nil
		}
		tx.Changed(db.Change{Type: "user", ID: entries[0].ID, Name: "import", After: entries})
		err := jobs.Enqueue(tx, job)
		entries, job.Users = nil, nil
		return err
	}
	for _, c := range all {
		if c.user == nil {
			continue
		}
		entries = append(entries, imported{c.user.ID, c.user.Email, c.user.Role, c.user.OrganizationID})
		job.Users = append(job.Users, c.user.ID)
		if len(entries) == batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
