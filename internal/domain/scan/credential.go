package scan

import (
	"context"

	"github.com/vedette/vedette/internal/domain/target"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/scanlink"
)

// arm puts the target's credentials, as they are now, into the plan of a lease. They are in no row of the run, and who
// serves the lease seals them for the one scanner that asked.
func (d *Dispatcher) arm(ctx context.Context, l *scanlink.Lease) error {
	if l == nil || l.Plan == nil || d.Sealer == nil {
		return nil
	}
	if l.Verify != nil {
		return d.armSignIn(ctx, l)
	}
	var actor jobs.Actor
	err := d.DB.Read(ctx, access.System(access.DoorDispatch), func(tx *db.Tx) error {
		c, err := chunkByID(tx, l.ChunkID)
		if err != nil {
			return err
		}
		h, err := history(tx, c.HistoryID)
		if err != nil {
			return err
		}
		actor, err = h.actor(tx)
		return err
	})
	if err != nil {
		return err
	}
	return d.DB.Read(ctx, actor.Grant(), func(tx *db.Tx) error {
		s, err := ByID(tx, l.ScanID)
		if err != nil {
			return err
		}
		return d.load(tx, l, s.TargetID)
	})
}

func (d *Dispatcher) load(tx *db.Tx, l *scanlink.Lease, targetID string) error {
	logins, err := target.Logins(tx, d.Sealer, targetID)
	for _, in := range logins {
		l.Plan.Credentials = append(l.Plan.Credentials,
			scanlink.Credential{Kind: in.Kind, Username: in.Username, Password: in.Password.Reveal(), Key: in.Key.Reveal()})
	}
	return err
}
