// Package library holds Vedette's own templates. Each was written from public advisories, and proves the fault by what
// the server answers, harmlessly; none relies on a status code alone.
package library

import "embed"

// Files are the templates, one a file, in folders by kind.
//
//go:embed */*.yaml
var Files embed.FS
