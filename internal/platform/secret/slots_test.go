package secret

import (
	"context"
	"errors"
	"testing"
)

func TestHashingWaitsForASlotNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	h := NewHasher(TestCost, 1)
	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Fatalf("hashed with every slot taken: %v", err)
	}
	<-h.slots
	if _, err := h.Hash(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
}
