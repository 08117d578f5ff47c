package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// TestLinksNoDatabase: the scanner runs on a customer's site and has no business with the server's data.
func TestLinksNoDatabase(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	allowed := map[string]bool{
		"internal/platform/fault": true, "internal/platform/clock": true, "internal/platform/log": true, "internal/platform/netout": true,
	}
	const module = "github.com/vedette/vedette/"
	for dep := range strings.FieldsSeq(string(out)) {
		for _, bad := range []string{"uptrace/bun", "modernc.org/sqlite", "jackc/pgx", "riverqueue", "pressly/goose", "danielgtaylor/huma", module + "internal/domain", module + "internal/api", module + "internal/scanlink/server"} {
			if strings.Contains(dep, bad) {
				t.Errorf("links %s", dep)
			}
		}
		if own, ok := strings.CutPrefix(dep, module); ok && strings.HasPrefix(own, "internal/platform/") && !allowed[own] {
			t.Errorf("links %s", own)
		}
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"run", "--state", t.TempDir()}, "link it first"},
		{[]string{"link", "--server", "https://127.0.0.1:1", "--code", "abc"}, "--ca-pin"},
		{[]string{"link", "--server", "http://127.0.0.1:1", "--code", "abc.def"}, "https://host:port"},
		{[]string{"link"}, "required flag"},
		{[]string{"nonsense"}, "unknown command"},
	} {
		root := rootCommand()
		root.SetArgs(c.args)
		root.SetOut(&bytes.Buffer{})
		root.SetErr(&bytes.Buffer{})
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v does not say %q", c.args, err, c.says)
		}
	}
}
