package sheet

import (
	"bufio"
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// CSV writes s in UTF-8 with the mark by which Excel knows it, as RFC 4180 has it:
// days as 2006-01-02, numbers plain with a dot, true and false as they are. All text is in quotes, so that less
// of it is taken apart where another mark than the comma stands between cells.
func CSV(ctx context.Context, w io.Writer, s Sheet) error {
	out := bufio.NewWriter(w) // keeps its first error
	_, _ = out.WriteString("\ufeff")
	for i, c := range s.Columns {
		end(out, i)
		_, _ = out.WriteString(quoted(clean(c.Title)))
	}
	_, _ = out.WriteString("\r\n")
	for row := range s.Rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, c := range s.Columns {
			end(out, i)
			if i < len(row.Cells) {
				_, _ = out.WriteString(plain(c.Kind, row.Cells[i]))
			}
		}
		if _, err := out.WriteString("\r\n"); err != nil {
			return err
		}
	}
	return out.Flush()
}

// end writes what stands before the cell of column i.
func end(out *bufio.Writer, i int) {
	if i > 0 {
		_ = out.WriteByte(',')
	}
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

func plain(kind Kind, cell any) string {
	switch value := cell.(type) {
	case string:
		if value == "" {
			return ""
		}
		return quoted(clean(value))
	case int:
		return strconv.Itoa(value)
	case bool:
		return strconv.FormatBool(value)
	case time.Time:
		switch {
		case value.IsZero():
			return ""
		case kind == Moment:
			return value.Format(time.RFC3339)
		}
		return isoDay(value)
	case decimal.Decimal:
		return value.String()
	case Amount:
		return digits(value)
	}
	return ""
}
