package server_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"

	"financial-command-center/server/store"
)

// allScopes are those that a sign-in asks for unless somebody says otherwise.
var allScopes = strings.Fields(`openid profile email offline_access accounting.settings.read accounting.contacts.read
	accounting.invoices.read accounting.payments.read accounting.banktransactions.read accounting.reports.banksummary.read
	accounting.reports.profitandloss.read accounting.reports.balancesheet.read accounting.reports.aged.read accounting.reports.executivesummary.read`)

// withScopes has sign-ins ask for them all but those named.
func withScopes(but ...string) func(*bench) {
	return func(b *bench) {
		b.xero.App.Scopes = slices.DeleteFunc(slices.Clone(allScopes), func(scope string) bool { return slices.Contains(but, scope) })
	}
}

type rawInvoice struct {
	InvoiceID, InvoiceNumber, Type, Status, CurrencyCode, DueDateString string
	Total, AmountDue                                                    decimal.Decimal
	CurrencyRate                                                        decimal.Decimal
	Contact                                                             struct{ ContactID, Name string }
}

// rawInvoices are an organisation's invoices as Xero itself gives them out.
func (b *bench) rawInvoices(key, organisation string) (all []rawInvoice) {
	b.t.Helper()
	for page := 1; ; page++ {
		var got struct {
			Pagination struct{ PageCount int }
			Invoices   []rawInvoice
		}
		g := b.ask(ask{path: fmt.Sprintf("/api.xro/2.0/Invoices?pageSize=1000&page=%d", page), key: key, header: map[string]string{"Accept": "application/json", "xero-tenant-id": b.tenant(organisation)}})
		if err := json.Unmarshal([]byte(g.body), &got); err != nil {
			b.t.Fatalf("%v: %.200s", err, g.body)
		}
		all = append(all, got.Invoices...)
		if page >= got.Pagination.PageCount {
			return all
		}
	}
}

