package chart

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Bars is money per period, in one series or two.
type Bars struct {
	ID          string // of the chart in its page
	Title, Desc string // for who does not see it
	Over        string // what the periods are: "Week"
	Periods     []Period
	Series      []Series
	Say         func(decimal.Decimal) string // writes an amount in full
}

// A Period is one place along the axis.
type Period struct {
	Label string // below it, short
	Name  string // in full
}

// A Series is what is drawn of one kind.
type Series struct {
	Name   string
	Class  string            // of its bars
	Values []decimal.Decimal // one for each period
	Down   bool              // from the zero line down, in one column with the other series
}

// A Row is one period of the same data as a table.
type Row struct {
	Name  string
	Cells []string // one for each series
}

// Rows are the data behind the chart.
func (b Bars) Rows() []Row {
	rows := make([]Row, len(b.Periods))
	for i, period := range b.Periods {
		rows[i].Name = period.Name
		for _, series := range b.Series {
			rows[i].Cells = append(rows[i].Cells, b.Say(series.Values[i]))
		}
	}
	return rows
}

// The parts of a chart from top to bottom, in pixels.
const (
	plotTop    = 8
	plotHeight = 244
	height     = plotTop + plotHeight + 28 // with the periods' labels
	labelLine  = height - 8
)

// The parts of a column.
const (
	barsPart = 0.64 // of its width is bars
	gapPart  = 0.03 // between two
)

// SVG draws the chart.
func (b Bars) SVG() template.HTML {
	columns := 0 // beside each other in a period
	var least, most decimal.Decimal
	for _, series := range b.Series {
		if !series.Down || columns == 0 {
			columns++
		}
		for _, value := range series.Values {
			value = series.signed(value)
			least, most = decimal.Min(least, value), decimal.Max(most, value)
		}
	}
	scale := axisOf(least, most)
	y := func(amount decimal.Decimal) float64 { return plotTop + plotHeight*scale.part(amount) }

	var svg drawing
	svg.open("chart", b.ID, b.Title, b.Desc, height)
	for _, amount := range scale.lines() {
		class := "grid"
		if amount.IsZero() {
			class += " zero"
		}
		at := number(y(amount))
		svg.add(`<line class="%s" x1="0" x2="100%%" y1="%s" y2="%s"/>`, class, at, at)
		svg.add(`<text class="axis" x="-8" y="%s" dy=".35em" text-anchor="end">%s</text>`, at, short(amount))
	}
	width := 100 / float64(max(len(b.Periods), 1))
	bar := (barsPart - gapPart*float64(columns-1)) / float64(max(columns, 1)) * width
	for i, period := range b.Periods {
		left := float64(i) * width
		class := "label"
		if i%2 == 1 {
			class += " odd"
		}
		svg.add(`<text class="%s" x="%s%%" y="%d" text-anchor="middle">%s</text>`, class, number(left+width/2), labelLine, escaped(period.Label))
		column := 0
		for k, series := range b.Series {
			if k > 0 && !series.Down {
				column++
			}
			value := series.Values[i]
			if value.IsZero() {
				continue
			}
			from, to := y(decimal.Zero), y(series.signed(value))
			x := left + width*(1-barsPart)/2 + float64(column)*(bar+gapPart*width)
			svg.add(`<rect class="bar %s" x="%s%%" y="%s" width="%s%%" height="%s" rx="2"><title>%s</title></rect>`,
				escaped(series.Class), number(x), number(min(from, to)), number(bar), number(max(from, to)-min(from, to)),
				escaped(fmt.Sprintf("%s, %s: %s", period.Name, series.Name, b.Say(value))))
		}
	}
	return svg.close()
}

func (s Series) signed(value decimal.Decimal) decimal.Decimal {
	if s.Down {
		return value.Neg()
	}
	return value
}

// A drawing is an SVG that grows.
type drawing struct{ strings.Builder }

func (d *drawing) add(format string, arguments ...any) { fmt.Fprintf(d, format, arguments...) }

func (d *drawing) open(class, id, title, desc string, height int) {
	id = escaped(id)
	d.add(`<svg class="%s" id="%s" role="img" aria-labelledby="%s-title %s-desc" width="100%%" height="%d">`, class, id, id, id, height)
	d.add(`<title id="%s-title">%s</title><desc id="%s-desc">%s</desc>`, id, escaped(title), id, escaped(desc))
}

func (d *drawing) close() template.HTML {
	d.add(`</svg>`)
	return template.HTML(d.String()) // every text in it was escaped
}

func escaped(text string) string { return template.HTMLEscapeString(text) }

// number writes a coordinate to a hundredth.
func number(n float64) string {
	text := strconv.FormatFloat(n, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
