package login

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/scanlink"
)

const (
	debianRelease = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n"
	debianUname   = "Linux\n6.1.0-18-amd64\nx86_64\n#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)\n"
	dpkgList      = "openssl\t3.0.15-1~deb12u1\tinstall ok installed\topenssl\t3.0.15-1~deb12u1\n" +
		"libssl3\t3.0.15-1~deb12u1\tinstall ok installed\topenssl\t3.0.15-1~deb12u1\n" +
		"gone\t1.0\tdeinstall ok config-files\tgone\t1.0\n" +
		"bsdutils\t1:2.38.1-5+deb12u1\tinstall ok installed\tutil-linux\t2.38.1-5+deb12u1\n"
	effective = "port 22\npermitrootlogin yes\npasswordauthentication yes\npermitemptypasswords no\n"
)

// debian answers the commands as a small Debian host does.
func debian(command string) string {
	for part, out := range map[string]string{
		"uname": debianUname, "os-release": debianRelease, "dpkg-query": dpkgList, "sshd -T": effective + mark + "\n" + mark + "\n",
		"awk": "backup\n" + mark + "\nbackup\ntoor\n", "find": "/etc/cron.d/job\n" + mark + "\n/etc/shadow\n",
	} {
		if strings.Contains(command, part) {
			return out
		}
	}
	return ""
}

func sshService(t *testing.T, o lab.ShellOptions) []scanlink.Service {
	t.Helper()
	at := lab.Shell(t, o)
	return []scanlink.Service{lab.Target(at, scanlink.Service{Name: "ssh"}).Service}
}

func run(t *testing.T, services []scanlink.Service, c scanlink.Credential) Result {
	t.Helper()
	return Run(t.Context(), lab.Net(t), lab.Target(lab.ClosedPort(t), scanlink.Service{}).Host, services, []scanlink.Credential{c})
}

func TestSSHTakesTheInventory(t *testing.T) {
	t.Parallel()
	got := run(t, sshService(t, lab.ShellOptions{Version: "OpenSSH_9.2p1", Password: "audit/tr0ub4dor", Run: debian}), scanlink.Credential{Kind: "ssh", Username: "audit", Password: "tr0ub4dor"})
	if got.OS != "Debian GNU/Linux 12 (bookworm)" || got.OSCPE != "cpe:2.3:o:debian:debian_linux:12:*:*:*:*:*:*:*" || got.Kernel != "6.1.0-18-amd64" || got.KernelPackage != "6.1.76-1" {
		t.Errorf("%+v", got)
	}
	want := []scanlink.Package{
		{Ecosystem: "deb", Name: "openssl", Version: "3.0.15-1~deb12u1"},
		{Ecosystem: "deb", Name: "libssl3", Version: "3.0.15-1~deb12u1", Source: "openssl"},
		{Ecosystem: "deb", Name: "bsdutils", Version: "1:2.38.1-5+deb12u1", Source: "util-linux", SourceVersion: "2.38.1-5+deb12u1"},
	}
	if !slices.Equal(got.Packages, want) {
		t.Errorf("packages %+v", got.Packages)
	}
	if l := got.Logins[0]; l.Result != scanlink.Authenticated || l.Port == 0 || !strings.HasPrefix(l.HostKey, "ssh-ed25519 SHA256:") || Summary(got.Logins) != "authenticated" {
		t.Errorf("%+v %q", got.Logins, Summary(got.Logins))
	}
	var checks []string
	for _, f := range got.Findings {
		checks = append(checks, f.Check+f.Login+f.Path)
		if f.QoD < 95 || f.Solution == "" || f.Evidence.Detail == "" {
			t.Errorf("%+v", f)
		}
	}
	slices.Sort(checks)
	if all := strings.Join(checks, " "); all != "login-empty-passwordbackup/- login-second-rootbackup login-second-roottoor login-shadow-readable login-sshd-root login-world-writable" {
		t.Errorf("findings: %s", all)
	}
	if raw, err := json.Marshal(got); err != nil || strings.Contains(string(raw), "tr0ub4dor") {
		t.Errorf("the result tells the password: %s %v", raw, err)
	}
}

