package scanlink

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The protocol: JSON over HTTPS on a listener of its own, with mutual TLS from the installation's own authority. Every
// path is a POST. Errors are {"code","detail"} with the status of their fault.Kind; 409 on a chunk means that its lease
// is gone (a stale token), and the scanner ends its traffic for that chunk at once.
const (
	PathLink   = "/v1/link"  // LinkRequest, no certificate needed -> LinkAnswer
	PathRenew  = "/v1/renew" // RenewRequest -> LinkAnswer
	PathHello  = "/v1/hello" // Hello -> 204
	PathLease  = "/v1/lease" // LeaseRequest, held open up to LeasePoll -> Lease or 204
	PathChunks = "/v1/chunks/"
	PathBeat   = "/beat"         // after PathChunks and the id: Beat, held open up to BeatPoll -> BeatAnswer
	PathResult = "/observations" // Batch -> 204; idempotent by chunk, attempt and sequence
	PathFinish = "/finish"       // Finish -> 204
	PathVerify = "/v1/verify/"   // and the id of the job: Verification -> 204
)

// Bounds of the protocol.
const (
	LeasePoll = 30 * time.Second
	BeatPoll  = 10 * time.Second
	MaxBatch  = 2000    // observations of one batch
	MaxBody   = 8 << 20 // bytes of one body, as sent and unpacked
)

// LinkRequest turns a one-use linking code into a certificate. The scanner made its key itself; CSR is a PEM
// certificate request, of which only the public key is used.
type LinkRequest struct {
	Code string `json:"code"`
	CSR  string `json:"csr"`
}

// RenewRequest asks for a new certificate before the present one expires.
type RenewRequest struct {
	CSR string `json:"csr"`
}

// LinkAnswer is a scanner's identity.
type LinkAnswer struct {
	Certificate string `json:"certificate"` // PEM
	Authority   string `json:"authority"`   // PEM of the authority that server and scanner trust
	ScannerID   string `json:"scanner_id"`
}

// Hello says what a scanner is.
type Hello struct {
	Version      string            `json:"version"`
	Capabilities []string          `json:"capabilities,omitempty"` // raw_sockets, ipv6 …
	FeedVersions map[string]string `json:"feed_versions,omitempty"`
	Addresses    []string          `json:"addresses,omitempty"` // of its network interfaces
	Clock        time.Time         `json:"clock"`               // the scanner's own, so that the skew shows
	From         string            `json:"-"`                   // the address from which the server is called; set there
}

// LeaseRequest asks for one chunk of work.
type LeaseRequest struct {
	Hello
	Free     int    `json:"free"`               // chunks that the scanner could take now, this one among them; 0: only a verification
	Instance string `json:"instance,omitempty"` // this process among those of one scanner
}

// Lease is one chunk of a scan for one scanner until its deadline, or a job of verification.
type Lease struct {
	ChunkID         string     `json:"chunk_id,omitempty"`
	ScanID          string     `json:"scan_id,omitempty"`
	Attempt         int        `json:"attempt,omitempty"`
	Token           int64      `json:"token,omitempty"`            // fencing token: grows with each lease of the chunk
	DeadlineSeconds int        `json:"deadline_seconds,omitempty"` // from the answer on
	Plan            *Plan      `json:"plan,omitempty"`
	FeedVersion     string     `json:"feed_version,omitempty"`
	Sealed          []byte     `json:"sealed,omitempty"` // the plan's credentials as JSON, for this scanner and Job alone (authority.Seal)
	Verify          *VerifyJob `json:"verify,omitempty"` // then everything else is empty, but for a plan to sign in
}

// Job names the lease for which its credentials are sealed.
func (l *Lease) Job() string {
	if l.Verify != nil {
		return "verify/" + l.Verify.ID
	}
	return fmt.Sprintf("%s/%d", l.ChunkID, l.Token)
}

// VerifyJob asks a scanner to prove itself. With a plan beside it in the lease it asks to sign in, and how that fared is told in
// checks named LoginCheck and the kind.
type VerifyJob struct {
	ID string `json:"id"`
}

// Verification answers a VerifyJob.
type Verification struct {
	Hello
	Checks []VerifyCheck `json:"checks"`
}

// LoginCheck and a kind of credentials name the check that tells how a login fared; its value is a result of Login.
const LoginCheck = "login "

// VerifyCheck is one thing that was looked at.
type VerifyCheck struct {
	Name   string `json:"name"` // reachable, version, feed_age, clock_skew, raw_sockets or known_ports
	OK     bool   `json:"ok"`
	Value  string `json:"value"`
	Detail string `json:"detail"`
}

// Beat keeps a lease alive.
type Beat struct {
	Token    int64     `json:"token"`
	Progress *Progress `json:"progress,omitempty"`
	Brief    bool      `json:"brief,omitempty"` // answered at once instead of held open
}

// BeatAnswer tells how the lease stands. It comes at once when the scan is to stop.
type BeatAnswer struct {
	Stop            bool `json:"stop"`
	DeadlineSeconds int  `json:"deadline_seconds"` // from the moment the beat was sent
}

// Batch is a run of observations of one lease. Sequence counts from 1 without gaps; a repeat is harmless.
type Batch struct {
	Token        int64         `json:"token"`
	Sequence     int           `json:"sequence"`
	Observations []Observation `json:"observations"`
}

// Finish ends a lease. The server takes it only when it holds every batch up to LastSequence.
type Finish struct {
	Token        int64  `json:"token"`
	LastSequence int    `json:"last_sequence"` // 0: nothing was observed
	Error        string `json:"error,omitempty"`
	Interrupted  bool   `json:"interrupted,omitempty"` // the plan was not worked to its end: the chunk goes back to the pool, or was stopped
}

// Problem is the body of an error.
type Problem struct {
	Code   string `json:"code"` // of the fault, or its kind
	Detail string `json:"detail"`
}

// LinkingCode joins a one-use secret with the pin of the authority, so that a scanner can know the server that it
// gives the secret to. The secret must hold no dot.
func LinkingCode(secret, authorityPEM string) (string, error) {
	pin, err := Pin(authorityPEM)
	if err != nil {
		return "", err
	}
	return secret + "." + pin, nil
}

// SplitCode undoes LinkingCode; pin is empty where the code has none.
func SplitCode(code string) (secret, pin string) {
	secret, pin, _ = strings.Cut(strings.TrimSpace(code), ".")
	return secret, pin
}

// Pin is the SHA-256 of the first certificate of a PEM text, in lower-case hexadecimal.
func Pin(certificatePEM string) (string, error) {
	block, _ := pem.Decode([]byte(certificatePEM))
	if block == nil || block.Type != "CERTIFICATE" {
		return "", errors.New("no PEM certificate")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:]), nil
}
