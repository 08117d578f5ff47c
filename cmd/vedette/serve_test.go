package main

import (
	"io"
	"strings"
	"testing"
)

// TestServeRefuses what its own scanner could not use, before anything is opened.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	c := serveCommand()
	c.SetArgs([]string{"--scanner-collaborator", "here", "--data-dir", t.TempDir()})
	c.SetOut(io.Discard)
	c.SetErr(io.Discard)
	if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "scanner.collaborator") {
		t.Errorf("a collaborator nowhere: %v", err)
	}
}
