package check

import (
	"bytes"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// mongoServer keeps one account under one mechanism, and checks proofs as RFC 5802 section 3 says.
func mongoServer(user, password, mechanism string) func(net.Conn) {
	form, iterations := sha256.New, 4096
	if mechanism == "SCRAM-SHA-1" {
		form = sha1.New
		digest := md5.Sum([]byte(user + ":mongo:" + password))
		password = hex.EncodeToString(digest[:])
	}
	salt := []byte("0123456789abcdef")
	salted, _ := pbkdf2.Key(form, password, salt, iterations, form().Size())
	one := bsonElement(1, "ok", binary.LittleEndian.AppendUint64(nil, math.Float64bits(1)))
	refuse := func(c net.Conn, code int32) {
		_, _ = c.Write(mongoMessage(bson(bsonElement(1, "ok", make([]byte, 8)), bsonText("errmsg", "Authentication failed."), bsonNumber("code", code))))
	}
	return func(c net.Conn) {
		first, challenge := "", ""
		for {
			head := make([]byte, 16)
			if _, err := io.ReadFull(c, head); err != nil {
				return
			}
			body := make([]byte, binary.LittleEndian.Uint32(head)-16)
			if _, err := io.ReadFull(c, body); err != nil {
				return
			}
			sent := readMongo(body[5:]).payload
			if bytes.Contains(body, []byte("saslStart")) {
				if !bytes.Contains(body, []byte(mechanism+"\x00")) {
					refuse(c, mongoNoMechanism)
					continue
				}
				first = strings.TrimPrefix(sent, "n,,")
				_, nonce, _ := strings.Cut(first, ",r=")
				if !strings.HasPrefix(first, "n="+user+",") {
					refuse(c, 18)
					continue
				}
				challenge = "r=" + nonce + "srv,s=" + base64.StdEncoding.EncodeToString(salt) + ",i=4096"
				_, _ = c.Write(mongoMessage(bson(bsonNumber("conversationId", 1), bsonElement(8, "done", []byte{0}), bsonBytes("payload", challenge), one)))
				continue
			}
			without, proof64, _ := strings.Cut(sent, ",p=")
			proof, _ := base64.StdEncoding.DecodeString(proof64)
			if !bytes.Equal(proof, proofOf(form, salted, first+","+challenge+","+without)) {
				refuse(c, 18)
				continue
			}
			_, _ = c.Write(mongoMessage(bson(bsonNumber("conversationId", 1), bsonElement(8, "done", []byte{0}), bsonBytes("payload", "v=eA=="), one)))
		}
	}
}

func proofOf(form func() hash.Hash, salted []byte, message string) []byte {
	client := mac(form, salted, "Client Key")
	stored := form()
	stored.Write(client)
	proof := mac(form, stored.Sum(nil), message)
	for i := range proof {
		proof[i] ^= client[i]
	}
	return proof
}

func TestMongoAccounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		user, password, mechanism string
		want                      []string
	}{
		{"root", "example", "SCRAM-SHA-256", []string{"creds=root/example"}},
		{"admin", "admin", "SCRAM-SHA-1", []string{"creds=admin/admin"}},
		{"admin", "kj3h4kjh", "SCRAM-SHA-256", []string{}},
	} {
		s := service(serve(t, mongoServer(c.user, c.password, c.mechanism)), "tcp", "mongodb")
		if got := names(runCheck(t, "creds-mongodb", s, everything)); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v", c, got)
		}
	}
}

// cqlServer wants the login of one account, as Cassandra's PasswordAuthenticator does, or none.
func cqlServer(login string) func(net.Conn) {
	return func(c net.Conn) {
		for {
			head := make([]byte, 9)
			if _, err := io.ReadFull(c, head); err != nil {
				return
			}
			body := make([]byte, binary.BigEndian.Uint32(head[5:]))
			if _, err := io.ReadFull(c, body); err != nil {
				return
			}
			kind := byte(0x10)
			switch {
			case head[4] == 1 && login == "":
				kind = 2
			case head[4] == 1:
				kind = 3
			case string(body[4:]) != login:
				kind = 0
			}
			_, _ = c.Write([]byte{0x83, 0, 0, 1, kind, 0, 0, 0, 0})
		}
	}
}

func TestCassandraAccounts(t *testing.T) {
	t.Parallel()
	for login, want := range map[string][]string{"\x00cassandra\x00cassandra": {"creds=cassandra/cassandra"}, "\x00cassandra\x00x83jd": {}, "": {}} {
		s := service(serve(t, cqlServer(login)), "tcp", "cassandra")
		if got := names(runCheck(t, "creds-cassandra", s, everything)); !slices.Equal(got, want) {
			t.Errorf("%q: %v", login, got)
		}
	}
}

// boltServer takes a hello whose login fits.
func boltServer(fits func(hello string) bool) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := io.ReadFull(c, make([]byte, 20)); err != nil {
			return
		}
		_, _ = c.Write([]byte{0, 0, 4, 4})
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		hello := make([]byte, int(binary.BigEndian.Uint16(size[:]))+2)
		if _, err := io.ReadFull(c, hello); err != nil {
			return
		}
		answer := "\xb1\x7f\xa1\x84code\xd0\x25Neo.ClientError.Security.Unauthorized"
		if fits(string(hello)) {
			answer = "\xb1\x70\xa1\x86server\x8cNeo4j/4.4.10"
		}
		_, _ = c.Write(append(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...), 0, 0))
	}
}

func TestBoltAccounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fits func(string) bool
		want []string
	}{
		"as it came": {func(h string) bool { return strings.Contains(h, "principal\x85neo4j\x8bcredentials\x85neo4j") }, []string{"creds=neo4j/neo4j"}},
		"no login":   {func(string) bool { return true }, []string{"anon.neo4j"}},
		"own":        {func(h string) bool { return strings.Contains(h, "x83jd") }, []string{}},
	} {
		s := service(serve(t, boltServer(c.fits)), "tcp", "bolt")
		if got := names(runCheck(t, "creds-bolt", s, everything)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestClickHouseAccounts(t *testing.T) {
	t.Parallel()
	for login, want := range map[string][]string{
		"\x07default\x00": {"anon.clickhouse"}, "\x07default\x07default": {"creds=default/default"}, "\x07default\x05x83jd": {},
	} {
		at := serve(t, func(c net.Conn) {
			b := make([]byte, 256)
			k, err := c.Read(b)
			if err != nil {
				return
			}
			if strings.HasSuffix(string(b[:k]), login) {
				_, _ = c.Write([]byte("\x00\x0aClickHouse\x01\x01\xac\xa9\x03\x03UTC"))
				return
			}
			_, _ = c.Write([]byte("\x02\xc0\x00\x00\x00\x0dDB::Exception"))
		})
		if got := names(runCheck(t, "creds-clickhouse", service(at, "tcp", "clickhouse"), everything)); !slices.Equal(got, want) {
			t.Errorf("%q: %v", login, got)
		}
	}
}

// boundServer tells its context and one entry to anybody, and lets in who knows a password; where refuses is set every
// bind with a name is refused for want of encryption.
func boundServer(passwords map[string]string, refuses bool) func(net.Conn) {
	plain := ldapServer(true)
	return func(c net.Conn) {
		inner, outer := net.Pipe()
		defer outer.Close()
		go func() { defer inner.Close(); plain(inner) }()
		for {
			request, err := readBER(c)
			if err != nil {
				return
			}
			name, password, isBind := bindOf(request)
			if !isBind {
				_, _ = outer.Write(request)
				for {
					reply, err := readBER(outer)
					if err != nil {
						return
					}
					_, _ = c.Write(reply)
					if _, end := ldapResult(reply, 0x65); end {
						break
					}
				}
				continue
			}
			code := int64(49)
			if p, ok := passwords[name]; ok && p == password {
				code = 0
			}
			if refuses {
				code = 13
			}
			_, _ = c.Write(ldapDone(1, 0x61, code))
		}
	}
}

func bindOf(request []byte) (name, password string, ok bool) {
	s := cryptobyte.String(request)
	var message, bind, dn, secret cryptobyte.String
	var id, version int
	if !s.ReadASN1(&message, asn1.SEQUENCE) || !message.ReadASN1Integer(&id) || !message.ReadASN1(&bind, asn1.Tag(0x60)) ||
		!bind.ReadASN1Integer(&version) || !bind.ReadASN1(&dn, asn1.OCTET_STRING) || !bind.ReadASN1(&secret, asn1.Tag(0x80)) {
		return "", "", false
	}
	return string(dn), string(secret), true
}

func TestLDAPAccounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		passwords map[string]string
		refuses   bool
		want      []string
	}{
		"weak":     {map[string]string{"cn=admin,dc=test": "admin"}, false, []string{"creds=cn=admin,dc=test/admin"}},
		"told":     {map[string]string{"cn=admin,dc=test": "x83jd", "uid=a,dc=test": "a"}, false, []string{"creds=uid=a,dc=test/a"}},
		"own":      {map[string]string{"cn=admin,dc=test": "x83jd"}, false, []string{}},
		"only TLS": {map[string]string{"cn=admin,dc=test": "admin"}, true, []string{}},
	} {
		s := service(serve(t, boundServer(c.passwords, c.refuses)), "tcp", "ldap")
		if got := names(runCheck(t, "creds-ldap", s, everything)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestFreeSWITCHAccounts(t *testing.T) {
	t.Parallel()
	for password, want := range map[string][]string{"ClueCon": {"creds=-/ClueCon"}, "x83jd": {}} {
		at := serve(t, says("Content-Type: auth/request\n\n", part{"auth " + password, "Content-Type: command/reply\nReply-Text: +OK accepted\n\n"},
			part{"auth", "Content-Type: command/reply\nReply-Text: -ERR invalid\n\n"}))
		if got := names(runCheck(t, "creds-freeswitch", service(at, "tcp", "freeswitch-esl"), everything)); !slices.Equal(got, want) {
			t.Errorf("%s: %v", password, got)
		}
	}
}

func TestRserve(t *testing.T) {
	t.Parallel()
	for greeting, want := range map[string][]string{
		"Rsrv0103QAP1\r\n\r\n--------------\r\n": {"anon.code-exec"}, "Rsrv0103QAP1ARucK8a!--------\r\n\r\n": {},
	} {
		at := serve(t, func(c net.Conn) { _, _ = io.WriteString(c, greeting) })
		if got := names(runCheck(t, "anon-rserve", service(at, "tcp", "rserve"), everything)); !slices.Equal(got, want) {
			t.Errorf("%q: %v", greeting, got)
		}
	}
}
