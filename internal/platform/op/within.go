package op

import (
	"context"
	"errors"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// In is the opener as if the caller had chosen that organization, which must be the one acted in or below it; the operation's
// permission is held against it. Permissions that a feature or a subscription gates are not held there. Fault kinds:
// notfound, forbidden.
func (o Opener) In(organization access.Organization) (Opener, error) {
	p := o.grant.Principal()
	if organization.ID == p.Acting.ID {
		return o, nil
	}
	if !organization.Below(p.Acting.ID) {
		return Opener{}, fault.Missing()
	}
	p.Acting, p.Subscribed, p.Features = organization, false, nil
	grant, err := access.Check(p, o.operation.Permission)
	if err != nil {
		return Opener{}, err
	}
	o.grant = grant
	return o, nil
}

// errUndone ends a transaction whose answer is given although nothing of it is kept.
var errUndone = errors.New("undone")

// AnswerFlat is Answer for a Long: where fn says that nothing is to be kept, its transaction is undone and its answer given all
// the same.
func AnswerFlat[O any](ctx context.Context, o Opener, fn func(*db.Tx) (out O, keep bool, err error)) (O, error) {
	var out O
	err := o.mount.commit(ctx, o.operation, func(tx *db.Tx) (any, error) {
		var keep bool
		var err error
		if out, keep, err = fn(tx); err == nil && !keep {
			err = errUndone
		}
		return out, err
	})
	if errors.Is(err, errUndone) {
		return out, nil
	}
	return out, err
}
