//go:build proof

package proof

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"
)

// The contacts of testdata/books.json whose names want to be more than names.
const (
	acorn  = `=HYPERLINK("http://evil.example","Acorn")`
	script = `<script>alert(1)</script> & Sons`
)

func TestListsAreSearchedFilteredSortedAndSaved(t *testing.T) {
	l := openLedger(t, oaks, "--books", "testdata/books.json")
	b := l.browser
	b.do(t, "a screen", chromedp.EmulateViewport(1440, 900))
	b.open(t, l.base()+"/xero/invoices", http.StatusOK)
	b.lists(t, "A-1", "A-2", "A-3", "A-4", "A-5", "A-6", "A-7", "A-8", "P-1", "P-2", "P-3", "P-4")
	for _, name := range []string{acorn, script} {
		if !strings.Contains(b.text(t), name) {
			t.Errorf("the list does not show %s as it is written", name)
		}
	}

	// By what is typed, by what it is, and by the order of a column.
	b.do(t, "search", chromedp.SendKeys("#q", "beech\r"))
	b.lists(t, "A-3")
	b.open(t, l.base()+"/xero/invoices", http.StatusOK)
	b.do(t, "only sales", chromedp.SetValue("#type", b.option(t, "type", "Sales")), chromedp.Click("input[name=overdue]"), chromedp.Click(`form.filters button`))
	b.lists(t, "A-2", "A-3", "A-4", "A-5")
	if shown := b.text(t); !strings.Contains(shown, "$1,207.77") {
		t.Errorf("the total of what is shown, $1,207.77, is not there: %s", shown)
	}
	b.do(t, "sort by what is due", chromedp.Click(`//th/a[starts-with(normalize-space(), "To pay") or starts-with(normalize-space(), "Due") or starts-with(normalize-space(), "Amount due")]`))
	rising, falling := []string{"A-5", "A-4", "A-3", "A-2"}, []string{"A-2", "A-3", "A-4", "A-5"}
	comes(t, b.browser, "in order", numbers, func(got []string) bool { return slices.Equal(got, rising) || slices.Equal(got, falling) })
	if place := evaluate[string](t, b.browser, `location.search`); !strings.Contains(place, "sort=") || !strings.Contains(place, "overdue=1") {
		t.Errorf("the address %q does not hold what is shown", place)
	}
	if heads := evaluate[int](t, b.browser, `document.querySelectorAll("th[aria-sort=ascending], th[aria-sort=descending]").length`); heads != 1 {
		t.Errorf("%d columns say that they are sorted by", heads)
	}

	// What is saved is what is shown.
	shown := evaluate[[]string](t, b.browser, numbers)
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b.saves(t, "Save as CSV"), []byte("\ufeff")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var saved []string
	for _, row := range rows[1:] {
		saved = append(saved, row[slices.Index(rows[0], "Number")])
	}
	if !slices.Equal(saved, shown) {
		t.Errorf("the CSV has %q, the page %q", saved, shown)
	}
	book := openBook(t, b.saves(t, "Save as Excel"))
	if got := column(t, book, book.GetSheetName(0), "Number"); !slices.Equal(got, shown) {
		t.Errorf("the workbook has %q, the page %q", got, shown)
	}

	b.open(t, l.base()+"/xero/invoices?q=nothing-like-this", http.StatusOK)
	b.wellMade(t, "nothing found")
	b.lists(t)

	b.open(t, l.base()+"/xero/contacts", http.StatusOK)
	b.sees(t, script)
	b.do(t, "search", chromedp.SendKeys("#q", "CHERRY\r"))
	comes(t, b.browser, "Cherry alone, who owes A-4 and A-5", bodyText, func(shown string) bool {
		return strings.Contains(shown, "Cherry Ltd") && !strings.Contains(shown, "Beech") && strings.Contains(shown, "$41.10")
	})
	b.quiet(t, "the lists")
}

func TestTheExportOpenedAgainHoldsTheBooks(t *testing.T) {
	l := openLedger(t, oaks, "--books", "testdata/books.json")
	b := l.browser
	b.open(t, l.base()+"/export", http.StatusOK)
	b.press(t, `main form button`, "Export to Excel")
	b.sees(t, "The workbook is ready")
	book := openBook(t, b.file(t, "/export/file"))
	answer, err := l.get("/api/export/excel", l.key)
	if err != nil || answer.status != http.StatusOK {
		t.Fatalf("/api/export/excel: %d %v", answer.status, err)
	}
	for name, book := range map[string]*excelize.File{"the page's": book, "the API's": openBook(t, []byte(answer.body))} {
		t.Run(name, func(t *testing.T) { checkExport(t, book) })
	}
	b.quiet(t, "the export")
}

