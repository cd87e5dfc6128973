package server

import (
	"bytes"
	"html"
	"regexp"
	"strings"

	"testing"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

func dec(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// someFigures are those of a small company, all read at the same time.
func someFigures(at time.Time) books.Dashboard {
	d := books.Dashboard{Today: date(2026, time.November, 23)}
	d.Organisation = books.Reading[books.Organisation]{At: at, Value: books.Organisation{Name: "Kauri & Sons", Base: "NZD", Country: "NZ"}}
	d.Cash = books.Reading[books.Cash]{At: at, Value: books.Cash{Total: dec("48310.22"), Accounts: []books.CashAccount{
		{Name: "Cheque", Balance: dec("38310.20")}, {Name: "Savings", Balance: dec("12000.02")}, {Name: "Visa", Balance: dec("-2000")},
	}}}
	d.Owed = books.Reading[books.Debts]{At: at, Value: books.Debts{
		Count: 14, OverdueCount: 11, Total: dec("61204.90"), Overdue: dec("23937.90"),
		Bands:   [5]decimal.Decimal{dec("37267"), dec("12903"), dec("7124"), dec("2910.90"), dec("1000")},
		Foreign: books.Foreign{Count: 2, Currencies: []string{"AUD", "USD"}},
	}}
	d.Owing = books.Reading[books.Debts]{At: at, Value: books.Debts{
		Count: 9, OverdueCount: 2, Total: dec("27515"), Overdue: dec("1120"),
		Bands: [5]decimal.Decimal{dec("26395"), dec("700"), dec("420"), {}, {}},
	}}
	d.Due = books.Reading[[]books.Week]{At: at}
	in := []string{"18120", "9200", "22000.40", "6300", "14800", "11000", "19600", "8100"}
	out := []string{"7300", "12800", "5400", "16500", "7100", "8900", "7900", "13300.55"}
	for i := range in {
		from := d.Today.AddDate(0, 0, 7*i)
		d.Due.Value = append(d.Due.Value, books.Week{From: from, To: from.AddDate(0, 0, 6), In: dec(in[i]), Out: dec(out[i])})
	}
	d.Months = books.Reading[[]books.Month]{At: at}
	income := []string{"62000", "58000", "71000", "66000", "74000", "69000", "80000", "77000", "72000", "85000", "90000", "84000"}
	costs := []string{"48000", "51000", "52000", "55000", "53000", "57000", "58000", "60000", "61000", "62422.50", "66520", "61000"}
	for i := range income {
		m := books.Month{First: date(2025, time.December+time.Month(i), 1), Income: dec(income[i]), Costs: dec(costs[i])}
		m.Profit = m.Income.Sub(m.Costs)
		d.Months.Value = append(d.Months.Value, m)
	}
	d.Overdue = books.Reading[books.Overdue]{At: at, Value: books.Overdue{Count: 11, Total: dec("23937.90")}}
	for i, name := range []string{"Harbour Joinery Ltd", "Matiu & Daughters", "Otago Timber Co-op", "Ridgeway Cafés", "Tūī Street Dental", "North & Co", "Aroha Ngata", "Pukeko Press", "Kea Tours", "Weka Bikes"} {
		invoice := books.OverdueInvoice{Days: 64 - 6*i, Base: decimal.New(int64(842050-70000*i), -2), Link: "https://go.xero.com/x"}
		invoice.Number, invoice.ContactName = "INV-20"+string(rune('1'+i%9))+"1", name
		d.Overdue.Value.Top = append(d.Overdue.Value.Top, invoice)
	}
	d.Budget = xero.Budget{Known: true, Day: 4812, Minute: 55, At: at}
	return d
}

// drawn is the start page with these figures.
func drawn(t *testing.T, d books.Dashboard, now time.Time) string {
	t.Helper()
	pages, err := parsePages()
	if err != nil {
		t.Fatal(err)
	}
	figures := dashboardOf(d, "/", now)
	figures.Name = "Kauri & Sons"
	v := view{
		Title: "Dashboard", Path: "/", Here: "/", Known: true, Nav: navs("/"), Base: "NZD", State: stateLine{"good", "Signed in to Xero", []string{"Stays signed in by itself."}},
		Organisations: []xero.Organisation{{TenantID: "1", Name: "Kauri & Sons"}, {TenantID: "2", Name: "Ridgeway Café"}},
		Data:          homeView{Lead: figures.Lead, Figures: figures, Connections: []homeConnection{{State: stateLine{Tone: "good"}, ConnectionStatus: xero.ConnectionStatus{Person: &xero.Person{Name: "Aroha Ngata"}, Since: now}}}},
	}
	v.Chosen = &v.Organisations[0]
	var page bytes.Buffer
	if err := pages["dashboard"].Execute(&page, v); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// section is one card's text, without tags, by its heading.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	for part := range strings.SplitSeq(page, "<section") {
		part, _, _ = strings.Cut(part, "</section>")
		if strings.Contains(part, "<h2>"+heading+"</h2>") {
			text := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString("<section"+part, " "))
			return strings.Join(strings.Fields(text), " ")
		}
	}
	t.Fatalf("no card is called %q in\n%s", heading, page)
	return ""
}

