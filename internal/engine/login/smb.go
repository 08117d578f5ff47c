package login

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // NTLM is made of it
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/crypto/md4" //nolint:staticcheck,gosec // NTLM is made of it

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

const maxSMB = 256 << 10 // of one message

var errSMB = errors.New("the answer is no SMB 2")

const smbMore = 0xc0000016 // a challenge, and more is to come

// smbStatuses of a session set-up ([MS-ERREF] section 2.3.1).
var smbStatuses = map[uint32]string{
	0xc000006d: "The server refuses the user name or password.", 0xc000006a: "The server refuses the user name or password.",
	0xc0000064: "The server does not know the user.", 0xc0000234: "The account is locked.", 0xc0000072: "The account is disabled.",
	0xc0000071: "The password has expired.", 0xc0000224: "The password must be changed first.", 0xc000015b: "The account may not sign in over the network.",
}

// trySMB signs in by NTLM version 2. What a share holds is not looked at.
func trySMB(ctx context.Context, s *session) scanlink.Login {
	conn, err := s.net.Dial(ctx, "tcp", s.target.AddrPort())
	if err != nil {
		return failed("The port could not be reached.")
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(handshakeTime))
	status, guest, err := smbSession(conn, s.credential)
	switch {
	case err != nil:
		return scanlink.Login{Result: scanlink.NotCapable, Detail: "The server does not let in by SMB 2 and NTLM."}
	case status != 0 && smbStatuses[status] != "":
		return failed(smbStatuses[status])
	case status != 0:
		return failed(fmt.Sprintf("The server refuses with status %#x.", status))
	case guest:
		return failed("The server does not know the user, and lets anyone in as its guest.")
	}
	return insufficient("Signed in; over SMB no list of installed software is read.")
}

// smbSession negotiates SMB 2 and signs in; it gives the status and whether the session is a guest's.
func smbSession(conn net.Conn, c scanlink.Credential) (status uint32, guest bool, err error) {
	body := []byte{36, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0}
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	body = append(append(append(body, id...), make([]byte, 8)...), 0x02, 0x02, 0x10, 0x02) // 2.0.2 and 2.1
	if status, _, _, err = smbCall(conn, 0, 0, 0, body); err != nil || status != 0 {
		return 0, false, errors.Join(err, errSMB)
	}
	status, session, reply, err := smbCall(conn, 1, 1, 0, smbSetup(ntlmNegotiate()))
	if err != nil || status != smbMore {
		return 0, false, errors.Join(err, errSMB)
	}
	challenge, info, err := ntlmChallenge(reply)
	if err != nil {
		return 0, false, err
	}
	nonce := make([]byte, 8)
	_, _ = rand.Read(nonce)
	status, _, reply, err = smbCall(conn, 1, 2, session, smbSetup(ntlmAuthenticate(c.Username, c.Password, challenge, info, nonce)))
	return status, len(reply) >= 4 && binary.LittleEndian.Uint16(reply[2:])&3 != 0, err
}

// smbCall sends one command ([MS-SMB2] section 2.2.1.2) and gives status, session and body of its answer.
func smbCall(conn net.Conn, command uint16, message, session uint64, body []byte) (uint32, uint64, []byte, error) {
	head := make([]byte, 68) // after the frame's length
	binary.BigEndian.PutUint32(head, uint32(64+len(body)))
	copy(head[4:], "\xfeSMB")
	head[8], head[10] = 64, 1
	binary.LittleEndian.PutUint16(head[16:], command)
	head[18] = 1
	binary.LittleEndian.PutUint64(head[28:], message)
	binary.LittleEndian.PutUint64(head[44:], session)
	if _, err := conn.Write(append(head, body...)); err != nil {
		return 0, 0, nil, err
	}
	for range 4 {
		var frame [4]byte
		if _, err := io.ReadFull(conn, frame[:]); err != nil {
			return 0, 0, nil, err
		}
		size := binary.BigEndian.Uint32(frame[:])
		if size < 64 || size > maxSMB {
			return 0, 0, nil, errSMB
		}
		reply := make([]byte, size)
		if _, err := io.ReadFull(conn, reply); err != nil {
			return 0, 0, nil, err
		}
		if !bytes.HasPrefix(reply, []byte("\xfeSMB")) || binary.LittleEndian.Uint16(reply[12:]) != command {
			return 0, 0, nil, errSMB
		}
		if status := binary.LittleEndian.Uint32(reply[8:]); status != 0x103 { // pending: the answer follows
			return status, binary.LittleEndian.Uint64(reply[40:]), reply[64:], nil
		}
	}
	return 0, 0, nil, errSMB
}