// text is what a page says, without its tags.
func text(page string) string {
	page = regexp.MustCompile(`(?s)<(script|style)[^>]*>.*?</(script|style)>|<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(html.UnescapeString(page)), " ")
}

// thousands writes an amount as people in New Zealand do.
func thousands(d decimal.Decimal) string {
	whole, cents, _ := strings.Cut(d.StringFixed(2), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return whole + "." + cents
}

func TestTheListOfInvoicesIsXerosToTheCent(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	cookie := b.signIn(b.visit(), joinery)
	all := b.rawInvoices(b.addKey(store.Key{Name: "sheet"}), joinery)
	today := time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly) // wherever the organisation is, this day is over
	var sales, bills struct {
		count      int
		total, due decimal.Decimal
	}
	late := 0
	for _, i := range all {
		sum := &bills
		if i.Type == "ACCREC" {
			sum = &sales
		}
		rate := i.CurrencyRate
		if rate.IsZero() {
			rate = decimal.NewFromInt(1)
		}
		sum.count++
		if i.Status == "VOIDED" {
			continue
		}
		sum.total = sum.total.Add(i.Total.DivRound(rate, 2))
		if i.Status != "AUTHORISED" || !i.AmountDue.IsPositive() {
			continue // nobody owes a draft
		}
		sum.due = sum.due.Add(i.AmountDue.DivRound(rate, 2))
		if i.DueDateString[:10] < today {
			late++
		}
	}
	if sales.count == 0 || bills.count == 0 || late == 0 {
		t.Fatalf("nothing to compare with: %+v %+v %d", sales, bills, late)
	}
	b.read(cookie) // else a busy machine shows the frame of the page
	page := text(b.ask(ask{path: "/xero/invoices", cookie: cookie, page: true}).body)
	for _, want := range []string{
		fmt.Sprintf("%d sales $%s $%s to be paid to you", sales.count, thousands(sales.total), thousands(sales.due)),
		fmt.Sprintf("%d bills $%s $%s to be paid by you", bills.count, thousands(bills.total), thousands(bills.due)),
		fmt.Sprintf("1 to 50 of %d", len(all)),
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in %.1200s", want, page)
		}
	}
	rows := b.csv(cookie, "/xero/invoices?overdue=1&sort=-late&format=csv")
	if len(rows)-1 < late || len(rows)-1 > late+20 {
		t.Errorf("%d are late, want %d and those of the last two days", len(rows)-1, late)
	}
	// Every row, by its number, is the one that Xero gave.
	byID := map[string]rawInvoice{}
	for _, i := range all {
		byID[i.InvoiceNumber+"|"+i.Contact.Name+"|"+i.Total.StringFixed(2)] = i
	}
	rows = b.csv(cookie, "/xero/invoices?format=csv&page=3") // all of them, whatever the page
	if len(rows)-1 != len(all) {
		t.Fatalf("%d rows of %d", len(rows)-1, len(all))
	}
	for _, row := range rows[1:] {
		i, ok := byID[row[0]+"|"+row[1]+"|"+row[8]]
		if !ok || row[7] != i.CurrencyCode || row[9] != i.AmountDue.StringFixed(2) || row[2] != map[string]string{"ACCREC": "Sale", "ACCPAY": "Bill"}[i.Type] {
			t.Errorf("%q is not %+v", row, i)
		}
	}
}

// csv asks for a list as CSV and reads it.
func (b *bench) csv(cookie, path string) [][]string {
	b.t.Helper()
	g := b.ask(ask{path: path, cookie: cookie, page: true})
	body, marked := strings.CutPrefix(g.body, "\ufeff")
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if g.status != 200 || !marked || err != nil || g.header.Get("Content-Type") != "text/csv; charset=utf-8" {
		b.t.Fatalf("%s: %d %s, %v\n%.300s", path, g.status, g.header.Get("Content-Type"), err, g.body)
	}
	return rows
}

// excel opens a workbook.
func excel(t testing.TB, g got) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader([]byte(g.body)))
	if err != nil || g.status != 200 || g.header.Get("Content-Type") != "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" {
		t.Fatalf("%d %s: %v %.300s", g.status, g.header.Get("Content-Type"), err, g.body)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// cells are the rows of a sheet, as they are kept and not as they are shown.
func cells(t testing.TB, f *excelize.File, sheet string) [][]string {
	t.Helper()
	rows, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// patiently asks as long as a busy machine may need for the largest books.
func (b *bench) patiently(a ask) got {
	b.t.Helper()
	answer, err := (&http.Client{Transport: client.Transport, Timeout: 2 * time.Minute}).Do(b.request(a))
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := readSome(answer)
	if err != nil {
		b.t.Fatal(err)
	}
	return read(answer.StatusCode, answer.Header, body)
}

// read has the server read an organisation's books for the first time. A reading
// that takes longer than a caller waits goes on without it.
func (b *bench) read(cookie string) {
	b.t.Helper()
	for range 4 {
		if b.patiently(ask{path: "/api/xero/invoices?limit=1", cookie: cookie}).status == http.StatusOK {
			return
		}
	}
	b.t.Fatal("the books are not read")
}

// The largest books: 12,000 invoices.
func TestWhatIsSavedIsWhatIsShown(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	cookie := b.signIn(b.visit(), kauri)
	b.read(cookie)
	start := time.Now()
	whole := b.patiently(ask{path: "/api/export/excel", cookie: cookie})
	took := time.Since(start)
	t.Logf("the export of %d kB takes %v", len(whole.body)>>10, took)
	if rows := cells(t, excel(t, whole), "Invoices"); len(rows) < 12000 || took > time.Minute { // the machine may be busy
		t.Errorf("an export of %d rows takes %v", len(rows), took)
	}
	for _, list := range []string{
		"/xero/invoices?q=ltd&overdue=1&sort=-amount", "/xero/invoices?type=bills&status=DRAFT&sort=contact",
		"/xero/contacts?type=customers&sort=-owed", "/xero/contacts?archived=only",
	} {
		rows := b.csv(cookie, list+"&format=csv") // waits for what the page would show as it comes in
		page := b.ask(ask{path: list, cookie: cookie, page: true})
		f := excel(t, b.ask(ask{path: list + "&format=xlsx", cookie: cookie, page: true}))
		saved := cells(t, f, f.GetSheetName(0))
		if page.status != 200 || len(rows) < 3 || len(saved) != len(rows) {
			t.Fatalf("%s: %d, %d rows of CSV, %d of Excel", list, page.status, len(rows), len(saved))
		}
		shown := regexp.MustCompile(`<bdi title="([^"]*)">`).FindAllStringSubmatch(page.body, -1)
		who := 0
		if strings.Contains(list, "invoices") {
			who = 1
		}
		for i, name := range shown {
			if got := strings.TrimPrefix(rows[i+1][who], "'"); got != html.UnescapeString(name[1]) {
				t.Errorf("%s: row %d shows %q and is saved as %q", list, i+1, name[1], got)
			}
		}
		if len(shown) != min(50, len(rows)-1) {
			t.Errorf("%s: %d rows on the page", list, len(shown))
		}
		for i := range rows[1:] {
			for n, want := range rows[i+1] {
				got := ""
				if n < len(saved[i+1]) {
					got = saved[i+1][n]
				}
				if day, err := time.Parse(time.DateOnly, want); err == nil {
					want = fmt.Sprint(int(day.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Hours() / 24))
				}
				a, err1 := decimal.NewFromString(got)
				d, err2 := decimal.NewFromString(want)
				if got != want && (err1 != nil || err2 != nil || !a.Equal(d)) {
					t.Errorf("%s: row %d, column %d: %q in Excel, %q in CSV", list, i+1, n, got, want)
				}
			}
		}
		kind, values, err := mime.ParseMediaType(b.ask(ask{path: list + "&format=csv", cookie: cookie}).header.Get("Content-Disposition"))
		if name := values["filename"]; err != nil || kind != "attachment" || !regexp.MustCompile(`^b Kauri b & Sons (invoices|contacts) \d{4}-\d\d-\d\d\.csv$`).MatchString(name) {
			t.Errorf("%s: saved as %q, %v", list, name, err)
		}
	}
}

