// Package docs has the texts of the documentation page, so that the server shows the same as the repository.
package docs

import "embed"

// API has the pages about the API, in Markdown, by file name.
//
//go:embed api/*.md
var API embed.FS
