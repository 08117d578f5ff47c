package test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/db"
)

// process is a program that a test kills and starts again.
type process struct {
	t    testing.TB
	argv []string
	env  []string
	as   *syscall.Credential
	log  buffer
	cmd  *exec.Cmd
	done chan struct{}
}

// buffer is written by a process and read by the test.
type buffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.argv[0], p.argv[1:]...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = p.env, &p.log, &p.log, "/"
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: p.as}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		defer close(done)
		_ = cmd.Wait()
	}(p.cmd, p.done)
}

// kill leaves it no time for anything.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// stop asks it to end, as at the end of a test.
func (p *process) stop(signal os.Signal) {
	_ = p.cmd.Process.Signal(signal)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.t.Errorf("%s does not end when asked to", p.argv[0])
		p.kill()
	}
}

// ended says whether it runs no more.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// freeAddress is a port of 127.0.0.1 that was free a moment ago.
func freeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

var (
	greeted = regexp.MustCompile(`Vedette serves http://`)
	child   = regexp.MustCompile(`embedded scanner started.*pid=(\d+)`)
)

// serve makes a server of its own process, as operators run it, on an address that it keeps from start to start.
func serve(t testing.TB, address string, env []string) *process {
	p := &process{t: t, argv: []string{binary, "serve"}, env: append([]string{"PATH=/usr/bin:/bin", "VEDETTE_HTTP_ADDRESS=" + address}, env...)}
	p.start()
	t.Cleanup(func() {
		p.stop(syscall.SIGTERM)
		if t.Failed() {
			text := p.log.String()
			t.Logf("the server's log ends so:\n%s", text[max(0, len(text)-8000):])
		}
	})
	return p
}

// starts counts how often the server has come up.
func (p *process) starts() int { return len(greeted.FindAllString(p.log.String(), -1)) }

// scanner is the process id of the server's newest scanner; 0 before there is one.
func (p *process) scanner() int {
	all := child.FindAllStringSubmatch(p.log.String(), -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(all[len(all)-1][1])
	return n
}

// cluster is a PostgreSQL of the test's own.
type cluster struct {
	*process
	port  string
	owner string // address of the superuser
}

func newCluster(t testing.TB) *cluster {
	bin := os.Getenv("VEDETTE_TEST_POSTGRES_BIN")
	if bin == "" {
		t.Fatal("VEDETTE_TEST_POSTGRES_BIN is not set: start the tests with `make test` or `make crash`")
	}
	dir, err := os.MkdirTemp("", "vedette-crash-") // the server's user must be able to enter it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	as := postgresAccount(t)
	if as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	_, port, _ := net.SplitHostPort(freeAddress(t))
	c := &cluster{port: port, owner: fmt.Sprintf("postgres://postgres@127.0.0.1:%s/postgres?sslmode=disable", port)}
	c.process = &process{t: t, as: as, argv: []string{filepath.Join(bin, "postgres"), "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "max_connections=100", "-c", "jit=off"}}
	c.up()
	t.Cleanup(func() { c.stop(syscall.SIGQUIT) })
	return c
}

func postgresAccount(t testing.TB) *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// up starts it and waits until it answers; while processes of a killed one are still ending, it tries again.
func (c *cluster) up() {
	c.t.Helper()
	deadline := time.After(time.Minute)
	c.start()
	for {
		pool, err := sql.Open("pgx", c.owner)
		if err == nil {
			err = pool.PingContext(context.Background())
			_ = pool.Close()
		}
		if err == nil {
			return
		}
		select {
		case <-deadline:
			c.t.Fatalf("PostgreSQL does not start: %v\n%s", err, c.log.String())
		case <-time.After(100 * time.Millisecond):
		}
		if c.ended() {
			c.start()
		}
	}
}

// database makes the application's roles and gives the settings that a server needs.
func (c *cluster) database() []string {
	c.t.Helper()
	if err := db.CreateRoles(context.Background(), c.owner, "vedette_app", "crash-test"); err != nil {
		c.t.Fatal(err)
	}
	return []string{
		"VEDETTE_DATABASE_URL=" + fmt.Sprintf("postgres://vedette_app:crash-test@127.0.0.1:%s/postgres?sslmode=disable", c.port),
		"VEDETTE_DATABASE_MIGRATE_URL=" + c.owner,
	}
}