// checkExport compares a workbook with what was typed: see oaks.
func checkExport(t *testing.T, book *excelize.File) {
	want := []string{"Summary", "Invoices", "Contacts", "Ageing", "Profit and loss"}
	if got := book.GetSheetList(); !slices.Equal(got, want) {
		t.Fatalf("the sheets are %q, not %q", got, want)
	}
	for _, name := range want {
		if panes, err := book.GetPanes(name); err != nil || !panes.Freeze || panes.YSplit != 1 {
			t.Errorf("%s: the first row is not frozen: %+v %v", name, panes, err)
		}
	}
	kinds, states := column(t, book, "Invoices", "Type"), column(t, book, "Invoices", "Status")
	due := map[string]decimal.Decimal{}
	for n, amount := range column(t, book, "Invoices", "Amount due (NZD)") {
		d, err := decimal.NewFromString(amount)
		if err != nil {
			t.Fatalf("an amount due of %q", amount)
		}
		if !strings.Contains(states[n], "raft") && !strings.Contains(states[n], "oid") {
			due[kinds[n]] = due[kinds[n]].Add(d)
		}
	}
	if len(kinds) != 12 || len(due) != 2 || cents(sum(due)) != "1558.07" { // 1207.87 + 350.20
		t.Errorf("%d invoices, of which is due %v", len(kinds), due)
	}
	// A day is a number that Excel shows as one.
	if day, err := book.GetCellType("Invoices", cell(t, book, "Invoices", "Date", 0)); err != nil || day != excelize.CellTypeUnset && day != excelize.CellTypeNumber {
		t.Errorf("a date is of type %v, %v", day, err)
	}
	for _, name := range column(t, book, "Invoices", "Contact") {
		if strings.HasPrefix(name, "=") {
			t.Errorf("%q would be a formula", name)
		}
	}
	for _, sheet := range want {
		rows, err := book.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		for r, row := range rows {
			for c := range row {
				at, _ := excelize.CoordinatesToCellName(c+1, r+1)
				if f, _ := book.GetCellFormula(sheet, at); f != "" {
					t.Errorf("%s!%s is the formula %s", sheet, at, f)
				}
			}
		}
	}
	ageing := column(t, book, "Ageing", "Total (NZD)")
	for _, total := range []string{"1207.87", "350.2"} {
		if !slices.Contains(ageing, total) {
			t.Errorf("the ageing has no total of %s: %q", total, ageing)
		}
	}
	summary := column(t, book, "Summary", "Amount (NZD)")
	for _, amount := range []string{"2051.16", "1251.06", "800.1", "1207.87", "1207.77", "350.2", "49.95", "166.67"} {
		if !slices.Contains(summary, amount) {
			t.Errorf("the summary has no %s: %q", amount, summary)
		}
	}
}

func sum(of map[string]decimal.Decimal) (all decimal.Decimal) {
	for _, d := range of {
		all = all.Add(d)
	}
	return all
}

// numbers are those of the invoices in the list.
const numbers = `[...document.querySelectorAll("table.invoices tbody .number bdi")].map(e => e.textContent)`

// lists waits until the list holds these, in any order.
func (w *watched) lists(t *testing.T, want ...string) {
	t.Helper()
	comes(t, w.browser, fmt.Sprint("the list holds ", want), numbers, func(got []string) bool {
		slices.Sort(got)
		return slices.Equal(got, want)
	})
}

// option is the value of the choice of a select that has this label.
func (w *watched) option(t *testing.T, id, label string) string {
	t.Helper()
	return evaluate[string](t, w.browser, fmt.Sprintf(`[...document.getElementById(%q).options].find(o => o.label === %q).value`, id, label))
}

// saves is the file behind a link of the page.
func (w *watched) saves(t *testing.T, label string) []byte {
	t.Helper()
	return w.file(t, evaluate[string](t, w.browser, fmt.Sprintf(`[...document.querySelectorAll("main a")].find(a => a.textContent === %q).href`, label)))
}

// file is what the browser gets at an address.
func (w *watched) file(t *testing.T, address string) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(evaluate[string](t, w.browser, fmt.Sprintf(`fetch(%q).then(async r => {
		if (!r.ok) throw new Error(r.status);
		return new Uint8Array(await r.arrayBuffer()).toBase64();
	})`, address)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func openBook(t *testing.T, data []byte) *excelize.File {
	t.Helper()
	book, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	return book
}

// column is the cells below a title, as they are and not as they are shown.
func column(t *testing.T, book *excelize.File, sheet, title string) []string {
	t.Helper()
	rows, err := book.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil || len(rows) == 0 {
		t.Fatalf("%s: %d rows, %v", sheet, len(rows), err)
	}
	n := slices.Index(rows[0], title)
	if n < 0 {
		t.Fatalf("%s has no column %q but %q", sheet, title, rows[0])
	}
	var cells []string
	for _, row := range rows[1:] {
		text := ""
		if n < len(row) {
			text = row[n]
		}
		cells = append(cells, text)
	}
	return cells
}

// cell is the name of a cell below a title.
func cell(t *testing.T, book *excelize.File, sheet, title string, row int) string {
	t.Helper()
	rows, err := book.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	name, err := excelize.CoordinatesToCellName(slices.Index(rows[0], title)+1, row+2)
	if err != nil {
		t.Fatal(err)
	}
	return name
}
