package report

import (
	"fmt"
	"strings"
)

// Plots are drawn as SVG whose widths are parts of a hundred and whose letters keep their size: one drawing fits a wide
// window, a phone and paper. They take their colours from the page's style, by class.

// A bar is one row of a plot of bars.
type bar struct {
	Label string
	Value string // stands at the right end of the label's line
	Parts []part
}

// A part is a piece of a bar.
type part struct {
	Of    int
	Class string
}

func (b bar) total() (n int) {
	for _, p := range b.Parts {
		n += p.Of
	}
	return n
}

// A plot is a drawing with its words for those who do not see it.
type plot struct {
	ID, Title, About string
	Height           int
	Rows             []plotRow
	Columns          []plotColumn
}

// A plotRow is a bar in place: its label above it.
type plotRow struct {
	Top, Text, Bar int // heights from the top: of the row, of the letters' line, of the bar
	Label, Value   string
	Pieces         []piece
}

// A piece is a rectangle of a row.
type piece struct{ X, Width, Class string }

// A plotColumn is an upright bar in place, with its number above and its label below.
type plotColumn struct {
	X, Width, Middle     string
	Top, High            int
	Text, Foot           int
	Label, Value, Colour string
}

const (
	rowHeight    = 38
	columnHeight = 120 // of the highest
	plotHead     = 18  // above the highest, for its number
	plotFoot     = 24  // below the columns, for their labels
)

// bars draws bars below each other, all to one scale. Those of the label's length that no page has room for are cut.
func bars(id, title string, rows []bar) plot {
	p := plot{ID: id, Title: title, Height: len(rows) * rowHeight}
	most := 1
	for _, b := range rows {
		most = max(most, b.total())
	}
	var words []string
	for n, b := range rows {
		top := n * rowHeight
		row := plotRow{Top: top, Text: top + 13, Bar: top + 19, Label: b.Label, Value: b.Value}
		at := 0
		for _, part := range b.Parts {
			if part.Of > 0 {
				row.Pieces = append(row.Pieces, piece{hundredths(at, most), hundredths(part.Of, most), part.Class})
			}
			at += part.Of
		}
		p.Rows = append(p.Rows, row)
		words = append(words, b.Label+": "+b.Value)
	}
	p.About = strings.Join(words, "; ")
	return p
}

// columns draws bars next to each other.
func columns(id, title string, all []bar) plot {
	p := plot{ID: id, Title: title, Height: plotHead + columnHeight + plotFoot}
	most := 1
	for _, b := range all {
		most = max(most, b.total())
	}
	var words []string
	for n, b := range all {
		high := b.total() * columnHeight / most
		if b.total() > 0 {
			high = max(high, 2)
		}
		c := plotColumn{
			X: hundredths(10*n+1, 10*len(all)), Width: hundredths(8, 10*len(all)), Middle: hundredths(10*n+5, 10*len(all)),
			Top: plotHead + columnHeight - high, High: high, Text: plotHead + columnHeight - high - 5,
			Foot: plotHead + columnHeight + 17, Label: b.Label, Value: b.Value,
		}
		for _, part := range b.Parts {
			c.Colour = part.Class
		}
		p.Columns = append(p.Columns, c)
		words = append(words, b.Label+": "+b.Value)
	}
	p.About = strings.Join(words, "; ")
	return p
}

// hundredths is n of all in per cent.
func hundredths(n, all int) string { return fmt.Sprintf("%.2f%%", 100*float64(n)/float64(all)) }
