package demo

import (
	"net/netip"
	"os"
	"testing"
)

// The instances of the demo start, listen where they should, and leave nothing behind.
func TestServicesStartAndStop(t *testing.T) {
	t.Parallel()
	if errs := missing(); len(errs) > 0 {
		t.Fatal(errs)
	}
	s, err := newStage()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.clear(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", s.dir, err)
		}
	}()
	for _, v := range services() {
		// another address than that of a demo which may be running
		v.at = netip.AddrPortFrom(v.at.Addr().Next().Next().Next().Next(), v.at.Port())
		if err := s.start(t.Context(), v); err != nil {
			t.Error(err)
		}
	}
}
