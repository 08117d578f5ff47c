package identify

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// signalProbes are protocols of measurements, messages between programs, hospitals, statistics and games.
var signalProbes = []probe{
	{name: "gpsd", ports: []uint16{2947}, first: true, match: matchGPSD},
	{name: "ganglia", ports: []uint16{8649, 8651, 8652}, first: true, match: matchGanglia},
	{name: "zmtp", ports: []uint16{4505, 4506, 5555}, first: true, match: matchZMTP},
	{name: "rserve", ports: []uint16{6311}, first: true, match: matchRserve},
	{name: "freeswitch-esl", ports: []uint16{8021}, first: true, match: matchFreeSWITCH},
	{name: "hylafax", ports: []uint16{4559}, first: true, match: matchHylaFAX},
	{name: "dicom", ports: []uint16{104, 11112, 4242, 2762}, rank: 8, hello: dicomEcho, match: matchDICOM, only: true},
	{name: "minecraft", ports: []uint16{25565}, rank: 8, hello: []byte("\x0f\x00\x2f\x09localhost\x63\xdd\x01\x01\x00"), match: matchMinecraft, only: true},
	{name: "spice", ports: []uint16{5900, 5930}, rank: 9, hello: spiceLink, match: matchSPICE, only: true},
}

// matchGPSD reads the greeting of the daemon for satellite receivers.
func matchGPSD(b []byte) (Match, bool) {
	f := pattern(`^\{"class":"VERSION","release":"([0-9][0-9.]*)`).FindSubmatch(b)
	if f == nil {
		return Match{}, false
	}
	m := Match{Name: "gpsd"}
	m.product("gpsd", string(f[1]), "", toldExactly)
	return m, true
}

// matchGanglia reads the head of the document that its daemons give to whoever connects.
func matchGanglia(b []byte) (Match, bool) {
	f := pattern(`<GANGLIA_XML VERSION="([0-9][0-9.]*)" SOURCE="(gmond|gmetad)"`).FindSubmatch(b)
	if f == nil {
		if !bytes.Contains(b[:min(len(b), 400)], []byte("<!DOCTYPE GANGLIA_XML [")) {
			return Match{}, false
		}
		f = [][]byte{nil, nil, []byte("gmond")}
	}
	m := Match{Name: "ganglia"}
	m.product("ganglia "+string(f[2]), string(f[1]), "", toldExactly)
	return m, true
}

// matchZMTP reads the signature with which each side begins (ZeroMQ RFC 23 and its forerunners).
func matchZMTP(b []byte) (Match, bool) {
	if len(b) < 10 || len(b) > 64 || b[0] != 0xff || b[9] != 0x7f || !bytes.Equal(b[1:8], make([]byte, 7)) {
		return Match{}, false
	}
	return Match{Name: "zmtp", Note: "The protocol has no place for a product's name."}, true
}

// matchRserve reads the 32 bytes that name server and protocol; attributes that begin with AR demand a login.
func matchRserve(b []byte) (Match, bool) {
	if len(b) < 32 || !pattern(`^Rsrv\d{4}QAP1`).Match(b) {
		return Match{}, false
	}
	m := Match{Name: "rserve", Note: "The version is that of the protocol: " + string(b[4:8]) + "."}
	m.product("rserve", "", "", toldBanner)
	return m, true
}

func matchFreeSWITCH(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("Content-Type: auth/request\n\n")) && !bytes.HasPrefix(b, []byte("Content-Type: text/rude-rejection\n")) {
		return Match{}, false
	}
	m := Match{Name: "freeswitch-esl"}
	m.product("freeswitch", "", "", toldBanner)
	if bytes.Contains(b, []byte("rude-rejection")) {
		m.Note = "The server does not talk to this scanner's address."
	}
	return m, true
}

// matchHylaFAX reads a greeting that is as FTP's, of a protocol that is not.
func matchHylaFAX(b []byte) (Match, bool) {
	f := pattern(`^220 \S+ server \(HylaFAX \(tm\) Version ([0-9][0-9.]*)`).FindSubmatch(b)
	if f == nil {
		return Match{}, false
	}
	m := Match{Name: "hylafax"}
	m.product("hylafax", string(f[1]), "", toldExactly)
	return m, true
}

