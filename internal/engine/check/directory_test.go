package check

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

func berMessage(id int64, kind asn1.Tag, body func(*cryptobyte.Builder)) []byte {
	return ldapMessage(id, func(b *cryptobyte.Builder) { b.AddASN1(kind, body) })
}

func ldapDone(id int64, kind asn1.Tag, code int64) []byte {
	return berMessage(id, kind, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(code)
		b.AddASN1OctetString(nil)
		b.AddASN1OctetString(nil)
	})
}

// ldapServer lets anybody bind, tells its context, and gives entries below it or refuses to.
func ldapServer(entries bool) func(net.Conn) {
	entry := func(name, attribute, value string) []byte {
		return berMessage(2, asn1.Tag(0x64), func(b *cryptobyte.Builder) {
			b.AddASN1OctetString([]byte(name))
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1OctetString([]byte(attribute))
					b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddASN1OctetString([]byte(value)) })
				})
			})
		})
	}
	return func(c net.Conn) {
		for {
			request, err := readBER(c)
			switch {
			case err != nil:
				return
			case bytes.Contains(request, []byte("namingContexts")):
				_, _ = c.Write(append(entry("", "namingContexts", "dc=test"), ldapDone(2, 0x65, 0)...))
			case bytes.Contains(request, []byte("dc=test")) && entries:
				_, _ = c.Write(append(entry("uid=a,dc=test", "cn", "a"), ldapDone(2, 0x65, 0)...))
			case bytes.Contains(request, []byte("dc=test")):
				_, _ = c.Write(ldapDone(2, 0x65, 50))
			default:
				_, _ = c.Write(ldapDone(1, 0x61, 0))
			}
		}
	}
}

func TestLDAP(t *testing.T) {
	t.Parallel()
	if got := names(runCheck(t, "anon-ldap", service(serve(t, ldapServer(true)), "tcp", "ldap"), everything)); !slices.Equal(got, []string{"anon.ldap"}) {
		t.Errorf("open directory: %v", got)
	}
	if got := runCheck(t, "anon-ldap", service(serve(t, ldapServer(false)), "tcp", "ldap"), everything); len(got) != 0 {
		t.Errorf("a root entry alone: %v", names(got))
	}
}

func TestZoneTransfer(t *testing.T) {
	t.Parallel()
	zone := []string{"corp.test. 60 IN SOA ns.corp.test. root.corp.test. 1 2 3 4 5"}
	server := func(gives bool) func(net.Conn) {
		plain := nameServer(zone, "", dns.RcodeRefused)
		return func(c net.Conn) {
			conn := &dns.Conn{Conn: c}
			for {
				q, err := conn.ReadMsg()
				if err != nil {
					return
				}
				if q.Question[0].Qtype != dns.TypeAXFR {
					b, _ := q.Pack()
					r := new(dns.Msg)
					if r.Unpack(plain(b)) == nil {
						_ = conn.WriteMsg(r)
					}
					continue
				}
				r := new(dns.Msg)
				r.SetReply(q)
				if r.Rcode = dns.RcodeRefused; gives {
					r.Rcode = dns.RcodeSuccess
					for _, text := range append(zone, "vpn.corp.test. 60 IN A 127.0.0.1", zone[0]) {
						rr, _ := dns.NewRR(text)
						r.Answer = append(r.Answer, rr)
					}
				}
				_ = conn.WriteMsg(r)
			}
		}
	}
	o := Options{Names: []string{"mail.corp.test", "10.0.0.1", "single"}}
	found := runCheck(t, "dns-axfr", service(serve(t, server(true)), "tcp", "dns"), o)
	if len(found) != 1 || found[0].Path != "corp.test" || !strings.Contains(found[0].Evidence.Response, "vpn.corp.test") {
		t.Errorf("open zone: %+v", found)
	}
	if got := runCheck(t, "dns-axfr", service(serve(t, server(false)), "tcp", "dns"), o); len(got) != 0 {
		t.Errorf("closed zone: %v", names(got))
	}
}

