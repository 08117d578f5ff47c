package check

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/vedette/vedette/internal/scanlink"
)

// tftpFiles are names that network gear and boot servers keep: configurations first, for what they give away.
var tftpFiles = []string{
	"running-config", "startup-config", "config.cfg", "config.txt", "network-confg", "router-confg", "cisconet.cfg", "ciscortr.cfg",
	"backup.cfg", "SEPDEFAULT.cnf", "SIPDefault.cnf", "XMLDefault.cnf.xml", "000000000000.cfg", "default.cfg", "pxelinux.cfg/default",
	"pxelinux.0", "undionly.kpxe", "ipxe.efi", "grubx64.efi", "bootx64.efi", "boot/grub/grub.cfg", "Boot/BCD", "boot.ini", "bootmgr.exe", "preseed.cfg", "ks.cfg",
}

// anonTFTP asks for a name that cannot exist, then for usual ones. TFTP knows no login; what it gives, it gives anybody.
func anonTFTP(ctx context.Context, e *env) []scanlink.Finding {
	if data, answered := e.tftpRead(ctx, canary()); data != nil || !answered {
		return nil // a server that gives any name gives nothing real; a silent one is no TFTP server
	}
	var out []scanlink.Finding
	for _, name := range tftpFiles {
		data, _ := e.tftpRead(ctx, name)
		if data == nil {
			continue
		}
		f := e.found("anon.tftp", []byte("RRQ "+name), data, fmt.Sprintf("The file %s is given to anybody.", name))
		f.Path = name
		if out = append(out, f); len(out) == 3 {
			break
		}
	}
	return out
}

const tftpWait = 2 * time.Second

// tftpRead asks for a file and gives its first block; nil for a refusal. The server answers from a port of its own
// (RFC 1350 section 4).
func (e *env) tftpRead(ctx context.Context, name string) (data []byte, answered bool) {
	request := append(append([]byte{0, 1}, name...), "\x00octet\x00"...)
	reply, err := e.n.Exchange(ctx, e.t.AddrPort(), request, tftpWait)
	if err != nil {
		return nil, false
	}
	return tftpBlock(reply)
}

// tftpBlock reads the first DATA packet. ok says that the packet is TFTP's; an ERROR gives no data.
func tftpBlock(b []byte) (data []byte, ok bool) {
	if len(b) < 4 {
		return nil, false
	}
	switch binary.BigEndian.Uint16(b) {
	case 3:
		return bytes.Clone(b[4:]), binary.BigEndian.Uint16(b[2:]) == 1
	case 5:
		return nil, true
	}
	return nil, false
}
