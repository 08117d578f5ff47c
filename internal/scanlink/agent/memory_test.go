package agent

import (
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestMain is also the process that grows too large.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "grow" {
		go watchMemory(ever{}, 32<<20)
		var held [][]byte
		for {
			b := make([]byte, 1<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			if held = append(held, b); len(held) > 256 {
				select {}
			}
		}
	}
	os.Exit(m.Run())
}

// ever is a context that never ends.
type ever struct{}

func (ever) Deadline() (time.Time, bool) { return time.Time{}, false }
func (ever) Done() <-chan struct{}       { return nil }
func (ever) Err() error                  { return nil }
func (ever) Value(any) any               { return nil }

func TestTooLargeAScannerEndsItself(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "grow")
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != ExitMemory {
		t.Errorf("ended with %v", err)
	}
}

func TestResidentSize(t *testing.T) {
	t.Parallel()
	if size := residentSize(); size < 1<<20 || size > 1<<32 {
		t.Errorf("%d bytes", size)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"", "http://a:1", "https://", "https://a/path", "://"} {
		if err := Run(t.Context(), Config{Server: server, Engine: nil}); err == nil {
			t.Errorf("server %q is taken", server)
		}
	}
}

func TestPins(t *testing.T) {
	t.Parallel()
	const good = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for pin, want := range map[string]bool{
		good: true, "sha256:" + good: true, "E3:B0" + good[4:]: true, "": false, good[2:]: false, good + "00": false, "zz" + good[2:]: false,
	} {
		if _, err := readPin(pin); (err == nil) != want {
			t.Errorf("%q: %v", pin, err)
		}
	}
}
