package discover_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/vedette/vedette/internal/engine/discover"
	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/engine/wire"
)

func TestALivingHostIsFoundByEveryTest(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"", discover.Auto, discover.TCP, discover.ICMP, discover.ARP, discover.None} {
		tester := discover.New(lab.Net(t), how)
		r, err := tester.Test(context.Background(), netip.MustParseAddr("127.0.0.1"))
		tester.Close()
		if err != nil || !r.Alive {
			t.Errorf("%q: %+v, %v", how, r, err)
		}
		if how == discover.TCP && r.RTT <= 0 {
			t.Errorf("%q: no round-trip time", how)
		}
	}
}

func TestStrangeAddressesAreNotTouched(t *testing.T) {
	t.Parallel()
	for _, how := range []string{discover.TCP, discover.ICMP, discover.None} {
		tester := discover.New(lab.Net(t), how)
		_, err := tester.Test(context.Background(), netip.MustParseAddr("127.0.0.9"))
		tester.Close()
		if !errors.Is(err, wire.ErrOutOfScope) {
			t.Errorf("%s: %v", how, err)
		}
	}
}

func TestAStopEndsTheTest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tester := discover.New(lab.Net(t), discover.Auto)
	defer tester.Close()
	if r, err := tester.Test(ctx, netip.MustParseAddr("127.0.0.1")); !errors.Is(err, context.Canceled) || r.Alive {
		t.Errorf("%+v, %v", r, err)
	}
}
