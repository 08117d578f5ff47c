package blob

import (
	"context"
	"crypto/rand"
	"io"
)

// withContext ends a copy at the next read after its context ended.
type withContext struct {
	ctx context.Context
	io.Reader
}

func (r withContext) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

func randomName() string { return rand.Text() }
