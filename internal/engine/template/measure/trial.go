package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/collaborator"
	"github.com/vedette/vedette/internal/engine/template"
	"github.com/vedette/vedette/internal/engine/template/answer"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// tally of the answers that were served.
type tally struct {
	right, missed, mistaken, unmade, idle int
	lines                                 []string
}

// trial serves answers, and hears what the targets do besides.
type trial struct {
	ctx   context.Context
	files fs.FS
	set   *template.Set
	calls *collaborator.Server
	tally tally
}

const grace = 2 * time.Second // until a target of this machine has called back

func answered(ctx context.Context, w io.Writer, files fs.FS, set *template.Set, count int) error {
	calls, err := collaborator.Open(ctx, "127.0.0.1,zone=oob.example.org,dns=0,ports=0")
	if err != nil {
		return err
	}
	defer calls.Close()
	chosen := first(set, count)
	y := &trial{ctx: ctx, files: files, set: set, calls: calls}
	for i, t := range chosen {
		if err := y.template(t); err != nil {
			return err
		}
		if i+1 == min(count, len(chosen)) {
			fmt.Fprintf(w, "\nanswers for the %d templates whose ids have the smallest SHA-256\n", i+1)
			y.tally.print(w, "generated")
		}
	}
	if len(chosen) > count {
		fmt.Fprintf(w, "\nwith the next %d, so that %d are run\n", len(chosen)-count, len(chosen)-y.tally.idle)
		y.tally.print(w, "generated")
	}
	return handWritten(ctx, w, set, chosen, calls)
}

func (y *trial) template(t *template.Template) error {
	if !runs(t) {
		y.tally.idle++
		y.tally.lines = append(y.tally.lines, fmt.Sprintf("never run   %s: %s", t.ID(), t.Idle()))
		return nil
	}
	text, err := fs.ReadFile(y.files, t.Path())
	if err != nil {
		return err
	}
	c, err := answer.Make(text, y.files)
	if err != nil {
		y.tally.unmade++
		y.tally.lines = append(y.tally.lines, fmt.Sprintf("no answer   %s: %v", t.ID(), err))
		return nil
	}
	return y.try(y.set.Only(t), c)
}

// handWritten serves what was written by hand for those of the chosen that the collection has.
func handWritten(ctx context.Context, w io.Writer, set *template.Set, chosen []*template.Template, calls *collaborator.Server) error {
	y := &trial{ctx: ctx, set: set, calls: calls}
	own := &y.tally
	for _, h := range byHand {
		i := slices.IndexFunc(chosen, func(t *template.Template) bool { return t.ID() == h.id })
		if i < 0 {
			own.unmade++
			own.lines = append(own.lines, "not chosen  "+h.id)
			continue
		}
		if err := y.try(set.Only(chosen[i]), h.answers()); err != nil {
			return err
		}
	}
	own.print(w, "written by hand")
	return nil
}

func (y *tally) print(w io.Writer, what string) {
	fmt.Fprintf(w, "%s: %d found on the vulnerable answer and silent on the changed one, %d missed, %d found on the changed one, %d without an answer, %d never run\n",
		what, y.right, y.missed, y.mistaken, y.unmade, y.idle)
	for _, l := range y.lines {
		fmt.Fprintln(w, " ", l)
	}
}

// try serves both sides of a case.
func (t *trial) try(set *template.Set, c *answer.Case) error {
	listens := t.calls.Config()
	c.Collaborator = &answer.Collaborator{
		Zone: listens.Zone, DNS: netip.AddrPortFrom(listens.Listen, listens.DNS), Web: netip.AddrPortFrom(listens.Listen, listens.Ports[0]),
	}
	good, asked, err := t.serve(set, c, c.Good)
	if err != nil {
		return err
	}
	bad, _, err := t.serve(set, c, c.Bad)
	if err != nil {
		return err
	}
	switch y := &t.tally; {
	case good == 0:
		y.missed++
		y.lines = append(y.lines, fmt.Sprintf("missed      %s: asked %q", c.ID, asked))
	case bad > 0:
		y.mistaken++
		y.lines = append(y.lines, fmt.Sprintf("found still %s: %s", c.ID, c.Changed))
	default:
		y.right++
	}
	return nil
}

func (t *trial) serve(set *template.Set, c *answer.Case, exchanges []answer.Exchange) (found int, asked string, err error) {
	var config *tls.Config
	service := scanlink.Service{Protocol: "tcp", State: "open", Name: "http"}
	if c.Kind != "http" {
		service.Name = strings.Join(c.Tags[:min(1, len(c.Tags))], "")
	}
	if c.Kind == "dns" {
		service.Name, service.Protocol = "dns", "udp"
	}
	if c.TLS || c.Kind == "ssl" {
		if config, err = selfSigned(exchanges[0].Answer.Fields); err != nil {
			return 0, "", err
		}
		service.Tunnel = "tls"
	}
	s, err := c.Serve(exchanges, config)
	if err != nil {
		return 0, "", err
	}
	defer s.Close()
	at := netip.MustParseAddrPort(s.Addr())
	service.Address, service.Port = at.Addr(), at.Port()
	host := scanlink.PlanHost{Address: at.Addr(), Names: []string{"localhost"}}
	n := wire.New([]scanlink.PlanHost{host}, wire.Limits{})
	calls := template.NewCallbacks(t.calls)
	all := set.Run(t.ctx, n, wire.Target{Host: host, Service: service}, template.Options{
		Active: true, Detections: true, Variables: c.Variables, Parallel: 1, Deadline: clock.Now().Add(time.Minute), Callbacks: calls,
	})
	all = append(all, calls.Findings(t.ctx, grace)...)
	return len(all), strings.Join(s.Asked(), " | "), nil
}

// selfSigned is a certificate whose names the fields tell, as subject-cn or issuer-org: subject and issuer are one.
func selfSigned(fields []string) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: clock.Now().Add(-time.Hour), NotAfter: clock.Now().Add(time.Hour), DNSNames: []string{"localhost"},
	}
	for _, f := range fields {
		name, text, _ := strings.Cut(f, ": ")
		switch name {
		case "subject-cn", "issuer-cn", "subject-dn", "issuer-dn":
			leaf.Subject.CommonName = strings.TrimPrefix(text, "CN=")
		case "subject-org", "issuer-org":
			leaf.Subject.Organization = []string{text}
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, nil
}