func TestEachCardSaysItsFiguresInFull(t *testing.T) {
	now := time.Now()
	page := drawn(t, someFigures(now.Add(-2*time.Minute)), now)
	if !strings.Contains(page, "<p>Monday 23 November 2026 · figures from 2 minutes ago</p>") {
		t.Error("the page does not say how old its figures are")
	}
	for heading, wants := range map[string][]string{
		"Cash in bank":                     {"$48,310.22", "3 accounts · books, not the bank's own balance"},
		"Owed to you":                      {"$61,204.90", "14 invoices · $23,937.90 overdue", "2 converted from AUD, USD."},
		"You owe":                          {"$27,515.00", "9 bills · $1,120.00 overdue"},
		"Profit in October":                {"$23,480.00", "Up 4 % on September · whole month"},
		"What falls due, next eight weeks": {"In Out", "23 Nov to 29 Nov $18,120.00 $7,300.00", "7 Dec to 13 Dec $22,000.40 $5,400.00", "converted at each invoice's rate"},
		"How old the debts are":            {"Owed to you 61,204.90", "61–90 2,911", "Days late Owed to you You owe Current 37,267.00 26,395.00 1–30 12,903.00 700.00", "61–90 2,910.90 0.00 90+ 1,000.00 0.00 Together 61,204.90 27,515.00"},
		"Income and costs, twelve months":  {"October 2026 $90,000.00 $66,520.00", "November 2026, so far $84,000.00 $61,000.00"},
		"Largest overdue":                  {"10 of 11", "INV-2011 in Xero Harbour Joinery Ltd 64 days 8,420.50", "Tūī Street Dental 40 days 5,620.50"},
		"Cash by account":                  {"Cheque 38,310.20", "Visa −2,000.00", "Together 48,310.22"},
		"Sign-in to Xero":                  {"Calls left today: 4812 , as Xero said at"},
	} {
		text := section(t, page, heading)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in %q", heading, want, text)
			}
		}
		if strings.Contains(text, "From ") || strings.Contains(text, "No figures") {
			t.Errorf("%s is dated or empty: %q", heading, text)
		}
	}
	if strings.Contains(page, "<noscript>") || strings.Contains(page, "stale") || strings.Contains(page, "loading") {
		t.Error("the page is all there, and says otherwise")
	}
}

func TestWhatIsNotThereYetHasItsFrameAndComesByItself(t *testing.T) {
	now := time.Now()
	d := someFigures(now)
	d.Months = books.Reading[[]books.Month]{Loading: true}
	page := drawn(t, d, now)
	for _, heading := range []string{"Profit last month", "Income and costs, twelve months"} {
		if text := section(t, page, heading); !strings.Contains(text, "Reading the books…") {
			t.Errorf("%s: %q", heading, text)
		}
	}
	if !strings.Contains(page, `<noscript><meta http-equiv="refresh" content="3"></noscript>`) || !strings.Contains(page, "· reading the books</p>") {
		t.Error("without scripts the page never shows them")
	}
	if text := section(t, page, "Cash in bank"); !strings.Contains(text, "$48,310.22") {
		t.Errorf("a card waits for another: %q", text)
	}
}

