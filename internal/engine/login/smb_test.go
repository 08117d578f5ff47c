package login

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/scanlink"
)

// The values are those of [MS-NLMP] section 4.2.4.1.1.
func TestNTLMKey(t *testing.T) {
	t.Parallel()
	if got := hex.EncodeToString(ntlmKey("Domain", "User", "Password")); got != "0c868a403bfd7a93a3001ef22ef02e3f" {
		t.Error(got)
	}
}

// smbServer lets in audit with the password, and under any other name a guest where that is wanted.
func smbServer(t *testing.T, password string, guests bool) []scanlink.Service {
	t.Helper()
	challenge := []byte("8 bytes!")
	at := lab.TCP(t, func(c net.Conn) {
		for step := 0; ; step++ {
			var frame [4]byte
			if _, err := io.ReadFull(c, frame[:]); err != nil {
				return
			}
			in := make([]byte, binary.BigEndian.Uint32(frame[:]))
			if _, err := io.ReadFull(c, in); err != nil {
				return
			}
			out := make([]byte, 64)
			copy(out, in[:16])
			status, body := uint32(0), make([]byte, 64)
			switch step {
			case 1:
				status = smbMore
				body = append(append([]byte("........NTLMSSP\x00\x02\x00\x00\x00"), make([]byte, 12)...), challenge...)
				body = append(body, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 4, 0, 48, 0, 0, 0, 0, 0, 0, 0)
			case 2:
				m := in[strings.Index(string(in), "NTLMSSP"):]
				size, offset := binary.LittleEndian.Uint16(m[20:]), binary.LittleEndian.Uint32(m[24:])
				nt := m[offset : offset+uint32(size)]
				proof := mac(ntlmKey("", "audit", password), challenge, nt[16:])
				if string(proof) != string(nt[:16]) {
					if status = 0xc000006d; guests {
						status, body[2] = 0, 1
					}
				}
			}
			binary.LittleEndian.PutUint32(out[8:], status)
			out = append(out, body...)
			if _, err := c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(out))), out...)); err != nil {
				return
			}
		}
	})
	return []scanlink.Service{lab.Target(at, scanlink.Service{Name: "smb"}).Service}
}

func TestSMBLogins(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		password, result, says string
		guests                 bool
	}{
		"right":            {"tr0ub4dor", scanlink.Insufficient, "Signed in", false},
		"wrong":            {"other", scanlink.LoginFailed, "refuses", false},
		"wrong, but guest": {"other", scanlink.LoginFailed, "guest", true},
	} {
		got := run(t, smbServer(t, "tr0ub4dor", c.guests), scanlink.Credential{Kind: "smb", Username: "audit", Password: c.password})
		if l := got.Logins[0]; l.Result != c.result || !strings.Contains(l.Detail, c.says) {
			t.Errorf("%s: %+v", name, l)
		}
	}
}

func TestESXiLogins(t *testing.T) {
	t.Parallel()
	at := lab.HTTPS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.URL.Path != "/sdk":
			http.NotFound(w, r)
		case strings.Contains(string(body), "RetrieveServiceContent"):
			_, _ = io.WriteString(w, `<RetrieveServiceContentResponse><returnval><about><fullName>VMware ESXi 7.0.3 build-20328353</fullName><version>7.0.3</version></about>`+
				`<sessionManager type="SessionManager">ha-sessionmgr</sessionManager></returnval></RetrieveServiceContentResponse>`)
		case strings.Contains(string(body), "<urn:userName>root</urn:userName><urn:password>a&lt;b&amp;c</urn:password>"):
			_, _ = io.WriteString(w, `<LoginResponse><returnval><key>52</key></returnval></LoginResponse>`)
		default:
			http.Error(w, "<faultstring>Cannot complete login due to an incorrect user name or password.</faultstring>", http.StatusInternalServerError)
		}
	}), lab.TLSConfig(lab.Cert(t, lab.CertOptions{})))
	services := []scanlink.Service{lab.Target(at, scanlink.Service{Name: "https", Tunnel: "tls"}).Service}
	got := run(t, services, scanlink.Credential{Kind: "esxi", Username: "root", Password: "a<b&c"})
	if got.Logins[0].Result != scanlink.Authenticated || got.OSCPE != "cpe:2.3:o:vmware:esxi:7.0.3:*:*:*:*:*:*:*" {
		t.Errorf("%+v", got)
	}
	if got = run(t, services, scanlink.Credential{Kind: "esxi", Username: "root", Password: "other"}); got.Logins[0].Result != scanlink.LoginFailed || got.OS != "" {
		t.Errorf("%+v", got)
	}
}

func FuzzNTLM(f *testing.F) {
	f.Add(append([]byte("NTLMSSP\x00\x02\x00\x00\x00"), make([]byte, 60)...))
	f.Fuzz(func(_ *testing.T, reply []byte) {
		challenge, info, err := ntlmChallenge(reply)
		if err == nil {
			ntlmAuthenticate(`D\u`, "p", challenge, info, make([]byte, 8))
		}
	})
}
