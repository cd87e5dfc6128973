package sheet_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"

	"financial-command-center/server/sheet"
)

func money(text string) decimal.Decimal { return decimal.RequireFromString(text) }

// dollars are an amount with cents.
func dollars(text string) sheet.Amount { return sheet.Amount{Decimal: money(text), Places: 2} }

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func rows(all ...[]any) func(func(sheet.Row) bool) {
	return func(yield func(sheet.Row) bool) {
		for i, cells := range all {
			if !yield(sheet.Row{Cells: cells, Bold: i == len(all)-1}) {
				return
			}
		}
	}
}

var auckland = time.FixedZone("NZDT", 13*3600)

func ledger() sheet.Sheet {
	return sheet.Sheet{
		Name: "Invoices",
		Columns: []sheet.Column{
			{Title: "Contact"}, {Title: "Date", Kind: sheet.Day}, {Title: "Read", Kind: sheet.Moment}, {Title: "Due", Kind: sheet.Money},
			{Title: "Total", Kind: sheet.Money}, {Title: "Late", Kind: sheet.Integer}, {Title: "Share", Kind: sheet.Percent},
		},
		Rows: rows(
			[]any{"Harbour Joinery", day(2026, time.November, 27), time.Date(2026, 11, 27, 9, 30, 0, 0, auckland), dollars("48310.22"), dollars("-0.1"), 64, money("0.125")},
			[]any{`=cmd|' /C calc'!A0`, time.Time{}, nil, nil, dollars("0"), nil, nil},
			[]any{"00123", day(1899, time.May, 2), nil, dollars("12345678901234567.10"), dollars("9999999999999.99"), 0, money("1")},
		),
	}
}

