package sheet

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// CSV writes s in UTF-8 with the mark by which Excel knows it, as RFC 4180 has it:
// days as 2006-01-02, numbers plain with a dot.
func CSV(ctx context.Context, w io.Writer, s Sheet) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	record := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		record[i] = c.Title
	}
	_ = out.Write(record) // an error stays, and is asked for below
	for row := range s.Rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, cell := range row.Cells {
			record[i] = plain(s.Columns[i].Kind, cell)
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func plain(kind Kind, cell any) string {
	switch value := cell.(type) {
	case string:
		return clean(value)
	case int:
		return strconv.Itoa(value)
	case time.Time:
		switch {
		case value.IsZero():
			return ""
		case kind == Moment:
			return value.Format(time.RFC3339)
		}
		return isoDay(value)
	case decimal.Decimal:
		if kind == Percent {
			return value.String()
		}
		return digits(value)
	}
	return ""
}
