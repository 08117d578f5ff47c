package check

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/vedette/vedette/internal/scanlink"
)

// rpcChecks ask ONC RPC services (RFC 5531) what they offer to anybody.
var rpcChecks = []check{
	{"rpc-programs", []string{"info.rpc"}, maybe("tcp", []uint16{111}, "rpc"), rpcPrograms},
	{"rpc-programs-udp", []string{"info.rpc"}, maybe("udp", []uint16{111}, "rpc"), rpcPrograms},
	{"anon-nfs", []string{"anon.nfs"}, maybe("tcp", []uint16{111}, "rpc"), anonNFS},
}

const (
	portmapProgram = 100000
	nfsProgram     = 100003
	mountProgram   = 100005
	protocolTCP    = 6
)

// mapping is one program of a port mapper's list (RFC 1833 section 3).
type mapping struct{ program, version, protocol, port uint32 }

// rpcCall makes a call without credentials.
func rpcCall(program, version, procedure uint32, arguments []byte) []byte {
	b := make([]byte, 0, 40+len(arguments))
	for _, v := range []uint32{0x56445254, 0, 2, program, version, procedure, 0, 0, 0, 0} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return append(b, arguments...)
}

// rpcResult gives the results of an accepted, successful reply.
func rpcResult(reply []byte) (cryptobyte.String, error) {
	s := cryptobyte.String(reply)
	var id, kind, state, flavor, size, accept uint32
	if !s.ReadUint32(&id) || id != 0x56445254 || !s.ReadUint32(&kind) || kind != 1 || !s.ReadUint32(&state) || state != 0 ||
		!s.ReadUint32(&flavor) || !s.ReadUint32(&size) || size > 400 || !s.Skip(int(size)) || !s.ReadUint32(&accept) || accept != 0 {
		return nil, errProtocol
	}
	return s, nil
}

// rpc calls over TCP with its record marks, or by a datagram.
func (e *env) rpc(ctx context.Context, transport string, port uint16, call []byte) (cryptobyte.String, error) {
	c, err := e.n.Dial(ctx, transport, netip.AddrPortFrom(e.t.Host.Address, port))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(wait))
	if transport == "udp" {
		if _, err := c.Write(call); err != nil {
			return nil, err
		}
		buf := make([]byte, maxReply)
		k, err := c.Read(buf)
		if err != nil {
			return nil, err
		}
		return rpcResult(buf[:k])
	}
	if _, err := c.Write(append(binary.BigEndian.AppendUint32(nil, 1<<31|uint32(len(call))), call...)); err != nil {
		return nil, err
	}
	reply, err := rpcRecord(c)
	if err != nil {
		return nil, err
	}
	return rpcResult(reply)
}

// rpcRecord joins the fragments of one record (RFC 5531 section 11).
func rpcRecord(r io.Reader) ([]byte, error) {
	var out []byte
	for range 64 {
		var head [4]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, err
		}
		mark := binary.BigEndian.Uint32(head[:])
		size := int(mark &^ (1 << 31))
		if len(out)+size > maxReply {
			return nil, errProtocol
		}
		part := make([]byte, size)
		if _, err := io.ReadFull(r, part); err != nil {
			return nil, err
		}
		if out = append(out, part...); mark>>31 == 1 {
			return out, nil
		}
	}
	return nil, errProtocol
}

const maxMappings = 200

func (e *env) mappings(ctx context.Context) []mapping {
	s, err := e.rpc(ctx, e.t.Service.Protocol, e.t.Service.Port, rpcCall(portmapProgram, 2, 4, nil))
	if err != nil {
		return nil
	}
	return readMappings(s)
}

func readMappings(s cryptobyte.String) []mapping {
	var out []mapping
	var more uint32
	for s.ReadUint32(&more) && more == 1 && len(out) < maxMappings {
		var m mapping
		if !s.ReadUint32(&m.program) || !s.ReadUint32(&m.version) || !s.ReadUint32(&m.protocol) || !s.ReadUint32(&m.port) {
			break
		}
		out = append(out, m)
	}
	return out
}

