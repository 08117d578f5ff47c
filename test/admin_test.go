package test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/platform/db"
)

// admin runs `vedette admin` with the environment of a server, as its operator would.
func admin(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary, append([]string{"admin"}, args...)...)
	c.Env, c.Dir = append([]string{"PATH=/usr/bin:/bin"}, env...), t.TempDir()
	out, err := c.CombinedOutput()
	return string(out), err
}

// TestAdmin: the operator's commands beside a running server, and a restore where there is none.
func TestAdmin(t *testing.T) {
	t.Parallel()
	env := settings(t, databaseURL(t, db.SQLite), "VEDETTE_SCANNER_EMBEDDED=false")
	w := start(t, env)
	run := func(env []string, args ...string) string {
		t.Helper()
		out, err := admin(t, env, args...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	out := run(env, "create-operator", "second", "--email", "second@example.com")
	made := regexp.MustCompile(`password\s+(\S+)`).FindStringSubmatch(out)
	if made == nil {
		t.Fatalf("no password: %s", out)
	}
	second := w.signIn("second", made[1])
	run(env, "unlock", "second")
	run(env, "reset-mfa", "second@example.com")
	if _, err := second.Targets.List(context.Background(), client.Query{}); !refused(err, 401) {
		t.Errorf("after reset-mfa: %v", err)
	}
	if out, err := admin(t, env, "unlock", "nobody"); err == nil || !strings.Contains(out, "there is no user nobody") {
		t.Errorf("%v: %s", err, out)
	}
	if out := run(env, "audit", "verify"); !strings.Contains(out, "whole") {
		t.Error(out)
	}
	if out := run(env, "rotate-key"); !strings.Contains(out, "none") {
		t.Error(out)
	}
	events := ok(w.operator.Audit.ListEvents(context.Background(), client.Query{Filter: map[string]string{"action": "admin*"}}))(w)
	if len(events.Items) != 4 || events.Items[0].Actor.ID != "" || !strings.Contains(events.Items[0].Actor.Username, "@") {
		t.Errorf("%+v", events.Items)
	}

	file := filepath.Join(t.TempDir(), "vedette.tar.gz")
	run(env, "backup", file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if out, err := admin(t, env, "restore", file); err == nil || !strings.Contains(out, "is there") {
		t.Errorf("over a running server: %v: %s", err, out)
	}
	w.end()
	moved := []string{"VEDETTE_DATA_DIR=" + filepath.Join(t.TempDir(), "data"), "VEDETTE_HTTP_ADDRESS=127.0.0.1:0", "VEDETTE_SCANNER_EMBEDDED=false"}
	if out, err := admin(t, moved, "audit", "verify"); err == nil || !strings.Contains(out, "there is no database") {
		t.Errorf("before the restore: %v: %s", err, out)
	}
	if out := run(moved, "restore", file); !strings.Contains(out, "Not done a second time") {
		t.Error(out)
	}
	there := start(t, moved)
	there.signIn("second", made[1])
	if all := ok(there.operator.Audit.ListEvents(context.Background(), client.Query{Filter: map[string]string{"action": "adminRestore"}}))(there); len(all.Items) != 1 {
		t.Errorf("%+v", all.Items)
	}
}