// rpcServer answers calls on one port as port mapper, mount daemon and nothing else.
func rpcServer(t *testing.T, status uint32, groups ...string) netip.AddrPort {
	t.Helper()
	var at netip.AddrPort
	ready := make(chan bool)
	at = serve(t, func(c net.Conn) {
		<-ready
		call, err := rpcRecord(c)
		if err != nil || len(call) < 24 {
			return
		}
		reply := binary.BigEndian.AppendUint32(nil, 0x56445254)
		reply = append(reply, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		word := func(values ...uint32) {
			for _, v := range values {
				reply = binary.BigEndian.AppendUint32(reply, v)
			}
		}
		text := func(s string) {
			word(uint32(len(s)))
			reply = append(append(reply, s...), make([]byte, -len(s)&3)...)
		}
		switch program, procedure := binary.BigEndian.Uint32(call[12:]), binary.BigEndian.Uint32(call[20:]); {
		case program == portmapProgram:
			word(1, mountProgram, 3, protocolTCP, uint32(at.Port()), 1, nfsProgram, 3, protocolTCP, 2049, 0)
		case procedure == 5:
			word(1)
			text("/srv/files")
			for _, g := range groups {
				word(1)
				text(g)
			}
			word(0, 0)
		case procedure == 1:
			word(status)
		}
		_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, 1<<31|uint32(len(reply))), reply...))
	})
	close(ready)
	return at
}

func TestNFS(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at   netip.AddrPort
		want []string
	}{
		{rpcServer(t, 0, "10.0.0.0/8"), []string{"anon.nfs"}},
		{rpcServer(t, 13, "*"), []string{"anon.nfs"}},
		{rpcServer(t, 13, "10.0.0.0/8"), []string{}},
	} {
		found := runCheck(t, "anon-nfs", service(c.at, "tcp", "rpcbind"), everything)
		if !slices.Equal(names(found), c.want) || (len(found) > 0 && (found[0].Port != 2049 || found[0].Path != "/srv/files")) {
			t.Errorf("%+v, want %v", found, c.want)
		}
		if got := names(runCheck(t, "rpc-programs", service(c.at, "tcp", "rpcbind"), everything)); !slices.Equal(got, []string{"info.rpc"}) {
			t.Errorf("programs: %v", got)
		}
	}
}

// smbServer speaks as much of SMB 2 as the checks ask for.
func smbServer(version1, signing, guest bool) func(net.Conn) {
	return func(c net.Conn) {
		setups := 0
		for {
			m, err := readNetbios(c)
			if err != nil {
				return
			}
			if bytes.HasPrefix(m, []byte("\xffSMB")) {
				if version1 {
					_, _ = c.Write(netbios(append(append([]byte("\xffSMB\x72"), make([]byte, 27)...), 17, 0, 0)))
				}
				return
			}
			reply := append([]byte{}, m[:64]...)
			body, status := make([]byte, 88), uint32(0)
			switch command := binary.LittleEndian.Uint16(m[12:]); command {
			case smbNegotiate:
				if body[2] = 1; signing {
					body[2] = 3
				}
			case smbSessionSetup:
				if setups++; setups == 1 {
					status = smbMoreProcessing
				} else if !guest {
					status = 0xc000006d
				}
			case smbCreate:
				if !bytes.Contains(m[64:], []byte{120, 0, 0, 0}) { // a named pipe
					status = 0xc0000034
				}
			}
			binary.LittleEndian.PutUint32(reply[8:], status)
			_, _ = c.Write(netbios(append(reply, body...)))
		}
	}
}

