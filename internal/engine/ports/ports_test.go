package ports_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/engine/ports"
	"github.com/vedette/vedette/internal/engine/wire"
)

var loopback = netip.MustParseAddr("127.0.0.1")

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, out string }{
		{"80", "T:80"},
		{"80,443,1-3", "T:1-3,80,443"},
		{"T:1-1024,U:53,161", "T:1-1024,U:53,161"},
		{"u:53,t:22,23", "T:22-23,U:53"},
		{"-", "T:1-65535"},
		{"-3,65534-", "T:1-3,65534-65535"},
		{" U: 53 , 54 ", "U:53-54"},
		{"80,80,80-80", "T:80"},
	} {
		s, err := ports.Parse(c.in)
		if err != nil || s.String() != c.out {
			t.Errorf("%q: got %q, %v; want %q", c.in, s, err, c.out)
		}
	}
	for _, bad := range []string{"", ",", "0", "65536", "T:", "X:1", "9-5", "http", "1-2-3", "-0", "80;81", "１"} {
		if s, err := ports.Parse(bad); err == nil {
			t.Errorf("%q: accepted as %q", bad, s)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"T:1-65535,U:53,161", "-", "1-2-3", "U:-,T:1", "65535-", "tcp:80,udp:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ports.Parse(text)
		if err != nil {
			return
		}
		again, err := ports.Parse(s.String())
		if err != nil || !slices.Equal(again.TCP, s.TCP) || !slices.Equal(again.UDP, s.UDP) {
			t.Fatalf("%q became %q, which reads differently: %v", text, s, err)
		}
	})
}

func TestTCPFindsExactlyWhatIsOpen(t *testing.T) {
	t.Parallel()
	n := lab.Net(t)
	want := []uint16{lab.Silent(t).Port(), lab.Banner(t, "hello\r\n").Port(), lab.Closer(t).Port()}
	list := slices.Clone(want)
	closed := make([]uint16, 0, 50)
	for range 50 {
		closed = append(closed, lab.ClosedPort(t).Port())
	}
	list = append(list, closed...)
	slices.Sort(list)
	list = slices.Compact(list)
	for _, connect := range []bool{true, false} {
		r, err := ports.TCP(context.Background(), n, loopback, list, ports.Options{Connect: connect})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range want {
			if !slices.Contains(r.Open, p) {
				t.Errorf("open port %d missed; found %v", p, r.Open)
			}
		}
		if r.Recall != 1 || r.Interference != "" || r.RTT <= 0 {
			t.Errorf("recall %v, interference %q, rtt %v", r.Recall, r.Interference, r.RTT)
		}
	}
}

func TestTCPSaysWhenEverythingIsOpen(t *testing.T) {
	t.Parallel()
	n := wire.New(nil, wire.Limits{})
	if _, err := ports.TCP(context.Background(), n, loopback, []uint16{80}, ports.Options{}); !errors.Is(err, wire.ErrOutOfScope) {
		t.Fatalf("strange address: %v", err)
	}
	list := make([]uint16, 0, 300)
	for range 300 {
		list = append(list, lab.Closer(t).Port())
	}
	r, err := ports.TCP(context.Background(), lab.Net(t), loopback, list, ports.Options{})
	if err != nil || !strings.Contains(r.Interference, "every port") {
		t.Fatalf("interference %q, %v", r.Interference, err)
	}
	if len(r.Open) > 100 {
		t.Errorf("%d ports still called open", len(r.Open))
	}
}

func TestTCPStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	probed := 0
	all, _ := ports.Parse("-")
	start := time.Now()
	_, err := ports.TCP(ctx, lab.Net(t), loopback, all.TCP, ports.Options{Window: 1, Probed: func(n int) {
		if probed += n; probed == 100 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || time.Since(start) > 5*time.Second || probed > 200 {
		t.Errorf("after %v and %d probes: %v", time.Since(start), probed, err)
	}
}

func BenchmarkTCPAllPorts(b *testing.B) {
	n := lab.Net(b)
	all, _ := ports.Parse("-")
	for _, connect := range []bool{false, true} {
		b.Run(map[bool]string{false: "bare", true: "connect"}[connect], func(b *testing.B) {
			for b.Loop() {
				if _, err := ports.TCP(context.Background(), n, loopback, all.TCP, ports.Options{Connect: connect}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestUDPCallsOpenOnlyWhatAnswers(t *testing.T) {
	t.Parallel()
	loud := lab.UDP(t, func(b []byte) []byte { return append([]byte("got "), b...) })
	quiet := lab.UDP(t, func([]byte) []byte { return nil })
	refused := lab.ClosedPort(t)
	late := 0
	third := lab.UDP(t, func([]byte) []byte {
		if late++; late < 3 { // the first two datagrams are lost
			return nil
		}
		return []byte("at last")
	})
	payloads := func(uint16) []ports.Payload { return []ports.Payload{{Name: "hello", Data: []byte("hello")}} }
	list := []uint16{loud.Port(), quiet.Port(), refused.Port(), third.Port()}
	answers, err := ports.UDP(context.Background(), lab.Net(t), loopback, list, payloads, ports.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[uint16]string{}
	for _, a := range answers {
		got[a.Port] = string(a.Reply)
	}
	if len(got) != 2 || got[loud.Port()] != "got hello" || got[third.Port()] != "at last" {
		t.Errorf("answers %v", got)
	}
}

// An answer from another port of the host counts where the protocol works so.
func TestUDPAnswerFromAnotherPort(t *testing.T) {
	t.Parallel()
	other, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	in, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	go func() {
		b := make([]byte, 100)
		for {
			_, from, err := in.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = other.WriteTo([]byte("data"), from)
		}
	}()
	port := netip.MustParseAddrPort(in.LocalAddr().String()).Port()
	payloads := func(uint16) []ports.Payload { return []ports.Payload{{Name: "tftp", Data: []byte("x"), AnyPort: true}} }
	answers, err := ports.UDP(context.Background(), lab.Net(t), loopback, []uint16{port}, payloads, ports.Options{})
	if err != nil || len(answers) != 1 || string(answers[0].Reply) != "data" {
		t.Errorf("answers %v, %v", answers, err)
	}
}
