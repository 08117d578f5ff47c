package check

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/vedette/vedette/internal/scanlink"
)

// smbChecks look at Windows file sharing.
var smbChecks = []check{
	{"smb-v1", []string{"smb.v1"}, maybe("tcp", []uint16{445}, "smb"), smbVersion1},
	{"smb-signing", []string{"smb.no-signing"}, maybe("tcp", []uint16{445}, "smb"), smbSigning},
	{"anon-smb-share", []string{"anon.smb-share"}, maybe("tcp", []uint16{445}, "smb"), anonShares},
}

// netbios frames a message of direct-hosted SMB ([MS-SMB2] section 2.1).
func netbios(message []byte) []byte {
	n := len(message)
	return append([]byte{0, byte(n >> 16), byte(n >> 8), byte(n)}, message...)
}

func readNetbios(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := int(head[1])<<16 | int(head[2])<<8 | int(head[3])
	if head[0] != 0 || size > 1<<20 {
		return nil, errProtocol
	}
	body := make([]byte, size)
	_, err := io.ReadFull(r, body)
	return body, err
}

// smbVersion1 negotiates with the one dialect NT LM 0.12 ([MS-CIFS] section 2.2.4.52).
func smbVersion1(ctx context.Context, e *env) []scanlink.Finding {
	c, err := e.dial(ctx)
	if err != nil {
		return nil
	}
	defer c.Close()
	dialect := "\x02NT LM 0.12\x00"
	message := append([]byte("\xffSMB\x72"), make([]byte, 27)...)
	message[9], message[10] = 0x18, 0x01
	message = append(message, 0, byte(len(dialect)), 0)
	message = append(message, dialect...)
	if _, err := c.Write(netbios(message)); err != nil {
		return nil
	}
	reply, err := readNetbios(c)
	if err != nil || len(reply) < 35 || !bytes.HasPrefix(reply, []byte("\xffSMB\x72")) || binary.LittleEndian.Uint32(reply[5:]) != 0 ||
		binary.LittleEndian.Uint16(reply[33:]) == 0xffff {
		return nil
	}
	return one(e.found("smb.v1", []byte("negotiate NT LM 0.12"), reply[:min(len(reply), 256)], "The server still speaks SMB 1, which has no protection worth the name."))
}

// smb2 is a session of SMB 2 with just what is needed to look at shares.
type smb2 struct {
	conn    net.Conn
	message uint64
	session uint64
	tree    uint32
	signing uint16 // the security mode of the server
}

// Commands of [MS-SMB2] section 2.2.1.2.
const (
	smbNegotiate    = 0
	smbSessionSetup = 1
	smbTreeConnect  = 3
	smbCreate       = 5
	smbClose        = 6
	smbIoctl        = 11

	smbMoreProcessing = 0xc0000016
	smbSigningNeeded  = 2
)

func (e *env) smb2(ctx context.Context) (*smb2, error) {
	c, err := e.dial(ctx)
	if err != nil {
		return nil, err
	}
	s := &smb2{conn: c}
	body := []byte{36, 0, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0}
	body = append(append(body, "vedettescan00000"...), make([]byte, 8)...)
	body = append(body, 0x02, 0x02, 0x10, 0x02, 0x00, 0x03, 0x02, 0x03) // 2.0.2 to 3.0.2
	status, reply, err := s.call(smbNegotiate, body)
	if err == nil && (status != 0 || len(reply) < 64) {
		err = errProtocol
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	s.signing = binary.LittleEndian.Uint16(reply[2:])
	return s, nil
}

// call sends one command and gives the status and body of its answer.
func (s *smb2) call(command uint16, body []byte) (uint32, []byte, error) {
	head := make([]byte, 64)
	copy(head, "\xfeSMB")
	binary.LittleEndian.PutUint16(head[4:], 64)
	binary.LittleEndian.PutUint16(head[6:], 1)
	binary.LittleEndian.PutUint16(head[12:], command)
	binary.LittleEndian.PutUint16(head[14:], 1)
	binary.LittleEndian.PutUint64(head[24:], s.message)
	binary.LittleEndian.PutUint32(head[36:], s.tree)
	binary.LittleEndian.PutUint64(head[40:], s.session)
	s.message++
	if _, err := s.conn.Write(netbios(append(head, body...))); err != nil {
		return 0, nil, err
	}
	for range 8 {
		reply, err := readNetbios(s.conn)
		if err != nil {
			return 0, nil, err
		}
		if len(reply) < 64 || !bytes.HasPrefix(reply, []byte("\xfeSMB")) || binary.LittleEndian.Uint16(reply[12:]) != command {
			return 0, nil, errProtocol
		}
		status := binary.LittleEndian.Uint32(reply[8:])
		if status == 0x103 { // pending: the answer follows
			continue
		}
		s.session = binary.LittleEndian.Uint64(reply[40:])
		if command == smbTreeConnect {
			s.tree = binary.LittleEndian.Uint32(reply[36:])
		}
		return status, reply[64:], nil
	}
	return 0, nil, errProtocol
}

// smbSigning: a server that does not insist on signatures lets a man in the middle relay a login ([MS-SMB2] 2.2.4).
func smbSigning(ctx context.Context, e *env) []scanlink.Finding {
	s, err := e.smb2(ctx)
	if err != nil {
		return nil
	}
	defer s.conn.Close()
	if s.signing&smbSigningNeeded != 0 {
		return nil
	}
	return one(e.found("smb.no-signing", []byte("SMB 2 NEGOTIATE"), []byte(fmt.Sprintf("security mode %#x", s.signing)), "Signatures are not required."))
}

// ntlmNegotiate and ntlmAuthenticate make the messages of [MS-NLMP] for a login without name, or with one whose password is left out.
func ntlmNegotiate() []byte {
	b := append([]byte("NTLMSSP\x00"), 1, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, 0x00008205|0x00080000)
	return append(b, make([]byte, 16)...)
}

func ntlmAuthenticate(user string) []byte {
	name, lm, nt, flags := utf16le(user), []byte{0}, []byte(nil), uint32(0x00008205|0x00080000)
	if user == "" {
		flags |= 0x800 // anonymous
	} else {
		lm, nt = make([]byte, 24), bytes.Repeat([]byte{7}, 24)
	}
	const head = 64
	var payload []byte
	field := func(data []byte) []byte {
		b := binary.LittleEndian.AppendUint16(nil, uint16(len(data)))
		b = binary.LittleEndian.AppendUint16(b, uint16(len(data)))
		b = binary.LittleEndian.AppendUint32(b, uint32(head+len(payload)))
		payload = append(payload, data...)
		return b
	}
	b := append([]byte("NTLMSSP\x00"), 3, 0, 0, 0)
	for _, data := range [][]byte{lm, nt, nil, name, nil, nil} {
		b = append(b, field(data)...)
	}
	b = binary.LittleEndian.AppendUint32(b, flags)
	return append(b, payload...)
}

func utf16le(s string) []byte {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r), byte(r>>8))
	}
	return b
}

// login sets up a session in two steps.
func (s *smb2) login(user string) bool {
	status, _, err := s.setup(ntlmNegotiate())
	if err != nil || status != smbMoreProcessing {
		return false
	}
	status, _, err = s.setup(ntlmAuthenticate(user))
	return err == nil && status == 0
}

func (s *smb2) setup(token []byte) (uint32, []byte, error) {
	body := []byte{25, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 88, 0}
	body = binary.LittleEndian.AppendUint16(body, uint16(len(token)))
	body = append(body, make([]byte, 8)...)
	return s.call(smbSessionSetup, append(body, token...))
}
