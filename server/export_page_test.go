package server_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server"
	"financial-command-center/server/store"
)

// workbooks are those that lie in the data folder.
func (b *bench) workbooks() []string {
	b.t.Helper()
	all, err := filepath.Glob(filepath.Join(b.cfg.DataDir, ".export-*"))
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// export makes a workbook as the page does, and returns what the page says then.
func (b *bench) export(cookie string) string {
	b.t.Helper()
	if g := b.ask(ask{method: "POST", path: "/export", cookie: cookie, page: true}); g.status != http.StatusSeeOther || g.location != "/export" {
		b.t.Fatalf("POST /export: %d %q", g.status, g.location)
	}
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(20 * time.Millisecond) {
		if g := b.ask(ask{path: "/export", cookie: cookie, page: true}); g.status == 200 && !strings.Contains(g.body, "data-busy") {
			return text(g.body)
		}
	}
	b.t.Fatal("the export does not end")
	return ""
}

func TestAWorkbookIsMadeKeptForItsBrowserAndDeleted(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	cookie := b.signIn(b.visit(), joinery)
	raw := b.rawInvoices(b.addKey(store.Key{Name: "sheet"}), joinery)
	if g := b.ask(ask{path: "/export/file", cookie: cookie}); g.status != 404 {
		t.Errorf("before there is one: %d", g.status)
	}
	if said := b.export(cookie); !strings.Contains(said, "The workbook is ready") || !strings.Contains(said, "Harbour Joinery Ltd books "+time.Now().Format("2006")) {
		t.Fatal(said)
	}
	if files := b.workbooks(); len(files) != 1 {
		t.Fatalf("%v", files)
	} else if info, err := os.Stat(files[0]); err != nil || openToOthers(info) {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	f := excel(t, b.ask(ask{path: "/export/file", cookie: cookie}))
	if got, want := f.GetSheetList(), []string{"Summary", "Invoices", "Contacts", "Ageing", "Profit and loss"}; !slices.Equal(got, want) {
		t.Fatalf("sheets %q", got)
	}
	// All invoices, and the sums that the summary says.
	var owed, owing decimal.Decimal
	for _, i := range raw {
		due := i.AmountDue
		if i.CurrencyRate.IsPositive() {
			due = due.DivRound(i.CurrencyRate, 2)
		}
		switch {
		case i.Status != "AUTHORISED":
		case i.Type == "ACCREC":
			owed = owed.Add(due)
		default:
			owing = owing.Add(due)
		}
	}
	invoices := cells(t, f, "Invoices")
	if len(invoices)-1 != len(raw) {
		t.Errorf("%d invoices of %d", len(invoices)-1, len(raw))
	}
	summary := map[string][]string{}
	for _, row := range cells(t, f, "Summary") {
		summary[row[0]] = row
	}
	for name, want := range map[string]decimal.Decimal{"Owed to you, all": owed, "You owe, all": owing} {
		row := summary[name]
		if len(row) < 4 || !decimal.RequireFromString(row[1]).Equal(want) || row[3] == "" {
			t.Errorf("%s: %q, want %s", name, row, want)
		}
	}
	for _, name := range []string{"Invoices", "Contacts", "Ageing", "Profit and loss"} {
		row := append(summary["  "+name], make([]string, 4)...)
		at, err := strconv.ParseFloat(row[3], 64) // days, where the organisation is
		here := time.Now().UTC().Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Hours() / 24
		if err != nil || math.Abs(at-here) > 1 || name == "Invoices" && row[2] != strconv.Itoa(len(raw)) {
			t.Errorf("the sheet %s is as of %q", name, row)
		}
	}
	sums := map[string]decimal.Decimal{}
	for _, row := range cells(t, f, "Ageing")[1:] {
		total := decimal.RequireFromString(row[7])
		var bands decimal.Decimal
		for _, band := range row[2:7] {
			bands = bands.Add(decimal.RequireFromString(band))
		}
		if !bands.Equal(total) {
			t.Errorf("the bands of %q sum to %s", row, bands)
		}
		if row[1] == "All" {
			sums[row[0]] = sums[row[0]].Sub(total)
		} else {
			sums[row[0]] = sums[row[0]].Add(total)
		}
		if row[1] == "All" && !total.Equal(map[string]decimal.Decimal{"They owe you": owed, "You owe them": owing}[row[0]]) {
			t.Errorf("%q", row)
		}
	}
	for who, left := range sums {
		if !left.IsZero() {
			t.Errorf("%s: contacts and sum differ by %s", who, left)
		}
	}
	if lines := cells(t, f, "Profit and loss"); len(lines) < 5 || !strings.Contains(lines[0][0], " to ") {
		t.Errorf("profit and loss %q", lines)
	}
	for _, sheet := range f.GetSheetList() {
		if panes, err := f.GetPanes(sheet); err != nil || !panes.Freeze || panes.YSplit != 1 {
			t.Errorf("%s: panes %+v, %v", sheet, panes, err)
		}
	}
	// It is nobody else's.
	if g := b.ask(ask{path: "/export/file", cookie: b.visit()}); g.status != 404 {
		t.Errorf("another browser gets %d", g.status)
	}
	// A new one takes the place of the old one.
	old := b.workbooks()[0]
	b.export(cookie)
	if files := b.workbooks(); len(files) != 1 || files[0] == old {
		t.Errorf("after another export: %v", files)
	}
	b.stop()
	if files := b.workbooks(); len(files) != 0 {
		t.Errorf("after the end: %v", files)
	}
	spilled := filepath.Join(b.cfg.DataDir, "excelize-1234")
	for _, path := range []string{old, spilled} {
		if err := os.WriteFile(path, []byte("left by a crash"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.start()
	b.opened()
	if _, err := os.Lstat(spilled); len(b.workbooks()) != 0 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the next start: %v, %v", b.workbooks(), err)
	}
}

// A workbook is of one organisation, for one session, while a sign-in reaches it.
func TestAWorkbookGoesWithItsOrganisationAndItsSession(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	cookie := b.signIn(b.visit(), joinery, café)
	other := b.visit()
	for _, browser := range []string{cookie, other} {
		b.choose(browser, café)
		b.export(browser)
	}
	gone := func(what string, left int) {
		t.Helper()
		b.until(what+": "+strings.Join(b.workbooks(), " "), func() bool { return len(b.workbooks()) == left })
	}
	file := func(path, cookie string) int { return b.ask(ask{path: path, cookie: cookie}).status }
	if got := file("/export/file", cookie); got != 200 {
		t.Fatalf("%d", got)
	}
	b.choose(cookie, joinery)
	if got := file("/export/file", cookie); got != 404 {
		t.Errorf("another organisation's books are given out: %d", got)
	}
	if got := file("/export/file?tenant="+b.tenant(café), cookie); got != 200 {
		t.Errorf("its own, by name: %d", got)
	}
	g := b.ask(ask{path: "/export?tenant=" + b.tenant(café), cookie: cookie, page: true})
	if !strings.Contains(g.body, `href="/export/file?tenant=`+b.tenant(café)+`"`) {
		t.Error("the page of an organisation that is looked at leads to another's workbook")
	}
	// Who signs out everywhere keeps its own.
	g = b.ask(ask{method: "POST", path: "/settings/sign-out", cookie: cookie})
	if cookie = g.cookie; g.status != 303 || cookie == "" {
		t.Fatalf("%d", g.status)
	}
	gone("the other browser was signed out", 1)
	if got := file("/export/file?tenant="+b.tenant(café), cookie); got != 200 {
		t.Errorf("after signing out the others: %d", got)
	}
	other = b.visit()
	b.choose(other, joinery)
	b.export(other)
	gone("two", 2)
	b.ask(ask{method: "POST", path: "/logout", cookie: other})
	gone("a session was ended", 1)
	if g := b.ask(ask{method: "POST", path: "/disconnect", cookie: cookie, form: url.Values{"organisation": {b.tenant(café)}}}); g.status != 200 {
		t.Fatalf("%d %s", g.status, g.body)
	}
	if got := file("/export/file?tenant="+b.tenant(café), cookie); got == 200 {
		t.Error("the books of a disconnected organisation are given out")
	}
	gone("its organisation was disconnected", 0)
}

func TestAnExportThatIsStoppedLeavesNothing(t *testing.T) {
	slow := &silence{}
	b := newBench(t, withScopes(), func(b *bench) { b.xero.HTTP = slow }).opened()
	cookie := b.signIn(b.visit(), café)
	slow.on.Store(true)
	b.ask(ask{method: "POST", path: "/export", cookie: cookie, page: true})
	g := b.ask(ask{path: "/export", cookie: cookie, page: true})
	if !strings.Contains(g.body, "data-busy") || !strings.Contains(g.body, `action="/export/cancel"`) || !strings.Contains(g.body, `http-equiv="refresh"`) {
		t.Fatal(text(g.body))
	}
	if g := b.ask(ask{method: "POST", path: "/export/cancel", cookie: cookie, page: true, form: url.Values{"next": {"/export"}}}); g.status != 303 || g.location != "/export" {
		t.Fatalf("%d %s", g.status, g.location)
	}
	g = b.ask(ask{path: "/export", cookie: cookie, page: true})
	if said := text(g.body); strings.Contains(g.body, "data-busy") || !strings.Contains(said, "The export was stopped.") || !strings.Contains(said, "Make it now") {
		t.Error(said)
	}
	if files := b.workbooks(); len(files) != 0 {
		t.Errorf("%v", files)
	}
	// One that is under way does not keep FCC from stopping.
	b.ask(ask{method: "POST", path: "/export", cookie: cookie, page: true})
	start := time.Now()
	b.stop()
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

// A mistake in the middle of a workbook is in the log, and of the workbook nothing is left.
func TestAWorkbookThatAPanicCutsOffIsDeleted(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	cookie := b.signIn(b.visit(), joinery)
	begun := 0
	good := server.SpoilInvoices(func() {
		begun = len(b.workbooks())
		panic("a mistake")
	})
	said := b.export(cookie)
	good()
	if begun != 1 || !strings.Contains(said, "Something in FCC went wrong.") {
		t.Errorf("%d workbooks were begun, and the page says %s", begun, said)
	}
	if files := b.workbooks(); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
	if log := b.log.String(); !strings.Contains(log, `"msg":"panic"`) || !strings.Contains(log, "a mistake") || !strings.Contains(log, "export_page_test.go") {
		t.Errorf("the log does not say where: %s", log)
	}
	if said := b.export(cookie); !strings.Contains(said, "The workbook is ready") {
		t.Error(said)
	}
}

// What the sign-in may not read is a sheet that says so, and the rest is there.
func TestAPartThatMayNotBeReadIsASheetThatSaysWhy(t *testing.T) {
	b := newBench(t, withScopes("accounting.reports.profitandloss.read")).opened()
	cookie := b.signIn(b.visit(), joinery)
	key := b.addKey(store.Key{Name: "sheet"})
	said := b.export(cookie)
	if !strings.Contains(said, "The workbook is ready") || !strings.Contains(said, "Profit and loss, Income and costs: The sign-in to Xero does not allow FCC to read income and costs.") {
		t.Error(said)
	}
	for name, g := range map[string]got{
		"page": b.ask(ask{path: "/export/file", cookie: cookie}),
		"api":  b.ask(ask{path: "/api/export/excel", key: key}),
	} {
		f := excel(t, g)
		lines := cells(t, f, "Profit and loss")
		if len(lines) != 3 || lines[0][0] != "This part could not be read" || !strings.Contains(lines[1][0], "income and costs") {
			t.Errorf("%s: %q", name, lines)
		}
		if rows := cells(t, f, "Invoices"); len(rows) < 100 {
			t.Errorf("%s: %d invoices", name, len(rows))
		}
	}
}

func TestAWorkbookThatAnotherTryMayFillIsNotGivenToAScript(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	cookie := b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	if rows := b.csv(cookie, "/xero/invoices?format=csv"); len(rows) < 10 {
		t.Fatal("no invoices")
	}
	if err := b.sim.UseUp("day", café); err != nil {
		t.Fatal(err)
	}
	if g := b.ask(ask{path: "/api/export/excel", key: key}); g.status != 429 || g.code != "rate_limited" || g.header.Get("Retry-After") == "" || g.header.Get("Content-Disposition") != "" {
		t.Errorf("%d %s %q", g.status, g.code, g.header)
	}
	if said := b.export(cookie); !strings.Contains(said, "The workbook is ready") || !strings.Contains(said, "Contacts, Profit and loss, ") {
		t.Error(said)
	}
	// Where nothing at all can be read there is no workbook.
	other := newBench(t, withScopes()).opened()
	cookie = other.signIn(other.visit(), café)
	if err := other.sim.UseUp("day", café); err != nil {
		t.Fatal(err)
	}
	if said := other.export(cookie); strings.Contains(said, "ready") || !strings.Contains(said, "Try again") || len(other.workbooks()) != 0 {
		t.Error(said)
	}
}

// The demo and a demo company say so in the workbook, too.
func TestAWorkbookOfInventedBooksSaysSo(t *testing.T) {
	b := newBench(t, withScopes(), func(b *bench) { b.cfg.Mode = "demo" }).opened()
	b.signIn(b.visit(), café)
	f := excel(t, b.ask(ask{path: "/api/export/excel", key: b.addKey(store.Key{Name: "sheet"})}))
	if row := cells(t, f, "Summary")[1]; row[0] != café || row[len(row)-1] != "Demo: these books are invented." {
		t.Errorf("%q", row)
	}
}

func TestAnExportEndsWhenItsCallerHangsUp(t *testing.T) {
	slow := &silence{}
	b := newBench(t, withScopes(), func(b *bench) { b.xero.HTTP = slow }).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	slow.on.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r := b.request(ask{path: "/api/export/excel", key: key}).WithContext(ctx)
	if answer, err := client.Do(r); !errors.Is(err, context.DeadlineExceeded) {
		body, _ := io.ReadAll(answer.Body)
		t.Fatalf("%d %v %s", answer.StatusCode, err, body)
	}
	// The handler has ended: a shutdown has nobody to wait for.
	start := time.Now()
	b.stop()
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("a caller that has gone is still served after %v", took)
	}
}