func TestOldFiguresAreDatedAndGrey(t *testing.T) {
	now := time.Date(2026, time.November, 23, 15, 0, 0, 0, time.Local)
	d := someFigures(now.Add(-time.Minute))
	d.Cash.At = time.Date(2026, time.March, 3, 9, 22, 0, 0, time.Local)
	page := drawn(t, d, now)
	if text := section(t, page, "Cash in bank"); !strings.Contains(text, "$48,310.22") || !strings.Contains(text, "From 3 March 2026, 09:22.") {
		t.Errorf("%q", text)
	}
	if strings.Count(page, " stale") != 2 || !strings.Contains(page, "figures from 1 minute ago") {
		t.Errorf("not the two cards of cash alone are grey, or the page says another age")
	}
	if strings.Count(page, `class="small age"`) != 2 {
		t.Error("not the two alone are warned of")
	}
	// Between fresh ones the page says the oldest, and a card where it is much younger.
	d.Cash.At = now.Add(-9 * time.Minute)
	page = drawn(t, d, now)
	if !strings.Contains(page, "figures from 9 minutes ago") || strings.Contains(page, "From 1 minute ago.") {
		t.Error("a card is dated that is as fresh as the page says")
	}
	d.Cash.At = now.Add(-12 * time.Minute)
	page = drawn(t, d, now)
	if text := section(t, page, "You owe"); !strings.Contains(page, "figures from 12 minutes ago") || !strings.Contains(text, "From 1 minute ago.") || strings.Contains(page, `class="small age"`) {
		t.Errorf("%q", text)
	}
}

func TestATroubleTakesAwayOneCardAndSaysWhatMendsIt(t *testing.T) {
	now := time.Now()
	d := someFigures(now)
	d.Months = books.Reading[[]books.Month]{Trouble: &books.Trouble{Problem: xero.Problem{Message: "No scope.", Action: "Add it."}, Scope: "accounting.reports.profitandloss.read"}}
	d.Cash = books.Reading[books.Cash]{Trouble: &books.Trouble{Problem: xero.Problem{Message: "No role.", Action: "Ask."}, Role: true}}
	page := drawn(t, d, now)
	const link = `href="/login?next=%2F&amp;scope=accounting.reports.profitandloss.read"`
	if strings.Count(page, link) != 2 {
		t.Errorf("not both cards of the report offer to add just its scope")
	}
	for heading, want := range map[string]string{
		"Income and costs, twelve months": "No scope. Allow it at Xero for income and costs", "Cash in bank": "No role. Ask.", "Owed to you": "$61,204.90",
	} {
		if text := section(t, page, heading); !strings.Contains(text, want) {
			t.Errorf("%s: no %q in %q", heading, want, text)
		}
	}
	if strings.Contains(page, "<noscript>") {
		t.Error("a page that cannot have more waits for it")
	}
}

func TestATroubleOfAllIsSaidOnceOverWhatIsKept(t *testing.T) {
	now := time.Date(2026, time.November, 23, 15, 0, 0, 0, time.Local)
	d := someFigures(now.Add(-2 * time.Hour))
	limit := &books.Trouble{Problem: xero.Problem{Code: "rate_limited", Message: "Today's calls are used up."}, Retry: now.Add(3 * time.Hour)}
	d.Owed.Trouble, d.Owing.Trouble, d.Due.Trouble, d.Overdue.Trouble = limit, limit, limit, limit
	d.Cash = books.Reading[books.Cash]{Trouble: limit}
	figures := dashboardOf(d, "/", now)
	if figures.Trouble == nil || figures.Trouble.Message != limit.Message || !strings.Contains(figures.Trouble.Action, moment(limit.Retry)) {
		t.Fatalf("%+v", figures.Trouble)
	}
	page := drawn(t, d, now)
	if strings.Count(page, "calls are used up") != 1 {
		t.Error("it is not said once")
	}
	if text := section(t, page, "Owed to you"); !strings.Contains(text, "$61,204.90") || !strings.Contains(text, "From "+moment(d.Owed.At)+".") {
		t.Errorf("what is kept: %q", text)
	}
	if text := section(t, page, "Cash in bank"); !strings.Contains(text, "No figures yet.") || strings.Contains(text, "0.00") {
		t.Errorf("what is not: %q", text)
	}
}

