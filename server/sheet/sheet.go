// Package sheet writes tables as Excel workbooks and as CSV. Nothing else knows how
// either is made.
//
// Both show the same text: see Defused. Numbers and days are real ones, which a
// spreadsheet can sum and sort.
package sheet

import (
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// A Kind is what the cells of a column hold.
type Kind int

// The kinds, and the Go types of their cells. A nil cell is empty, and so is a zero
// time.
const (
	Text    Kind = iota // string
	Day                 // time.Time: a calendar day
	Moment              // time.Time, shown as its own zone has it
	Money               // Amount
	Integer             // int
	Percent             // decimal.Decimal: 0.25 is 25 %
)

// An Amount of money is shown with the decimals that its currency has.
type Amount struct {
	decimal.Decimal
	Places int32
}

// A Column has a title and cells of one kind; a text may stand in any of them.
type Column struct {
	Title string
	Kind  Kind
	Width float64 // in characters; 0: as the kind needs
}

// A Row has a cell for each column; those that are left out at its end are empty.
type Row struct {
	Cells []any
	Bold  bool // a heading or a sum
}

// A Sheet is a table with a name.
type Sheet struct {
	Name    string
	Columns []Column
	Rows    iter.Seq[Row] // cells are not kept: they may be used again
}

// mostText is what a cell holds, in UTF-16 units, and mostDigits what a number in
// Excel keeps (support.microsoft.com, Excel specifications and limits).
const (
	mostText   = 32767
	mostDigits = 15
)

// Defused is text with an apostrophe wherever a spreadsheet could take what follows
// for a formula (owasp.org, CSV Injection): at its beginning, and behind what takes
// cells apart in some countries or programs. A text cell of a workbook is none, but
// becomes one when somebody saves the sheet as CSV or edits the cell.
func Defused(text string) string {
	var out strings.Builder
	cell, begins := 0, true // where what may be a cell begins, and whether nothing of it was seen
	for i, r := range text {
		switch {
		case strings.ContainsRune(";\t\r\n", r):
			out.WriteString(text[cell : i+1])
			cell, begins = i+1, true
		case !begins:
		case strings.ContainsRune("=+-@＝＋－＠﹦﹢﹣﹫−⁼⁺⁻", r):
			out.WriteByte('\'')
			begins = false
		case r == '"' || unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			// What a spreadsheet may drop, and then see what stands behind it.
		default:
			begins = false
		}
	}
	out.WriteString(text[cell:])
	return out.String()
}

// clean is text as a cell can hold it: without what XML cannot say (w3.org/TR/xml,
// 2.2), and not longer than Excel takes.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, text)
	text = Defused(text)
	if len(text) <= mostText {
		return text
	}
	units := 0
	for i, r := range text {
		if units += utf16.RuneLen(r); units >= mostText {
			return text[:i] + "…"
		}
	}
	return text
}

// exact reports whether a number in Excel keeps every digit of d.
func exact(d decimal.Decimal) bool {
	digits := strings.Trim(strings.Replace(d.String(), ".", "", 1), "-0")
	return len(digits) <= mostDigits
}

// digits writes a plainly, with the decimals of its currency or more.
func digits(a Amount) string { return a.StringFixed(max(a.Places, -a.Exponent())) }

// isoDay is a day as programs read it.
func isoDay(t time.Time) string { return t.Format(time.DateOnly) }
