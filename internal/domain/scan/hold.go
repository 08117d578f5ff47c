package scan

import (
	"context"
	"errors"
	"net/http"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// Hold keeps every scan of the installation from starting and every part from being leased, while it stands.
type Hold struct {
	bun.BaseModel `bun:"table:scan_holds,alias:w"`
	db.Shared
	ID            string     `bun:"id,pk"`
	Reason        string     `bun:"reason"`
	CreatedBy     *string    `bun:"created_by"`
	CreatedByName string     `bun:"created_by_name"`
	CreatedAt     clock.Time `bun:"created_at"`
}

type holdInput struct {
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"1000" doc:"Told to whoever wants to start a scan meanwhile"`
	}
}

// Held is how the installation stands.
type Held struct {
	Held     bool        `json:"held" doc:"Nothing starts and nothing is scanned"`
	Reason   string      `json:"reason"`
	HeldAt   *clock.Time `json:"held_at" format:"date-time"`
	HeldBy   *string     `json:"held_by" doc:"Name of the operator"`
	Stopping int         `json:"stopping" doc:"Runs that this call stopped"`
}

// brake is the operator's emergency stop.
type brake struct{ db *db.DB }

// HoldOperations are the operator's emergency stop.
func HoldOperations(d *db.DB) []op.Operation {
	b := brake{d}
	return op.In("Installation", "",
		op.Long("stopAllScans", "Stop all scans", http.MethodPost, "/v2/installation/stop_all", access.AdminAccess, b.stopAll).Conflicts().
			Says("Emergency stop: every run of every organization ends, within five seconds nothing is sent any more, and nothing starts until `resume_all`."),
		op.Do("resumeAllScans", "Let scans start again", http.MethodPost, "/v2/installation/resume_all", access.AdminAccess, resumeAll).Conflicts().
			Says("Ends the emergency stop. The runs that it ended stay ended."),
		op.Get("showInstallationHold", "Show whether scans are held", "/v2/installation/hold", access.AdminAccess, func(tx *db.Tx, _ *op.Empty) (Held, error) {
			return standing(tx)
		}),
	)
}

func (b brake) stopAll(ctx context.Context, open op.Opener, in *holdInput) (Held, error) {
	var out Held
	err := open.Write(ctx, func(tx *db.Tx) error {
		if err := operatorsOwn(tx); err != nil {
			return err
		}
		h := &Hold{ID: db.NewID(), CreatedByName: tx.Grant().Principal().Username, CreatedAt: tx.Now()}
		h.Shared.Shared = true
		if in.Body != nil {
			h.Reason = in.Body.Reason
		}
		if user := tx.Grant().Principal().User; user != "" {
			h.CreatedBy = &user
		}
		there, err := standing(tx)
		if err == nil && !there.Held {
			if err = insertHold(tx, h); err == nil {
				tx.Changed(db.Change{Type: "installation", ID: h.ID, Name: "scans", After: map[string]string{"held": "true", "reason": h.Reason}})
			}
		}
		if err != nil {
			return err
		}
		out, err = standing(tx)
		return err
	})
	if err != nil {
		return Held{}, err
	}
	out.Stopping, err = StopHeld(context.WithoutCancel(ctx), b.db)
	return out, err
}

func resumeAll(tx *db.Tx, _ *op.Empty) (Held, error) {
	if err := operatorsOwn(tx); err != nil {
		return Held{}, err
	}
	there, err := standing(tx)
	if err != nil {
		return Held{}, err
	}
	if !there.Held {
		return Held{}, fault.New(fault.Conflict, "Scans are not held.").Coded("not_held")
	}
	if err := deleteHolds(tx); err != nil {
		return Held{}, err
	}
	tx.Changed(db.Change{Type: "installation", ID: tx.Organization(), Name: "scans", Before: map[string]string{"held": "true", "reason": there.Reason},
		After: map[string]string{"held": "false"}})
	return Held{}, tx.Wake(chunksTopic)
}

// operatorsOwn refuses to hold the installation on behalf of one organization.
func operatorsOwn(tx *db.Tx) error {
	if tx.Organization() != access.Installation {
		return fault.New(fault.Forbidden, "This is about the whole installation; leave X-Organization-Id out.").Coded("installation_only")
	}
	return nil
}

func standing(tx *db.Tx) (Held, error) {
	h, err := hold(tx)
	if err != nil || h == nil {
		return Held{}, err
	}
	return Held{Held: true, Reason: h.Reason, HeldAt: &h.CreatedAt, HeldBy: &h.CreatedByName}, nil
}

// notHeld refuses a start while the operator holds all scans. Fault kind: conflict with code scans_held.
func notHeld(tx *db.Tx) error {
	h, err := hold(tx)
	if err != nil || h == nil {
		return err
	}
	why := ""
	if h.Reason != "" {
		why = ": " + h.Reason
	}
	return fault.New(fault.Conflict, "The operator holds all scans at this moment%s. Try again later.", why).Coded("scans_held")
}

// StopHeld stops every run that is open while a hold stands, and tells how many. It is called again by the sweep, for what was
// starting when the hold came, and for a server that died in between.
func StopHeld(ctx context.Context, d *db.DB) (int, error) {
	var all []Outdated
	err := d.Read(ctx, access.System(access.DoorDispatch), func(tx *db.Tx) error {
		held, err := heldAnywhere(tx)
		if err != nil || !held {
			return err
		}
		all, err = openRuns(tx)
		return err
	})
	for _, o := range all {
		err = errors.Join(err, d.Write(ctx, o.Actor.Grant(), func(tx *db.Tx) error { return endOverdue(tx, o.History) }))
	}
	return len(all), err
}