func rpcPrograms(ctx context.Context, e *env) []scanlink.Finding {
	all := e.mappings(ctx)
	if len(all) == 0 {
		return nil
	}
	var lines []string
	for _, m := range all {
		lines = append(lines, fmt.Sprintf("program %d version %d protocol %d port %d", m.program, m.version, m.protocol, m.port))
	}
	return one(e.found("info.rpc", []byte("PMAPPROC_DUMP"), []byte(strings.Join(lines, "\n")), "The programs and their ports are told to anybody."))
}

// anonNFS reads the list of exports (RFC 1813 appendix I) and asks to mount the first few: a handle means that this
// address, a stranger's, may read. A finding belongs to the port of NFS itself.
func anonNFS(ctx context.Context, e *env) []scanlink.Finding {
	var mount, nfs uint16
	for _, m := range e.mappings(ctx) {
		if m.protocol != protocolTCP || m.port == 0 || m.port > 65535 {
			continue
		}
		switch {
		case m.program == mountProgram && m.version == 3:
			mount = uint16(m.port)
		case m.program == nfsProgram:
			nfs = uint16(m.port)
		}
	}
	if mount == 0 {
		return nil
	}
	s, err := e.rpc(ctx, "tcp", mount, rpcCall(mountProgram, 3, 5, nil))
	if err != nil {
		return nil
	}
	var out []scanlink.Finding
	for _, x := range readExports(s) {
		status := e.mounts(ctx, mount, x.path)
		if status != 0 && !x.everyone {
			continue
		}
		detail := fmt.Sprintf("The export %s is offered to everybody (%s).", x.path, strings.Join(x.groups, ", "))
		if status == 0 {
			detail += " It was mounted and let go again."
		}
		f := e.found("anon.nfs", []byte("MOUNTPROC3_EXPORT, MOUNTPROC3_MNT "+x.path), []byte(x.path+" "+strings.Join(x.groups, " ")), detail)
		f.Path = x.path
		if nfs != 0 {
			f.Port = nfs
		}
		out = append(out, f)
	}
	return out
}

// export is one exported folder with those it is for.
type export struct {
	path     string
	groups   []string
	everyone bool
}

const maxExports = 20

func readExports(s cryptobyte.String) []export {
	var out []export
	var more uint32
	for s.ReadUint32(&more) && more == 1 && len(out) < maxExports {
		x := export{}
		var ok bool
		if x.path, ok = xdrString(&s); !ok {
			break
		}
		for s.ReadUint32(&more) && more == 1 && len(x.groups) < maxExports {
			group, ok := xdrString(&s)
			if !ok {
				return out
			}
			x.groups = append(x.groups, group)
			x.everyone = x.everyone || group == "*" || group == "(everyone)" || group == "0.0.0.0/0"
		}
		x.everyone = x.everyone || len(x.groups) == 0
		out = append(out, x)
	}
	return out
}

func xdrString(s *cryptobyte.String) (string, bool) {
	var size uint32
	var text []byte
	if !s.ReadUint32(&size) || size > 1024 || !s.ReadBytes(&text, int(size)) || !s.Skip(int(-size&3)) {
		return "", false
	}
	return string(text), true
}

// mounts gives the status of a mount, and lets go at once; 0xffffffff where there was no answer.
func (e *env) mounts(ctx context.Context, port uint16, path string) uint32 {
	argument := append(binary.BigEndian.AppendUint32(nil, uint32(len(path))), path...)
	argument = append(argument, make([]byte, -len(path)&3)...)
	status := uint32(0xffffffff)
	if s, err := e.rpc(ctx, "tcp", port, rpcCall(mountProgram, 3, 1, argument)); err == nil {
		s.ReadUint32(&status)
	}
	if status == 0 {
		_, _ = e.rpc(ctx, "tcp", port, rpcCall(mountProgram, 3, 3, argument))
	}
	return status
}