func TestNastyNamesDoNothingAnywhere(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	cookie := b.signIn(b.visit(), kauri)
	rows := b.csv(cookie, "/xero/contacts?archived=all&format=csv")
	page := b.ask(ask{path: "/xero/contacts", cookie: cookie, page: true})
	for _, bad := range []string{"<script>alert", "<img src=x", "<b>Kauri"} {
		if strings.Contains(page.body, bad) {
			t.Errorf("the page has %q in it", bad)
		}
	}
	if !strings.Contains(page.body, "&lt;script&gt;alert(&#39;paid&#39;)&lt;/script&gt;") {
		t.Error("the page lacks the name it is to escape")
	}
	f := excel(t, b.ask(ask{path: "/xero/contacts?archived=all&format=xlsx", cookie: cookie}))
	names := map[string]bool{}
	for i, row := range rows[1:] {
		names[row[0]] = true
		for _, cell := range row[:4] {
			if strings.TrimLeft(cell, " \t") != "" && strings.ContainsRune("=+-@", rune(strings.TrimLeft(cell, " \t")[0])) {
				t.Errorf("%q is a formula", cell)
			}
		}
		cell := fmt.Sprintf("A%d", i+2)
		kind, err := f.GetCellType("Contacts", cell)
		formula, err2 := f.GetCellFormula("Contacts", cell)
		if err != nil || err2 != nil || formula != "" || kind != excelize.CellTypeInlineString {
			t.Errorf("%s is a %d with the formula %q", cell, kind, formula)
		}
	}
	for _, name := range []string{`'=cmd|' /C calc'!A0`, "'@SUM(1+1)*cmd", "'-Minus Records", "0012345", "1e5"} {
		if !names[name] {
			t.Errorf("%q is not among those saved", name)
		}
	}
}

