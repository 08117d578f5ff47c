package op

import (
	"context"
	"errors"

	"github.com/vedette/vedette/internal/platform/db"
)

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
