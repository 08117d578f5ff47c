package report

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/vedette/vedette/internal/platform/pdf"
)

//go:embed html/page.html
var pageText string

//go:embed html/page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"href": href, "lines": lines, "bar": bar, "short": func(s string) bool { return len(s) <= 26 },
}).Parse(pageText))

// writeHTML writes one page that needs nothing else: no script, no font, no picture from elsewhere.
func writeHTML(ctx context.Context, out io.Writer, d Document) error {
	w := bufio.NewWriterSize(out, 64<<10)
	head := pageHead{Document: d, Style: template.CSS(pageStyle), Primary: template.CSS(pdf.Readable(d.Brand.PrimaryColor))}
	if plain, _, _ := pdf.Logo(d.Brand.Logo); plain != nil {
		head.Logo = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(plain))
	}
	section := 0
	d.Body(func(b Block) {
		if b.Heading != nil && b.Heading.Level == 1 {
			section++
			head.Sections = append(head.Sections, pageSection{"section-" + strconv.Itoa(section), b.Heading.Text})
		}
	})
	err := pageTemplate.ExecuteTemplate(w, "head", head)
	section = 0
	d.Body(func(b Block) {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = writeBlock(w, d, b, &section)
		}
	})
	if err == nil {
		err = pageTemplate.ExecuteTemplate(w, "foot", head)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return fmt.Errorf("write html: %w", err)
	}
	return nil
}

type pageHead struct {
	Document
	Style    template.CSS
	Primary  template.CSS
	Logo     template.URL
	Sections []pageSection
}

type pageSection struct{ ID, Text string }

func writeBlock(w io.Writer, d Document, b Block, section *int) error {
	if h := b.Heading; h != nil && h.Level == 1 {
		*section++
		if h.Text == d.Subject {
			_, err := fmt.Fprintf(w, "<h2 id=\"section-%d\" class=\"hidden\">Result</h2>\n", *section) // the page's own heading says it
			return err
		}
		titled := *h
		titled.Anchor = "section-" + strconv.Itoa(*section)
		b.Heading = &titled
	}
	if b.Charts != nil {
		return pageTemplate.ExecuteTemplate(w, "charts", convert(b.Charts, pageChartOf))
	}
	return pageTemplate.ExecuteTemplate(w, "block", b)
}

// href lets through anchors of the page and plain addresses only.
func href(s string) template.URL {
	if name, ok := strings.CutPrefix(s, "#"); ok {
		return template.URL("#" + url.PathEscape(name))
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "mailto" && (u.Scheme != "https" && u.Scheme != "http" || u.Host == "")) {
		return ""
	}
	return template.URL(u.String())
}

// lines cuts a machine's text as a page would.
func lines(c Code) string {
	most := c.Lines
	if most == 0 {
		most = 40
	}
	all := strings.Split(c.Text, "\n")
	if len(all) <= most {
		return c.Text
	}
	return strings.Join(all[:most], "\n") + "\n… " + count(len(all)-most, "more line", "more lines") + ", kept with the scan's evidence"
}

// pagePart is one part of a bar that is 100 wide.
type pagePart struct {
	Tone     Tone
	X, Width string
}

func bar(b Bar, most int) (parts []pagePart) {
	at := 0.0
	for _, s := range b.Shares {
		if s.Value > 0 {
			width := 100 * float64(s.Value) / float64(most)
			parts = append(parts, pagePart{s.Tone, fixed(at), fixed(width)})
			at += width
		}
	}
	return parts
}

// pageChart is a chart with the figures that its picture needs.
type pageChart struct {
	Chart
	Total int
	Most  int
	Arcs  []pageArc
	Sums  []int
}

// pageArc is a part of a circle with a circumference of 100.
type pageArc struct {
	Tone        Tone
	Dash, Start string
}

func pageChartOf(c Chart) pageChart {
	p := pageChart{Chart: c, Most: 1}
	for _, s := range c.Donut {
		p.Total += max(s.Value, 0)
	}
	at := 0.0
	for _, s := range c.Donut {
		if s.Value > 0 {
			part := 100 * float64(s.Value) / float64(p.Total)
			p.Arcs = append(p.Arcs, pageArc{s.Tone, fixed(part) + " " + fixed(100-part), fixed(math.Mod(125-at, 100))})
			at += part
		}
	}
	for _, b := range c.Bars {
		sum := 0
		for _, s := range b.Shares {
			sum += max(s.Value, 0)
		}
		p.Sums = append(p.Sums, sum)
		p.Most = max(p.Most, sum)
	}
	return p
}

func fixed(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }
