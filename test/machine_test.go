package test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/lab"
)

// Settings with which the test's own program is a machine of a site, and no test.
const (
	machineAt   = "VEDETTE_TEST_MACHINE_AT"
	machineKind = "VEDETTE_TEST_MACHINE_KIND"
	machineWith = "VEDETTE_TEST_MACHINE_WITH"
)

// Kinds of machines. Each writes what it is asked to its standard error.
const (
	pages   = "pages"   // one page at each path, as the program that is given
	guarded = "guarded" // pages for one user, given as name:password, who signs in by HTTP
	maze    = "maze"    // a page that leads to pages that take their time and lead to ever more
	mire    = "mire"    // takes its time to say that a page is not there
	drip    = "drip"    // begins to speak SSH and never comes to an end
	mute    = "mute"    // takes connections and says nothing
)

// linger is how long slow machines take for an answer.
const linger = 300 * time.Millisecond

// machine lets the target be a machine of that kind at a port of its first address.
func (s *site) machine(port, kind, with string) *process {
	s.Helper()
	return s.machineAt(net.JoinHostPort(targetAddress, port), kind, with)
}

func (s *site) machineAt(at, kind, with string) *process {
	s.Helper()
	self, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	p := s.in(s.target, []string{machineAt + "=" + at, machineKind + "=" + kind, machineWith + "=" + with}, self)
	(&world{TB: s.TB}).until("the machine is up", time.Minute, func() bool { return strings.HasPrefix(p.log.String(), "up") })
	return p
}

func beMachine() error {
	l, err := net.Listen("tcp", os.Getenv(machineAt))
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "up")
	var h http.Handler
	with := os.Getenv(machineWith)
	switch kind := os.Getenv(machineKind); kind {
	case pages:
		h = lab.Page(map[string]string{"Server": with}, "<!doctype html><title>Shop</title>")
	case guarded:
		h = guardedPages(with)
	case maze:
		h = http.HandlerFunc(serveMaze)
	case mire:
		h = http.HandlerFunc(serveMire)
	default:
		return talk(l, kind)
	}
	s := &http.Server{Handler: noted(h), ReadHeaderTimeout: 30 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
	return s.Serve(l)
}

func noted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(os.Stderr, "asked %q\n", r.URL.Path)
		h.ServeHTTP(w, r)
	})
}

func guardedPages(login string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user+":"+password != login {
			w.Header().Set("WWW-Authenticate", `Basic realm="office"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "<!doctype html><title>Office</title>")
	})
}

func serveMaze(w http.ResponseWriter, r *http.Request) {
	rest, inside := strings.CutPrefix(r.URL.Path, "/maze/")
	if !inside && r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	if inside {
		<-time.After(linger)
	}
	room, _ := strconv.Atoi(rest)
	w.Header().Set("Content-Type", "text/html")
	for door := range 20 {
		fmt.Fprintf(w, `<a href="/maze/%d">on</a>`, (room*20+door+1)%1_000_000)
	}
}

func serveMire(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		<-time.After(linger)
		http.NotFound(w, r)
		return
	}
	_, _ = io.WriteString(w, "<!doctype html><title>Mire</title>")
}

func talk(l net.Listener, kind string) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "met")
		go func() {
			defer c.Close()
			if kind != drip {
				_, _ = io.Copy(io.Discard, c)
				return
			}
			for _, err := io.WriteString(c, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"); err == nil; _, err = c.Write([]byte{0}) {
				<-time.After(linger)
			}
		}()
	}
}