func smbSetup(token []byte) []byte {
	body := []byte{25, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 88, 0}
	body = binary.LittleEndian.AppendUint16(body, uint16(len(token)))
	return append(append(body, make([]byte, 8)...), token...)
}

// ntlmFlags: Unicode, target, NTLM, always sign, extended session security, target information, 128 bit.
const ntlmFlags = 0x00000001 | 0x00000004 | 0x00000200 | 0x00008000 | 0x00080000 | 0x00800000 | 0x20000000

// ntlmNegotiate is the first message ([MS-NLMP] section 2.2.1.1).
func ntlmNegotiate() []byte {
	b := append([]byte("NTLMSSP\x00"), 1, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, ntlmFlags)
	return append(b, make([]byte, 16)...)
}

// ntlmChallenge reads the server's challenge and target information (section 2.2.1.2) wherever they stand in the answer.
func ntlmChallenge(reply []byte) (challenge, info []byte, err error) {
	at := bytes.Index(reply, []byte("NTLMSSP\x00\x02\x00\x00\x00"))
	if at < 0 || len(reply) < at+48 {
		return nil, nil, errSMB
	}
	m := reply[at:]
	size, offset := int(binary.LittleEndian.Uint16(m[40:])), int(binary.LittleEndian.Uint32(m[44:]))
	if offset > len(m) || offset+size > len(m) {
		return nil, nil, errSMB
	}
	return m[24:32], m[offset : offset+size], nil
}

// ntlmAuthenticate is the third message with the response of version 2 (sections 2.2.1.3 and 3.3.2). A name may be
// DOMAIN\user.
func ntlmAuthenticate(name, password string, challenge, info, nonce []byte) []byte {
	domain, user, ok := strings.Cut(name, `\`)
	if !ok {
		domain, user = "", name
	}
	key := ntlmKey(domain, user, password)
	stamp, told := ntlmTime(info)
	temp := append([]byte{1, 1, 0, 0, 0, 0, 0, 0}, stamp...)
	temp = append(append(append(temp, nonce...), 0, 0, 0, 0), info...)
	temp = append(temp, 0, 0, 0, 0)
	nt := append(mac(key, challenge, temp), temp...)
	lm := make([]byte, 24)
	if !told {
		lm = append(mac(key, challenge, nonce), nonce...)
	}
	const head = 64
	var payload []byte
	b := append([]byte("NTLMSSP\x00"), 3, 0, 0, 0)
	for _, data := range [][]byte{lm, nt, utf16le(domain), utf16le(user), nil, nil} {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(data)))
		b = binary.LittleEndian.AppendUint16(b, uint16(len(data)))
		b = binary.LittleEndian.AppendUint32(b, uint32(head+len(payload)))
		payload = append(payload, data...)
	}
	return append(binary.LittleEndian.AppendUint32(b, ntlmFlags), payload...)
}

// ntlmKey is NTOWFv2 (section 3.3.2).
func ntlmKey(domain, user, password string) []byte {
	h := md4.New()
	_, _ = h.Write(utf16le(password))
	return mac(h.Sum(nil), utf16le(strings.ToUpper(user)+domain))
}

// ntlmTime is the time that the server tells in its information (MsvAvTimestamp), which is then to be sent back.
func ntlmTime(info []byte) ([]byte, bool) {
	for len(info) >= 4 {
		id, size := binary.LittleEndian.Uint16(info), int(binary.LittleEndian.Uint16(info[2:]))
		if id == 0 || 4+size > len(info) {
			break
		}
		if id == 7 && size == 8 {
			return info[4:12], true
		}
		info = info[4+size:]
	}
	// 100 nanoseconds since 1601.
	const epoch = 116444736000000000
	return binary.LittleEndian.AppendUint64(nil, uint64(clock.Now().UnixNano()/100+epoch)), false
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(md5.New, key)
	for _, p := range parts {
		_, _ = h.Write(p)
	}
	return h.Sum(nil)
}

func utf16le(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}
