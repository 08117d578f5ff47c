package lab

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// HTTP serves handler in clear.
func HTTP(t testing.TB, handler http.Handler) netip.AddrPort {
	t.Helper()
	return serveHTTP(t, handler, nil)
}

// HTTPS serves handler through TLS.
func HTTPS(t testing.TB, handler http.Handler, config *tls.Config) netip.AddrPort {
	t.Helper()
	return serveHTTP(t, handler, config)
}

func serveHTTP(t testing.TB, handler http.Handler, config *tls.Config) netip.AddrPort {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := addrPort(l.Addr())
	if config != nil {
		l = tls.NewListener(l, config)
	}
	s := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 30 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return at
}

// Page answers every path with the headers and body; paths in missing answer 404.
func Page(headers map[string]string, body string, missing ...string) http.Handler {
	gone := map[string]bool{}
	for _, p := range missing {
		gone[p] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for k, v := range headers {
			w.Header().Set(k, v)
		}
		if gone[r.URL.Path] {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, body)
	})
}
