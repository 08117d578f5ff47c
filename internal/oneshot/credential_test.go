package oneshot

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/scanlink"
)

// One line through everything: a file of credentials, a login, packages, the distribution's fixes, findings.
func TestScanWithCredentials(t *testing.T) {
	t.Parallel()
	const secret = "only-the-file-knows"
	at := lab.Shell(t, lab.ShellOptions{Version: "OpenSSH_9.2p1 Debian-2+deb12u2", Password: "audit/" + secret, Run: func(command string) string {
		switch {
		case strings.Contains(command, "uname"):
			return "Linux\n6.1.0-18-amd64\nx86_64\n#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)\n"
		case strings.Contains(command, "os-release"):
			return "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n"
		case strings.Contains(command, "dpkg-query"):
			return "openssh-server\t1:9.2p1-2+deb12u2\tinstall ok installed\topenssh\t1:9.2p1-2+deb12u2\n" +
				"curl\t7.88.1-10+deb12u1\tinstall ok installed\tcurl\t7.88.1-10+deb12u1\n"
		}
		return ""
	}})
	fixes := file(t, "debian.json", `{"openssh":{"version":"1:9.2p1-2+deb12u3","upstream":"9.2p1","fixed":{"CVE-2024-6387":"1:9.2p1-2+deb12u3"}},
"curl":{"version":"7.88.1-10+deb12u5","upstream":"7.88.1","fixed":{"CVE-2023-38545":"7.88.1-10+deb12u4","CVE-2023-27533":"7.88.1-5"}}}`)
	var out, errs bytes.Buffer
	Run(t.Context(), Options{Targets: []string{"127.0.0.1"}, Format: "json", Ports: fmt.Sprint(at.Port()), Profile: "fast", Feed: fixes,
		Credentials: file(t, "logins.yaml", "ssh:\n  username: audit\n  password: "+secret+"\n")}, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	r := run{0, out.String(), errs.String()}.result(t)
	h := r.Hosts[0]
	if h.Authenticated != "authenticated" || h.OS != "Debian GNU/Linux 12 (bookworm)" || len(h.Packages) != 2 || !strings.Contains(h.Logins[0].HostKey, "SHA256:") {
		t.Errorf("%+v\n%s", h, errs.String())
	}
	found := map[string]int{}
	for _, v := range r.Vulnerabilities {
		if v.QoD == 97 {
			found[fmt.Sprint(strings.Join(v.CVEs, " "), " ", v.Port != 0)] = v.QoD
		}
	}
	if found["CVE-2024-6387 true"] != 97 || found["CVE-2023-38545 false"] != 97 || found["CVE-2023-27533 false"] != 0 {
		t.Errorf("%v", found)
	}
	if strings.Contains(out.String()+errs.String(), secret) {
		t.Error("the password is in the output")
	}
}

func TestCredentialsFile(t *testing.T) {
	t.Parallel()
	var got []scanlink.Credential
	scan := func(_ context.Context, p scanlink.Plan, _ func(scanlink.Observation)) error {
		got = p.Credentials
		return nil
	}
	key := file(t, "key", "a private key")
	open := file(t, "open", "snmp: {password: sesame}")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	if r := try(t.Context(), Options{Targets: []string{"192.0.2.1"}, Credentials: open}, scan); r.code != ExitError || !strings.Contains(r.err, "chmod 600") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
	with := func(text string) run {
		got = nil
		return try(t.Context(), Options{Targets: []string{"192.0.2.1"}, Credentials: file(t, "c", text)}, scan)
	}
	with("{\"ssh\":{\"username\":\"a\",\"key_file\":\"" + key + "\"},\"snmp\":{\"password\":\"c\"}}")
	if len(got) != 2 || got[0].Key != "a private key" || got[1].Kind != "snmp" || got[1].Password != "c" {
		t.Errorf("%d credentials", len(got))
	}
	for text, says := range map[string]string{
		"": "is not YAML", "ssh: [sesame]": "is not YAML", "telnet: {username: a, password: sesame}": "no kind", "ssh: {password: sesame}": "needs a username",
		"smb: {username: a}": "needs a password", "smb: {username: a, key: sesame}": "only ssh takes a key", "ssh: {username: a, key_file: /nonexistent}": "no such file",
	} {
		if r := with(text); r.code != ExitError || !strings.Contains(r.err, says) || strings.Contains(r.err, "sesame") {
			t.Errorf("%s: exit %d: %s", text, r.code, r.err)
		}
	}
}
