package server

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/sheet"
)

// The flat tables for spreadsheets. A table's name, its columns and their order are
// what workbooks rely on: columns are only ever added, at the end.

func (s *Server) tableRoutes() (rows []route) {
	for _, t := range tables {
		rows = append(rows, route{pattern: "GET /api/table/" + t.name, who: sessionOrKey, handle: s.onTerms(apiAge, func(w http.ResponseWriter, r *http.Request, on *terms) error {
			return s.table(w, r, on, t)
		})})
	}
	return rows
}

// A flatTable is one address of them.
type flatTable struct {
	name    string
	filters []string // of status, type, from, to
	columns []tableColumn
	read    func(*asked) (content, error)
	values  map[string][]string // that status and type can be
}

// A tableColumn holds values of one type, or none (null, an empty cell).
type tableColumn struct {
	Name string
	Type columnType
}

// A columnType is what a column's values are: in JSON, and in a spreadsheet.
type columnType string

const (
	textColumn  columnType = "text"
	dayColumn   columnType = "date"    // a string, YYYY-MM-DD
	moneyColumn columnType = "money"   // a number with at least the decimals of its currency
	rateColumn  columnType = "rate"    // a number with as many decimals as Xero has
	countColumn columnType = "integer" // a number
	truthColumn columnType = "boolean"
)

// content is what there is to be shown of a table.
type content struct {
	rows int
	// show makes the rows from one to another.
	show func(from, to int) [][]any
}

// A tableField is a column, and its value in a record of a table.
type tableField[R any] struct {
	name string
	kind columnType
	of   func(R) any
}

func columnsOf[R any](fields []tableField[R]) (all []tableColumn) {
	for _, f := range fields {
		all = append(all, tableColumn{f.name, f.kind})
	}
	return all
}

// filled is the content that records make.
func filled[R any](records []R, fields []tableField[R]) content {
	return content{len(records), func(from, to int) [][]any {
		rows := make([][]any, 0, to-from)
		for _, record := range records[from:to] {
			row := make([]any, len(fields))
			for n, f := range fields {
				row[n] = f.of(record)
			}
			rows = append(rows, row)
		}
		return rows
	}}
}

const (
	defaultPageSize = 500
	mostPageSize    = 1000 // rows
)

// table answers with one page of rows, as JSON or as CSV.
//
// Rows come in an order in which new ones are the last, so that those who read page
// after page miss none and have none twice when one is added meanwhile.
func (s *Server) table(w http.ResponseWriter, r *http.Request, on *terms, t flatTable) error {
	a := &asked{r: r, terms: on, query: r.URL.Query()}
	asCSV, err := a.check(t)
	if err != nil {
		return err
	}
	page, err := a.number("page", 1, 1<<30)
	if err != nil {
		return err
	}
	size, err := a.number("page_size", defaultPageSize, mostPageSize)
	if err != nil {
		return err
	}
	if named := a.query.Get("tenant"); named != "" && !strings.EqualFold(named, a.of.TenantID) { // a key names it otherwise
		return fail(codeBadRequest).saying(words.Say("tables.tenant.message"), words.Say("tables.tenant.action"))
	}
	// A sign-in that may not read the settings may read the rest: base_currency is then
	// empty, and today is this computer's.
	who, err := reading(a.terms, whoAge, a.ledger.Organisation)
	if err != nil && !lacksScope(err) {
		return err
	}
	a.organisation, a.today = who.Value, who.Value.Today(time.Now())
	holds, err := t.read(a)
	if err != nil {
		return err
	}
	pages := max(1, (holds.rows+size-1)/size)
	from := min((page-1)*size, holds.rows)
	rows := holds.show(from, min(from+size, holds.rows))

	h := w.Header()
	a.tell(h)
	h.Add("Vary", "Accept")
	if page < pages {
		next := a.query
		next.Set("page", strconv.Itoa(page+1))
		h.Set("Link", "<"+s.BaseURL()+r.URL.Path+"?"+next.Encode()+`>; rel="next"`)
	}
	if asCSV {
		return giveCSV(w, r, t, rows)
	}
	list := make([]tableRow, len(rows))
	for n := range rows {
		list[n] = tableRow{t.columns, rows[n]}
	}
	writeJSON(w, http.StatusOK, tablePage{
		t.name, a.of.Name, a.of.TenantID, a.organisation.Base, a.at.UTC().Truncate(time.Second), page, pages, size, holds.rows, list,
	})
	return nil
}

func lacksScope(err error) bool {
	trouble, ok := errors.AsType[*books.Trouble](err)
	return ok && trouble.Scope != ""
}

// tablePage is a page of a table as JSON.
type tablePage struct {
	Table        string     `json:"table"`
	Organisation string     `json:"organisation"`
	TenantID     string     `json:"tenant_id"`
	Currency     string     `json:"base_currency"`
	AsOf         time.Time  `json:"as_of"`
	Page         int        `json:"page"`
	Pages        int        `json:"pages"`
	PageSize     int        `json:"page_size"`
	RowsTotal    int        `json:"rows_total"`
	Rows         []tableRow `json:"rows"`
}

// A tableRow is an object with its fields in the order of the columns.
type tableRow struct {
	columns []tableColumn
	values  []any
}

