package identify

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// ntlmNegotiate is the first message of NTLM inside SPNEGO.
func ntlmNegotiate() []byte {
	ntlm := append([]byte("NTLMSSP\x00\x01\x00\x00\x00"), 0x07, 0x82, 0x08, 0xa2)
	ntlm = append(ntlm, make([]byte, 16)...)
	ntlm = append(ntlm, 6, 1, 0, 0, 0, 0, 0, 15)
	oid := []byte{6, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10}
	return ber(0x60, []byte{6, 6, 0x2b, 6, 1, 5, 5, 2}, ber(0xa0, ber(0x30, ber(0xa0, ber(0x30, oid)), ber(0xa2, ber(4, ntlm)))))
}

func smbFrame(b []byte) []byte { return append([]byte{0, 0, byte(len(b) >> 8), byte(len(b))}, b...) }

// smb2Header of MS-SMB2 2.2.1.2.
func smb2Header(command, id uint16) []byte {
	b := make([]byte, 64)
	copy(b, "\xfeSMB")
	b[4] = 64
	binary.LittleEndian.PutUint16(b[12:], command)
	b[14] = 1
	binary.LittleEndian.PutUint16(b[24:], id)
	return b
}

func smb2Negotiate() []byte {
	b := smb2Header(0, 0)
	b = append(b, 36, 0, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0)
	b = append(b, []byte("vedettevedettexx")...)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0x10, 2, 0, 3)
	return smbFrame(b)
}

func smb2Session() []byte {
	token := ntlmNegotiate()
	b := smb2Header(1, 1)
	b = append(b, 25, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 88, 0, byte(len(token)), byte(len(token)>>8))
	b = append(b, make([]byte, 8)...)
	return smbFrame(append(b, token...))
}

// ntlm reads names and version from a challenge (MS-NLMP 2.2.1.2).
func (m *Match) ntlm(b []byte) {
	i := bytes.Index(b, []byte("NTLMSSP\x00\x02\x00\x00\x00"))
	if i < 0 || len(b) < i+56 {
		return
	}
	c := b[i:]
	major, minor, build := c[48], c[49], binary.LittleEndian.Uint16(c[50:])
	// Samba always gives 6.1 build 0; Windows its true build.
	if build == 0 || major == 6 && minor == 1 && build == 0 {
		if m.Product == "" {
			m.product("samba", "", "", toldBanner)
		}
		return
	}
	m.product("microsoft windows smb", "", "", toldBanner)
	m.OS = OS{Name: fmt.Sprintf("Microsoft Windows %d.%d build %d", major, minor, build), CPE: family("windows").CPE, QoD: 80}
	if name := windowsOf(major, build); name != "" {
		m.OS.Name = "Microsoft " + name + " (build " + itoa(int(build)) + ")"
		m.OS.CPE = "cpe:2.3:o:microsoft:" + strings.ReplaceAll(strings.ToLower(name), " ", "_") + ":*:*:*:*:*:*:*:*"
	}
}

// windowsOf gives server names only where client and server builds differ.
func windowsOf(major byte, build uint16) string {
	switch {
	case major == 10 && build == 14393:
		return "Windows Server 2016"
	case major == 10 && build == 17763:
		return "Windows Server 2019"
	case major == 10 && build == 20348:
		return "Windows Server 2022"
	case major == 10 && build == 26100:
		return "Windows Server 2025"
	case build == 9600:
		return "Windows Server 2012 R2"
	case build == 9200:
		return "Windows Server 2012"
	case build == 7600 || build == 7601:
		return "Windows 7"
	case build == 3790:
		return "Windows Server 2003"
	case build == 2600:
		return "Windows XP"
	}
	return ""
}

// smb1Session begins an anonymous session in SMB 1 with extended security; the texts at the answer's end are operating
// system, server and domain. nil where SMB 1 is off.
func (a *asker) smb1Session() (text []string) {
	a.talk(func(c *chat) {
		r := c.ask(smb1Negotiate())
		if len(r) < 40 || string(r[4:8]) != "\xffSMB" || binary.LittleEndian.Uint16(r[37:]) == 0xffff {
			return
		}
		token := ntlmNegotiate()
		b := append([]byte("\xffSMB\x73\x00\x00\x00\x00\x18\x07\xc8"), make([]byte, 12)...)
		b = append(b, 0xff, 0xff, 0xff, 0xfe, 0, 0, 1, 0)
		b = append(b, 12, 0xff, 0, 0, 0, 0xff, 0xff, 2, 0, 1, 0, 0, 0, 0, 0, byte(len(token)), byte(len(token)>>8), 0, 0, 0, 0, 0x54, 0, 0, 0x80)
		body := append(append([]byte{}, token...), 0)
		body = append(body, 0, 0, 0, 0, 0, 0)
		b = append(append(b, byte(len(body)), byte(len(body)>>8)), body...)
		text = smb1Texts(c.ask(smbFrame(b)))
	})
	return text
}

func smb1Negotiate() []byte {
	dialects := "\x02NT LM 0.12\x00"
	b := append([]byte("\xffSMB\x72\x00\x00\x00\x00\x18\x53\xc8"), make([]byte, 12)...)
	b = append(b, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0, 0, byte(len(dialects)), 0)
	return smbFrame(append(b, dialects...))
}

// smb1Texts reads the strings after the security blob of a session set-up's answer.
func smb1Texts(r []byte) []string {
	const header = 4 + 32
	if len(r) < header+11 || string(r[4:8]) != "\xffSMB" || r[8] != 0x73 || r[header] != 4 {
		return nil
	}
	blob := int(binary.LittleEndian.Uint16(r[header+7:]))
	at := header + 11 + blob
	if at >= len(r) {
		return nil
	}
	unicode := binary.LittleEndian.Uint16(r[14:])&0x8000 != 0
	rest := r[at:]
	if !unicode {
		return strings.Split(string(rest), "\x00")
	}
	if at%2 != 0 { // aligned from the header, which begins at 4
		rest = rest[1:]
	}
	return strings.Split(utf16le(rest), "\x00")
}
