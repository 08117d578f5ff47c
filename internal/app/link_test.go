package app

import (
	"context"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/secret"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/authority"
)

// TestLinkingCode is good once, and for its time alone.
func TestLinkingCode(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		ctx := context.Background()
		csr, _, err := authority.NewRequest()
		if err != nil {
			p.Fatal(err)
		}
		give := func(code string) {
			err := p.app.DB.Write(ctx, access.System(access.DoorTest), func(tx *db.Tx) error {
				return scanner.SetLink(tx, scanner.EmbeddedID, secret.TokenHash(code), tx.Now().Add(24*time.Hour))
			})
			if err != nil {
				p.Fatal(err)
			}
		}
		link := func(code string) (scanlink.LinkAnswer, error) {
			return p.app.dispatcher.Link(ctx, scanlink.LinkRequest{Code: code, CSR: csr})
		}
		give("first")
		answer, err := link("first")
		if err != nil || answer.ScannerID != scanner.EmbeddedID || answer.Certificate == "" || answer.Authority == "" {
			p.Fatalf("%+v %v", answer, err)
		}
		if _, err := link("first"); !fault.Is(err, fault.Unauthenticated) {
			p.Errorf("used twice: %v", err)
		}
		give("second")
		p.clock.Move(25 * time.Hour)
		if _, err := link("second"); !fault.Is(err, fault.Unauthenticated) {
			p.Errorf("after a day: %v", err)
		}
		if _, err := link("never given"); !fault.Is(err, fault.Unauthenticated) {
			p.Errorf("never given: %v", err)
		}
	})
}
