package tlsprobe

import (
	"context"

	"github.com/vedette/vedette/internal/scanlink"
)

func (p *prober) attacks(ctx context.Context) []scanlink.Finding { return nil }
