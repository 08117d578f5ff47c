package identify

import (
	"bytes"
	"encoding/binary"
	"math"
	"regexp"
	"strings"
)

var cacheProbes = []probe{
	{name: "redis", ports: []uint16{6379, 6380, 16379, 26379}, rank: 3, hello: []byte("*1\r\n$4\r\nPING\r\n"), match: matchRedis, ask: askRedis},
	{name: "memcached", ports: []uint16{11211}, rank: 3, hello: []byte("version\r\n"), match: matchMemcached, ask: askMemcached},
	{name: "mongodb", ports: []uint16{27017, 27018, 27019}, rank: 3, hello: mongoQuery("isMaster"), match: matchMongo, ask: askMongo},
	{name: "zookeeper", ports: []uint16{2181, 2182}, rank: 4, hello: []byte("srvr"), match: matchZookeeper},
	{name: "cassandra", ports: []uint16{9042, 9142}, rank: 5, hello: []byte{4, 0, 0, 0, 5, 0, 0, 0, 0}, match: matchCassandra, ask: askCassandra},
	{name: "clickhouse", ports: []uint16{9000, 9440}, rank: 6, hello: clickhouseHello, match: matchClickhouse, only: true},
	{name: "bolt", ports: []uint16{7687}, rank: 6, hello: []byte{0x60, 0x60, 0xb0, 0x17, 0, 4, 4, 5, 0, 0, 4, 4, 0, 0, 1, 4, 0, 0, 0, 3}, match: matchBolt, ask: askBolt, only: true},
	{name: "beanstalkd", ports: []uint16{11300}, rank: 5, hello: []byte("stats\r\n"), match: matchBeanstalk},
	{name: "gearman", ports: []uint16{4730}, rank: 5, hello: []byte("version\r\n"), match: matchGearman},
}

var redisError = regexp.MustCompile(`^-(?:ERR (?:unknown command|wrong number of arguments|Protocol error|operation not permitted|max number of clients)|NOAUTH |DENIED Redis|NOPERM |LOADING |MISCONF |MASTERDOWN )`)

func matchRedis(b []byte) (Match, bool) {
	line := firstLine(b)
	if line != "+PONG" && !redisError.MatchString(line) {
		return Match{}, false
	}
	m := Match{Name: "redis"}
	m.product("redis", "", "", toldBanner)
	switch {
	case strings.HasPrefix(line, "-NOAUTH"), strings.HasPrefix(line, "-ERR operation not permitted"):
		m.Note = "The server demands a password, and tells no version before."
	case strings.HasPrefix(line, "-DENIED"):
		m.Note = "The server runs in protected mode, and tells no version to other machines."
	}
	return m, true
}

var infoField = func(name string) *regexp.Regexp { return regexp.MustCompile(`(?m)^` + name + `:([^\r\n]+)`) }

var (
	redisVersion  = infoField("redis_version")
	valkeyVersion = infoField("valkey_version")
	redisOS       = infoField("os")
	keydb         = regexp.MustCompile(`(?m)^mvcc_depth:`)
)

func askRedis(a *asker, m *Match) {
	b := a.once([]byte("*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n"))
	if m.Note == "" && redisError.Match(b) {
		inner, _ := matchRedis(b)
		m.Note = inner.Note
	}
	if f := redisOS.FindSubmatch(b); f != nil && bytes.HasPrefix(f[1], []byte("Linux")) {
		if m.OS = osOf(string(f[1])); m.OS.QoD == 0 {
			m.OS = OS{"Linux", "cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*", 60}
		}
	}
	if f := valkeyVersion.FindSubmatch(b); f != nil {
		m.product("valkey", string(f[1]), "", toldExactly)
	} else if f := redisVersion.FindSubmatch(b); f != nil {
		name := "redis"
		if keydb.Match(b) {
			name = "keydb"
		}
		m.product(name, string(f[1]), "", toldExactly)
	}
	if len(b) > 0 {
		a.session.banner = b
	}
}

var memcachedVersion = regexp.MustCompile(`^VERSION ([0-9][0-9A-Za-z._-]*)`)

