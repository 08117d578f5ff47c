package check

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math"
	"strings"

	"github.com/vedette/vedette/internal/scanlink"
)

// storeCreds try default accounts of stores whose logins have a protocol of their own.
var storeCreds = []check{
	{"creds-mongodb", []string{"creds", "anon.mongodb"}, over("tcp", "mongodb"), credsMongoDB},
	{"creds-cassandra", []string{"creds", "anon.cassandra"}, over("tcp", "cassandra"), credsCassandra},
	{"creds-bolt", []string{"creds", "anon.neo4j"}, over("tcp", "bolt"), credsBolt},
	{"creds-freeswitch", []string{"creds", "anon.code-exec"}, over("tcp", "freeswitch-esl"), credsFreeSWITCH},
	{"creds-clickhouse", []string{"creds", "anon.clickhouse"}, over("tcp", "clickhouse"), credsClickHouse},
}

func credsMongoDB(ctx context.Context, e *env) []scanlink.Finding {
	return e.defaultAccounts(ctx, e.dataAccounts(), 1, e.eachPassword(e.mongoTry))
}

// mongoTry proves a password against the accounts of the database admin, by the newer mechanism, and by the older where
// the account or server knows that alone.
func (e *env) mongoTry(ctx context.Context, user, password string) attempt {
	result, other := e.mongoLogin(ctx, &scram{user: user, password: password, nonce: canary()}, "SCRAM-SHA-256")
	if !other {
		return result
	}
	digest := md5.Sum([]byte(user + ":mongo:" + password))
	result, _ = e.mongoLogin(ctx, &scram{user: user, password: hex.EncodeToString(digest[:]), nonce: canary(), sha1: true}, "SCRAM-SHA-1")
	return result
}

const mongoNoMechanism = 334 // MechanismUnavailable; servers before 4.0 say BadValue, 2

// mongoLogin holds one conversation; other says that the mechanism is not for this account.
func (e *env) mongoLogin(ctx context.Context, s *scram, mechanism string) (result attempt, other bool) {
	c, err := e.dial(ctx)
	if err != nil {
		return broken, false
	}
	defer c.Close()
	start := bson(bsonNumber("saslStart", 1), bsonText("mechanism", mechanism), bsonBytes("payload", s.first()), bsonText("$db", "admin"))
	reply, err := mongoAsk(c, start)
	if err != nil {
		return broken, false
	}
	if !reply.ok {
		return rejected, reply.code == mongoNoMechanism || reply.code == 2
	}
	final, err := s.final(reply.payload)
	if err != nil {
		return unavailable, false
	}
	reply, err = mongoAsk(c, bson(bsonNumber("saslContinue", 1), bsonNumber("conversationId", reply.conversation), bsonBytes("payload", final), bsonText("$db", "admin")))
	switch {
	case err != nil:
		return broken, false
	case reply.ok && bytes.HasPrefix([]byte(reply.payload), []byte("v=")): // the server's own proof
		return accepted, false
	}
	return rejected, false
}

// mongoAnswer is what the answer to a step of a login tells.
type mongoAnswer struct {
	ok           bool
	code         int
	conversation int32
	payload      string
}

func mongoAsk(c io.ReadWriter, document []byte) (mongoAnswer, error) {
	if _, err := c.Write(mongoMessage(document)); err != nil {
		return mongoAnswer{}, err
	}
	var head [16]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return mongoAnswer{}, err
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size < 16+5+5 || size > maxReply || binary.LittleEndian.Uint32(head[12:]) != 2013 {
		return mongoAnswer{}, errProtocol
	}
	body := make([]byte, size-16)
	if _, err := io.ReadFull(c, body); err != nil {
		return mongoAnswer{}, err
	}
	return readMongo(body[5:]), nil
}

