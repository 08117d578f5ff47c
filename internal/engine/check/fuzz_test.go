package check

import (
	"bytes"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

func FuzzKexInit(f *testing.F) {
	f.Add(kexPacket("a", "b", "c", "c", "d", "d", "none", "none", "", ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := readKexInit(bytes.NewReader(b)); (k == nil) == (err == nil) {
			t.Error("neither a list nor an error")
		}
	})
}

func FuzzMySQL(f *testing.F) {
	f.Add([]byte("\x0a8.0.1\x00\x01\x00\x00\x0012345678\x00\xff\xff\x08\x02\x00\xff\xdf\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00abcdefghijkl\x00mysql_native_password\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		salt, plugin, _, err := mysqlGreeting(b)
		if err == nil && (len(salt) < 8 || plugin == "") {
			t.Errorf("salt %x plugin %q", salt, plugin)
		}
		_ = mysqlAnswer(plugin, "x", salt)
	})
}

func FuzzPostgreSQL(f *testing.F) {
	f.Add([]byte("C28000\x00Mrole\x00RInit\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_ = pgField(b, 'R')
		s := &pgSession{conn: discard{}, user: "u", password: "p", reply: &pgReply{}, scram: &scram{password: "p", nonce: "n"}}
		_, _ = s.step('R', b)
		_, _ = s.step('E', b)
	})
}

// FuzzAnswers gives every reader of this package the same hostile bytes.
func FuzzAnswers(f *testing.F) {
	f.Add(shareList())
	f.Add(ldapDone(1, 0x61, 0))
	f.Add(snmpRequest(1, "public"))
	f.Add([]byte("227 ok (127,0,0,1,4,1)"))
	f.Add([]byte{telnetIAC, telnetDo, 24, telnetIAC, telnetSB, 1, telnetIAC, telnetSE})
	f.Fuzz(func(_ *testing.T, b []byte) {
		_ = readShares(b)
		_, _ = ldapResult(b, 0x61)
		_ = ldapValues([][]byte{b})
		_ = ldapNames([][]byte{b})
		_, _, _ = snmpValue(b)
		_, _ = passivePort(string(b))
		_ = ftpDirs([]string{string(b)})
		_, _ = telnetText(b)
		_, _ = tftpBlock(b)
		_ = amqpMechanisms(b)
		_ = distccOutput(b)
		_ = readMappings(cryptobyte.String(b))
		_ = readExports(cryptobyte.String(b))
		_, _ = rpcResult(b)
		_ = rsyncPhase(bytes.NewReader(b))
		_, _ = rpcRecord(bytes.NewReader(b))
		_, _ = readNetbios(bytes.NewReader(b))
		_, _, _ = iscsiRead(bytes.NewReader(b))
		_, _ = readBER(bytes.NewReader(b))
		_ = status(b)
		_ = triedToReach(b)
		_ = readMongo(b)
		_, _ = mongoAsk(conversation{bytes.NewReader(b)}, nil)
		_, _ = cqlAsk(conversation{bytes.NewReader(b)}, nil)
	})
}

// conversation says what the target would, whatever it is told.
type conversation struct{ *bytes.Reader }

func (conversation) Write(b []byte) (int, error) { return len(b), nil }
