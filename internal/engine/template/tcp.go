package template

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"crypto/tls"

	"github.com/vedette/vedette/internal/engine/template/dsl"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
)

const (
	tcpWait   = 4 * time.Second
	maxAnswer = 256 << 10
)

// tcpExchange is the compiled tcp part of a template: what is said on one connection, and what is heard.
type tcpExchange struct {
	rules
	inputs   []tcpInput
	payloads *payloads
	secure   bool     // tls:// was asked for
	ports    []string // the template's own ports; none: by service
	readSize int
}

type tcpInput struct {
	data *dsl.Template
	hex  bool
	read int
	name string
}

func (c *tcpExchange) protocol() string { return "tcp" }

func compileTCP(b *tcpBlock, t *Template, files fs.FS) (*tcpExchange, error) {
	o := b.operators
	for i := range o.Matchers {
		o.Matchers[i].Part = tcpPart(o.Matchers[i].Part)
	}
	for i := range o.Extractors {
		o.Extractors[i].Part = tcpPart(o.Extractors[i].Part)
	}
	r, err := compileRules(o)
	if err != nil {
		return nil, err
	}
	c := &tcpExchange{rules: *r, readSize: min(max(b.ReadSize, 4096), maxAnswer)}
	if b.ReadAll {
		c.readSize = maxAnswer
	}
	if c.payloads, err = compilePayloads(&b.Payloads, b.Attack, files); err != nil {
		return nil, err
	}
	for _, h := range b.Host {
		c.addHost(h)
	}
	for p := range strings.SplitSeq(b.Port, ",") {
		if p = strings.TrimSpace(p); p != "" && !strings.Contains(p, "{{") {
			c.ports = append(c.ports, p)
		}
	}
	for _, in := range b.Inputs {
		data, err := dsl.CompileText(in.Data)
		if err != nil {
			return nil, err
		}
		if in.Type == "hex" && data.Static() {
			if _, err := hex.DecodeString(strings.TrimSpace(in.Data)); err != nil {
				return nil, fmt.Errorf("input: %w", err)
			}
		}
		c.inputs = append(c.inputs, tcpInput{data: data, hex: in.Type == "hex", read: min(max(in.Read, 0), maxAnswer), name: in.Name})
	}
	return c, nil
}

func tcpPart(p string) string {
	if p == "" || p == "body" || p == "all" || p == "raw" || p == "response" {
		return "data"
	}
	return p
}

// addHost reads {{Hostname}}, {{Host}}:6379 or tls://{{Hostname}}.
func (c *tcpExchange) addHost(h string) {
	rest, secure := strings.CutPrefix(h, "tls://")
	c.secure = c.secure || secure
	if at := strings.LastIndexByte(rest, ':'); at >= 0 {
		if _, err := strconv.Atoi(rest[at+1:]); err == nil {
			c.ports = append(c.ports, rest[at+1:])
		}
	}
}

// fits says whether the template is for this service: on its own port, or where one of its tags names the protocol or
// product that was identified.
func (c *tcpExchange) fits(t wire.Target, tpl *Template) bool {
	if t.Service.Protocol == "udp" {
		return false
	}
	identified := t.Service.Name != "" && t.Service.Name != "unknown"
	for _, tag := range tpl.tagSet() {
		if identified && (tag == t.Service.Name || tag == t.Service.Product) {
			return true
		}
	}
	if service, ok := tpl.info.Metadata["vedette-service"].(string); ok {
		return service == t.Service.Name
	}
	return slices.Contains(c.ports, strconv.Itoa(int(t.Service.Port)))
}

func (c *tcpExchange) run(x *execution) (res result) {
	c.payloads.combinations(func(row []*dsl.Template) bool {
		x.scope.calls.begin(ofPayloads)
		c.payloads.fill(x.scope, row)
		defer x.scope.calls.settle(x, &c.rules)
		if x.stopped() {
			return false
		}
		x.scope.calls.begin(ofRequest)
		said, heard, err := c.talk(x)
		silent := hit{request: orNothing(said), response: excerpt(heard, ""), login: x.login()}
		if err != nil {
			return said == "" || !x.await(&c.rules, []byte(said), silent, &res) || x.every()
		}
		res.ran = true
		j := c.judge(x.scope)
		if !j.matched {
			return !x.await(&c.rules, []byte(said), silent, &res) || x.every()
		}
		res.matched = true
		if !j.internal {
			res.hits = append(res.hits, hit{request: orNothing(said), response: excerpt(heard, j.shown), judgement: j, login: x.login()})
		}
		return x.every()
	})
	x.scope.payload = dsl.Map{}
	return res
}

// talk holds one conversation; the answers become the variables data, raw and those that inputs name.
func (c *tcpExchange) talk(x *execution) (said, heard string, err error) {
	conn, err := x.connect(c.secure)
	if err != nil {
		return "", "", err
	}
	defer conn.Close()
	vars := dsl.Map{}
	for i, in := range c.inputs {
		sent, got, err := in.exchange(conn, x.scope)
		said += sent
		if err != nil {
			return said, heard, err
		}
		heard += got
		if in.name != "" {
			vars[in.name] = got
		}
		vars["data_"+strconv.Itoa(i+1)] = got
		x.scope.answers = []dsl.Vars{vars}
	}
	rest := tcpWait
	if heard != "" {
		rest = 400 * time.Millisecond
	}
	b, err := wire.Read(conn, c.readSize, rest)
	if err != nil && heard == "" {
		return said, heard, err
	}
	last := string(b)
	heard += last
	vars["data"], vars["raw"], vars["request"] = last, heard, said
	if last == "" {
		vars["data"] = heard
	}
	x.scope.answers = []dsl.Vars{vars}
	return said, heard, nil
}

func orNothing(said string) string {
	if said == "" {
		return "(nothing was sent)"
	}
	return said
}

var errData = errors.New("input cannot be built")

func (in tcpInput) exchange(conn net.Conn, vars dsl.Vars) (sent, got string, err error) {
	data, err := in.data.Render(vars)
	if err != nil {
		return "", "", err
	}
	if in.hex {
		b, err := hex.DecodeString(strings.TrimSpace(data))
		if err != nil {
			return "", "", errData
		}
		data = string(b)
	}
	if data != "" {
		if err := conn.SetWriteDeadline(clock.Now().Add(tcpWait)); err != nil {
			return "", "", err
		}
		if _, err := conn.Write([]byte(data)); err != nil {
			return data, "", err
		}
	}
	if in.read > 0 {
		b, _ := wire.Read(conn, in.read, tcpWait)
		got = string(b)
	}
	return data, got, nil
}

// connect opens a connection to the target, through TLS where the service or the template asks for it.
func (x *execution) connect(secure bool) (net.Conn, error) {
	conn, err := x.net.Dial(x.ctx, "tcp", x.target.AddrPort())
	if err != nil {
		return nil, err
	}
	if !secure && x.target.Service.Tunnel != "tls" {
		return conn, nil
	}
	wrapped := tls.Client(conn, &tls.Config{ServerName: x.target.Name(), InsecureSkipVerify: true, MinVersion: tls.VersionTLS10})
	if err := wrapped.HandshakeContext(x.ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return wrapped, nil
}