// dicomEcho asks for an association for verification alone (DICOM PS3.8, section 9.3.2).
var dicomEcho = func() []byte {
	item := func(kind byte, body string) string {
		return string([]byte{kind, 0, byte(len(body) >> 8), byte(len(body))}) + body
	}
	pad := func(s string) string { return s + strings.Repeat(" ", 16-len(s)) }
	context := item(0x20, "\x01\x00\x00\x00"+item(0x30, "1.2.840.10008.1.1")+item(0x40, "1.2.840.10008.1.2"))
	user := item(0x50, item(0x51, "\x00\x00\x40\x00")+item(0x52, "1.2.826.0.1.3680043.10.1"))
	body := "\x00\x01\x00\x00" + pad("ANY-SCP") + pad("VEDETTE") + strings.Repeat("\x00", 32) + item(0x10, "1.2.840.10008.3.1.1.1") + context + user
	return append(binary.BigEndian.AppendUint32([]byte{1, 0}, uint32(len(body))), body...)
}()

// matchDICOM wants the acceptance or rejection of the association, or its abort.
func matchDICOM(b []byte) (Match, bool) {
	if len(b) < 10 || b[1] != 0 {
		return Match{}, false
	}
	size := binary.BigEndian.Uint32(b[2:])
	m := Match{Name: "dicom"}
	switch b[0] {
	case 2:
		if size < 68 || size > 64<<10 || len(b) < 74 || b[6] != 0 || b[7] != 1 {
			return Match{}, false
		}
		if f := pattern(`(OFFIS_DCMTK|PYNETDICOM|dcm4che|ORTHANC)[_-]?([0-9][0-9.]*)?`).FindSubmatch(b[74:]); f != nil {
			m.product(dicomProducts[string(f[1])], dicomVersion(string(f[1]), string(f[2])), "", toldExactly)
		}
		return m, true
	case 3:
		m.Note = "The server takes no association from a title that it does not know."
		return m, size == 4 && len(b) == 10 && b[7] >= 1 && b[7] <= 2
	case 7:
		return m, size == 4 && len(b) == 10 && b[8] <= 2
	}
	return Match{}, false
}

var dicomProducts = map[string]string{"OFFIS_DCMTK": "dcmtk", "PYNETDICOM": "pynetdicom", "dcm4che": "dcm4che", "ORTHANC": "orthanc"}

// dicomVersion undoes how DCMTK writes its version without dots: 367 for 3.6.7.
func dicomVersion(product, version string) string {
	if product == "OFFIS_DCMTK" && len(version) == 3 {
		return version[:1] + "." + version[1:2] + "." + version[2:]
	}
	return version
}

// matchMinecraft reads the answer to a status request: lengths, then an object with the server's version.
func matchMinecraft(b []byte) (Match, bool) {
	at := bytes.Index(b[:min(len(b), 10)], []byte(`{"`))
	if at < 3 || !bytes.Contains(b, []byte(`"version"`)) || !bytes.Contains(b, []byte(`"protocol"`)) {
		return Match{}, false
	}
	m := Match{Name: "minecraft"}
	m.product("minecraft", "", "", toldBanner)
	if f := pattern(`"version":\s*\{[^{}]{0,200}"name":\s*"(?:([A-Za-z]+) )?([0-9][0-9.]*)`).FindSubmatch(b); f != nil {
		m.product("minecraft", string(f[2]), "", toldExactly)
	}
	return m, true
}

// spiceLink is the message that opens the main channel, without capabilities.
var spiceLink = []byte("REDQ\x02\x00\x00\x00\x02\x00\x00\x00\x12\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x12\x00\x00\x00")

func matchSPICE(b []byte) (Match, bool) {
	return Match{Name: "spice", Note: "The protocol has no place for a product's version."}, len(b) >= 20 && bytes.HasPrefix(b, []byte("REDQ\x02\x00\x00\x00"))
}
