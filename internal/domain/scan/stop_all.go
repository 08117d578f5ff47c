package scan

import (
	"context"
	"errors"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
)

// StopAll stops every open run of the installation, and tells how many: those that a restored copy would go on with.
func StopAll(ctx context.Context, d *db.DB) (int, error) {
	var all []Outdated
	err := d.Read(ctx, access.System(access.DoorOperator), func(tx *db.Tx) error {
		var err error
		all, err = openRuns(tx)
		return err
	})
	for _, o := range all {
		err = errors.Join(err, d.Write(ctx, o.Actor.Grant(), func(tx *db.Tx) error { return endOverdue(tx, o.History) }))
	}
	return len(all), err
}
