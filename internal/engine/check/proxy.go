package check

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// proxyChecks look for proxies that carry anybody's traffic. What is asked for is the target itself or a reserved name,
// so that no third party is reached.
var proxyChecks = []check{
	{"proxy-http", []string{"proxy.open"}, over("tcp", "http"), openHTTPProxy},
	{"proxy-socks", []string{"proxy.open"}, maybe("tcp", []uint16{1080, 9050}, "socks"), openSOCKS},
}

// foreign is a name that cannot resolve (RFC 6761), so that even a willing proxy reaches nobody.
const foreign = "scan.invalid"

// openHTTPProxy asks for a foreign page, as one asks a proxy. An origin server answers as for its own page; a closed
// proxy refuses by 401, 403 or 407; an open one tries, and reports that the name is not there, in its own words. CONNECT
// to the service's own port is the second proof.
func openHTTPProxy(ctx context.Context, e *env) []scanlink.Finding {
	if sealed(e.t) {
		return nil
	}
	if f := e.connects(ctx); f != nil {
		return f
	}
	request := []byte("GET http://" + foreign + "/ HTTP/1.1\r\nHost: " + foreign + "\r\nUser-Agent: " + e.agent() + "\r\nConnection: close\r\n\r\n")
	reply, err := e.ask(ctx, request)
	if err != nil || !triedToReach(reply) {
		return nil
	}
	own, err := e.ask(ctx, []byte("GET / HTTP/1.1\r\nHost: "+foreign+"\r\nUser-Agent: "+e.agent()+"\r\nConnection: close\r\n\r\n"))
	if err == nil && triedToReach(own) && status(own) == status(reply) {
		return nil // a gateway that fails for its own reasons
	}
	f := e.found("proxy.open", request, reply[:min(len(reply), 1024)], "The proxy tries to reach any host for anybody; it was asked for a name that cannot exist.")
	f.QoD = 95
	return one(f)
}

func status(reply []byte) int {
	fields := bytes.Fields(reply[:min(len(reply), 64)])
	if len(fields) < 2 || !bytes.HasPrefix(fields[0], []byte("HTTP/1.")) {
		return 0
	}
	code, _ := strconv.Atoi(string(fields[1]))
	return code
}

// unresolved is what proxies say of a name that is not there.
var unresolved = []string{"err_dns_fail", "err_cannot_forward", "unable to connect", "could not resolve", "dns", "no such domain", "not known", "unknown host", "host not found", "name or service", "unable to determine ip"}

func triedToReach(reply []byte) bool {
	code := status(reply)
	if code != 500 && code != 502 && code != 503 && code != 504 {
		return false
	}
	text := strings.ToLower(string(reply))
	for _, s := range unresolved {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// connects asks for a tunnel to the service's own port and speaks HTTP through it.
func (e *env) connects(ctx context.Context) []scanlink.Finding {
	c, err := e.dial(ctx)
	if err != nil {
		return nil
	}
	defer c.Close()
	request := fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", e.t.AddrPort(), e.t.AddrPort())
	if _, err := io.WriteString(c, request); err != nil {
		return nil
	}
	reply, err := wire.Read(c, 4096, wait)
	if err != nil || status(reply) != 200 || !bytes.HasSuffix(reply, []byte("\r\n\r\n")) || bytes.Contains(bytes.ToLower(reply), []byte("content-length: ")) {
		return nil
	}
	// A second CONNECT inside the tunnel must be answered by HTTP as well.
	if _, err := io.WriteString(c, request); err != nil {
		return nil
	}
	inner, err := wire.Read(c, 4096, wait)
	if err != nil || status(inner) == 0 {
		return nil
	}
	return one(e.found("proxy.open", []byte(request), append(reply, inner...), "A tunnel to the proxy's own port was opened for anybody."))
}

// openSOCKS asks for a connection to the service's own port, by version 5 without login (RFC 1928) and by version 4.
func openSOCKS(ctx context.Context, e *env) []scanlink.Finding {
	at := e.t.AddrPort()
	f := e.socks5(ctx, at)
	if f == nil { // some refuse to call themselves
		f = e.socks5(ctx, netip.AddrPortFrom(at.Addr(), 1))
	}
	if f != nil || !at.Addr().Unmap().Is4() {
		return f
	}
	a := at.Addr().Unmap().As4()
	request := []byte{4, 1, byte(at.Port() >> 8), byte(at.Port()), a[0], a[1], a[2], a[3], 0}
	reply, err := e.ask(ctx, request)
	if err != nil || len(reply) < 8 || reply[0] != 0 || reply[1] != 90 {
		return nil
	}
	return one(e.found("proxy.open", request, reply, "The proxy (SOCKS 4) connects for anybody."))
}

func (e *env) socks5(ctx context.Context, to netip.AddrPort) []scanlink.Finding {
	c, err := e.dial(ctx)
	if err != nil {
		return nil
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * wait))
	if _, err := c.Write([]byte{5, 1, 0}); err != nil {
		return nil
	}
	var choice [2]byte
	if _, err := io.ReadFull(c, choice[:]); err != nil || choice != [2]byte{5, 0} {
		return nil
	}
	request := []byte{5, 1, 0, 1}
	if to.Addr().Unmap().Is6() {
		request[3] = 4
	}
	request = append(append(request, to.Addr().Unmap().AsSlice()...), byte(to.Port()>>8), byte(to.Port()))
	if _, err := c.Write(request); err != nil {
		return nil
	}
	var reply [4]byte
	if _, err := io.ReadFull(c, reply[:]); err != nil || reply[0] != 5 {
		return nil
	}
	// 0 is success; 3 to 5 are failures of a try, which a rule against strangers (2) would have forestalled.
	if reply[1] != 0 && (reply[1] < 3 || reply[1] > 5) {
		return nil
	}
	return one(e.found("proxy.open", request, reply[:], "The proxy (SOCKS 5) asks for no login and connects for anybody."))
}
