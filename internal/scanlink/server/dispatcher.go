// Package server is the server's side of the link to scanners: it knows who calls, bounds and checks what they send,
// holds long polls, and hands the rest to a Dispatcher.
package server

import (
	"context"

	"github.com/vedette/vedette/internal/scanlink"
)

// Dispatcher decides. Every value that reaches it has been bounded; that an address lies inside the chunk's plan it
// checks itself. Its faults become statuses: Conflict on a chunk means that the token is stale or the lease is over,
// and the scanner drops the chunk; Invalid that the scanner sent what it never should.
//
// Lease and Beat block. Their context ends when the poll is over, the scanner is gone or the server shuts down; they
// then return what there is, and that is no error.
type Dispatcher interface {
	// Link trades a linking code, once, for a certificate. fault.Unauthenticated where the code is not known.
	Link(ctx context.Context, request scanlink.LinkRequest) (scanlink.LinkAnswer, error)
	// Known is asked before every other call, with the serial number of the certificate that is shown: fault.Unauthenticated
	// for a scanner that is no more or a certificate that was replaced, fault.Forbidden for a scanner that is deactivated.
	Known(ctx context.Context, scanner, serial string) error
	// Renew signs a new certificate for a scanner that shows the one with the serial number.
	Renew(ctx context.Context, scanner, serial, csr string) (scanlink.LinkAnswer, error)
	Hello(ctx context.Context, scanner string, hello scanlink.Hello) error
	// Lease waits for a chunk or a verification; nil when there is none. A scanner with nothing free takes
	// verifications alone.
	Lease(ctx context.Context, scanner string, request scanlink.LeaseRequest) (*scanlink.Lease, error)
	// Beat extends the lease first, then waits until a stop is asked for or ctx ends; a brief one does not wait.
	Beat(ctx context.Context, scanner, chunk string, beat scanlink.Beat) (scanlink.BeatAnswer, error)
	// Observe stages one batch under (chunk, attempt of the token, sequence); a repeat is no error.
	Observe(ctx context.Context, scanner, chunk string, batch scanlink.Batch) error
	// Finish ends the lease; a repeat with the same token is no error.
	Finish(ctx context.Context, scanner, chunk string, finish scanlink.Finish) error
	Verified(ctx context.Context, scanner, job string, verification scanlink.Verification) error
}
