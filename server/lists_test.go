package server

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/books"
)

func amount(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func on(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t
}

// A small set of books whose sums are typed by hand. Today is 27 November 2026.
var (
	ours  = books.Organisation{Name: "Harbour", Base: "NZD", Country: "NZ"}
	today = on("2026-11-27")
	small = []books.Invoice{
		{ID: "1", Number: "INV-10", Reference: "Deck", Type: "ACCREC", Status: "AUTHORISED", ContactID: "a", ContactName: "Ōtepoti Timber", Date: on("2026-11-20"), Due: on("2026-12-20"), Currency: "NZD", Rate: amount("1"), Total: amount("100.10"), AmountDue: amount("100.10")},
		{ID: "2", Number: "INV-9", Type: "ACCREC", Status: "AUTHORISED", ContactID: "b", ContactName: "Søren & Zoë", Date: on("2026-11-01"), Due: on("2026-11-26"), Currency: "USD", Rate: amount("0.6"), Total: amount("60"), AmountDue: amount("30")}, // NZD 100 and 50
		{ID: "3", Number: "inv-100", Type: "ACCREC", Status: "PAID", ContactID: "a", ContactName: "Ōtepoti Timber", Date: on("2026-10-31"), Due: on("2026-10-31"), Currency: "NZD", Rate: amount("1"), Total: amount("0.20")},
		{ID: "4", Number: "B-1", Type: "ACCPAY", Status: "AUTHORISED", ContactID: "c", ContactName: "ＦＵＬＬ width", Date: on("2026-10-30"), Due: on("2026-10-26"), Currency: "EUR", Total: amount("500"), AmountDue: amount("500")}, // no rate
		{ID: "5", Type: "ACCPAY", Status: "DRAFT", ContactID: "b", ContactName: "Søren & Zoë", Date: on("2026-10-01"), Currency: "NZD", Rate: amount("1"), Total: amount("7.30"), AmountDue: amount("7.30")},
		{ID: "6", Number: "INV-1", Type: "ACCREC", Status: "VOIDED", ContactID: "a", ContactName: "Ōtepoti Timber", Date: on("2026-09-01"), Due: on("2026-09-15"), Currency: "NZD", Rate: amount("1"), Total: amount("10")},
	}
)

func found(t *testing.T, address string, all []books.Invoice) (string, invoiceList) {
	t.Helper()
	asked, err := url.ParseQuery(address)
	if err != nil {
		t.Fatal(err)
	}
	q, err := readInvoices(asked)
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	list := listInvoices(all, q, ours, today)
	var ids []string
	for _, row := range list.Rows {
		ids = append(ids, row.ID)
	}
	return strings.Join(ids, ""), list
}

func TestTheListFindsAndOrdersInvoices(t *testing.T) {
	for address, want := range map[string]string{
		"":                                   "123456", // the newest first
		"type=sales":                         "1236",
		"type=bills":                         "45",
		"status=AUTHORISED":                  "124",
		"status=paid":                        "3",
		"status=SOMETHING_NEW":               "",
		"overdue=1":                          "24", // what is paid, a draft or void is not late
		"from=2026-10-30&to=2026-11-01":      "234",
		"contact=B":                          "25",
		"q=otepoti":                          "136",
		"q=OTEPOTI+timber":                   "136",
		"q=soren+zoe":                        "25",
		"q=full":                             "4",
		"q=deck":                             "1",
		"q=inv-1":                            "136",
		"q=timber+soren":                     "",
		"q=%24100.10":                        "1",
		"q=100.1":                            "1",
		"q=30":                               "2", // what is due
		"q=%3Cb%3E":                          "",
		"q=otepoti&type=sales&status=VOIDED": "6",
		"sort=number":                        "546213", // "" B-1 INV-1 INV-9 INV-10 inv-100
		"sort=-number":                       "312645",
		"sort=contact":                       "413625",
		"sort=date":                          "654321",
		"sort=due":                           "564321", // none, 15 Sep, 26 Oct, 31 Oct, 26 Nov, 20 Dec
		"sort=-late":                         "421356",
		"sort=status":                        "124536", // awaiting payment, draft, paid, voided
		"sort=-total":                        "126534", // 100.10, 100 (of USD 60), 10, 7.30, 0.20, unknown
		"sort=amount":                        "436521", // unknown, 0, 0, 7.30, 50, 100.10
		"sort=type":                          "451236",
	} {
		if got, _ := found(t, address, small); got != want {
			t.Errorf("%q finds %s, want %s", address, got, want)
		}
	}
	if !slices.EqualFunc(small, []string{"1", "2", "3", "4", "5", "6"}, func(i books.Invoice, id string) bool { return i.ID == id }) {
		t.Error("the kept invoices were put in another order")
	}
}

func TestTotalsAreThoseOfWhatIsFound(t *testing.T) {
	_, list := found(t, "", small)
	sales, bills := list.Sales, list.Bills
	if sales.Count != 4 || !sales.Total.Equal(amount("200.30")) || !sales.Due.Equal(amount("150.10")) || sales.Voided != 1 ||
		sales.Foreign.Count != 1 || !slices.Equal(sales.Foreign.Currencies, []string{"USD"}) || sales.Foreign.Unknown != 0 {
		t.Errorf("sales %+v", sales)
	}
	if bills.Count != 2 || !bills.Total.Equal(amount("7.30")) || !bills.Due.IsZero() || // a draft is not to be paid yet
		bills.Foreign.Unknown != 1 || bills.Foreign.Count != 0 {
		t.Errorf("bills %+v", bills)
	}
	_, list = found(t, "q=soren", small)
	if list.Sales.Count != 1 || !list.Sales.Total.Equal(amount("100")) || list.Bills.Count != 1 || !list.Bills.Total.Equal(amount("7.30")) || !list.Bills.Due.IsZero() {
		t.Errorf("%+v", list)
	}
}

// A bill has another address in Xero than a sale.
func TestEachRowLeadsToItsPlaceInXero(t *testing.T) {
	o := ours
	o.ShortCode = "!aB3"
	for n, want := range map[int]string{
		0: "https://go.xero.com/app/!aB3/invoicing/view/1",
		3: "https://go.xero.com/organisationlogin/default.aspx?shortcode=!aB3&redirecturl=/AccountsPayable/Edit.aspx?InvoiceID=4",
	} {
		if got := (invoiceLine{invoiceRow: invoiceRow{Invoice: &small[n]}, organisation: o}).Link(); got != want {
			t.Errorf("%s leads to %s", small[n].Number, got)
		}
	}
}

// A page that lies open and is painted anew every minute does not ask Xero as often.
func TestOnlyAPersonsLookAsksForTheLastMinute(t *testing.T) {
	r := httptest.NewRequest("GET", "/xero/invoices", nil)
	if got := askedAge(r); got != time.Minute {
		t.Errorf("a person's look: %v", got)
	}
	r.Header.Set("Sec-Fetch-Dest", "empty")
	if got := askedAge(r); got != figuresAge {
		t.Errorf("a repaint: %v", got)
	}
}

func TestDaysLateAreThoseOfWhatIsToBePaid(t *testing.T) {
	_, list := found(t, "", small)
	late := map[string]int{}
	for _, row := range list.Rows {
		late[row.ID] = row.Late
	}
	for id, want := range map[string]int{"1": 0, "2": 1, "3": 0, "4": 32, "5": 0, "6": 0} {
		if late[id] != want {
			t.Errorf("%s is %d days late, want %d", id, late[id], want)
		}
	}
}

func TestAnAddressThatMakesNoSenseIsRefused(t *testing.T) {
	for _, address := range []string{"type=x", "from=27.11.2026", "to=2026-13-01", "sort=x", "sort=-", "page=0", "page=-1", "page=x", "page=99999999999999999999"} {
		asked, _ := url.ParseQuery(address)
		if _, err := readInvoices(asked); err == nil || asFailure(err).Code != codeBadRequest {
			t.Errorf("invoices %s: %v", address, err)
		}
	}
	for _, address := range []string{"type=x", "archived=x", "sort=date", "sort=", "page=0"} {
		asked, _ := url.ParseQuery(address)
		if _, err := readContacts(asked); (err == nil) != (address == "sort=") {
			t.Errorf("contacts %s: %v", address, err)
		}
	}
	long, err := readInvoices(url.Values{"q": {strings.Repeat("ü", 5000)}})
	if err != nil || len([]rune(long.Search)) != 200 {
		t.Errorf("%d letters, %v", len([]rune(long.Search)), err)
	}
}

func TestPagesCutTheListAndTheirLinksKeepTheRest(t *testing.T) {
	var many []books.Invoice
	for i := range 120 {
		many = append(many, books.Invoice{ID: fmt.Sprint(i), Number: fmt.Sprint("N", i), Type: "ACCREC", Currency: "NZD"})
	}
	for page, want := range map[string]struct {
		first, last   int
		before, after string
	}{
		"":        {1, 50, "", "/l?page=2&q=n&tenant=T"},
		"&page=2": {51, 100, "/l?q=n&tenant=T", "/l?page=3&q=n&tenant=T"},
		"&page=3": {101, 120, "/l?page=2&q=n&tenant=T", ""},
		"&page=9": {101, 120, "/l?page=2&q=n&tenant=T", ""}, // the list has become shorter
	} {
		asked, _ := url.ParseQuery("q=n&tenant=T&unknown=1&overdue=" + page)
		q, err := readInvoices(asked)
		if err != nil {
			t.Fatal(err)
		}
		rows, p := cut(many, q.listQuery, "/l")
		if p.First != want.first || p.Last != want.last || p.Of != 120 || p.Pages != 3 || p.Before != want.before || p.After != want.after ||
			len(rows) != want.last-want.first+1 || rows[0].ID != fmt.Sprint(want.first-1) {
			t.Errorf("page %q: %d rows, %+v", page, len(rows), p)
		}
	}
	q, _ := readInvoices(nil)
	if rows, p := cut([]int{}, q.listQuery, "/l"); len(rows) != 0 || p.Of != 0 || p.Before != "" || p.After != "" {
		t.Errorf("of nothing: %+v", p)
	}
}

func TestHeadersSayTheOrderAndTurnItAround(t *testing.T) {
	head := func(address string) map[string]header {
		asked, _ := url.ParseQuery(address)
		q, err := readInvoices(asked)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]header{}
		for _, h := range headers(invoiceColumns, q.listQuery, "/l", usualInvoices) {
			all[h.Title] = h
		}
		return all
	}
	usual := head("q=x&page=3")
	for title, want := range map[string]header{
		"Number": {"Number", false, "/l?q=x&sort=number", ""},
		"Date":   {"Date", false, "/l?q=x&sort=date", "descending"},
		"Total":  {"Total", true, "/l?q=x&sort=-total", ""},
	} {
		if usual[title] != want {
			t.Errorf("%+v, want %+v", usual[title], want)
		}
	}
	if h := head("sort=date")["Date"]; h.Sort != "ascending" || h.Link != "/l" {
		t.Errorf("%+v", h)
	}
	if _, there := usual["Currency"]; there || len(usual) != 9 {
		t.Errorf("%d headers", len(usual))
	}
}

