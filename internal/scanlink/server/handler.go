package server

import (
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/authority"
)

// Handler serves the protocol. It must stand behind a listener that verifies client certificates, as Listen does.
func Handler(d Dispatcher) http.Handler {
	h := &handler{d: d, links: rate.NewLimiter(1, 20)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+scanlink.PathLink, h.link)
	mux.HandleFunc("POST "+scanlink.PathRenew, known(h, small, func(c call, in scanlink.RenewRequest) (any, error) {
		return h.d.Renew(c.ctx, c.scanner, authority.Serial(c.certificate), in.CSR)
	}))
	mux.HandleFunc("POST "+scanlink.PathHello, known(h, small, func(c call, in scanlink.Hello) (any, error) {
		if err := checkHello(c, &in); err != nil {
			return nil, err
		}
		return nil, h.d.Hello(c.ctx, c.scanner, in)
	}))
	mux.HandleFunc("POST "+scanlink.PathLease, known(h, small, h.lease))
	mux.HandleFunc("POST "+scanlink.PathChunks+"{id}"+scanlink.PathBeat, known(h, small, h.beat))
	mux.HandleFunc("POST "+scanlink.PathChunks+"{id}"+scanlink.PathResult, known(h, scanlink.MaxBody, h.observe))
	mux.HandleFunc("POST "+scanlink.PathChunks+"{id}"+scanlink.PathFinish, known(h, small, h.finish))
	mux.HandleFunc("POST "+scanlink.PathVerify+"{id}", known(h, small, h.verified))
	return mux
}

const small = 64 << 10 // bytes of every body but a batch

type handler struct {
	d     Dispatcher
	links *rate.Limiter // guesses of linking codes a second, from everywhere
}

// call is one request of a scanner that is known.
type call struct {
	ctx         context.Context
	scanner     string
	id          string            // of the path: a chunk or a job
	certificate *x509.Certificate // that the scanner shows
	from        string            // the address from which it calls
}

// known lets only scanners in, reads the body, and writes the answer or 204.
func known[In any](h *handler, limit int64, act func(call, In) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scanner, serial, err := identity(r)
		if err == nil {
			err = h.d.Known(r.Context(), scanner, serial)
		}
		var in In
		if err == nil {
			err = read(w, r, limit, &in)
		}
		id := r.PathValue("id")
		if err == nil && strings.Contains(r.Pattern, "{id}") && !plainID(id) {
			err = fault.Missing()
		}
		var out any
		if err == nil {
			out, err = act(call{r.Context(), scanner, id, r.TLS.VerifiedChains[0][0], from(r)}, in)
		}
		answer(w, r, out, err)
	}
}

func (h *handler) link(w http.ResponseWriter, r *http.Request) {
	var in scanlink.LinkRequest
	if !h.links.Allow() {
		answer(w, r, nil, fault.New(fault.Limited, "Too many scanners are linking at this moment; try again in a minute."))
		return
	}
	err := read(w, r, small, &in)
	var out scanlink.LinkAnswer
	if err == nil {
		in.Code, _ = scanlink.SplitCode(in.Code)
		if in.Code == "" || len(in.Code) > 256 {
			err = fault.New(fault.Unauthenticated, "The linking code is not known, was used or has expired.")
		} else {
			out, err = h.d.Link(r.Context(), in)
		}
	}
	answer(w, r, out, err)
}

func (h *handler) lease(c call, in scanlink.LeaseRequest) (any, error) {
	if err := checkHello(c, &in.Hello); err != nil {
		return nil, err
	}
	in.Instance = line(in.Instance, 64)
	if in.Free < 0 || in.Free > 1024 {
		return nil, fault.At("/free", "out_of_range", "free must lie between 0 and 1024")
	}
	ctx, cancel := context.WithTimeout(c.ctx, scanlink.LeasePoll)
	defer cancel()
	lease, err := h.d.Lease(ctx, c.scanner, in)
	switch {
	case err == nil && lease != nil:
		return sealed(lease, c.certificate)
	case ctx.Err() == nil:
		return nil, err
	}
	return nil, nil // the poll is over, whatever the dispatcher was in
}

// sealed turns the credentials of a lease into what only the scanner that asked can open. Without that they stay here.
func sealed(lease *scanlink.Lease, to *x509.Certificate) (any, error) {
	if lease.Plan == nil || len(lease.Plan.Credentials) == 0 {
		return lease, nil
	}
	plain, err := json.Marshal(lease.Plan.Credentials)
	if err != nil {
		return nil, err
	}
	out := *lease
	if out.Sealed, err = authority.Seal(to, lease.Job(), plain); err != nil {
		return nil, fmt.Errorf("seal the credentials of a lease: %w", err)
	}
	return &out, nil
}

func (h *handler) beat(c call, in scanlink.Beat) (any, error) {
	if in.Progress != nil {
		o := scanlink.Observation{Progress: in.Progress}
		if err := o.Check(); err != nil {
			return nil, fault.At("/progress", "invalid", "%v", err)
		}
	}
	ctx, cancel := context.WithTimeout(c.ctx, scanlink.BeatPoll)
	defer cancel()
	return h.d.Beat(ctx, c.scanner, c.id, in)
}

