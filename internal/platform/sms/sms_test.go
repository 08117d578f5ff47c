package sms

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/netout"
)

func TestTwilio(t *testing.T) {
	t.Parallel()
	var got *http.Request
	status := http.StatusCreated
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = r
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"code": 21211, "message": "The 'To' number is not valid."}`))
	}))
	defer server.Close()
	s, err := NewTwilio(server.URL+"/", "AC123", "token", "+12025550100")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), "+436641234567", "Your code is 123456."); err != nil {
		t.Fatal(err)
	}
	name, word, _ := got.BasicAuth()
	if got.URL.Path != "/2010-04-01/Accounts/AC123/Messages.json" || name != "AC123" || word != "token" ||
		got.PostForm.Encode() != "Body=Your+code+is+123456.&From=%2B12025550100&To=%2B436641234567" {
		t.Errorf("%s %s:%s %v", got.URL, name, word, got.PostForm)
	}
	s.From = "MG1"
	for code, refused := range map[int]bool{400: true, 401: true, 429: false, 500: false, 302: false} {
		status = code
		err := s.Send(t.Context(), "+436641234567", "Your code is 123456.")
		if err == nil || errors.Is(err, ErrRefused) != refused || strings.Contains(err.Error(), "123456") || strings.Contains(err.Error(), "token") {
			t.Errorf("%d: %v", code, err)
		}
	}
	if got.PostForm.Get("MessagingServiceSid") != "MG1" || got.PostForm.Has("From") {
		t.Errorf("%v", got.PostForm)
	}
}

// TestTwilioStaysOutside: a name that leads to a private address is not reached.
func TestTwilioStaysOutside(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	s, err := NewTwilio(strings.Replace(server.URL, "127.0.0.1", "localhost", 1), "AC123", "token", "+12025550100")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), "+436641234567", "x"); !errors.Is(err, netout.ErrAddress) {
		t.Error(err)
	}
	if _, err := NewTwilio("::", "AC123", "token", "x"); err == nil {
		t.Error("a base that is no URL")
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := (Log{slog.New(slog.NewTextHandler(&out, nil))}).Send(t.Context(), "+436641234567", "code"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "for development") || !strings.Contains(out.String(), "text=code") {
		t.Error(out.String())
	}
}
