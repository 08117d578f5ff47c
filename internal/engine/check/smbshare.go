package check

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/vedette/vedette/internal/scanlink"
)

// anonShares logs in without a name, then under an invented one (which a server may turn into its guest), lists the
// shares and opens the folder of each.
func anonShares(ctx context.Context, e *env) []scanlink.Finding {
	for _, user := range []string{"", canary()} {
		shares := e.shares(ctx, user)
		var out []scanlink.Finding
		for _, name := range shares {
			if !e.shareOpens(ctx, user, name) {
				continue
			}
			f := e.found("anon.smb-share", []byte(fmt.Sprintf("session as %q, tree connect to %s", user, name)), []byte(name),
				"The share "+name+" can be listed without a login.")
			f.Path = name
			out = append(out, f)
		}
		if len(out) > 0 {
			*e.open = true
			return out
		}
	}
	return nil
}

// usualShares are tried where the list is not given.
var usualShares = []string{"public", "share", "shared", "data", "files", "guest", "tmp", "backup", "transfer", "scans"}

func (e *env) shares(ctx context.Context, user string) []string {
	s, err := e.smb2(ctx)
	if err != nil {
		return nil
	}
	defer s.conn.Close()
	if !s.login(user) {
		return nil
	}
	if names := s.listShares(e.t.Host.Address.Unmap().String()); len(names) > 0 {
		return names
	}
	return usualShares
}

