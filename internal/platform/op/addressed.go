package op

import "github.com/danielgtaylor/huma/v2"

// Addressed is embedded in the input of an operation that wants to know which host the request is addressed to.
type Addressed struct {
	Host string `json:"-"`
}

// Resolve notes the host, as the client wrote it.
func (a *Addressed) Resolve(ctx huma.Context) []error {
	a.Host = ctx.Host()
	return nil
}