func TestSMB(t *testing.T) {
	t.Parallel()
	bad, good := serve(t, smbServer(true, false, true)), serve(t, smbServer(false, true, false))
	for id, want := range map[string]string{"smb-v1": "smb.v1", "smb-signing": "smb.no-signing", "anon-smb-share": "anon.smb-share"} {
		if got := names(runCheck(t, id, service(bad, "tcp", "smb"), everything)); len(got) == 0 || got[0] != want {
			t.Errorf("%s: %v, want %s", id, got, want)
		}
		if got := runCheck(t, id, service(good, "tcp", "smb"), everything); len(got) != 0 {
			t.Errorf("%s on a good server: %v", id, names(got))
		}
	}
}

// shareList is an answer to NetrShareEnum with a disk and a pipe.
func shareList() []byte {
	var b []byte
	word := func(values ...uint32) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
	}
	text := func(s string) {
		n := uint32(len(s) + 1)
		word(n, 0, n)
		b = append(append(b, utf16le(s)...), 0, 0)
		b = append(b, make([]byte, -len(b)&3)...)
	}
	word(1, 1, 8, 2, 12, 2, 16, 0, 20, 24, 0x80000003, 0)
	text("files")
	text("")
	text("IPC$")
	return b
}

func TestShareList(t *testing.T) {
	t.Parallel()
	if got := readShares(shareList()); !slices.Equal(got, []string{"files"}) {
		t.Errorf("%q", got)
	}
}

// rsyncServer lists one module; it is open or not, and takes files or not.
func rsyncServer(open, writable bool) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, "@RSYNCD: 31.0\n")
		l := newLines(c)
		if _, err := l.read(); err != nil {
			return
		}
		asked, err := l.read()
		switch {
		case err != nil:
		case asked == "#list":
			_, _ = io.WriteString(c, "data           \tfiles\n@RSYNCD: EXIT\n")
		case !open:
			_, _ = io.WriteString(c, "@RSYNCD: AUTHREQD abc\n")
		default:
			_, _ = io.WriteString(c, "@RSYNCD: OK\n")
			for range 5 {
				if _, err := l.read(); err != nil {
					return
				}
			}
			if _, err := c.Write([]byte{1, 2, 3, 4}); err != nil {
				return
			}
			if writable {
				_, _ = c.Write([]byte{4, 0, 0, 7, 0xff, 0xff, 0xff, 0xff})
			} else {
				_, _ = io.WriteString(c, "\x20\x00\x00\x08ERROR: module is read only      ")
			}
		}
	}
}

func TestRsync(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		open, writable bool
		want           []string
	}{{true, true, []string{"anon.rsync", "anon.rsync-write"}}, {true, false, []string{"anon.rsync"}}, {false, false, []string{}}} {
		s := service(serve(t, rsyncServer(c.open, c.writable)), "tcp", "rsync")
		if got := names(runCheck(t, "anon-rsync", s, everything)); !slices.Equal(got, c.want) {
			t.Errorf("open %v, writable %v: %v", c.open, c.writable, got)
		}
	}
}

// iscsiServer lets discovery in or wants CHAP.
func iscsiServer(open bool) func(net.Conn) {
	return func(c net.Conn) {
		if _, _, err := iscsiRead(c); err != nil {
			return
		}
		login := iscsiPDU(0x23, 0x87, "AuthMethod=None\x00")
		if !open {
			login = iscsiPDU(0x23, 0x00, "")
			login[36], login[37] = 2, 1
		}
		_, _ = c.Write(login)
		if _, _, err := iscsiRead(c); err == nil {
			_, _ = c.Write(iscsiPDU(0x24, 0x80, "TargetName=iqn.2026-01.test:disk\x00"))
		}
	}
}

func TestISCSI(t *testing.T) {
	t.Parallel()
	if got := names(runCheck(t, "anon-iscsi", service(serve(t, iscsiServer(true)), "tcp", "iscsi"), everything)); !slices.Equal(got, []string{"anon.iscsi"}) {
		t.Errorf("open: %v", got)
	}
	if got := runCheck(t, "anon-iscsi", service(serve(t, iscsiServer(false)), "tcp", "iscsi"), everything); len(got) != 0 {
		t.Errorf("closed: %v", names(got))
	}
}
