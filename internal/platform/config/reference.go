package config

import (
	"fmt"
	"strings"
)

const preface = `# Configuration

<!-- Made from internal/platform/config by go test ./internal/platform/config -update; change it there. -->

Every option can be given in three ways. Where several are used the first in this list wins:

1. a flag, such as ` + "`--http-address 0.0.0.0:8080`" + `
2. an environment variable, such as ` + "`VEDETTE_HTTP_ADDRESS=0.0.0.0:8080`" + ` (set to nothing it counts as not set)
3. a YAML file named by ` + "`--config FILE`" + ` or ` + "`VEDETTE_CONFIG`" + `:

   ` + "```yaml" + `
   http:
     address: 0.0.0.0:8080
   scan:
     allow_networks: [10.20.0.0/16]
   ` + "```" + `

Lists are written with commas in flags and variables. A mistake stops the start and is reported with the name of the
option; so is a key in the file that does not exist.

Secrets have no flag, because command lines are visible to every user of a machine (but for the database URLs, where a
password can be left to a ` + "`.pgpass`" + ` file). Each secret can also be read from a file, for container and systemd
secrets: ` + "`secret.key_file`, `VEDETTE_MAIL_PASSWORD_FILE`, `--operator-password-file`" + `. Logs show secrets as dots.
`

// Reference is docs/configuration.md.
func Reference() string {
	var out strings.Builder
	out.WriteString(preface)
	group := "-"
	for _, o := range options() {
		next, _, nested := strings.Cut(o.key, ".")
		if !nested {
			next = ""
		}
		group = section(&out, group, next)
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", o.key, o.envCell(), o.defaultCell(), o.docCell())
	}
	return out.String()
}

func section(out *strings.Builder, current, next string) string {
	if current == next {
		return current
	}
	title := next
	if next == "" {
		title = "General"
	}
	fmt.Fprintf(out, "\n## %s\n\n| Option | Environment | Default | What it does |\n|---|---|---|---|\n", title)
	return next
}

func (o option) envCell() string {
	cell := "`" + o.env() + "`"
	if file, ok := o.fileOption(); ok {
		cell += ", `" + file.env() + "`"
	}
	return cell
}

func (o option) defaultCell() string {
	switch {
	case o.fallback != "":
		return "`" + o.fallback + "`"
	case o.derived != "":
		return strings.ReplaceAll(o.derived, "<", "&lt;")
	}
	return "none"
}

func (o option) docCell() string {
	doc := strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(o.doc)
	if expects := o.expects(); strings.Contains(expects, "such as") {
		doc += " Written as " + expects + "."
	}
	if o.secret() {
		doc += " **Secret.**"
	}
	return doc
}
