package fault

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestFault(t *testing.T) {
	t.Parallel()
	cause := errors.New("inner")
	f := New(Conflict, "Busy %d.", 7).Coded("busy").Because(cause).RetryAfter(time.Second)
	wrapped := fmt.Errorf("while: %w", f)
	if KindOf(wrapped) != Conflict || !Is(wrapped, Conflict) || Is(wrapped, NotFound) || !errors.Is(wrapped, cause) || f.Text != "Busy 7." || f.Code != "busy" || f.After != time.Second {
		t.Errorf("%+v", f)
	}
	if KindOf(cause) != Internal || Is(nil, Internal) || DetailsOf(cause) != nil || DetailsOf(nil) != nil {
		t.Error("what is no fault is one")
	}
	if Missing() == Missing() {
		t.Error("a cause given to one answer would stand in all")
	}
}

func TestAll(t *testing.T) {
	t.Parallel()
	if All(nil) != nil {
		t.Error("no mistakes are a fault")
	}
	one := DetailsOf(At("/user/email", "taken", "There is %s.", "one"))
	if err := All(one); !Is(err, Invalid) || err.(*Fault).Text != "There is one." {
		t.Errorf("%v", err)
	}
	if err := All(append(one, one...)); len(DetailsOf(err)) != 2 || err.(*Fault).Text != "2 attributes are not acceptable" {
		t.Errorf("%v", err)
	}
}
