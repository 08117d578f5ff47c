package db

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
)

// The dialects write literals themselves: bun's writer of JSON takes the text \u0000 behind an escaped backslash for a NUL, so that words
// which a target or a user sent would be changed, or refused by PostgreSQL for good.
type (
	postgresDialect struct{ *pgdialect.Dialect }
	sqliteDialect   struct{ *sqlitedialect.Dialect }
)

// AppendJSON writes an SQL literal.
func (postgresDialect) AppendJSON(b, json []byte) []byte { return appendJSON(b, json) }

// AppendJSON writes an SQL literal.
func (sqliteDialect) AppendJSON(b, json []byte) []byte { return appendJSON(b, json) }

// AppendString writes an SQL literal.
func (postgresDialect) AppendString(b []byte, s string) []byte { return appendString(b, s) }

// AppendString writes an SQL literal.
func (sqliteDialect) AppendString(b []byte, s string) []byte { return appendString(b, s) }

// appendString doubles quotes. NUL would end the statement in the middle of the text, and PostgreSQL keeps UTF-8 only, so that
// what a target sent is kept with replacement characters; what a user sends is refused before.
func appendString(b []byte, s string) []byte {
	if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
		s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
	}
	b = append(b, '\'')
	b = append(b, strings.ReplaceAll(s, "'", "''")...)
	return append(b, '\'')
}

// appendJSON doubles quotes; a NUL, which PostgreSQL can't keep, becomes the six characters of its escape.
func appendJSON(b, json []byte) []byte {
	b = append(b, '\'')
	for i := 0; i < len(json); i++ {
		switch c := json[i]; {
		case c == 0:
		case c == '\'':
			b = append(b, "''"...)
		case c == '\\' && bytes.HasPrefix(json[i:], []byte(`\u0000`)):
			b = append(b, `\\u0000`...)
			i += len(`\u0000`) - 1
		case c == '\\' && i+1 < len(json) && json[i+1] == '\\':
			b = append(b, `\\`...)
			i++
		default:
			b = append(b, c)
		}
	}
	return append(b, '\'')
}
