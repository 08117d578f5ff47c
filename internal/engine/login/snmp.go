package login

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/vedette/vedette/internal/scanlink"
)

const (
	snmpWait  = time.Second // for each of three tries
	snmpWalk  = 90 * time.Second
	sysDescr  = ".1.3.6.1.2.1.1.1.0"      // RFC 3418
	installed = ".1.3.6.1.2.1.25.6.3.1.2" // hrSWInstalledName, RFC 2790
)

// trySNMP reads the agent's description and its list of installed software.
func trySNMP(ctx context.Context, s *session) scanlink.Login {
	for _, client := range snmpClients(s.credential) {
		if ctx.Err() != nil {
			break
		}
		descr, err := s.snmpOpen(ctx, client)
		if err != nil && client.Version == gosnmp.Version3 && strings.Contains(err.Error(), "timeout") {
			break // a refusal would have been an answer (RFC 3414 section 3.2): nothing speaks version 3 here
		}
		if err != nil {
			continue
		}
		defer client.Conn.Close()
		s.describe(descr)
		return s.snmpSoftware(ctx, client)
	}
	if s.credential.Username == "" {
		return failed("The agent does not answer to this community by version 2c or 1.")
	}
	return failed("The agent does not take this user and password by version 3, or does not answer.")
}

// snmpClients are the ways in which a credential may be meant: a community alone is for versions 2c and 1. A user is one of
// version 3, whose password serves for signing and, where that is on, encrypting; which algorithms are set up is not told.
func snmpClients(c scanlink.Credential) []*gosnmp.GoSNMP {
	if c.Username == "" {
		return []*gosnmp.GoSNMP{{Version: gosnmp.Version2c, Community: c.Password}, {Version: gosnmp.Version1, Community: c.Password}}
	}
	var all []*gosnmp.GoSNMP
	for _, way := range []struct {
		flags gosnmp.SnmpV3MsgFlags
		auth  gosnmp.SnmpV3AuthProtocol
		priv  gosnmp.SnmpV3PrivProtocol
	}{
		{gosnmp.AuthPriv, gosnmp.SHA256, gosnmp.AES}, {gosnmp.AuthPriv, gosnmp.SHA, gosnmp.AES}, {gosnmp.AuthPriv, gosnmp.SHA512, gosnmp.AES},
		{gosnmp.AuthPriv, gosnmp.MD5, gosnmp.DES}, {gosnmp.AuthPriv, gosnmp.SHA, gosnmp.DES},
		{gosnmp.AuthNoPriv, gosnmp.SHA256, gosnmp.NoPriv}, {gosnmp.AuthNoPriv, gosnmp.SHA, gosnmp.NoPriv}, {gosnmp.AuthNoPriv, gosnmp.MD5, gosnmp.NoPriv},
	} {
		all = append(all, &gosnmp.GoSNMP{Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: way.flags, SecurityParameters: &gosnmp.UsmSecurityParameters{
			UserName: c.Username, AuthenticationProtocol: way.auth, AuthenticationPassphrase: c.Password, PrivacyProtocol: way.priv, PrivacyPassphrase: c.Password,
		}})
	}
	return all
}

// snmpOpen readies a client and asks for the description, which proves the login. The library makes its socket itself; it is
// replaced at once by one that keeps to the plan, before anything is sent.
func (s *session) snmpOpen(ctx context.Context, c *gosnmp.GoSNMP) (string, error) {
	c.Target, c.Port, c.Transport = s.target.Host.Address.String(), s.target.Service.Port, "udp"
	c.Context, c.Timeout, c.Retries, c.MaxRepetitions = ctx, snmpWait, 2, 25
	if err := c.Connect(); err != nil {
		return "", err
	}
	c.Conn.Close()
	conn, err := s.net.Dial(ctx, "udp", s.target.AddrPort())
	if err != nil {
		return "", err
	}
	c.Conn = conn
	answer, err := c.Get([]string{sysDescr})
	if err == nil && (answer.Error != gosnmp.NoError || len(answer.Variables) != 1) {
		err = errors.New("no description")
	}
	if err != nil {
		conn.Close()
		return "", err
	}
	descr, _ := answer.Variables[0].Value.([]byte)
	return text(descr), nil
}

// describe takes the system out of a description, which on Unix is what uname prints: system, name, release, version, machine.
func (s *session) describe(descr string) {
	if s.result.OS == "" {
		s.result.OS, _, _ = strings.Cut(descr, "\n")
		s.result.OS = s.result.OS[:min(len(s.result.OS), 100)]
	}
	f := strings.Fields(descr)
	if s.result.Kernel != "" || len(f) < 5 || f[0] != "Linux" {
		return
	}
	u := uname{name: f[0], release: f[2], machine: f[len(f)-1], version: strings.Join(f[3:], " ")}
	s.result.Kernel, s.result.KernelPackage = u.release, u.kernelPackage()
}

var errEnough = errors.New("enough")

func (s *session) snmpSoftware(ctx context.Context, c *gosnmp.GoSNMP) scanlink.Login {
	ctx, cancel := context.WithTimeout(ctx, snmpWalk)
	defer cancel()
	c.Context = ctx
	var names []string
	walk := c.BulkWalk
	if c.Version == gosnmp.Version1 {
		walk = c.Walk
	}
	err := walk(installed, func(v gosnmp.SnmpPDU) error {
		if name, ok := v.Value.([]byte); ok && len(name) <= 255 {
			names = append(names, string(name))
		}
		if len(names) >= maxPackages {
			return errEnough
		}
		return nil
	})
	all := ParseInstalled(names)
	switch {
	case err != nil && !errors.Is(err, errEnough):
		return insufficient("Signed in, but the list of installed software could not be read to its end.")
	case len(all) == 0 && len(s.result.Packages) == 0:
		return insufficient("Signed in; the agent lists no installed packages.")
	case len(s.result.Packages) == 0: // a list taken over SSH tells more
		s.result.Packages = all
	}
	return scanlink.Login{Result: scanlink.Authenticated}
}

var (
	debName = regexp.MustCompile(`^([a-z0-9][a-z0-9+.-]*)_([^_]+)_(?:all|amd64|arm64|armhf|armel|i386|mips64el|ppc64el|riscv64|s390x)$`)
	rpmName = regexp.MustCompile(`^(.+)-([^-]+-[^-]+?)(?:\.(?:x86_64|noarch|aarch64|i[3-6]86|ppc64le|s390x))?$`)
	rpmMark = regexp.MustCompile(`\.(?:el|fc|amzn)\d`)
)

// ParseInstalled reads names of installed software as the agent of Net-SNMP gives them: name_version_architecture of Debian's
// packages, name-version-release of those of rpm. Anything else, such as the titles of Windows, is left out.
func ParseInstalled(names []string) []scanlink.Package {
	var all []scanlink.Package
	for _, n := range names {
		if m := debName.FindStringSubmatch(n); m != nil {
			all = keep(all, scanlink.Package{Ecosystem: "deb", Name: m[1], Version: m[2]})
		} else if m := rpmName.FindStringSubmatch(n); m != nil && rpmMark.MatchString(m[2]) {
			all = keep(all, scanlink.Package{Ecosystem: "rpm", Name: m[1], Version: m[2]})
		}
	}
	return all
}