func (h *handler) observe(c call, in scanlink.Batch) (any, error) {
	if len(in.Observations) == 0 || len(in.Observations) > scanlink.MaxBatch {
		return nil, fault.At("/observations", "out_of_range", "a batch holds 1 to %d observations", scanlink.MaxBatch)
	}
	if in.Sequence < 1 || in.Sequence > 1<<30 {
		return nil, fault.At("/sequence", "out_of_range", "sequence counts from 1")
	}
	for i := range in.Observations {
		if err := in.Observations[i].Check(); err != nil {
			return nil, fault.At(fmt.Sprintf("/observations/%d", i), "invalid", "%v", err)
		}
		if in.Observations[i].Progress != nil {
			return nil, fault.At(fmt.Sprintf("/observations/%d", i), "invalid", "progress is told by the beat")
		}
	}
	return nil, h.d.Observe(c.ctx, c.scanner, c.id, in)
}

func (h *handler) finish(c call, in scanlink.Finish) (any, error) {
	if in.LastSequence < 0 || in.LastSequence > 1<<30 {
		return nil, fault.At("/last_sequence", "out_of_range", "last_sequence is 0 or that of the last batch")
	}
	in.Error = line(in.Error, 1024)
	return nil, h.d.Finish(c.ctx, c.scanner, c.id, in)
}

func (h *handler) verified(c call, in scanlink.Verification) (any, error) {
	if err := checkHello(c, &in.Hello); err != nil {
		return nil, err
	}
	if len(in.Checks) > 32 {
		return nil, fault.At("/checks", "too_long", "there are at most 32 checks")
	}
	for i := range in.Checks {
		k := &in.Checks[i]
		k.Name, k.Value, k.Detail = line(k.Name, 64), line(k.Value, 256), line(k.Detail, 1024)
	}
	return nil, h.d.Verified(c.ctx, c.scanner, c.id, in)
}

// identity is the scanner of the certificate that is shown, and the certificate's serial number.
func identity(r *http.Request) (id, serial string, err error) {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		leaf := r.TLS.VerifiedChains[0][0]
		if id, ok := authority.ScannerID(leaf); ok {
			return id, authority.Serial(leaf), nil
		}
	}
	return "", "", fault.New(fault.Unauthenticated, "A scanner shows its certificate here.")
}

// from is the address of the peer; empty where it has none.
func from(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return at.Addr().Unmap().String()
}

// read decodes one JSON body, gzip or plain, of at most limit bytes as sent and unpacked.
func read(w http.ResponseWriter, r *http.Request, limit int64, into any) error {
	var body io.Reader = http.MaxBytesReader(w, r.Body, limit)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return unreadable(err)
		}
		body = z
	}
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return unreadable(err)
	}
	if int64(len(b)) > limit {
		return fault.New(fault.TooLarge, "The body is larger than %d bytes.", limit)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return unreadable(err)
	}
	return nil
}

func unreadable(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return fault.New(fault.TooLarge, "The body is larger than %d bytes.", large.Limit)
	}
	return fault.New(fault.Invalid, "The body is not the JSON that is expected here.").Because(err)
}

var statuses = map[fault.Kind]int{
	fault.Invalid: 422, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404, fault.Conflict: 409,
	fault.Gone: 410, fault.TooLarge: 413, fault.Limited: 429, fault.Unavailable: 503, fault.Internal: 500,
}

func answer(w http.ResponseWriter, r *http.Request, out any, err error) {
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		refuse(w, r, err)
		return
	}
	if out == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(out); err != nil && r.Context().Err() == nil {
		slog.ErrorContext(r.Context(), "answer a scanner", "path", r.URL.Path, "error", err)
	}
}

func refuse(w http.ResponseWriter, r *http.Request, err error) {
	kind := fault.KindOf(err)
	problem := scanlink.Problem{Code: string(kind), Detail: "The server failed."}
	var f *fault.Fault
	if errors.As(err, &f) {
		problem.Detail = f.Text
		if f.Code != "" {
			problem.Code = f.Code
		}
	}
	if kind == fault.Internal && r.Context().Err() == nil {
		slog.ErrorContext(r.Context(), "serve a scanner", "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(statuses[kind])
	_ = json.NewEncoder(w).Encode(problem)
}

func checkHello(c call, h *scanlink.Hello) error {
	h.From = c.from
	h.Addresses = slices.DeleteFunc(h.Addresses[:min(len(h.Addresses), maxAddresses)], func(a string) bool {
		_, err := netip.ParseAddr(a)
		return err != nil || len(a) > 64
	})
	if len(h.Capabilities) > 64 || len(h.FeedVersions) > 64 {
		return fault.At("/capabilities", "too_long", "there are at most 64 capabilities and feed versions")
	}
	h.Version = line(h.Version, 64)
	for i := range h.Capabilities {
		h.Capabilities[i] = line(h.Capabilities[i], 64)
	}
	versions := make(map[string]string, len(h.FeedVersions))
	for k, v := range h.FeedVersions {
		versions[line(k, 64)] = line(v, 128)
	}
	h.FeedVersions = versions
	if y := h.Clock.Year(); y < 1970 || y > 9999 {
		h.Clock = time.Time{}
	}
	return nil
}

// maxAddresses of a scanner that are kept.
const maxAddresses = 32

// plainID says whether an id of a path can be one.
func plainID(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == ""
}

// line makes a short text safe to keep and to log.
func line(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	return strings.ToValidUTF8(s[:min(len(s), limit)], "")
}
