package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// service is one private instance of a real server.
type service struct {
	name    string
	at      netip.AddrPort
	faults  string // what is wrong with it, in words
	prepare func(*stage, service) error
	command func(*stage, service) []string
}

// stage is where the instances live: a directory of their own, and the account that they run as.
type stage struct {
	dir      string
	account  *syscall.Credential // nil: ours
	password string              // of the service's operator
	running  []*process
}

// process is one that was started here and is stopped here.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
	log  string
}

const (
	startPatience = 20 * time.Second
	stopPatience  = 5 * time.Second
)

// newStage makes the directory. Servers refuse to run as root, or should not: root's run as nobody.
func newStage() (*stage, error) {
	dir, err := os.MkdirTemp("", "vedette-demo-")
	if err != nil {
		return nil, err
	}
	s := &stage{dir: dir}
	if os.Geteuid() == 0 {
		if s.account, err = nobody(); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	return s, s.own(dir)
}

func nobody() (*syscall.Credential, error) {
	u, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// own gives what was written to the account of the servers.
func (s *stage) own(path string) error {
	if s.account == nil {
		return nil
	}
	return os.Chown(path, int(s.account.Uid), int(s.account.Gid))
}

func (s *stage) path(elements ...string) string {
	return filepath.Join(append([]string{s.dir}, elements...)...)
}

func (s *stage) mkdir(elements ...string) error {
	path := s.path(elements...)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return s.own(path)
}

// write a file that only the servers may read.
func (s *stage) write(content []byte, elements ...string) error {
	path := s.path(elements...)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	return s.own(path)
}

// start prepares one service, starts it, and waits until it listens.
func (s *stage) start(ctx context.Context, v service) error {
	if err := free(v.at); err != nil {
		return fmt.Errorf("start %s: %s is taken: %w", v.name, v.at, err)
	}
	if err := s.mkdir(v.name); err != nil {
		return err
	}
	if v.prepare != nil {
		if err := v.prepare(s, v); err != nil {
			return fmt.Errorf("prepare %s: %w", v.name, err)
		}
	}
	argv := v.command(s, v)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = s.path(v.name), []string{"PATH=/usr/bin:/bin"}
	p, err := s.launch(v.name, cmd, s.path(v.name+".log"), s.account)
	if err != nil {
		return err
	}
	return p.listening(ctx, v.at)
}

// launch starts a process that dies with this one and writes to a log of its own.
func (s *stage) launch(name string, cmd *exec.Cmd, log string, account *syscall.Credential) (*process, error) {
	p := &process{name: name, cmd: cmd, done: make(chan struct{}), log: log}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	// An interrupt of the terminal is ours to pass on.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM, Credential: account}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		_ = cmd.Wait()
	}()
	s.running = append(s.running, p)
	return p, nil
}

// listening waits until somebody holds the address.
func (p *process) listening(ctx context.Context, at netip.AddrPort) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for free(at) == nil {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended at once:\n%s", p.name, tail(p.log))
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen on %s:\n%s", p.name, at, tail(p.log))
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// free says whether nobody listens on the address.
func free(at netip.AddrPort) error {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
	if err != nil {
		return err
	}
	return l.Close()
}

func tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}

// stop ends what was started, the last first.
func (p *process) stop(signal os.Signal) {
	_ = p.cmd.Process.Signal(signal)
	t := time.NewTimer(stopPatience)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// clear stops all servers and removes their directory.
func (s *stage) clear() error {
	for len(s.running) > 0 {
		last := len(s.running) - 1
		s.running[last].stop(syscall.SIGTERM)
		s.running = s.running[:last]
	}
	return os.RemoveAll(s.dir)
}