// readMongo reads the elements of a document's top level, as far as they are of the kinds that such answers have.
func readMongo(document []byte) mongoAnswer {
	var r mongoAnswer
	if len(document) < 5 {
		return r
	}
	for b := document[4:]; len(b) > 1 && b[0] != 0; {
		kind := b[0]
		name, value, found := bytes.Cut(b[1:], []byte{0})
		size := bsonSize(kind, value)
		if !found || size < 0 || size > len(value) {
			return r
		}
		switch v := value[:size]; {
		case kind == 1 && string(name) == "ok":
			r.ok = math.Float64frombits(binary.LittleEndian.Uint64(v)) == 1
		case kind == 0x10 && string(name) == "code":
			r.code = int(int32(binary.LittleEndian.Uint32(v)))
		case kind == 0x10 && string(name) == "conversationId":
			r.conversation = int32(binary.LittleEndian.Uint32(v))
		case kind == 5 && string(name) == "payload":
			r.payload = string(v[5:])
		}
		b = value[size:]
	}
	return r
}

// bsonSize is the length of a value by its kind (bsonspec.org, version 1.1); -1 for one that is cut or unknown.
func bsonSize(kind byte, v []byte) int {
	switch kind {
	case 1, 9, 0x11, 0x12:
		return 8
	case 7:
		return 12
	case 8:
		return 1
	case 0x0a:
		return 0
	case 0x10:
		return 4
	}
	if len(v) < 4 || binary.LittleEndian.Uint32(v) > maxReply {
		return -1
	}
	size := int(binary.LittleEndian.Uint32(v))
	switch kind {
	case 2:
		return 4 + size
	case 3, 4:
		if size < 4 {
			return -1
		}
		return size
	case 5:
		return 5 + size
	}
	return -1
}

func bsonElement(kind byte, name string, value []byte) []byte {
	return append(append(append([]byte{kind}, name...), 0), value...)
}

func bsonNumber(name string, n int32) []byte {
	return bsonElement(0x10, name, binary.LittleEndian.AppendUint32(nil, uint32(n)))
}

func bsonText(name, text string) []byte {
	return bsonElement(2, name, append(append(binary.LittleEndian.AppendUint32(nil, uint32(len(text)+1)), text...), 0))
}

func bsonBytes(name, b string) []byte {
	return bsonElement(5, name, append(append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), 0), b...))
}

func bson(elements ...[]byte) []byte {
	body := bytes.Join(elements, nil)
	return append(append(binary.LittleEndian.AppendUint32(nil, uint32(len(body)+5)), body...), 0)
}

// credsCassandra answers the demand for a login (native protocol, version 3, sections 4.1.2 and 4.2.3).
func credsCassandra(ctx context.Context, e *env) []scanlink.Finding {
	accounts := accountsFor("cassandra", "", []string{"cassandra", "admin"})
	return e.defaultAccounts(ctx, accounts, 1, e.eachPassword(func(ctx context.Context, user, password string) attempt {
		c, err := e.dial(ctx)
		if err != nil {
			return broken
		}
		defer c.Close()
		switch kind, err := cqlAsk(c, cqlStartup); {
		case err != nil:
			return broken
		case kind != 3: // AUTHENTICATE
			return unavailable
		}
		token := "\x00" + user + "\x00" + password
		body := append(binary.BigEndian.AppendUint32(nil, uint32(len(token))), token...)
		kind, err := cqlAsk(c, append(binary.BigEndian.AppendUint32([]byte{3, 0, 0, 1, 0x0f}, uint32(len(body))), body...))
		switch {
		case err != nil:
			return broken
		case kind == 0x10: // AUTH_SUCCESS
			return accepted
		}
		return rejected
	}))
}

var cqlStartup = []byte("\x03\x00\x00\x00\x01\x00\x00\x00\x16\x00\x01\x00\x0bCQL_VERSION\x00\x053.0.0")

// cqlAsk sends a frame and gives the kind of the answer.
func cqlAsk(c io.ReadWriter, request []byte) (byte, error) {
	if _, err := c.Write(request); err != nil {
		return 0, err
	}
	var head [9]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return 0, err
	}
	size := binary.BigEndian.Uint32(head[5:])
	if head[0]&0x80 == 0 || size > maxReply {
		return 0, errProtocol
	}
	_, err := io.CopyN(io.Discard, c, int64(size))
	return head[4], err
}