func (row tableRow) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for n, value := range row.values {
		if n > 0 {
			b.WriteByte(',')
		}
		text, err := marshal(value)
		if err != nil {
			return nil, err
		}
		b.WriteString(strconv.Quote(row.columns[n].Name) + ":")
		b.Write(text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// marshal is a cell as JSON: no text for none, and numbers with all their digits.
func marshal(cell any) ([]byte, error) {
	switch value := cell.(type) {
	case time.Time:
		if value.IsZero() {
			return []byte("null"), nil
		}
		cell = value.Format(time.DateOnly)
	case sheet.Amount:
		cell = json.Number(value.StringFixed(max(value.Places, -value.Exponent())))
	case decimal.Decimal:
		cell = json.Number(value.String())
	}
	return json.Marshal(cell)
}

// giveCSV answers with rows below their columns' names. Text that a spreadsheet could
// take for a formula, and run, is defused there, as names and references come from
// third parties: a CSV file is opened by a double click. In JSON, which only programs
// and Power Query read, it is as it is.
func giveCSV(w http.ResponseWriter, r *http.Request, t flatTable, rows [][]any) error {
	out := sheet.Sheet{Name: t.name, Rows: func(yield func(sheet.Row) bool) {
		for _, row := range rows {
			if !yield(sheet.Row{Cells: row}) {
				return
			}
		}
	}}
	for _, c := range t.columns {
		out.Columns = append(out.Columns, sheet.Column{Title: c.Name})
	}
	var file bytes.Buffer
	if err := sheet.CSV(r.Context(), &file, out); err != nil {
		return err
	}
	asFile(w, "text/csv; charset=utf-8", t.name+".csv")
	_, _ = w.Write(file.Bytes()) // the caller may have gone
	return nil
}

// check refuses what the table does not know: a filter that is not applied would be a
// wrong answer. It says which form is wanted.
func (a *asked) check(t flatTable) (asCSV bool, err error) {
	known := slices.Concat(t.filters, []string{"page", "page_size", "format"})
	for name, values := range a.query {
		switch {
		case name == "tenant": // the organisation, as a browser names it
		case !slices.Contains(known, name):
			return false, fail(codeBadRequest).saying(words.Say("tables.unknown.message", "Name", strconv.Quote(name)), words.Say("tables.unknown.action", "Names", strings.Join(known, ", ")))
		case len(values) > 1:
			return false, fail(codeBadRequest).saying(words.Say("tables.twice.message", "Name", name), words.Say("tables.twice.action"))
		}
		for value := range listed(values[0]) {
			if can := t.values[name]; can != nil && !slices.Contains(can, value) {
				return false, fail(codeBadRequest).saying(words.Say("tables.no-value", "Name", name, "Value", strconv.Quote(value)), words.Say("tables.values.action", "Values", strings.Join(can, ", ")))
			}
		}
	}
	switch format := a.query.Get("format"); format {
	case "":
		return strings.Contains(a.r.Header.Get("Accept"), "text/csv"), nil
	case "csv", "json":
		return format == "csv", nil
	default:
		return false, fail(codeBadRequest).saying(words.Say("tables.format.message", "Format", strconv.Quote(format)), words.Say("tables.format.action"))
	}
}

// number reads a whole number from 1.
func (a *asked) number(name string, otherwise, most int) (int, error) {
	value := cmp.Or(a.query.Get(name), strconv.Itoa(otherwise))
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		return 0, fail(codeBadRequest).saying(words.Say("tables.no-value", "Name", name, "Value", strconv.Quote(value)), words.Say("tables.number.action", "Most", strconv.Itoa(most)))
	}
	return n, nil
}

// day reads a calendar day, otherwise where none is given.
func (a *asked) day(name string, otherwise time.Time) (time.Time, error) {
	value := a.query.Get(name)
	if value == "" {
		return otherwise, nil
	}
	day, err := time.Parse(time.DateOnly, value)
	if err != nil {
		return day, fail(codeBadRequest).saying(words.Say("tables.no-value", "Name", name, "Value", strconv.Quote(value)), words.Say("tables.day.action"))
	}
	return day, nil
}

// days reads from and to.
func (a *asked) days(from, to time.Time) (time.Time, time.Time, error) {
	from, err := a.day("from", from)
	if err != nil {
		return from, to, err
	}
	to, err = a.day("to", to)
	if err == nil && !to.IsZero() && to.Before(from) {
		err = fail(codeBadRequest).saying(words.Say("common.backwards"), words.Say("tables.backwards.action"))
	}
	return from, to, err
}

// only is a filter by one field, see listed.
func (a *asked) only(name string) func(string) bool {
	wanted := slices.Collect(listed(a.query.Get(name)))
	return func(has string) bool { return len(wanted) == 0 || slices.Contains(wanted, strings.ToUpper(has)) }
}

// listed are the values of a filter: with commas between, in any case. None is "".
func listed(text string) iter.Seq[string] {
	if text = strings.ToUpper(strings.ReplaceAll(text, " ", "")); text == "" {
		return func(func(string) bool) {}
	}
	return strings.SplitSeq(text, ",")
}