func matchMemcached(b []byte) (Match, bool) {
	m := Match{Name: "memcached"}
	if f := memcachedVersion.FindSubmatch(b); f != nil {
		m.product("memcached", string(f[1]), "", toldExactly)
		return m, true
	}
	if line := firstLine(b); line == "ERROR" && len(b) <= 64 && bytes.HasSuffix(b, []byte("ERROR\r\n")) {
		return m, true
	}
	return Match{}, false
}

func askMemcached(a *asker, m *Match) {
	if m.Version == "" {
		if found, ok := matchMemcached(a.once([]byte("version\r\n"))); ok {
			m.take(found)
		}
	}
	if m.Product == "" {
		m.Name = "unknown"
	}
}

// mongoQuery is an OP_QUERY on admin.$cmd, which servers of all ages answer before a login for these commands.
func mongoQuery(command string) []byte {
	doc := append([]byte{0x10}, command+"\x00\x01\x00\x00\x00\x00"...)
	doc = append(binary.LittleEndian.AppendUint32(nil, uint32(len(doc)+4)), doc...)
	body := append([]byte{0, 0, 0, 0}, "admin.$cmd\x00\x00\x00\x00\x00\xff\xff\xff\xff"...)
	body = append(body, doc...)
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(body)+16))
	head = append(head, 1, 0, 0, 0, 0, 0, 0, 0, 0xd4, 7, 0, 0)
	return append(head, body...)
}

// mongoMessage is an OP_MSG, which servers from 3.6 on understand and those from 6.0 on want for all but hello.
func mongoMessage(command string) []byte {
	doc := append([]byte{0x10}, command+"\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00\x00"...)
	doc = append(binary.LittleEndian.AppendUint32(nil, uint32(len(doc)+4)), doc...)
	body := append([]byte{0, 0, 0, 0, 0}, doc...)
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(body)+16))
	head = append(head, 2, 0, 0, 0, 0, 0, 0, 0, 0xdd, 7, 0, 0)
	return append(head, body...)
}

func matchMongo(b []byte) (Match, bool) {
	if len(b) < 36 || int(binary.LittleEndian.Uint32(b)) > 1<<20 {
		return Match{}, false
	}
	op := binary.LittleEndian.Uint32(b[12:])
	if op != 1 && op != 2013 || !bytes.Contains(b, []byte("ok\x00")) && !bytes.Contains(b, []byte("maxBsonObjectSize")) {
		return Match{}, false
	}
	m := Match{Name: "mongodb"}
	m.product("mongodb", "", "", toldBanner)
	return m, true
}

func askMongo(a *asker, m *Match) {
	for _, q := range [][]byte{mongoMessage("buildInfo"), mongoQuery("buildInfo")} {
		doc := mongoDocument(a.once(q))
		if v := bsonString(doc, "version"); v != "" {
			m.product("mongodb", v, "", toldExactly)
			if bytes.Contains(doc, []byte("ferretdb")) {
				m.product("ferretdb", v, "", toldExactly)
			}
			return
		}
	}
	if f, ok := bsonInt(mongoDocument(a.once(mongoQuery("isMaster"))), "maxWireVersion"); ok {
		m.Note = "The server demands a login before it tells its version; its wire version is that of MongoDB " + mongoWire(f) + "."
	}
}

func mongoWire(n int) string {
	switch {
	case n >= 25:
		return "8.0 or later"
	case n >= 21:
		return "7.0"
	case n >= 17:
		return "6.0"
	case n >= 13:
		return "5.0"
	case n >= 9:
		return "4.4"
	case n >= 7:
		return "4.0 to 4.2"
	}
	return "3.6 or earlier"
}

// mongoDocument finds the document in a reply of either form.
func mongoDocument(b []byte) []byte {
	if len(b) < 36 {
		return nil
	}
	switch binary.LittleEndian.Uint32(b[12:]) {
	case 1:
		return b[36:]
	case 2013:
		return b[21:]
	}
	return nil
}