func TestSSHLogins(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	open, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("phrase"))
	if err != nil {
		t.Fatal(err)
	}
	plain, sealed := string(pem.EncodeToMemory(open)), string(pem.EncodeToMemory(locked))
	password := func(p string) scanlink.Credential {
		return scanlink.Credential{Kind: "ssh", Username: "audit", Password: p}
	}
	byKey := func(k, p string) scanlink.Credential {
		return scanlink.Credential{Kind: "ssh", Username: "audit", Key: k, Password: p}
	}
	server := lab.ShellOptions{Version: "OpenSSH_9.2p1", Password: "audit/tr0ub4dor", Run: debian, Key: signer.PublicKey()}
	asking, router, poor := server, server, server
	asking.Questions = true
	router.Run = func(string) string { return "% Invalid input detected\n" }
	poor.Run = func(c string) string { return map[bool]string{true: debianUname}[strings.Contains(c, "uname")] }
	for _, c := range []struct {
		name       string
		server     lab.ShellOptions
		credential scanlink.Credential
		result     string
		tries      int32
	}{
		{"password", server, password("tr0ub4dor"), scanlink.Authenticated, 1},
		{"wrong password", server, password("wrong"), scanlink.LoginFailed, 1},
		{"questions", asking, password("tr0ub4dor"), scanlink.Authenticated, 1},
		{"questions, wrong", asking, password("wrong"), scanlink.LoginFailed, 1},
		{"key", server, byKey(plain, ""), scanlink.Authenticated, 0},
		{"locked key", server, byKey(sealed, "phrase"), scanlink.Authenticated, 0},
		{"locked key, wrong phrase", server, byKey(sealed, "no"), scanlink.LoginFailed, 0},
		{"no key at all", server, byKey("nonsense", ""), scanlink.LoginFailed, 0},
		{"no Unix shell", router, password("tr0ub4dor"), scanlink.Insufficient, 1},
		{"no packages", poor, password("tr0ub4dor"), scanlink.Insufficient, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			c.server.Tried = func(string) { tries.Add(1) }
			got := run(t, sshService(t, c.server), c.credential)
			if l := got.Logins[0]; l.Result != c.result || l.Result != scanlink.Authenticated && l.Detail == "" || tries.Load() != c.tries {
				t.Errorf("%+v after %d tries", l, tries.Load())
			}
		})
	}
}

func TestWhereNothingTakesALogin(t *testing.T) {
	t.Parallel()
	web := []scanlink.Service{{Port: 80, Protocol: "tcp", State: "open", Name: "http"}}
	got := run(t, web, scanlink.Credential{Kind: "ssh", Username: "a", Password: "b"})
	if got.Logins[0].Result != scanlink.NotCapable || !strings.HasPrefix(Summary(got.Logins), "not capable; ssh not capable: ") {
		t.Errorf("%+v %q", got.Logins, Summary(got.Logins))
	}
}

func TestEndlessOutputIsBounded(t *testing.T) {
	t.Parallel()
	o := lab.ShellOptions{Version: "OpenSSH_9.2p1", Password: "audit/tr0ub4dor", Run: debian, Stall: func(c string) bool { return strings.Contains(c, "dpkg-query") || strings.Contains(c, "find") }}
	got := run(t, sshService(t, o), scanlink.Credential{Kind: "ssh", Username: "audit", Password: "tr0ub4dor"})
	if l := got.Logins[0]; l.Result != scanlink.Insufficient || len(got.Packages) != 0 {
		t.Errorf("%+v, %d packages", l, len(got.Packages))
	}
}

func TestStopEndsALogin(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	o := lab.ShellOptions{Version: "OpenSSH_9.2p1", Password: "audit/tr0ub4dor", Run: func(string) string { cancel(); <-ctx.Done(); return "" }}
	services := sshService(t, o)
	got := Run(ctx, lab.Net(t), lab.Target(lab.ClosedPort(t), scanlink.Service{}).Host, services, []scanlink.Credential{{Kind: "ssh", Username: "audit", Password: "tr0ub4dor"}})
	if got.Logins[0].Result == scanlink.Authenticated {
		t.Errorf("%+v", got.Logins)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	refused := scanlink.Login{Kind: "ssh", Result: scanlink.LoginFailed, Detail: "It refuses."}
	nothing := scanlink.Login{Kind: "http", Result: scanlink.NotCapable, Detail: "No form."}
	in := scanlink.Login{Kind: "http", Result: scanlink.Authenticated}
	for want, all := range map[string][]scanlink.Login{
		"": nil, "authenticated": {nothing, in, nothing}, "authenticated; ssh failed: It refuses": {nothing, refused, in},
		"failed; http not capable: No form; ssh failed: It refuses": {refused, nothing},
	} {
		if got := Summary(all); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