func TestContactsCarryWhatIsOpen(t *testing.T) {
	people := []books.Contact{
		{ID: "a", Name: "Ōtepoti Timber", Email: "a@x.example", Status: "ACTIVE", Customer: true},
		{ID: "b", Name: "Søren & Zoë", Status: "ACTIVE", Customer: true, Supplier: true},
		{ID: "c", Name: "ＦＵＬＬ width", Status: "ARCHIVED", Supplier: true},
		{ID: "d", Name: "Nobody", Status: "ACTIVE"},
	}
	open := books.Reading[[]books.Invoice]{At: time.Now()}
	for _, i := range small {
		if i.Open() {
			open.Value = append(open.Value, i)
		}
	}
	list := func(address string, open books.Reading[[]books.Invoice]) (string, contactList) {
		asked, _ := url.ParseQuery(address)
		q, err := readContacts(asked)
		if err != nil {
			t.Fatal(err)
		}
		found := listContacts(people, open, q, ours, today)
		ids := ""
		for _, row := range found.Rows {
			ids += row.ID
		}
		return ids, found
	}
	for address, want := range map[string]string{
		"": "dab", "archived=all": "cdab", "archived=only": "c", "type=customers": "ab", "type=suppliers": "b",
		"q=OTEPOTI": "a", "q=a%40x": "a", "q=x+y": "", "sort=-owed": "abd", "sort=-name": "bad", "sort=-overdue": "bad",
	} {
		if got, _ := list(address, open); got != want {
			t.Errorf("%q finds %s, want %s", address, got, want)
		}
	}
	_, all := list("archived=all", open)
	if !all.Owed.Equal(amount("150.10")) || !all.Overdue.Equal(amount("50")) || !all.Owing.IsZero() || all.Foreign.Count != 1 || all.Foreign.Unknown != 1 {
		t.Errorf("%+v", all)
	}
	if row := all.Rows[3]; row.ID != "b" || !row.Owed.Equal(amount("50")) || !row.Overdue.Equal(amount("50")) || row.Kind() != "Customer, supplier" {
		t.Errorf("%+v", row)
	}
	_, unknown := list("", books.Reading[[]books.Invoice]{})
	titles := func(list contactList) (all []string) {
		for _, c := range contactSheet(list, ours).Columns {
			all = append(all, c.Title)
		}
		return all
	}
	if got := titles(unknown); !slices.Equal(got, []string{"Name", "Status", "E-mail", "Type"}) {
		t.Errorf("what is not known has a column: %q", got)
	}
	if got := titles(all); len(got) != 7 || got[6] != "You owe (NZD)" {
		t.Errorf("columns %q", got)
	}
}

func TestTextIsFoundWithoutItsAccents(t *testing.T) {
	for text, want := range map[string]string{
		"Ōtepoti": "otepoti", "Zoë": "zoe", "Zoe\u0308": "zoe", "Straße": "strasse", "Łódź": "lodz", "ＡＢＣ": "abc", "ﬁ": "fi", "a\u202eb\u200bc": "abc", "שלום": "שלום", "ÆØÅ": "aeoa", "İI": "ii",
	} {
		if got := fold(text); got != want {
			t.Errorf("%q folds to %q, want %q", text, got, want)
		}
	}
}

func TestFileNamesAreTakenByEverySystem(t *testing.T) {
	for name, want := range map[string]string{
		"Harbour Joinery Ltd":              "Harbour Joinery Ltd invoices 2026-11-27.csv",
		`<b>Kauri</b> & "Sons"`:            "b Kauri b & Sons invoices 2026-11-27.csv",
		"../../etc/passwd":                 "etc passwd invoices 2026-11-27.csv",
		"a\r\nSet-Cookie: x=1":             "a Set-Cookie x=1 invoices 2026-11-27.csv",
		"Ridgeway Café\u202e\u0000.":       "Ridgeway Café invoices 2026-11-27.csv",
		" . ":                              "Xero invoices 2026-11-27.csv",
		strings.Repeat("界", 200):           strings.Repeat("界", 80) + " invoices 2026-11-27.csv",
		"CON":                              "CON invoices 2026-11-27.csv",
		"50% off; filename=\"evil.exe\"\\": "50 off filename= evil.exe invoices 2026-11-27.csv",
	} {
		if got := fileName(name, "invoices", today.Format(time.DateOnly), "csv"); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

// Twelve thousand invoices are found, ordered and cut well within the time that a
// person notices. The bound is loose: the machine may be busy.
func TestTwelveThousandInvoicesAreQuick(t *testing.T) {
	var many []books.Invoice
	for i := range 12000 {
		one := small[i%len(small)]
		one.ID, one.Number = fmt.Sprint(i), fmt.Sprint("INV-", i*7919%12000)
		many = append(many, one)
	}
	for _, address := range []string{"", "q=otepoti+inv", "sort=number", "sort=-total", "sort=contact", "q=soren&overdue=1&sort=late"} {
		best := time.Hour
		for range 3 {
			start := time.Now()
			if ids, _ := found(t, address, many); ids == "" {
				t.Fatalf("%q finds nothing", address)
			}
			best = min(best, time.Since(start))
		}
		t.Logf("%-28q %v", address, best)
		if best > 3*time.Second {
			t.Errorf("%q takes %v", address, best)
		}
	}
}

func TestTheFinancialYearBeginsAfterTheLastYearEnd(t *testing.T) {
	for _, c := range []struct {
		day   int
		month time.Month
		today string
		want  string
	}{
		{31, time.March, "2026-11-27", "2026-04-01"},
		{31, time.March, "2026-03-31", "2025-04-01"},
		{31, time.March, "2026-04-01", "2026-04-01"},
		{30, time.June, "2026-01-01", "2025-07-01"},
		{31, time.December, "2026-12-31", "2026-01-01"},
		{29, time.February, "2026-03-01", "2026-03-01"},
		{29, time.February, "2028-02-29", "2027-03-01"},
		{0, 0, "2026-05-05", "2026-01-01"},
	} {
		o := books.Organisation{YearEndDay: c.day, YearEndMonth: c.month}
		if got := financialYear(o, on(c.today)).Format(time.DateOnly); got != c.want {
			t.Errorf("%d %s, on %s: %s, want %s", c.day, c.month, c.today, got, c.want)
		}
	}
}

// What is kept is shown with its date when newer figures cannot be had, and an
// organisation without anything is told from a filter that finds nothing.
func TestPagesOfListsTellOldFromNone(t *testing.T) {
	all, err := parsePages()
	if err != nil {
		t.Fatal(err)
	}
	q, err := readInvoices(nil)
	if err != nil {
		t.Fatal(err)
	}
	page := func(reading books.Reading[[]books.Invoice]) string {
		v := invoicesView{listView: listOf("Invoices", reading, books.Reading[books.Organisation]{Value: ours, At: time.Now()}, q.listQuery, "/xero/invoices"), Query: q, Of: len(reading.Value)}
		if v.Read {
			v.fill(listInvoices(reading.Value, q, ours, today))
		}
		var out strings.Builder
		if err := all["invoices"].Execute(&out, view{Known: true, Data: v}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	trouble := &books.Trouble{Problem: fail(codeRateLimited).Problem, Retry: time.Now().Add(time.Hour)}
	old := page(books.Reading[[]books.Invoice]{Value: small, At: time.Now().Add(-72 * time.Hour), Trouble: trouble})
	for _, want := range []string{"These are the figures of " + moment(time.Now().Add(-72*time.Hour)), ">Try again</a>", "INV-10", `class="warned"`, "32 days late"} {
		if !strings.Contains(old, want) {
			t.Errorf("old figures lack %q", want)
		}
	}
	if none := page(books.Reading[[]books.Invoice]{At: time.Now()}); !strings.Contains(none, "Harbour has no invoices and no bills yet") || !strings.Contains(none, ">Look again</a>") {
		t.Error("an organisation without invoices is not told so")
	}
	role := &books.Trouble{Problem: fail(codeNotFound).Problem, Role: true}
	if forbidden := page(books.Reading[[]books.Invoice]{Trouble: role}); !strings.Contains(forbidden, `href="/profile?next=%2Fxero%2Finvoices"`) {
		t.Error("a role that does not reach has no way out")
	}
}