func TestEmptyBooksSaySoInWords(t *testing.T) {
	now := time.Now()
	d := someFigures(now)
	d.Cash.Value, d.Owed.Value, d.Owing.Value, d.Overdue.Value = books.Cash{}, books.Debts{}, books.Debts{}, books.Overdue{}
	for i := range d.Due.Value {
		d.Due.Value[i].In, d.Due.Value[i].Out = decimal.Zero, decimal.Zero
	}
	d.Months.Value = d.Months.Value[:1]
	d.Months.Value[0] = books.Month{First: date(2026, time.November, 1)}
	page := drawn(t, d, now)
	for heading, want := range map[string]string{
		"Cash in bank": "$0.00", "Cash by account": "These books have no bank account.", "What falls due, next eight weeks": "Nothing falls due in the next eight weeks.",
		"How old the debts are": "Nobody owes you anything.", "Largest overdue": "Nothing is overdue.", "Profit last month": "There is no full month yet.",
		"Income and costs, twelve months": "No income and no costs in the last twelve months.",
	} {
		if text := section(t, page, heading); !strings.Contains(text, want) {
			t.Errorf("%s: no %q in %q", heading, want, text)
		}
	}
}

func TestAMonthIsComparedWithTheOneBefore(t *testing.T) {
	for _, c := range []struct{ before, last, title, want string }{
		{"22577.50", "23480", "Profit in October", "Up 4 % on September · whole month"},
		{"100", "71.6", "Profit in October", "Down 28 % on September"},
		{"100", "1200", "Profit in October", "Up $1,100.00 on September"}, // 1,100 % says nothing
		{"-50", "100", "Profit in October", "Up $150.00 on September"},
		{"100", "-50.25", "Loss in October", "Down $150.25 on September"},
		{"0", "3", "Profit in October", "Up $3.00 on September"},
		{"8", "8", "Profit in October", "as in September · whole month"},
	} {
		now := time.Now()
		d := someFigures(now)
		d.Months.Value[9].Profit, d.Months.Value[10].Profit = dec(c.before), dec(c.last)
		if text := section(t, drawn(t, d, now), c.title); !strings.Contains(text, c.want) {
			t.Errorf("after %s comes %s: no %q in %q", c.before, c.last, c.want, text)
		}
	}
}