func TestAListThatIsStillReadShowsItsFrame(t *testing.T) {
	slow := &silence{}
	b := newBench(t, withScopes(), func(b *bench) { b.xero.HTTP = slow }).opened()
	cookie := b.signIn(b.visit(), café)
	slow.on.Store(true)
	for _, path := range []string{"/xero/invoices", "/xero/contacts"} {
		start := time.Now()
		g := b.ask(ask{path: path, cookie: cookie, page: true})
		if g.status != 200 || !strings.Contains(g.body, `aria-busy="true"`) || !strings.Contains(g.body, `<noscript><meta http-equiv="refresh"`) || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %d after %v\n%s", path, g.status, time.Since(start), text(g.body))
		}
	}
}

func TestAListThatTheSignInMayNotReadOffersToAllowJustThat(t *testing.T) {
	b := newBench(t, withScopes("accounting.invoices.read")).opened()
	cookie := b.signIn(b.visit(), café)
	g := b.ask(ask{path: "/xero/invoices?type=sales", cookie: cookie, page: true})
	button := `href="/login?next=%2Fxero%2Finvoices%3Ftype%3Dsales&amp;scope=accounting.invoices.read"`
	if g.status != 200 || !strings.Contains(g.body, button) || strings.Contains(g.body, "aria-busy") {
		t.Errorf("%d\n%s", g.status, g.body)
	}
	if g := b.ask(ask{path: "/xero/invoices?format=csv", cookie: cookie}); g.status != 503 || g.code != "needs_login" {
		t.Errorf("as CSV: %d %s", g.status, g.code)
	}
	// The contacts are there; what they owe is not known, and the page says so.
	g = b.ask(ask{path: "/xero/contacts", cookie: cookie, page: true})
	if said := text(g.body); g.status != 200 || !strings.Contains(said, "What is owed is not known, and not in files.") || !strings.Contains(said, "1 to ") || strings.Contains(said, "$0.00") ||
		!strings.Contains(g.body, "scope=accounting.invoices.read") {
		t.Errorf("%d\n%s", g.status, said)
	}
	if rows := b.csv(cookie, "/xero/contacts?format=csv"); len(rows[0]) != 4 || len(rows) < 3 {
		t.Errorf("%q\n%q", rows[0], rows[1])
	}
}

func TestAListThatXeroDoesNotGiveOutSaysWhy(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	cookie := b.signIn(b.visit(), café)
	if err := b.sim.UseUp("day", café); err != nil {
		t.Fatal(err)
	}
	g := b.ask(ask{path: "/xero/contacts?q=x", cookie: cookie, page: true})
	if said := text(g.body); g.status != 200 || !strings.Contains(said, "used up") || !strings.Contains(g.body, `<a class="button main" href="/xero/contacts?q=x">Try again</a>`) {
		t.Errorf("%d\n%s", g.status, said)
	}
	if g := b.ask(ask{path: "/xero/contacts?format=xlsx", cookie: cookie}); g.status != 429 || g.header.Get("Retry-After") == "" {
		t.Errorf("as Excel: %d %q %s", g.status, g.header.Get("Retry-After"), g.body)
	}
}

func TestAListThatIsEmptySaysSoAndWhatToDo(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	cookie := b.signIn(b.visit(), joinery)
	b.read(cookie)
	g := b.ask(ask{path: "/xero/invoices?q=no+such+thing&sort=due", cookie: cookie, page: true})
	if said := text(g.body); g.status != 200 || !strings.Contains(said, "No invoice is like that") || !strings.Contains(g.body, `href="/xero/invoices?sort=due">Show all</a>`) {
		t.Errorf("%d\n%s", g.status, said)
	}
	for path, code := range map[string]string{"/xero/invoices?sort=x": "bad_request", "/xero/contacts?page=0": "bad_request", "/xero/invoices?format=pdf": "bad_request", "/xero/invoices?tenant=none": "tenant_required"} {
		if g := b.ask(ask{path: path, cookie: cookie}); g.status != 400 || g.code != code {
			t.Errorf("%s: %d %s", path, g.status, g.code)
		}
	}
}