func (e *env) shareOpens(ctx context.Context, user, name string) bool {
	s, err := e.smb2(ctx)
	if err != nil {
		return false
	}
	defer s.conn.Close()
	if !s.login(user) || !s.connect(`\\`+e.t.Host.Address.Unmap().String()+`\`+name) {
		return false
	}
	// FILE_LIST_DIRECTORY on the root of the share, which must be a folder
	_, ok := s.create("", 0x00000001|0x00100000, 1)
	return ok
}

func (s *smb2) connect(path string) bool {
	name := utf16le(path)
	body := []byte{9, 0, 0, 0, 72, 0}
	body = binary.LittleEndian.AppendUint16(body, uint16(len(name)))
	status, _, err := s.call(smbTreeConnect, append(body, name...))
	return err == nil && status == 0
}

// create opens what is there ([MS-SMB2] section 2.2.13) and gives its handle.
func (s *smb2) create(path string, access, options uint32) ([]byte, bool) {
	name := utf16le(path)
	body := make([]byte, 56)
	body[0], body[3], body[4] = 57, 0, 2
	binary.LittleEndian.PutUint32(body[24:], access)
	binary.LittleEndian.PutUint32(body[32:], 7) // share read, write and delete
	binary.LittleEndian.PutUint32(body[36:], 1) // open only
	binary.LittleEndian.PutUint32(body[40:], options)
	binary.LittleEndian.PutUint16(body[44:], 120)
	binary.LittleEndian.PutUint16(body[46:], uint16(len(name)))
	if len(name) == 0 {
		name = []byte{0}
	}
	status, reply, err := s.call(smbCreate, append(body, name...))
	if err != nil || status != 0 || len(reply) < 80 {
		return nil, false
	}
	return reply[64:80], true
}

// transceive writes to a pipe and reads its answer.
func (s *smb2) transceive(handle, data []byte) []byte {
	body := []byte{57, 0, 0, 0, 0x17, 0xc0, 0x11, 0}
	body = append(body, handle...)
	for _, v := range []uint32{120, uint32(len(data)), 0, 0, 0, 1 << 15, 1, 0} {
		body = binary.LittleEndian.AppendUint32(body, v)
	}
	status, reply, err := s.call(smbIoctl, append(body, data...))
	if err != nil || (status != 0 && status != 0x80000005) || len(reply) < 48 {
		return nil
	}
	offset, size := int(binary.LittleEndian.Uint32(reply[32:]))-64, int(binary.LittleEndian.Uint32(reply[36:]))
	if offset < 48 || size < 0 || offset+size > len(reply) {
		return nil
	}
	return reply[offset : offset+size]
}

// listShares asks the server service for its shares ([MS-SRVS] section 3.1.4.8) and gives the disks.
func (s *smb2) listShares(server string) []string {
	if !s.connect(`\\` + server + `\IPC$`) {
		return nil
	}
	pipe, ok := s.create("srvsvc", 0x0012019f, 0)
	if !ok {
		return nil
	}
	if ack := s.transceive(pipe, rpcBind()); len(ack) < 24 || ack[2] != 12 {
		return nil
	}
	reply := s.transceive(pipe, shareEnum(`\\`+server))
	if len(reply) < 24 || reply[2] != 2 {
		return nil
	}
	return readShares(reply[24:])
}

func dcerpc(kind byte, call uint32, body []byte) []byte {
	b := []byte{5, 0, kind, 3, 0x10, 0, 0, 0}
	b = binary.LittleEndian.AppendUint16(b, uint16(16+len(body)))
	b = append(b, 0, 0)
	return append(binary.LittleEndian.AppendUint32(b, call), body...)
}

func rpcBind() []byte {
	b := []byte{0xb8, 0x10, 0xb8, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0}
	b = append(b, 0xc8, 0x4f, 0x32, 0x4b, 0x70, 0x16, 0xd3, 0x01, 0x12, 0x78, 0x5a, 0x47, 0xbf, 0x6e, 0xe1, 0x88, 3, 0, 0, 0) // srvsvc 3.0
	b = append(b, 0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60, 2, 0, 0, 0) // NDR 2.0
	return dcerpc(11, 1, b)
}

// shareEnum is NetrShareEnum, level 1.
func shareEnum(server string) []byte {
	name := append(utf16le(server), 0, 0)
	n := uint32(len(name) / 2)
	var b []byte
	for _, v := range []uint32{0x00020000, n, 0, n} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	b = append(b, name...)
	b = append(b, make([]byte, -len(name)&3)...)
	for _, v := range []uint32{1, 1, 0x00020004, 0, 0, 0xffffffff, 0} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	// allocation hint, context and operation 15 stand before the arguments
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(b)))
	head = append(head, 0, 0, 15, 0)
	return dcerpc(0, 2, append(head, b...))
}

const maxShares = 64

// readShares takes the names of disks out of the answer's NDR.
func readShares(b []byte) []string {
	r := ndr{b: b}
	if level, kind := r.u32(), r.u32(); level != 1 || kind != 1 || r.u32() == 0 {
		return nil
	}
	count := r.u32()
	if r.u32() == 0 || count > maxShares || r.u32() != count {
		return nil
	}
	kinds := make([]uint32, count)
	comment := make([]bool, count)
	for i := range kinds {
		r.u32()
		kinds[i] = r.u32()
		comment[i] = r.u32() != 0
	}
	var names []string
	for i := range kinds {
		name := r.text()
		if comment[i] {
			r.text()
		}
		if r.bad {
			break
		}
		if kinds[i]&0xffff == 0 && name != "" {
			names = append(names, name)
		}
	}
	return names
}

// ndr reads little-endian NDR; after an error everything is zero.
type ndr struct {
	b   []byte
	at  int
	bad bool
}

func (r *ndr) u32() uint32 {
	if r.bad || r.at+4 > len(r.b) {
		r.bad = true
		return 0
	}
	v := binary.LittleEndian.Uint32(r.b[r.at:])
	r.at += 4
	return v
}

// text is a conformant varying string of UTF-16.
func (r *ndr) text() string {
	r.u32()
	r.u32()
	n := r.u32()
	if r.bad || n > 1024 || r.at+int(2*n) > len(r.b) {
		r.bad = true
		return ""
	}
	units := make([]uint16, n)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(r.b[r.at+2*i:])
	}
	r.at = (r.at + int(2*n) + 3) &^ 3
	return strings.TrimRight(string(utf16.Decode(units)), "\x00")
}