// bsonString is the string under a key of the top level; empty when there is none.
func bsonString(doc []byte, key string) string {
	v := bsonFind(doc, key, 2)
	if len(v) < 4 {
		return ""
	}
	n := int(binary.LittleEndian.Uint32(v))
	if n < 1 || n > len(v)-4 || n > 1024 {
		return ""
	}
	return string(v[4 : 4+n-1])
}

func bsonInt(doc []byte, key string) (int, bool) {
	if v := bsonFind(doc, key, 0x10); len(v) >= 4 {
		return int(int32(binary.LittleEndian.Uint32(v))), true
	}
	return 0, false
}

// bsonFind walks the elements of a document; it gives the bytes from the value on.
func bsonFind(doc []byte, key string, kind byte) []byte {
	if len(doc) < 5 {
		return nil
	}
	for b := doc[4:]; len(b) > 1 && b[0] != 0; {
		end := bytes.IndexByte(b[1:], 0)
		if end < 0 {
			return nil
		}
		value := b[end+2:]
		if b[0] == kind && string(b[1:end+1]) == key {
			return value
		}
		n := bsonSize(b[0], value)
		if n < 0 || n > len(value) {
			return nil
		}
		b = value[n:]
	}
	return nil
}

func bsonSize(kind byte, v []byte) int {
	length := func(extra int) int {
		if len(v) < 4 || binary.LittleEndian.Uint32(v) > math.MaxInt32/2 {
			return -1
		}
		return int(binary.LittleEndian.Uint32(v)) + extra
	}
	switch kind {
	case 1, 9, 0x11, 0x12:
		return 8
	case 2, 0x0d, 0x0e:
		return length(4)
	case 3, 4, 0x0f:
		return length(0)
	case 5:
		return length(5)
	case 6, 0x0a, 0xff, 0x7f:
		return 0
	case 7:
		return 12
	case 8:
		return 1
	case 0x10:
		return 4
	case 0x13:
		return 16
	}
	return -1
}

var zookeeperVersion = regexp.MustCompile(`^Zookeeper version: ([0-9]+\.[0-9]+\.[0-9]+)(-[^,]*)?`)

func matchZookeeper(b []byte) (Match, bool) {
	m := Match{Name: "zookeeper"}
	if f := zookeeperVersion.FindSubmatch(b); f != nil {
		m.product("zookeeper", string(f[1]), string(f[2]), toldExactly)
		return m, true
	}
	if bytes.Contains(b, []byte("is not executed because it is not in the whitelist")) || bytes.HasPrefix(b, []byte("This ZooKeeper instance is not currently serving requests")) {
		m.product("zookeeper", "", "", toldBanner)
		return m, true
	}
	return Match{}, false
}

// matchCassandra reads a SUPPORTED or ERROR frame of the native protocol.
func matchCassandra(b []byte) (Match, bool) {
	if len(b) < 9 || b[0] < 0x81 || b[0] > 0x86 || b[4] != 6 && b[4] != 0 || int(binary.BigEndian.Uint32(b[5:])) > 4096 {
		return Match{}, false
	}
	if b[4] == 6 && !bytes.Contains(b, []byte("CQL_VERSION")) || b[4] == 0 && !bytes.Contains(b, []byte("protocol version")) {
		return Match{}, false
	}
	m := Match{Name: "cassandra"}
	m.product("cassandra", "", "", toldBanner)
	if bytes.Contains(b, []byte("SCYLLA")) {
		m.product("scylladb", "", "", toldBanner)
	}
	return m, true
}

// askCassandra starts a session and asks for release_version, which works where no login is wanted.
func askCassandra(a *asker, m *Match) {
	a.talk(func(c *chat) {
		r := c.ask([]byte("\x04\x00\x00\x00\x01\x00\x00\x00\x16\x00\x01\x00\x0bCQL_VERSION\x00\x053.0.0"))
		if len(r) < 9 || r[4] != 2 {
			m.Note = "The server demands a login before it tells its version."
			return
		}
		q := "SELECT release_version FROM system.local"
		body := binary.BigEndian.AppendUint32(nil, uint32(len(q)))
		body = append(append(body, q...), 0, 1, 0)
		r = c.ask(append(binary.BigEndian.AppendUint32([]byte{4, 0, 0, 1, 7}, uint32(len(body))), body...))
		if f := pattern(`\x00\x00\x00[\x01-\x20]([0-9]+\.[0-9]+[0-9A-Za-z.-]*)$`).FindSubmatch(r); f != nil {
			m.product(m.Product, string(f[1]), "", toldExactly)
		}
	})
}

