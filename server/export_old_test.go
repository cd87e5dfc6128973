package server

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/books"
	"financial-command-center/server/sheet"
)

// What somebody reads cannot be deleted on Windows. A folder with something in it
// cannot either, anywhere.
func TestAWorkbookThatCannotBeDeletedGoesLater(t *testing.T) {
	x := newExports(t.TempDir(), slog.New(slog.DiscardHandler))
	e := &export{id: "1", path: filepath.Join(x.dir, ".export-1"), cancel: func() {}, done: make(chan struct{}), expiry: time.NewTimer(time.Hour)}
	close(e.done)
	x.all[e.id] = e
	held := filepath.Join(e.path, "held")
	if err := os.MkdirAll(held, 0o700); err != nil {
		t.Fatal(err)
	}
	x.remove(e)
	if x.find(e.id) != nil {
		t.Error("it is still given out")
	}
	if err := os.Remove(held); err != nil {
		t.Fatal(err)
	}
	x.keepOnly(func(*export) bool { return true })
	if _, err := os.Lstat(e.path); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestASessionThatHasExpiredHoldsNothing(t *testing.T) {
	b := newBrowsers(8000, nil, nil)
	for name, want := range map[string]struct {
		browser
		holds bool
	}{
		"in use":  {browser{data: []byte(`{"export":"XYZ"}`), expires: time.Now().Add(time.Hour)}, true},
		"other":   {browser{data: []byte(`{"export":"ABC"}`), expires: time.Now().Add(time.Hour)}, false},
		"expired": {browser{data: []byte(`{"export":"XYZ"}`), expires: time.Now().Add(-time.Second)}, false},
		"ended":   {browser{data: []byte(`{"export":"XYZ"}`), expires: time.Now().Add(time.Hour), ended: true}, false},
	} {
		b.known = map[[32]byte]*browser{{1}: &want.browser}
		if b.holds("XYZ") != want.holds {
			t.Errorf("%s: %v", name, !want.holds)
		}
	}
}

// bookRead is a workbook's books, all of them read at.
func bookRead(at time.Time) exported {
	e := exported{organisation: ours, today: today, now: time.Now()}
	e.who.At, e.invoices.At, e.contacts.At, e.statement.At = at, at, at, at
	f := &e.figures
	f.Cash.At, f.Months.At, f.Owed.At, f.Owing.At, f.Due.At, f.Overdue.At = at, at, at, at, at, at
	return e
}

func TestAProgramGetsNoOldBooks(t *testing.T) {
	now := time.Now()
	limit := &books.Trouble{Problem: fail(codeRateLimited).Problem}
	scope := &books.Trouble{Problem: fail(codeNotFound).Problem, Scope: "accounting.x.read"}
	if err := bookRead(now).withoutOld().worth(true); err != nil {
		t.Errorf("what is fresh is refused: %v", err)
	}
	for name, change := range map[string]func(*exported, time.Time, *books.Trouble){
		"invoices":  func(e *exported, at time.Time, t *books.Trouble) { e.invoices.At, e.invoices.Trouble = at, t },
		"contacts":  func(e *exported, at time.Time, t *books.Trouble) { e.contacts.At, e.contacts.Trouble = at, t },
		"statement": func(e *exported, at time.Time, t *books.Trouble) { e.statement.At, e.statement.Trouble = at, t },
		"cash":      func(e *exported, at time.Time, t *books.Trouble) { e.figures.Cash.At, e.figures.Cash.Trouble = at, t },
		"months": func(e *exported, at time.Time, t *books.Trouble) {
			e.figures.Months.At, e.figures.Months.Trouble = at, t
		},
		"debts": func(e *exported, at time.Time, t *books.Trouble) { e.figures.Owed.At, e.figures.Owed.Trouble = at, t },
	} {
		for what, one := range map[string]struct {
			at      time.Time
			trouble *books.Trouble
			program bool // gets the workbook
		}{
			"never":     {time.Time{}, nil, false},
			"limit":     {time.Time{}, limit, false},
			"scope":     {time.Time{}, scope, true},
			"old":       {now.Add(-time.Hour), limit, false},
			"old scope": {now.Add(-time.Hour), scope, true},
		} {
			e := bookRead(now)
			change(&e, one.at, one.trouble)
			if err := e.withoutOld().worth(true); (err == nil) != one.program {
				t.Errorf("%s, %s: %v", name, what, err)
			}
			if err := e.worth(false); err != nil {
				t.Errorf("%s, %s: a person is refused: %v", name, what, err)
			}
			if left := e.missing(); len(left) != 1 || !left[0].At.Equal(one.at) {
				t.Errorf("%s, %s: a person is told %+v", name, what, left)
			}
		}
	}
	if exported.worth(exported{who: bookRead(now).who}, false) == nil {
		t.Error("a workbook of a name alone is made")
	}
}

// Where a part of a workbook comes from is in its Summary.
func TestTheSummarySaysHowOldEachSheetIs(t *testing.T) {
	e := bookRead(time.Now())
	e.contacts.At = time.Now().Add(-time.Hour)
	e.contacts.Trouble = &books.Trouble{Problem: fail(codeRateLimited).Problem}
	e.statement.At = time.Time{}
	said := map[string][]any{}
	for row := range e.summary().Rows {
		said[row.Cells[0].(string)] = row.Cells
	}
	contacts, statement := said["  Contacts"], said["  Profit and loss"]
	if at, ok := contacts[3].(time.Time); !ok || !at.Equal(e.contacts.At) || !strings.HasPrefix(contacts[4].(string), "Newer figures could not be had.") {
		t.Errorf("contacts: %v", contacts)
	}
	if statement[2] != nil || statement[3] != nil || statement[4] != "Not read yet." {
		t.Errorf("profit and loss: %v", statement)
	}
}

func TestAFileOfOldFiguresSaysSoInItsName(t *testing.T) {
	zoned := ours
	zoned.Timezone = "NEWZEALANDSTANDARDTIME"
	l := listing{format: "csv", organisation: zoned, today: today}
	table := sheet.Sheet{Name: "Invoices", Columns: []sheet.Column{{Title: "A"}}, Rows: func(func(sheet.Row) bool) {}}
	old := time.Date(2025, time.November, 24, 22, 5, 0, 0, time.UTC)
	for want, at := range map[string]time.Time{
		"Harbour invoices 2026-11-27.csv":             time.Now(),
		"Harbour invoices as of 2025-11-25 11.05.csv": old, // by the organisation's clock
	} {
		w := httptest.NewRecorder()
		if err := (&Server{}).giveOut(w, httptest.NewRequest("GET", "/", nil), l, at, table); err != nil {
			t.Fatal(err)
		}
		if got := w.Header().Get("Content-Disposition"); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Amounts have the decimals of their own currency, and those of the base where they
// were converted.
func TestAmountsInFilesHaveTheirCurrencysDecimals(t *testing.T) {
	dinar := ours
	dinar.Base = "KWD"
	invoice := small[0]
	invoice.Currency, invoice.Rate = "JPY", amount("500")
	row := invoiceRow{Invoice: &invoice}
	if got := row.own(invoice.Total); got.Places != 0 {
		t.Errorf("yen have %d decimals", got.Places)
	}
	e := exported{organisation: dinar}
	if got := e.money(amount("1.5")); got.Places != 3 {
		t.Errorf("dinars have %d decimals", got.Places)
	}
}
