package report

import (
	"context"
	"io"
	"slices"

	"github.com/vedette/vedette/internal/platform/fault"
)

// Type of a document.
type Type string

const (
	Attestation Type = "attestation"
	Executive   Type = "executive"
	Detailed    Type = "detailed"
	Remediation Type = "remediation"
)

// Format of a file.
type Format string

const (
	PDF   Format = "pdf"
	XLSX  Format = "xlsx"
	HTML  Format = "html"
	CSV   Format = "csv"
	JSON  Format = "json"
	XML   Format = "xml"
	SARIF Format = "sarif"
)

var mediaTypes = map[Format]string{
	PDF: "application/pdf", XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", HTML: "text/html; charset=utf-8",
	CSV: "text/csv; charset=utf-8", JSON: "application/json", XML: "application/xml", SARIF: "application/sarif+json",
}

// MediaType of a format, for the Content-Type of a download.
func (f Format) MediaType() string { return mediaTypes[f] }

// Formats in which a type can be had, its own format first.
func Formats(t Type) []Format {
	switch t {
	case Attestation, Executive:
		return []Format{PDF, HTML, JSON, XML}
	case Detailed:
		return []Format{PDF, HTML, CSV, JSON, XML, SARIF}
	case Remediation:
		return []Format{XLSX, PDF, HTML, CSV, JSON, XML}
	}
	return nil
}

// documents by type.
var documents = map[Type]func(*Model) Document{
	Attestation: attestation, Executive: executive, Detailed: detailed, Remediation: remediation,
}

// Render writes one file of a report. The same model gives the same bytes. It fails with an invalid fault where the type
// or the format is not known or they do not go together; it stops when ctx ends.
func Render(ctx context.Context, w io.Writer, m Model, t Type, f Format) error {
	build := documents[t]
	if build == nil {
		return fault.At("/type", "unknown", "There is no document type %q; there are attestation, executive, detailed and remediation.", t)
	}
	if !slices.Contains(Formats(t), f) {
		return fault.At("/format", "unknown", "The %s document cannot be had as %q; its formats are %v.", t, f, Formats(t))
	}
	switch f {
	case PDF:
		return writePDF(ctx, w, build(&m))
	case XLSX:
		return writeXLSX(ctx, w, &m)
	case HTML:
		return writeHTML(ctx, w, build(&m))
	case CSV:
		return writeCSV(ctx, w, &m, t)
	case SARIF:
		return writeSARIF(w, &m)
	case XML:
		return writeXML(w, &m, t)
	}
	return writeJSON(w, &m, t)
}

// Types of documents, in the order in which they are handed over.
var Types = []Type{Attestation, Executive, Detailed, Remediation}
