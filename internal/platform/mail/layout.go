package mail

import (
	"embed"
	"fmt"
	html "html/template"
	"net/url"
	"regexp"
	"strings"
	text "text/template"
	"unicode"
)

// Brand is how a mail looks and who it comes from. What is empty is the installation's.
type Brand struct {
	Name         string // of the service
	LogoURL      string // an absolute https address
	PrimaryColor string // #rrggbb
	SupportEmail string
	SupportURL   string
	Footer       string
	FromName     string // default: Name
	FromAddress  string // default: the installation's
}

var defaults = Brand{Name: "Vedette", PrimaryColor: "#1d4ed8"}

var color = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func (b Brand) filled() Brand {
	b.Name, b.FromName, b.Footer = clean(b.Name), clean(b.FromName), clean(b.Footer)
	if b.Name == "" {
		b.Name = defaults.Name
	}
	if b.FromName == "" {
		b.FromName = b.Name
	}
	if !color.MatchString(b.PrimaryColor) {
		b.PrimaryColor = defaults.PrimaryColor
	}
	if !web(b.LogoURL) {
		b.LogoURL = ""
	}
	if !web(b.SupportURL) {
		b.SupportURL = ""
	}
	return b
}

// Content is what one mail says. All of it may come from users: it is escaped, and each text is one line.
type Content struct {
	Subject    string   `json:"subject"`
	Paragraphs []string `json:"paragraphs,omitempty"`
	Facts      []Fact   `json:"facts,omitempty"`
	Action     *Action  `json:"action,omitempty"`
	Closing    []string `json:"closing,omitempty"` // paragraphs below the button

	Attachments []Attachment `json:"-"` // not in a Letter
}

// Fact is a line of a small table.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Action is the button; the plain text writes its address out.
type Action struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}

// Attachment of a mail.
type Attachment struct {
	Name    string
	Type    string // media type
	Content []byte
}

// longest text of a mail in characters; more is cut.
const longest = 2000

// clean makes one line without control or invisible characters.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			return ' '
		}
		if unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest])
	}
	return s
}

func web(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func (c Content) cleaned() (Content, error) {
	c.Subject = clean(c.Subject)
	c.Paragraphs, c.Closing = cleanAll(c.Paragraphs), cleanAll(c.Closing)
	facts := make([]Fact, len(c.Facts))
	for i, f := range c.Facts {
		facts[i] = Fact{clean(f.Name), clean(f.Value)}
	}
	c.Facts = facts
	if c.Action != nil {
		if !web(c.Action.URL) {
			return c, fmt.Errorf("%w: the address of %q is none", ErrRefused, c.Action.Label)
		}
		c.Action = &Action{clean(c.Action.Label), c.Action.URL}
	}
	return c, nil
}

func cleanAll(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = clean(s)
	}
	return out
}

//go:embed layout.html layout.txt
var layouts embed.FS

var (
	htmlLayout = html.Must(html.ParseFS(layouts, "layout.html"))
	textLayout = text.Must(text.ParseFS(layouts, "layout.txt"))
)

type page struct {
	Brand Brand
	Content
}

// render gives the HTML and the plain text of a mail.
func render(b Brand, c Content) (asHTML, asText string, err error) {
	var h, t strings.Builder
	if err := htmlLayout.Execute(&h, page{b, c}); err != nil {
		return "", "", fmt.Errorf("lay out a mail: %w", err)
	}
	if err := textLayout.Execute(&t, page{b, c}); err != nil {
		return "", "", fmt.Errorf("lay out a mail: %w", err)
	}
	return h.String(), t.String(), nil
}
