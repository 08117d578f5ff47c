package scan

import (
	"slices"
	"testing"
)

// TestStatus: the known words on the wire, and what a filter by either word finds.
func TestStatus(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]string{New: "", Requested: "Requested", Queued: "Requested", Running: "Running", Paused: "Running", Stopping: "Running", Stopped: "Stopped",
		Completed: "Done", Failed: "Failed", Interrupted: "Failed", "nonsense": ""} {
		got := ""
		if s := Status(state); s != nil {
			got = *s
		}
		if got != want {
			t.Errorf("%s is %s, want %s", state, got, want)
		}
		if terminal := state == Stopped || state == Completed || state == Failed || state == Interrupted; Terminal(state) != terminal {
			t.Errorf("%s ends a run: %t", state, !terminal)
		}
	}
	for word, want := range map[string][]string{"Done": {Completed}, "done": {Completed}, "REQUESTED": {Queued, Requested}, "Running": {Paused, Running, Stopping}, "failed": {Failed, Interrupted},
		"completed": {Completed}, "Queued": {Queued}, "interrupted": {Interrupted}, "new": {New}, "New": {New}, "nonsense": nil, "": nil} {
		if got := statesOf(word); !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", word, got, want)
		}
	}
}