// opened is the workbook as a reader sees it.
func opened(t *testing.T, sheets ...sheet.Sheet) *excelize.File {
	t.Helper()
	var file bytes.Buffer
	if err := sheet.Excel(t.Context(), &file, t.TempDir(), sheets, nil); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestAWorkbookHasRealNumbersAndDays(t *testing.T) {
	f := opened(t, ledger())
	for cell, want := range map[string]struct {
		raw, shown string
		kind       excelize.CellType
	}{
		"A1": {"Contact", "Contact", excelize.CellTypeInlineString},
		"A2": {"Harbour Joinery", "Harbour Joinery", excelize.CellTypeInlineString},
		"B2": {"46353", "27 Nov 2026", excelize.CellTypeUnset}, // a number has no type of its own
		"C2": {"46353.395833333336", "27 Nov 2026 09:30", excelize.CellTypeUnset},
		"D2": {"48310.22", "48,310.22", excelize.CellTypeUnset},
		"E2": {"-0.1", "-0.10", excelize.CellTypeUnset},
		"F2": {"64", "64", excelize.CellTypeUnset},
		"G2": {"0.125", "12.5%", excelize.CellTypeUnset},
		"A3": {`'=cmd|' /C calc'!A0`, `'=cmd|' /C calc'!A0`, excelize.CellTypeInlineString},
		"B3": {"", "", excelize.CellTypeUnset},
		"E3": {"0", "0.00", excelize.CellTypeUnset},
		"A4": {"00123", "00123", excelize.CellTypeInlineString},
		"B4": {"1899-05-02", "1899-05-02", excelize.CellTypeInlineString}, // before Excel's days begin
		"D4": {"12345678901234567.10", "12345678901234567.10", excelize.CellTypeInlineString},
		"E4": {"9999999999999.99", "9,999,999,999,999.99", excelize.CellTypeUnset},
	} {
		raw, err := f.GetCellValue("Invoices", cell, excelize.Options{RawCellValue: true})
		shown, err2 := f.GetCellValue("Invoices", cell)
		kind, err3 := f.GetCellType("Invoices", cell)
		formula, err4 := f.GetCellFormula("Invoices", cell)
		if err := errors.Join(err, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		if raw != want.raw || shown != want.shown || kind != want.kind || formula != "" {
			t.Errorf("%s: %q shown as %q, type %d, formula %q; want %+v", cell, raw, shown, kind, formula, want)
		}
	}
}

func TestAWorkbooksHeaderStaysAndFilters(t *testing.T) {
	f := opened(t, ledger())
	panes, err := f.GetPanes("Invoices")
	if err != nil || !panes.Freeze || panes.YSplit != 1 || panes.XSplit != 0 || panes.TopLeftCell != "A2" {
		t.Errorf("panes %+v, %v", panes, err)
	}
	filter := ""
	for _, name := range f.GetDefinedName() {
		if name.Name == "_xlnm._FilterDatabase" {
			filter = name.RefersTo
		}
	}
	if filter != "'Invoices'!$A$1:$G$4" {
		t.Errorf("the filter covers %q", filter)
	}
	for cell, bold := range map[string]bool{"A1": true, "D1": true, "A2": false, "D2": false, "A4": true, "E4": true} {
		id, err := f.GetCellStyle("Invoices", cell)
		if err != nil {
			t.Fatal(err)
		}
		style, err := f.GetStyle(id)
		if err != nil || (style.Font != nil && style.Font.Bold) != bold {
			t.Errorf("%s: bold %v, %v", cell, !bold, err)
		}
	}
	if width, err := f.GetColWidth("Invoices", "D"); err != nil || width != 18 {
		t.Errorf("the amounts are %v wide, %v", width, err)
	}
}

func TestSheetNamesAreThoseThatExcelTakes(t *testing.T) {
	named := func(name string) sheet.Sheet {
		return sheet.Sheet{Name: name, Columns: []sheet.Column{{Title: "A"}}, Rows: rows()}
	}
	long := strings.Repeat("🌲", 40)
	f := opened(t, named("Profit and loss"), named("PROFIT AND LOSS"), named(`a/b\c?d*e[f]g:h`), named(""), named("history"), named("'quoted'"), named(long), named(long), named(strings.Repeat("x", 30)+"'y"))
	got := f.GetSheetList()
	want := []string{"Profit and loss", "PROFIT AND LOSS (2)", "a b c d e f g h", "Sheet", "history Sheet", "quoted", strings.Repeat("🌲", 15), strings.Repeat("🌲", 13) + " (2)", strings.Repeat("x", 30)}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestTextThatLooksLikeAFormulaIsDefused(t *testing.T) {
	for _, bad := range []string{"=1+1", "+64 21", "-1", "@SUM(A1)", "  =1", `"=1`, "\u00a0=1", "\u200b=1", "\u202e=1", "\ufeff=1", "＝1", "＋1", "－1", "＠a", "−1", "\x00=1"} {
		if got := sheet.Defused(bad); got != "'"+bad {
			t.Errorf("%q stays %q", bad, got)
		}
	}
	// Where a semicolon, a tab or a new line stands between cells, another one begins.
	for bad, want := range map[string]string{
		`Foo;=cmd|'/C calc'!A0;`: `Foo;'=cmd|'/C calc'!A0;`, "a\t=1": "a\t'=1", "a\n=1": "a\n'=1", "a\r\n -1": "a\r\n' -1", "\t=1": "\t'=1",
		"=1;=2": "'=1;'=2", "a; \u200b@b;c": "a;' \u200b@b;c", `a;"=1"`: `a;'"=1"`, ";;=": ";;'=", "a;＝1": "a;'＝1",
	} {
		if got := sheet.Defused(bad); got != want {
			t.Errorf("%q becomes %q, want %q", bad, got, want)
		}
	}
	for _, good := range []string{"", " ", "Harbour", "1-2", "a=b", "'=1", "(=1)", "🌲", "שלום", "a; b", "a;'=1", "a, =1", "two\nlines"} {
		if got := sheet.Defused(good); got != good {
			t.Errorf("%q becomes %q", good, got)
		}
	}
}

func TestTextIsWhatACellCanHold(t *testing.T) {
	long := strings.Repeat("界", 40000)
	pairs := strings.Repeat("🌲", 20000)
	f := opened(t, sheet.Sheet{Name: "S", Columns: []sheet.Column{{Title: "A"}}, Rows: rows([]any{"a\x00b\x0bc\ufffed\xffe"}, []any{long}, []any{pairs}, []any{"two\nlines & <b>"}, []any{"_x0041_"}, []any{" kept "})})
	cell := func(name string) string {
		text, err := f.GetCellValue("S", name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, want := range map[string]string{"A2": "abcde", "A3": strings.Repeat("界", 32766) + "…", "A5": "two\nlines & <b>", "A6": "_x0041_", "A7": " kept "} {
		if got := cell(name); got != want {
			t.Errorf("%s: %.60q, want %.60q", name, got, want)
		}
	}
	if got := cell("A4"); len(utf16.Encode([]rune(got))) > 32767 || !strings.HasSuffix(got, "🌲…") {
		t.Errorf("%d units, end %q", len(utf16.Encode([]rune(got))), got[len(got)-8:])
	}
}

func TestCSVIsPlainAndReadBack(t *testing.T) {
	var out bytes.Buffer
	s := ledger()
	s.Rows = rows(
		[]any{"a \"b\"\nc, d", day(2026, time.November, 27), time.Date(2026, 11, 27, 9, 30, 0, 0, auckland), dollars("48310.2"), dollars("-12"), 64, money("0.125")},
		[]any{`=cmd|' /C calc'!A0`, time.Time{}, nil, nil, dollars("0"), nil, nil},
		[]any{"\u202eשלום", day(1899, time.May, 2), nil, dollars("12345678901234567.10"), dollars("1.2345"), 0, money("1")},
	)
	if err := sheet.CSV(t.Context(), &out, s); err != nil {
		t.Fatal(err)
	}
	text, marked := strings.CutPrefix(out.String(), "\ufeff")
	if !marked || strings.Count(text, "\r\n") != 4 || strings.Count(text, "\n") != 5 {
		t.Errorf("%q", out.String())
	}
	got, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	want := [][]string{
		{"Contact", "Date", "Read", "Due", "Total", "Late", "Share"},
		{"a \"b\"\nc, d", "2026-11-27", "2026-11-27T09:30:00+13:00", "48310.20", "-12.00", "64", "0.125"},
		{`'=cmd|' /C calc'!A0`, "", "", "", "0.00", "", ""},
		{"\u202eשלום", "1899-05-02", "", "12345678901234567.10", "1.2345", "0", "1"},
	}
	if err != nil || !slices.EqualFunc(got, want, slices.Equal[[]string]) {
		t.Errorf("%v\ngot  %q\nwant %q", err, got, want)
	}
}

// Only text is in quotes, all of it, and a row that is too short has empty cells.
func TestCSVQuotesTextAndNothingElse(t *testing.T) {
	var out bytes.Buffer
	s := sheet.Sheet{Columns: []sheet.Column{{Title: "Who"}, {Title: "Due", Kind: sheet.Money}, {Title: "Late", Kind: sheet.Integer}},
		Rows: rows([]any{`a;=1"`, dollars("7"), 3}, []any{"b"}, []any{"", "unknown", nil})}
	if err := sheet.CSV(t.Context(), &out, s); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "\ufeff\"Who\",\"Due\",\"Late\"\r\n\"a;'=1\"\"\",7.00,3\r\n\"b\",,\r\n,\"unknown\",\r\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAmountsHaveTheDecimalsOfTheirCurrency(t *testing.T) {
	s := sheet.Sheet{Name: "S", Columns: []sheet.Column{{Title: "A", Kind: sheet.Money}}, Rows: rows(
		[]any{sheet.Amount{Decimal: money("1234.5"), Places: 3}}, []any{sheet.Amount{Decimal: money("1234"), Places: 0}}, []any{sheet.Amount{Decimal: money("-1234.5"), Places: 2}},
	)}
	f := opened(t, s)
	for cell, want := range map[string]string{"A2": "1,234.500", "A3": "1,234", "A4": "-1,234.50"} {
		if got, err := f.GetCellValue("S", cell); err != nil || got != want {
			t.Errorf("%s shows %q, %v; want %q", cell, got, err, want)
		}
	}
	var out bytes.Buffer
	if err := sheet.CSV(t.Context(), &out, s); err != nil || !strings.HasSuffix(out.String(), "\r\n1234.500\r\n1234\r\n-1234.50\r\n") {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// What does not fit into memory lies in the folder that was named, and nowhere else.
func TestAWorkbookUsesItsFolderAlone(t *testing.T) {
	elsewhere, dir := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", elsewhere)
	t.Setenv("TMP", elsewhere)
	kept := 0
	wide := sheet.Sheet{Name: "S", Columns: []sheet.Column{{Title: "A"}}, Rows: func(yield func(sheet.Row) bool) {
		text := strings.Repeat("x", 30000)
		for range 700 { // more than excelize keeps in memory
			if !yield(sheet.Row{Cells: []any{text}}) {
				return
			}
		}
		files, _ := filepath.Glob(filepath.Join(dir, sheet.Files))
		kept = len(files)
	}}
	if err := sheet.Excel(t.Context(), io.Discard, dir, []sheet.Sheet{wide}, nil); err != nil {
		t.Fatal(err)
	}
	for folder, when := range map[string]string{elsewhere: "another folder", dir: "its folder, afterwards"} {
		if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
			t.Errorf("%v in %s, %v", left, when, err)
		}
	}
	if kept != 1 {
		t.Errorf("%d files in its folder meanwhile", kept)
	}
}

// many is a sheet of n rows, and what is called before each.
func many(n int, each func(i int)) sheet.Sheet {
	s := ledger()
	s.Rows = func(yield func(sheet.Row) bool) {
		for i := range n {
			each(i)
			if !yield(sheet.Row{Cells: []any{fmt.Sprint("Contact ", i), day(2026, time.May, 1+i%28), nil, sheet.Amount{Decimal: decimal.New(int64(i), -2), Places: 2}, sheet.Amount{Decimal: decimal.New(int64(i), -2), Places: 2}, i, nil}}) {
				return
			}
		}
	}
	return s
}

func TestProgressIsToldUpToTheLastRow(t *testing.T) {
	var told []int
	sheets := []sheet.Sheet{many(600, func(int) {}), many(10, func(int) {})}
	if err := sheet.Excel(t.Context(), io.Discard, t.TempDir(), sheets, func(rows int) { told = append(told, rows) }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(told, []int{250, 500, 610}) {
		t.Errorf("told %v", told)
	}
}

func TestAWorkbookEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	seen := 0
	err := sheet.Excel(ctx, &out, t.TempDir(), []sheet.Sheet{many(1000, func(i int) {
		if seen = i; i == 300 {
			cancel()
		}
	})}, nil)
	if !errors.Is(err, context.Canceled) || seen != 300 || out.Len() != 0 {
		t.Errorf("%v after row %d, %d bytes", err, seen, out.Len())
	}
	// Between the last row and the last byte.
	ctx, cancel = context.WithCancel(t.Context())
	err = sheet.Excel(ctx, &out, t.TempDir(), []sheet.Sheet{many(10, func(int) {})}, func(int) { cancel() })
	if !errors.Is(err, context.Canceled) || out.Len() != 0 {
		t.Errorf("%v, %d bytes", err, out.Len())
	}
	if err := sheet.CSV(ctx, &out, many(10, func(int) {})); !errors.Is(err, context.Canceled) {
		t.Errorf("CSV: %v", err)
	}
}

func TestAWriterThatFailsIsSaid(t *testing.T) {
	full := errors.New("the disk is full")
	w := writer(func([]byte) (int, error) { return 0, full })
	if err := sheet.Excel(t.Context(), w, t.TempDir(), []sheet.Sheet{ledger()}, nil); !errors.Is(err, full) {
		t.Errorf("Excel: %v", err)
	}
	if err := sheet.CSV(t.Context(), w, ledger()); !errors.Is(err, full) {
		t.Errorf("CSV: %v", err)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func BenchmarkExcelOf12000Rows(b *testing.B) {
	for b.Loop() {
		if err := sheet.Excel(b.Context(), io.Discard, b.TempDir(), []sheet.Sheet{many(12000, func(int) {})}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