// clickhouseHello is the hello of the native protocol with user default.
var clickhouseHello = []byte("\x00\x07vedette\x01\x01\xaf\xa9\x03\x00\x07default\x00")

func matchClickhouse(b []byte) (Match, bool) {
	if len(b) < 6 {
		return Match{}, false
	}
	m := Match{Name: "clickhouse"}
	switch {
	case b[0] == 0 && bytes.HasPrefix(b[1:], []byte("\x0aClickHouse")) && len(b) > 14:
		m.product("clickhouse", "", "", toldExactly)
		if b[12] < 0x80 && b[13] < 0x80 {
			m.Version = itoa(int(b[12])) + "." + itoa(int(b[13]))
		}
	case b[0] == 2 && bytes.Contains(b, []byte("DB::Exception")):
		m.product("clickhouse", "", "", toldBanner)
		if f := pattern(`version ([0-9.]+)`).FindSubmatch(b); f != nil {
			m.product("clickhouse", string(f[1]), "", toldExactly)
		}
	default:
		return Match{}, false
	}
	return m, true
}

// matchBolt reads the chosen version of Neo4j's protocol, four bytes.
func matchBolt(b []byte) (Match, bool) {
	if len(b) != 4 || b[0] != 0 || b[3] > 6 || b[3] == 0 && (b[1]|b[2]) != 0 {
		return Match{}, false
	}
	m := Match{Name: "bolt"}
	m.product("neo4j", "", "", guessed)
	return m, true
}

// askBolt says hello without credentials; the answer names the server.
func askBolt(a *asker, m *Match) {
	a.talk(func(c *chat) {
		if r := c.ask([]byte{0x60, 0x60, 0xb0, 0x17, 0, 0, 4, 4, 0, 0, 1, 4, 0, 0, 0, 4, 0, 0, 0, 3}); len(r) != 4 {
			return
		}
		hello := []byte("\xb1\x01\xa2\x8auser_agent\x8bvedette/1.0\x86scheme\x84none")
		msg := append([]byte{0, byte(len(hello))}, hello...)
		if f := pattern(`(Neo4j|Memgraph)/v?([0-9][0-9A-Za-z.-]*)`).FindSubmatch(c.ask(append(msg, 0, 0))); f != nil {
			m.product(strings.ToLower(string(f[1])), string(f[2]), "", toldExactly)
		}
	})
}

func matchBeanstalk(b []byte) (Match, bool) {
	m := Match{Name: "beanstalkd"}
	if bytes.HasPrefix(b, []byte("OK ")) && bytes.Contains(b, []byte("current-jobs-urgent:")) {
		m.product("beanstalkd", "", "", toldBanner)
		if f := pattern(`(?m)^version: "?([0-9][^"\r\n]*)`).FindSubmatch(b); f != nil {
			m.product("beanstalkd", string(f[1]), "", toldExactly)
		}
		return m, true
	}
	if bytes.HasPrefix(b, []byte("UNKNOWN_COMMAND\r\n")) {
		m.product("beanstalkd", "", "", toldBanner)
		return m, true
	}
	return Match{}, false
}

var gearmanVersion = regexp.MustCompile(`^OK ([0-9]+\.[0-9]+(?:\.[0-9]+)?)(?:[+~-][^\s]*)?\r?\n$`)

func matchGearman(b []byte) (Match, bool) {
	if f := gearmanVersion.FindSubmatch(b); f != nil {
		m := Match{Name: "gearman"}
		m.product("gearmand", string(f[1]), "", toldExactly)
		return m, true
	}
	return Match{}, false
}
