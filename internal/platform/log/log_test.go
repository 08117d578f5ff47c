package log_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/log"
	"github.com/vedette/vedette/internal/platform/secret"
)

func TestRecordsCarryWhatTheContextKnows(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l, err := log.New(&out, "info", "json")
	if err != nil {
		t.Fatal(err)
	}
	ctx := log.WithRequest(t.Context(), "r-1")
	one := log.With(ctx, slog.String("organization", "o-1"))
	two := log.With(ctx, slog.String("organization", "o-2"))
	l.With("a", 1).InfoContext(one, "hello", "b", 2)
	l.DebugContext(one, "not written")

	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	for key, want := range map[string]any{"request_id": "r-1", "organization": "o-1", "a": 1.0, "b": 2.0, "msg": "hello"} {
		if got[key] != want {
			t.Errorf("%s: %v, want %v", key, got[key], want)
		}
	}
	out.Reset()
	l.InfoContext(two, "hello")
	if s := out.String(); !strings.Contains(s, `"organization":"o-2"`) || strings.Contains(s, "o-1") {
		t.Error(s)
	}
	if log.RequestID(two) != "r-1" || log.RequestID(t.Context()) != "" {
		t.Error("request id")
	}
}

func TestSecretsAreNotWritten(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		l, err := log.New(&out, "debug", format)
		if err != nil {
			t.Fatal(err)
		}
		l.Info("x", "password", "hunter2", "Authorization", "hunter2", "x", secret.Text("hunter2"), "access_token", []byte("hunter2"),
			slog.Group("webhook", "secret", "hunter2"), "key_required_token", true)
		if strings.Contains(out.String(), "hunter2") || !strings.Contains(out.String(), secret.Dots) {
			t.Error(out.String())
		}
	}
}

func TestOneRecordIsOneLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l, err := log.New(&out, "info", "text")
	if err != nil {
		t.Fatal(err)
	}
	l.Info("login\nlevel=ERROR msg=forged", "agent", "a\r\nb\x1b[31m")
	if strings.Count(out.String(), "\n") != 1 || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%q", out.String())
	}
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"loud", "text"}, {"info", "xml"}, {"", ""}} {
		if _, err := log.New(&bytes.Buffer{}, c[0], c[1]); err == nil {
			t.Errorf("%v accepted", c)
		}
	}
}
