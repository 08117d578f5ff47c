package user

import (
	"context"
	"time"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
)

// confirmJob has the mails sent that ask imported users to confirm.
type confirmJob struct {
	jobs.Actor
	Users []string `json:"users"`
}

// Kind of the job.
func (confirmJob) Kind() string { return "user_confirm" }

// Work has imported users asked to confirm.
func Work(q *jobs.Queue, d *db.DB, letters Letters) {
	jobs.Work(q, 5*time.Minute, func(ctx context.Context, job confirmJob) error {
		return d.Write(ctx, job.Grant(), func(tx *db.Tx) error {
			users, err := unconfirmed(tx, job.Users)
			if err != nil {
				return err
			}
			for i := range users {
				if err := letters.Confirm(tx, &users[i]); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