// credsBolt says hello with a login, by versions 3 to 4.4 of the protocol. The server slows down at the third failure, so
// that few accounts are tried.
func credsBolt(ctx context.Context, e *env) []scanlink.Finding {
	found := e.defaultAccounts(ctx, accountsFor("bolt", "", nil), 1, e.eachPassword(func(ctx context.Context, user, password string) attempt {
		c, err := e.dial(ctx)
		if err != nil {
			return broken
		}
		defer c.Close()
		version := make([]byte, 4)
		if _, err := c.Write([]byte{0x60, 0x60, 0xb0, 0x17, 0, 0, 4, 4, 0, 0, 1, 4, 0, 0, 0, 4, 0, 0, 0, 3}); err != nil {
			return broken
		}
		if _, err := io.ReadFull(c, version); err != nil {
			return broken
		}
		if version[3] != 3 && version[3] != 4 {
			return unavailable
		}
		hello := "\xb1\x01\xa4" + packText("user_agent") + packText("vedette/1.0") + packText("scheme") + packText("basic") +
			packText("principal") + packText(user) + packText("credentials") + packText(password)
		message := append(binary.BigEndian.AppendUint16(nil, uint16(len(hello))), hello...)
		if _, err := c.Write(append(message, 0, 0)); err != nil {
			return broken
		}
		reply := make([]byte, 4) // the chunk's length, then the structure's size and kind
		if _, err := io.ReadFull(c, reply); err != nil {
			return broken
		}
		if reply[3] == 0x70 {
			return accepted
		}
		return rejected
	}))
	return classed(found, "anon.neo4j")
}

// packText is a short string of PackStream.
func packText(s string) string {
	if len(s) < 16 {
		return string([]byte{0x80 | byte(len(s))}) + s
	}
	return string([]byte{0xd0, byte(len(s))}) + s
}

// credsClickHouse logs in by the native protocol. The account default without a password is how the server comes, and
// whoever takes it takes anybody.
func credsClickHouse(ctx context.Context, e *env) []scanlink.Finding {
	switch _, result := e.eachPassword(e.clickHouseTry)(ctx, "default", []string{""}); result {
	case accepted:
		return e.opened(e.found("anon.clickhouse", []byte("login as default without a password"), nil, "Queries are answered for anybody: the account default has no password."))
	case rejected:
		return e.defaultAccounts(ctx, accountsFor("clickhouse", "", []string{"default", "admin"}), 1, e.eachPassword(e.clickHouseTry))
	case unavailable, broken:
	}
	return nil
}

func (e *env) clickHouseTry(ctx context.Context, user, password string) attempt {
	hello := append([]byte{0, 7}, "vedette"...)
	hello = append(hello, 1, 1, 0xac, 0xa9, 3) // 1.1, revision 54444
	for _, s := range []string{"", user, password} {
		hello = append(append(hello, byte(len(s))), s...)
	}
	reply, err := e.ask(ctx, hello)
	switch {
	case err != nil || len(reply) < 2:
		return broken
	case reply[0] == 0 && len(reply) > 12:
		return accepted
	case reply[0] == 2:
		return rejected
	}
	return unavailable
}

// credsFreeSWITCH tries the password with which the event socket comes; there is no name.
func credsFreeSWITCH(ctx context.Context, e *env) []scanlink.Finding {
	try := e.eachPassword(func(ctx context.Context, _, password string) attempt {
		l, err := e.lines(ctx)
		if err != nil {
			return broken
		}
		defer l.close()
		if first, err := l.read(); err != nil || first != "Content-Type: auth/request" {
			return unavailable
		}
		if l.say("auth "+password+"\r\n") != nil {
			return broken
		}
		switch answer, err := l.until(func(s string) bool { return strings.HasPrefix(s, "Reply-Text:") }); {
		case err != nil:
			return broken
		case strings.HasPrefix(answer, "Reply-Text: +OK"):
			return accepted
		}
		return rejected
	})
	return classed(e.defaultAccounts(ctx, []account{{"", []string{"ClueCon"}}}, 1, try), "anon.code-exec")
}

// classed gives what takes any login the class of what is open then.
func classed(found []scanlink.Finding, class string) []scanlink.Finding {
	for i := range found {
		if found[i].Class != "creds" {
			found[i].Class = class
		}
	}
	return found
}
