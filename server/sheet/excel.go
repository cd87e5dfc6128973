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

// Files are the names of what Excel keeps in its folder while it works. A program that
// crashes leaves them.
const Files = "excelize-*"

// progressEvery is how many rows pass between two calls of progress.
const progressEvery = 250

// firstDay is the first that Excel counts without its leap year of 1900.
var firstDay = time.Date(1900, time.March, 1, 0, 0, 0, 0, time.UTC)

// Excel writes a workbook to w, which sees its bytes as they are made, and stops
// when ctx ends. progress may be nil; it is told how many rows are done.
//
// Each sheet has a bold header that stays in sight, and a filter. A number with more
// digits than Excel keeps is written as text, so that no cent is lost.
//
// What is large lies in the folder dir until it is written, in files that only their
// owner may read: see Files.
func Excel(ctx context.Context, w io.Writer, dir string, sheets []Sheet, progress func(rows int)) error {
	b := book{File: excelize.NewFile(excelize.Options{TmpDir: dir}), ctx: ctx, progress: progress, styles: map[style]int{}}
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
	styles   map[style]int // their ids
}

func (b *book) told() {
	if b.progress != nil {
		b.progress(b.rows)
	}
}

// A style is how a cell looks.
type style struct {
	kind       Kind
	places     int32 // of Money
	head, bold bool
}

func (b *book) style(s style) (int, error) {
	if id, made := b.styles[s]; made {
		return id, nil
	}
	format := map[Kind]string{
		Day:     "d mmm yyyy", // months are said in the reader's language
		Moment:  "d mmm yyyy hh:mm",
		Integer: "0",
		Percent: "0.0%",
		Money:   strings.TrimSuffix("#,##0."+strings.Repeat("0", int(s.places)), "."),
	}[s.kind]
	look := excelize.Style{Alignment: &excelize.Alignment{}}
	if s.kind == Money || s.kind == Integer || s.kind == Percent {
		look.Alignment.Horizontal = "right"
	}
	if s.head || s.bold {
		look.Font = &excelize.Font{Bold: true}
	}
	if s.head {
		look.Alignment.Vertical = "center"
	} else if format != "" {
		look.CustomNumFmt = &format
	}
	id, err := b.NewStyle(&look)
	b.styles[s] = id
	return id, err
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
	values := make([]any, len(s.Columns))
	for i, c := range s.Columns {
		head, err := b.style(style{kind: c.Kind, head: true})
		if err != nil {
			return err
		}
		if err := out.SetColWidth(i+1, i+1, c.width()); err != nil {
			return err
		}
		values[i] = excelize.Cell{StyleID: head, Value: clean(c.Title)}
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
			look := style{kind: s.Columns[i].Kind, bold: row.Bold}
			if amount, ok := cell.(Amount); ok {
				look.places = amount.Places
			}
			if value := valueOf(cell); value != nil {
				id, err := b.style(look)
				if err != nil {
					return err
				}
				values[i] = excelize.Cell{StyleID: id, Value: value}
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
	case Amount:
		if !exact(value.Decimal) {
			return digits(value)
		}
		return value.InexactFloat64() // the number nearest to it, which Excel reads as value again
	case decimal.Decimal:
		return value.InexactFloat64()
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
