package answer

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/internal/platform/clock"
)

const maxRequest = 1 << 20

// Server serves one side of a case on a loopback port: answers by request, and 404 to everything else.
type Server struct {
	c         *Case
	exchanges []Exchange
	listener  net.Listener
	names     *dns.Server // in place of the listener

	lock   sync.Mutex
	used   []bool
	values map[string]string
	open   map[net.Conn]bool
	// Asked is what came: method and target, or bytes.
	asked []string
}

// Serve answers until Close. config, where not nil, puts TLS before it.
func (c *Case) Serve(exchanges []Exchange, config *tls.Config) (*Server, error) {
	if c.Kind == "dns" {
		return c.serveNames(exchanges)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve answers: %w", err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	s := &Server{c: c, exchanges: exchanges, listener: l, used: make([]bool, len(exchanges)), values: map[string]string{}, open: map[net.Conn]bool{}}
	go s.accept()
	return s, nil
}

// Addr is where it listens.
func (s *Server) Addr() string {
	if s.names != nil {
		return s.names.PacketConn.LocalAddr().String()
	}
	return s.listener.Addr().String()
}

// Asked is what came so far.
func (s *Server) Asked() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return append([]string(nil), s.asked...)
}

// Close ends every connection.
func (s *Server) Close() {
	if s.names != nil {
		_ = s.names.Shutdown() // nothing is left to answer
		return
	}
	s.listener.Close()
	s.lock.Lock()
	defer s.lock.Unlock()
	for conn := range s.open {
		conn.Close()
	}
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.lock.Lock()
		s.open[conn] = true
		s.lock.Unlock()
		go func() {
			defer conn.Close()
			if s.c.Kind == "http" {
				s.http(conn)
			} else {
				s.plain(conn)
			}
		}()
	}
}

func (s *Server) http(conn net.Conn) {
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		method, target, text, err := readRequest(r)
		if err != nil {
			return
		}
		a := s.find(method, target, text)
		if a.Delay > 0 {
			<-time.After(a.Delay)
		}
		if _, err := conn.Write(a.bytes(method)); err != nil {
			return
		}
	}
}

// readRequest reads head and body, whatever the target looks like.
func readRequest(r *bufio.Reader) (method, target, text string, err error) {
	var b strings.Builder
	length := 0
	chunked := false
	for b.Len() < maxRequest {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", "", "", err
		}
		b.WriteString(line)
		line = strings.TrimRight(line, "\r\n")
		if line == "" && method != "" {
			break
		}
		if method == "" {
			var rest string
			method, rest, _ = strings.Cut(line, " ")
			target = rest
			if at := strings.LastIndex(rest, " HTTP/"); at >= 0 {
				target = rest[:at]
			}
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(name, "Content-Length") {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
		chunked = chunked || strings.EqualFold(name, "Transfer-Encoding")
	}
	if chunked && length == 0 {
		length = r.Buffered()
	}
	body := make([]byte, min(max(length, 0), maxRequest))
	n, err := io.ReadFull(r, body)
	b.Write(body[:n])
	return method, target, b.String(), err
}

// find is the answer to a request: that of the first exchange of its shape that was not used yet.
func (s *Server) find(method, target, text string) Answer {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.asked = append(s.asked, method+" "+target)
	if at := strings.Index(target, "://"); at > 0 && at < 10 {
		if _, rest, ok := strings.Cut(target[at+3:], "/"); ok {
			target = "/" + rest
		}
	}
	var fit []int
	for i, e := range s.exchanges {
		if (e.Request.Method == "" || strings.EqualFold(e.Request.Method, method)) && e.Request.Target != nil && s.agrees(e.Request.Target, target) {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 {
		return Answer{Status: 404}
	}
	for _, i := range fit {
		if !s.used[i] {
			return s.use(i, target, text)
		}
	}
	for _, i := range fit {
		s.used[i] = false
	}
	return s.use(fit[0], target, text)
}

// agrees says that a request has the shape, and in it the random names that were seen before: a server that keeps a file
// has it under one name.
func (s *Server) agrees(shape *regexp.Regexp, target string) bool {
	m := shape.FindStringSubmatch(target)
	if m == nil {
		return false
	}
	for k, name := range shape.SubexpNames() {
		_, payload := s.c.payloads[name]
		before, seen := s.values[name]
		if name != "" && !payload && seen && before != m[k] {
			return false
		}
		if allowed := s.c.lists[name]; payload && len(allowed) > 0 && !slices.ContainsFunc(allowed, func(re *regexp.Regexp) bool { return re.MatchString(m[k]) }) {
			return false
		}
	}
	return true
}

func (s *Server) use(i int, target, text string) Answer {
	s.used[i] = true
	e := s.exchanges[i]
	e.Request.read(target, text, s.values)
	a := e.Answer
	s.call(a.Call, text)
	a.Body = s.render(a.Body)
	a.Fields = append([]string(nil), a.Fields...)
	for k, f := range a.Fields {
		a.Fields[k] = s.render(f)
	}
	return a
}

func (s *Server) render(text string) string {
	seen := func(name string) (any, bool) {
		for _, m := range []map[string]string{s.values, s.c.extracted, s.c.Variables} {
			if got, ok := m[name]; ok {
				return got, true
			}
		}
		return nil, false
	}
	out, err := fill(text, s.c.definition(seen, func(name string) (any, bool) {
		got, ok := s.c.payloads[name]
		return got, ok
	}))
	if err != nil {
		return text
	}
	return out
}

func (a *Answer) bytes(method string) []byte {
	var b strings.Builder
	b.WriteString(a.head())
	if method != "HEAD" && a.Status >= 200 && a.Status != 204 && a.Status != 304 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(a.Body), a.Body)
	} else {
		b.WriteString("\r\n")
	}
	return []byte(b.String())
}

// plain says the answer after each thing heard, or at once where the template says nothing.
func (s *Server) plain(conn net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		if err := conn.SetReadDeadline(clock.Now().Add(300 * time.Millisecond)); err != nil {
			return
		}
		n, err := conn.Read(buffer)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		s.lock.Lock()
		var out strings.Builder
		for i := range s.exchanges {
			s.asked = append(s.asked, string(buffer[:n]))
			out.WriteString(s.use(i, "", string(buffer[:n])).Body)
		}
		s.lock.Unlock()
		if _, err := conn.Write([]byte(out.String())); err != nil {
			return
		}
		if n == 0 {
			_, _ = conn.Read(buffer) // it waits for more, in its own time
		}
	}
}
