package demo

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/vedette/vedette/internal/platform/clock"
)

// services are what the demo scans: each on a loopback address of its own, with faults that are met in practice.
func services() []service {
	return []service{
		{name: "nginx", at: netip.MustParseAddrPort("127.7.0.1:8443"), prepare: prepareNginx, command: nginx,
			faults: "expired self-signed certificate, TLS 1.0, directory listing, a backup and a repository in the web folder"},
		{name: "sshd", at: netip.MustParseAddrPort("127.7.0.2:2222"), prepare: prepareSSH, command: sshd,
			faults: "broken key exchange and ciphers"},
		{name: "redis", at: netip.MustParseAddrPort("127.7.0.3:6379"), command: redis, faults: "no password"},
		{name: "postgres", at: netip.MustParseAddrPort("127.7.0.4:5432"), prepare: preparePostgres, command: postgres,
			faults: "lets everybody in as its superuser"},
	}
}

// plainPort is where nginx serves HTTP without TLS.
const plainPort = 8080

// program finds an executable, also where only root has it in the path.
func program(name string, more ...string) (string, error) {
	for _, pattern := range append(more, "/usr/sbin", "/usr/local/sbin") {
		found, _ := filepath.Glob(filepath.Join(pattern, name))
		slices.Sort(found)
		if len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed; run make setup", name)
	}
	return path, nil
}

const postgresPrograms = "/usr/lib/postgresql/*/bin"

// missing lists the programs of the demo that are not installed.
func missing() []error {
	var all []error
	for name, more := range map[string]string{"nginx": "", "sshd": "", "redis-server": "", "initdb": postgresPrograms, "postgres": postgresPrograms} {
		if _, err := program(name, more); err != nil {
			all = append(all, err)
		}
	}
	return all
}

func path(name string, more ...string) string {
	found, _ := program(name, more...) // missing has said what is not there
	return found
}

const nginxConf = `daemon off;
master_process off;
worker_processes 1;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  types { text/html html; text/plain txt sql; }
  root %[1]s/web;
  server {
    listen %[2]s;
    location /files/ { autoindex on; }
  }
  server {
    listen %[3]s ssl;
    ssl_certificate %[1]s/certificate.pem;
    ssl_certificate_key %[1]s/key.pem;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2;
    ssl_ciphers ALL:@SECLEVEL=0;
    location /files/ { autoindex on; }
  }
}
`

func prepareNginx(s *stage, v service) error {
	certificate, key, err := oldCertificate("shop.example.com")
	if err != nil {
		return err
	}
	for _, d := range []string{"web", "web/files", "web/.git"} {
		if err := s.mkdir(v.name, d); err != nil {
			return err
		}
	}
	for name, content := range map[string]string{
		"nginx.conf":      fmt.Sprintf(nginxConf, s.path(v.name), netip.AddrPortFrom(v.at.Addr(), plainPort), v.at),
		"certificate.pem": string(certificate), "key.pem": string(key),
		"web/index.html":       "<!doctype html><title>Corner Shop</title><h1>Corner Shop</h1><p><a href=\"/files/\">Price lists</a></p>\n",
		"web/files/prices.txt": "Tea 3.20\nCoffee 4.10\n",
		"web/backup.sql":       "-- dump of the shop's database\nCREATE TABLE customers (id integer, name text);\nINSERT INTO customers VALUES (1, 'A. Customer');\n",
		"web/.git/HEAD":        "ref: refs/heads/main\n",
		"web/.git/config":      "[core]\n\trepositoryformatversion = 0\n\tbare = false\n[remote \"origin\"]\n\turl = https://git.example.com/shop.git\n",
	} {
		if err := s.write([]byte(content), v.name, name); err != nil {
			return err
		}
	}
	return nil
}

func nginx(s *stage, v service) []string {
	return []string{path("nginx"), "-p", s.path(v.name), "-c", s.path(v.name, "nginx.conf"), "-e", s.path(v.name, "error.log")}
}

// oldCertificate is one that its owner signed himself and forgot to renew.
func oldCertificate(name string) (certificate, key []byte, err error) {
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, err
	}
	now := clock.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: now.AddDate(-3, 0, 0), NotAfter: now.AddDate(0, -2, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &pair.PublicKey, pair)
	if err != nil {
		return nil, nil, err
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(pair)}), nil
}

const sshConf = `ListenAddress %[1]s
HostKey %[2]s/host_key
PidFile none
UsePAM no
PasswordAuthentication yes
PermitRootLogin yes
KexAlgorithms +diffie-hellman-group1-sha1,diffie-hellman-group14-sha1
Ciphers +aes128-cbc,3des-cbc
MACs +hmac-md5,hmac-sha1-96
`

func prepareSSH(s *stage, v service) error {
	if err := s.write(fmt.Appendf(nil, sshConf, v.at, s.path(v.name)), v.name, "sshd_config"); err != nil {
		return err
	}
	return s.run(path("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", s.path(v.name, "host_key"))
}

func sshd(s *stage, v service) []string {
	return []string{path("sshd"), "-D", "-e", "-f", s.path(v.name, "sshd_config")}
}

func redis(s *stage, v service) []string {
	return []string{path("redis-server"), "--bind", v.at.Addr().String(), "--port", fmt.Sprint(v.at.Port()), "--protected-mode", "no", "--save", "",
		"--dir", s.path(v.name)}
}

func preparePostgres(s *stage, v service) error {
	return s.run(path("initdb", postgresPrograms), "-D", s.path(v.name, "data"), "-U", "postgres", "-A", "trust", "--no-sync", "--locale", "C.UTF-8", "-E", "UTF8")
}

func postgres(s *stage, v service) []string {
	return []string{path("postgres", postgresPrograms), "-D", s.path(v.name, "data"), "-h", v.at.Addr().String(), "-p", fmt.Sprint(v.at.Port()),
		"-c", "unix_socket_directories=", "-c", "fsync=off"}
}

// run a program to its end, as the account of the servers.
func (s *stage) run(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, &out, &out
	cmd.Env = append([]string{"PATH=/usr/bin:/bin"}, "HOME="+s.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Credential: s.account}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w:\n%s", name, err, out.Bytes())
	}
	return nil
}
