package sheet

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"
)

// progressEvery is how many rows pass between two calls of progress.
const progressEvery = 250

// firstDay is the first that Excel counts without its leap year of 1900.
var firstDay = time.Date(1900, time.March, 1, 0, 0, 0, 0, time.UTC)

// Excel writes a workbook to w, which sees its bytes as they are made, and stops
// when ctx ends. progress may be nil; it is told how many rows are done.
//
// Each sheet has a bold header that stays in sight, and a filter. A number with more
// digits than Excel keeps is written as text, so that no cent is lost.
func Excel(ctx context.Context, w io.Writer, sheets []Sheet, progress func(rows int)) error {
	b := book{File: excelize.NewFile(), ctx: ctx, progress: progress}
	defer b.Close() // what it kept on the disk
	if err := b.SetDocProps(&excelize.DocProperties{Creator: "Financial Command Center", LastModifiedBy: "Financial Command Center"}); err != nil {
		return err
	}
	taken := map[string]bool{}
	for i, s := range sheets {
		name := sheetName(s.Name, taken)
		var err error
		if i == 0 {
			err = b.SetSheetName("Sheet1", name)
		} else {
			_, err = b.NewSheet(name)
		}
		if err == nil {
			err = b.write(name, s)
		}
		if err != nil {
			return fmt.Errorf("sheet %d: %w", i+1, err)
		}
	}
	b.told()
	b.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(patient{ctx, w}) })
	return b.Write(io.Discard) // all has gone to w
}

// patient is a writer that stops when ctx ends.
type patient struct {
	ctx context.Context
	w   io.Writer
}

func (p patient) Write(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}

type book struct {
	*excelize.File
	ctx      context.Context
	progress func(int)
	rows     int
}

func (b *book) told() {
	if b.progress != nil {
		b.progress(b.rows)
	}
}

// styles are those of a column: of its header, its cells, and its bold cells.
type styles struct{ head, cell, bold int }

func (b *book) styles(c Column) (styles, error) {
	format, align := "", ""
	switch c.Kind {
	case Day:
		format = "d mmm yyyy" // months are said in the reader's language
	case Moment:
		format = "d mmm yyyy hh:mm"
	case Integer:
		format = "0"
	case Percent:
		format = "0.0%"
	case Money:
		format = "#,##0.00"
		if c.Currency != "" {
			format = fmt.Sprintf("[$%s] #,##0.00;-[$%[1]s] #,##0.00", c.Currency)
		}
	}
	if c.Kind == Money || c.Kind == Integer || c.Kind == Percent {
		align = "right"
	}
	var made styles
	for id, style := range map[*int]excelize.Style{
		&made.head: {Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{Horizontal: align, Vertical: "center"}},
		&made.cell: {Alignment: &excelize.Alignment{Horizontal: align}},
		&made.bold: {Alignment: &excelize.Alignment{Horizontal: align}, Font: &excelize.Font{Bold: true}},
	} {
		if format != "" && id != &made.head {
			style.CustomNumFmt = &format
		}
		var err error
		if *id, err = b.NewStyle(&style); err != nil {
			return styles{}, err
		}
	}
	return made, nil
}

// width of a column that names none.
func (c Column) width() float64 {
	switch {
	case c.Width > 0:
		return c.Width
	case c.Kind == Text:
		return 24
	case c.Kind == Money, c.Kind == Moment:
		return 18
	}
	return 13
}

func (b *book) write(name string, s Sheet) error {
	out, err := b.NewStreamWriter(name)
	if err != nil {
		return err
	}
	looks := make([]styles, len(s.Columns))
	values := make([]any, len(s.Columns))
	for i, c := range s.Columns {
		if looks[i], err = b.styles(c); err != nil {
			return err
		}
		if err := out.SetColWidth(i+1, i+1, c.width()); err != nil {
			return err
		}
		values[i] = excelize.Cell{StyleID: looks[i].head, Value: clean(c.Title)}
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	if err := out.SetRow("A1", values); err != nil {
		return err
	}
	last := 1
	for row := range s.Rows {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		last++
		clear(values)
		for i, cell := range row.Cells {
			look := looks[i].cell
			if row.Bold {
				look = looks[i].bold
			}
			if value := valueOf(cell); value != nil {
				values[i] = excelize.Cell{StyleID: look, Value: value}
			}
		}
		if err := out.SetRow(fmt.Sprint("A", last), values); err != nil {
			return err
		}
		if b.rows++; b.rows%progressEvery == 0 {
			b.told()
		}
	}
	end, err := excelize.CoordinatesToCellName(len(s.Columns), last)
	if err != nil {
		return err
	}
	if err := b.AutoFilter(name, "A1:"+end, nil); err != nil {
		return err
	}
	return out.Flush()
}

// valueOf is what excelize is given for a cell.
func valueOf(cell any) any {
	switch value := cell.(type) {
	case string:
		if value == "" {
			return nil
		}
		return clean(value)
	case time.Time:
		switch {
		case value.IsZero():
			return nil
		case value.Before(firstDay):
			return isoDay(value)
		}
	case decimal.Decimal:
		if !exact(value) {
			return digits(value)
		}
		return value.InexactFloat64() // the number nearest to it, which Excel reads as value again
	}
	return cell
}

// sheetName is name as Excel allows it (support.microsoft.com, Rename a worksheet),
// unlike those taken.
func sheetName(name string, taken map[string]bool) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`:\/?*[]`, r) {
			return ' '
		}
		return r
	}, clean(name))
	name = strings.Trim(strings.TrimSpace(name), "'")
	if name == "" || strings.EqualFold(name, "History") {
		name += " Sheet"
	}
	for n := 1; ; n++ {
		suffix := ""
		if n > 1 {
			suffix = fmt.Sprintf(" (%d)", n)
		}
		short := []rune(name)
		for len(utf16.Encode(short))+len(suffix) > excelize.MaxSheetNameLength {
			short = short[:len(short)-1]
		}
		full := strings.TrimSpace(strings.TrimRight(string(short), "' ")) + suffix
		if key := strings.ToLower(full); !taken[key] {
			taken[key] = true
			return full
		}
	}
}
