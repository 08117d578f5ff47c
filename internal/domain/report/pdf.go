package report

import (
	"context"
	"io"

	"github.com/vedette/vedette/internal/platform/pdf"
)

// writePDF hands a document's blocks to the type-setter, one after the other.
func writePDF(ctx context.Context, out io.Writer, d Document) error {
	w := pdf.New(pdf.Options{
		Title: d.Title, Author: d.Author, Subject: d.Subject, Created: d.Created, Brand: d.Brand.Name, Running: d.Running, Footer: d.Footer,
		Mark: d.Mark, Primary: d.Brand.PrimaryColor, Logo: d.Brand.Logo,
	})
	if c := d.Cover; c != nil {
		w.Cover(pdf.Cover{Title: c.Title, Subtitle: c.Subtitle, Verdict: pdf.Verdict(c.Result), Tiles: convert(c.Tiles, func(v Tile) pdf.Tile { return pdf.Tile(v) }), Facts: pdfFacts(c.Facts), Notice: c.Notice})
	}
	if d.Contents {
		w.Contents("Contents")
	}
	d.Body(func(b Block) {
		if ctx.Err() == nil {
			setBlock(w, b)
		}
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	return w.Close(out)
}

func setBlock(w *pdf.Writer, b Block) {
	switch {
	case b.Heading != nil:
		h := b.Heading
		w.Heading(pdf.Heading{Level: h.Level, Text: h.Text, Sub: h.Sub, Anchor: h.Anchor, Tone: h.Tone, Quiet: h.Quiet, Badges: convert(h.Badges, func(v Badge) pdf.Badge { return pdf.Badge(v) })})
	case b.Paragraph != nil:
		w.Paragraph(pdf.Paragraph(*b.Paragraph))
	case b.Facts != nil:
		w.Facts(pdf.Facts{Columns: b.Facts.Columns, Dense: b.Facts.Dense, Groups: convert(b.Facts.Groups, func(g FactGroup) pdf.FactGroup {
			return pdf.FactGroup{Title: g.Title, Items: pdfFacts(g.Items)}
		})})
	case b.Table != nil:
		setTable(w, b.Table)
	case b.List != nil:
		w.List(pdf.List(*b.List))
	case b.Callout != nil:
		w.Callout(pdf.Callout(*b.Callout))
	case b.Code != nil:
		w.Code(pdf.Code(*b.Code))
	case b.Tiles != nil:
		w.Tiles(convert(b.Tiles, func(v Tile) pdf.Tile { return pdf.Tile(v) }))
	case b.Charts != nil:
		w.Charts(convert(b.Charts, pdfChart))
	case b.Result != nil:
		w.Verdict(pdf.Verdict(*b.Result))
	case b.Break:
		w.Break()
	}
}

func setTable(w *pdf.Writer, t *Table) {
	w.Table(pdf.Table{
		Columns: convert(t.Columns, func(v Column) pdf.Column { return pdf.Column(v) }), Empty: t.Empty,
		Rows: convert(t.Rows, func(row []Cell) []pdf.Cell { return convert(row, func(v Cell) pdf.Cell { return pdf.Cell(v) }) }),
	})
}

func pdfChart(c Chart) pdf.Chart {
	shares := func(all []Share) []pdf.Share { return convert(all, func(v Share) pdf.Share { return pdf.Share(v) }) }
	return pdf.Chart{Title: c.Title, Donut: shares(c.Donut), Centre: c.Centre,
		Bars: convert(c.Bars, func(b Bar) pdf.Bar { return pdf.Bar{Label: b.Label, Shares: shares(b.Shares)} })}
}

func pdfFacts(all []Fact) []pdf.Fact {
	return convert(all, func(v Fact) pdf.Fact { return pdf.Fact(v) })
}

// convert maps a slice; nil stays nil.
func convert[A, B any](all []A, f func(A) B) []B {
	if all == nil {
		return nil
	}
	out := make([]B, len(all))
	for i, v := range all {
		out[i] = f(v)
	}
	return out
}