// The page and the JSON write an amount with the decimals of its currency.
func TestAmountsHaveTheDecimalsOfTheirCurrency(t *testing.T) {
	for base, want := range map[string]struct{ cash, owed, overdue, own, accounts string }{
		"JPY": {"48310", "61205", "8421", "0.500", "48310 38310 12000 -2000"},
		"KWD": {"48310.220", "61204.900", "8420.500", "0.500", "48310.220 38310.200 12000.020 -2000.000"},
		"NZD": {"48310.22", "61204.90", "8420.50", "0.500", "48310.22 38310.20 12000.02 -2000.00"},
	} {
		now := time.Now()
		d := someFigures(now)
		d.Organisation.Value.Base = base
		first := &d.Overdue.Value.Top[0]
		first.Currency, first.AmountDue = "KWD", dec("0.5")
		said := dashboardJSON(d, booksOf{})
		accounts := said.Cash.Total
		for _, a := range said.Cash.Accounts {
			accounts += " " + a.Balance
		}
		if said.Currency != base || said.Cash.Total != want.cash || said.Owed.Total != want.owed || said.Overdue.Invoices[0].Base != want.overdue || said.Overdue.Invoices[0].AmountDue != want.own || accounts != want.accounts {
			t.Errorf("%s: %+v", base, said)
		}
		page := drawn(t, d, now)
		plain := func(card string) string {
			return strings.NewReplacer(",", "", minusSign, "-").Replace(section(t, page, card))
		}
		for _, shown := range []struct{ card, amount string }{
			{"Cash in bank", said.Cash.Total}, {"Owed to you", said.Owed.Total}, {"You owe", said.Owing.Total},
			{"How old the debts are", said.Owed.Ages[3].Amount}, {"What falls due, next eight weeks", said.Due.Weeks[2].In},
			{"Income and costs, twelve months", said.Months.Months[9].Costs}, {"Largest overdue", said.Overdue.Invoices[0].Base},
			{"Cash by account", said.Cash.Accounts[2].Balance},
		} {
			if !regexp.MustCompile(`(^|[^\d.])` + regexp.QuoteMeta(shown.amount) + `($|[^\d.])`).MatchString(plain(shown.card)) {
				t.Errorf("%s, %s: the JSON says %s, the page %q", base, shown.card, shown.amount, plain(shown.card))
			}
		}
	}
}

const minusSign = "\u2212"

func TestWhatWasConvertedIsSaid(t *testing.T) {
	for want, f := range map[string]books.Foreign{
		"":                               {},
		"9 converted from 4 currencies.": {Count: 9, Currencies: []string{"AUD", "EUR", "GBP", "USD"}},
		"1 converted from USD.":          {Count: 1, Currencies: []string{"USD"}},
		"1,234 converted from USD. 12,000 invoices without a rate left out.": {Count: 1234, Currencies: []string{"USD"}, Unknown: 12000},
		"3 converted from AUD, USD. 1 invoice without a rate left out.":      {Count: 3, Currencies: []string{"AUD", "USD"}, Unknown: 1},
	} {
		if got := foreign(books.Organisation{Country: "NZ"}.Habits(), f, "invoices"); got != want {
			t.Errorf("%+v: %q, want %q", f, got, want)
		}
	}
}

func TestCallsThatAreUsedUpSayUntilWhen(t *testing.T) {
	until := time.Now().Add(time.Hour)
	if got := callsOf(xero.Budget{Known: true, Closed: until}); got.Left != "0" || !strings.Contains(got.Text, moment(until)) {
		t.Errorf("%+v", got)
	}
	if got := callsOf(xero.Budget{}); got.Left != "" || got.Text == "" {
		t.Errorf("%+v", got)
	}
}

func TestALineOfTheSideBarIsCurrentForThePagesBelowIt(t *testing.T) {
	for path, want := range map[string]string{
		"/": "Dashboard page", "/settings": "Settings page", "/settings/programs": "Programs page", "/settings/programs/x": "Programs true",
		"/settings/keystore": "Settings true", "/settingsx": "", "/profile": "", "/xero/invoices": "Invoices page",
	} {
		var got []string
		for _, group := range navs(path) {
			for _, n := range group {
				if n.Current != "" {
					got = append(got, n.Label+" "+n.Current)
				}
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestTheStateCardSaysWhenTheSignInWasRenewedAndWillBe(t *testing.T) {
	now := time.Now()
	st := xero.Status{State: xero.Connected, Connections: []xero.ConnectionStatus{{State: xero.Connected, Renewed: now, RenewsAt: now.Add(20 * time.Minute)}}}
	want := "Last renewed " + moment(now) + ", next about " + moment(now.Add(20*time.Minute)) + "."
	if got := strings.Join(describe(st).Details, " "); !strings.Contains(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	st.Connections[0].RenewsAt = time.Time{}
	if got := strings.Join(describe(st).Details, " "); !strings.HasSuffix(got, "Last renewed "+moment(now)+".") {
		t.Errorf("%q", got)
	}
}
