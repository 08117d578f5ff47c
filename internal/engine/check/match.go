package check

import (
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/engine/wire"
)

// plain are the names of protocols under other names: a port table's, or with the encryption in the name.
var plain = map[string]string{
	"https": "http", "http-proxy": "http", "http-alt": "http", "imaps": "imap", "pop3s": "pop3", "smtps": "smtp", "submission": "smtp",
	"submissions": "smtp", "ftps": "ftp", "ldaps": "ldap", "telnets": "telnet", "mariadb": "mysql", "postgres": "postgresql",
	"ms-wbt-server": "rdp", "domain": "dns", "microsoft-ds": "smb", "netbios-ssn": "smb", "login": "rlogin", "shell": "rsh",
	"rpcbind": "rpc", "portmapper": "rpc", "ms-sql-s": "mssql", "mongod": "mongodb", "mongo": "mongodb", "rfb": "vnc", "distcc": "distccd", "socks5": "socks", "socks4": "socks",
	"nfsd": "nfs", "oracle-tns": "oracle", "tns": "oracle",
}

// protocol is the name of what the service speaks, without its encryption; empty where it was not identified.
func protocol(t wire.Target) string {
	name := strings.TrimPrefix(strings.ToLower(t.Service.Name), "ssl/")
	if p := plain[name]; p != "" {
		return p
	}
	if name == "unknown" || name == "tcpwrapped" {
		return ""
	}
	return name
}

// sealed says whether everything on the port is encrypted.
func sealed(t wire.Target) bool {
	name := strings.ToLower(t.Service.Name)
	return t.Service.Tunnel == "tls" || strings.HasPrefix(name, "ssl/") ||
		slices.Contains([]string{"https", "imaps", "pop3s", "smtps", "submissions", "ftps", "ldaps", "telnets"}, name)
}

// over matches services that speak one of the protocols.
func over(transport string, names ...string) func(wire.Target) bool {
	return func(t wire.Target) bool {
		return t.Service.Protocol == transport && slices.Contains(names, protocol(t))
	}
}

// maybe matches those, and services that nobody identified on a port where the protocol usually lives. The check must
// prove the protocol itself.
func maybe(transport string, ports []uint16, names ...string) func(wire.Target) bool {
	known := over(transport, names...)
	return func(t wire.Target) bool {
		return known(t) || (t.Service.Protocol == transport && protocol(t) == "" && slices.Contains(ports, t.Service.Port))
	}
}

// product matches a part of the product's name, or of the software behind an HTTP service.
func product(t wire.Target, names ...string) bool {
	for _, n := range names {
		if strings.Contains(strings.ToLower(t.Service.Product), n) {
			return true
		}
		for _, s := range t.Service.Software {
			if strings.Contains(strings.ToLower(s.Product), n) {
				return true
			}
		}
	}
	return false
}
