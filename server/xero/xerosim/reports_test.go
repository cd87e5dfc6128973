package xerosim_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/xero/xerosim"
)

type reportRow struct {
	RowType string
	Title   *string
	Cells   []struct {
		Value      string
		Attributes []struct{ ID, Value string }
	}
	Rows []reportRow
}

type report struct {
	ReportID, ReportName string
	ReportTitles         []string
	Rows                 []reportRow
}

// reporter is signed in with all the reports' scopes, and has the typed books too.
func reporter(t *testing.T, change ...func(*xerosim.Options)) *app {
	t.Helper()
	s := newSite(t, append(change, func(o *xerosim.Options) { o.DayLimit, o.Books = 100_000, []xerosim.Ledger{xerosim.TallyBooks()} })...)
	return s.narrow(readScopes + " accounting.reports.trialbalance.read")
}

func (a *app) report(name, organisation, query string) report {
	a.t.Helper()
	var got struct{ Reports []report }
	a.read("/api.xro/2.0/Reports/"+name+"?"+query, organisation, &got)
	return got.Reports[0]
}

// lines are the values of the rows with an attribute, by it; labels those of all
// rows, by their first cell, and after a slash the section's title.
func (r report) lines() (byAttribute, byLabel map[string][]string) {
	byAttribute, byLabel = map[string][]string{}, map[string][]string{}
	for _, section := range r.Rows {
		for _, row := range section.Rows {
			var values []string
			for _, c := range row.Cells[1:] {
				values = append(values, c.Value)
			}
			byLabel[row.Cells[0].Value] = values
			if on := row.Cells[0].Attributes; len(on) > 0 {
				byAttribute[on[0].Value] = values
			}
		}
	}
	return byAttribute, byLabel
}

// value is a cell of the row with a label.
func (r report) value(t *testing.T, label string, column int) decimal.Decimal {
	t.Helper()
	_, rows := r.lines()
	if len(rows[label]) <= column {
		t.Fatalf("%s has no row %q of %d columns: %v", r.ReportName, label, column+1, rows)
	}
	return decimal.RequireFromString(strings.TrimSuffix(rows[label][column], "%"))
}

// raw are an organisation's records, as its lists have them.
type raw struct {
	accounts map[string]rawAccount // by code, and by id
	invoices []invoice
	payments map[string]payment // by id
	money    []bankTransaction
}

type rawAccount struct{ AccountID, Code, Name, Type, Class, SystemAccount string }

func (a *app) rawBooks(organisation string) raw {
	a.t.Helper()
	out := raw{
		map[string]rawAccount{}, every[invoice](a, "Invoices", organisation, ""), map[string]payment{},
		every[bankTransaction](a, "BankTransactions", organisation, `where=Status%3D%3D"AUTHORISED"`),
	}
	var list struct{ Accounts []rawAccount }
	a.read("/api.xro/2.0/Accounts", organisation, &list)
	for _, one := range list.Accounts {
		out.accounts[one.AccountID] = one
		if one.Code != "" {
			out.accounts[one.Code] = one
		}
	}
	for _, p := range every[payment](a, "Payments", organisation, "") {
		out.payments[p.PaymentID] = p
	}
	return out
}

var jsonDate = regexp.MustCompile(`^/Date\((-?\d+)`)

func dayOf(t *testing.T, text string) time.Time {
	t.Helper()
	if m := jsonDate.FindStringSubmatch(text); m != nil {
		ms, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return time.UnixMilli(ms).UTC()
	}
	d, err := time.Parse("2006-01-02T15:04:05", text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// earned sums by account what the records earned between two days: sales are
// above zero, costs below.
func (r raw) earned(t *testing.T, from, to time.Time) map[string]decimal.Decimal {
	t.Helper()
	sums := map[string]decimal.Decimal{}
	within := func(d time.Time) bool { return !d.Before(from) && !d.After(to) }
	for _, m := range r.money {
		account, sum := r.accounts[m.LineItems[0].AccountCode], m.base(m.SubTotal)
		if m.Type == "SPEND" {
			sum = sum.Neg()
		}
		if within(dayOf(t, m.Date)) && (account.Class == "REVENUE" || account.Class == "EXPENSE") {
			sums[account.AccountID] = sums[account.AccountID].Add(sum)
		}
	}
	for _, i := range r.invoices {
		if i.Status != "AUTHORISED" && i.Status != "PAID" {
			continue
		}
		add := func(code string, amount decimal.Decimal) {
			if i.Type == "ACCPAY" {
				amount = amount.Neg()
			}
			if id := r.accounts[code].AccountID; r.accounts[code].Class == "REVENUE" || r.accounts[code].Class == "EXPENSE" {
				sums[id] = sums[id].Add(amount)
			}
		}
		base := func(d decimal.Decimal) decimal.Decimal { return d.DivRound(i.CurrencyRate, 2) }
		for _, l := range i.LineItems {
			net := l.LineAmount
			if i.LineAmountTypes == "Inclusive" {
				net = net.Sub(l.TaxAmount)
			}
			if within(dayOf(t, i.DateString)) {
				add(l.AccountCode, base(net))
			}
		}
		type settled struct {
			day    time.Time
			amount decimal.Decimal
			paid   *payment
		}
		var all []settled
		for _, c := range i.CreditNotes {
			all = append(all, settled{dayOf(t, c.DateString), c.AppliedAmount, nil})
		}
		for _, p := range i.Payments {
			one := r.payments[p.PaymentID]
			all = append(all, settled{dayOf(t, one.Date), one.Amount, &one})
		}
		slices.SortStableFunc(all, func(a, b settled) int { return a.day.Compare(b.day) })
		open := i.Total
		for _, s := range all {
			before := open
			open = open.Sub(s.amount)
			if !within(s.day) {
				continue
			}
			less := base(before).Sub(base(open))
			switch {
			case s.paid == nil:
				places := int32(2)
				if i.CurrencyCode == "JPY" {
					places = 0
				}
				tax := s.amount.Mul(i.TotalTax).DivRound(i.Total, places)
				add(i.LineItems[0].AccountCode, base(tax).Sub(less))
			case !s.paid.CurrencyRate.Equal(decimal.NewFromInt(1)):
				gain := s.paid.Amount.DivRound(s.paid.CurrencyRate, 2).Sub(less)
				add("499", gain)
			}
		}
	}
	return sums
}

// open sums what is to be paid, in base currency at each invoice's rate.
func (r raw) open(kind string) decimal.Decimal {
	var sum decimal.Decimal
	for _, i := range r.invoices {
		if i.Type == kind && i.Status == "AUTHORISED" {
			sum = sum.Add(i.AmountDue.DivRound(i.CurrencyRate, 2))
		}
	}
	return sum
}

func date(d time.Time) string { return d.Format(time.DateOnly) }

func TestTheReportsAgreeWithTheRecordsToTheCent(t *testing.T) {
	a := reporter(t)
	for _, organisation := range []string{joinery, cafe, kauri, xerosim.Tally} {
		books := a.rawBooks(organisation)
		a.checkProfits(t, organisation, books)
		a.checkBalances(t, organisation, books)
	}
}

func (a *app) checkProfits(t *testing.T, organisation string, books raw) {
	t.Helper()
	today := a.today(organisation)
	// Twelve months from a month of 31 days, a quarter, the year to today.
	long := time.Date(today.Year(), time.March, 1, 0, 0, 0, 0, time.UTC)
	for _, span := range [][2]time.Time{{today.AddDate(0, 0, 1-today.Day()), today}, {today.AddDate(-1, 0, 1), today}, {today.AddDate(0, 0, -100), today.AddDate(0, 0, -9)}} {
		got := a.report("ProfitAndLoss", organisation, "standardLayout=true&fromDate="+date(span[0])+"&toDate="+date(span[1]))
		books.checkProfit(t, got, 0, span[0], span[1])
	}
	got := a.report("ProfitAndLoss", organisation, "standardLayout=true&periods=11&timeframe=MONTH&fromDate="+date(long)+"&toDate="+date(long.AddDate(0, 1, -1)))
	if len(got.Rows[0].Cells) != 13 || got.Rows[0].Cells[1].Value != long.AddDate(0, 1, -1).Format("2 Jan 06") {
		t.Errorf("%s: the heads are %v, want 12 months and the newest first", organisation, got.Rows[0].Cells)
	}
	for n := range 12 {
		if organisation == kauri && n%5 != 1 {
			continue // its records are many
		}
		first := time.Date(long.Year(), long.Month()-time.Month(n), 1, 0, 0, 0, 0, time.UTC)
		books.checkProfit(t, got, n, first, first.AddDate(0, 1, -1))
	}
}

// checkProfit holds one column of the report against the records.
func (r raw) checkProfit(t *testing.T, got report, column int, from, to time.Time) {
	t.Helper()
	want := r.earned(t, from, to)
	rows, _ := got.lines()
	kinds := map[string]decimal.Decimal{}
	for id, sum := range want {
		account := r.accounts[id]
		kinds[account.Type] = kinds[account.Type].Add(sum)
		if account.SystemAccount == "REALISEDCURRENCYGAIN" {
			id = "FXGROUPID"
		}
		if account.Class == "EXPENSE" {
			sum = sum.Neg()
		}
		switch shown := rows[id]; {
		case shown == nil && !sum.IsZero():
			t.Errorf("%s to %s: %s is not shown", date(from), date(to), account.Name)
		case shown != nil && shown[column] != sum.StringFixed(2):
			t.Errorf("%s to %s: %s is %s, its records sum to %s", date(from), date(to), account.Name, shown[column], sum.StringFixed(2))
		}
	}
	for label, sum := range map[string]decimal.Decimal{
		"Total Income": kinds["REVENUE"], "Gross Profit": kinds["REVENUE"].Add(kinds["DIRECTCOSTS"]),
		"Total Operating Expenses": kinds["EXPENSE"].Neg(), "Net Profit": kinds["REVENUE"].Add(kinds["DIRECTCOSTS"]).Add(kinds["EXPENSE"]),
	} {
		if shown := got.value(t, label, column); !shown.Equal(sum) {
			t.Errorf("%s to %s: %s is %s, want %s", date(from), date(to), label, shown, sum)
		}
	}
}

func TestAProfitOfThirtyDaysCutsTheThirtyFirst(t *testing.T) {
	a := reporter(t)
	books, first := a.rawBooks(joinery), a.today(joinery)
	first = first.AddDate(0, -1, 1-first.Day())
	for endOfMonth(first).Day() != 30 {
		first = first.AddDate(0, -1, 0)
	}
	before := first.AddDate(0, -1, 0) // has 31 days
	got := a.report("ProfitAndLoss", joinery, "periods=2&standardLayout=true&fromDate="+date(first)+"&toDate="+date(endOfMonth(first)))
	books.checkProfit(t, got, 0, first, endOfMonth(first))
	books.checkProfit(t, got, 1, before, before.AddDate(0, 0, 29))
	if got.Rows[0].Cells[2].Value != before.AddDate(0, 0, 29).Format("2 Jan 06") {
		t.Errorf("the head of the month before is %s", got.Rows[0].Cells[2].Value)
	}
	// A year with monthly periods: years that begin a month apart.
	got = a.report("ProfitAndLoss", joinery, "periods=1&timeframe=MONTH&standardLayout=true&fromDate="+date(first.AddDate(-1, 1, 0))+"&toDate="+date(endOfMonth(first)))
	books.checkProfit(t, got, 1, first.AddDate(-1, 0, 0), before.AddDate(0, 0, 29))
}

func TestTheProfitsOwnLayoutAndItsEmptySections(t *testing.T) {
	a := reporter(t)
	titles := func(r report) (all []string) {
		for _, row := range r.Rows[1:] {
			all = append(all, *row.Title)
		}
		return all
	}
	standard := []string{"Income", "Less Cost of Sales", "", "Less Operating Expenses", ""}
	own := a.report("ProfitAndLoss", kauri, "")
	if got := titles(own); slices.Equal(got, standard) || len(got) != 5 {
		t.Errorf("the organisation's own layout is %q", got)
	}
	if got := titles(a.report("ProfitAndLoss", kauri, "standardLayout=true")); !slices.Equal(got, standard) {
		t.Errorf("the standard layout is %q", got)
	}
	empty := a.get("/api.xro/2.0/Reports/ProfitAndLoss?fromDate=2001-01-01&toDate=2001-01-31", joinery)
	if !strings.Contains(empty.body, `{"RowType":"Section","Title":"Less Cost of Sales"},`) {
		t.Errorf("an empty section has rows: %s", empty.body)
	}
	if balance := a.get("/api.xro/2.0/Reports/BalanceSheet", joinery); !strings.Contains(balance.body, `{"RowType":"Section","Title":"Assets","Rows":[]}`) {
		t.Error("the heading of assets has no empty list of rows")
	}
	for _, bad := range []string{"periods=12", "periods=0", "periods=x", "timeframe=WEEK", "fromDate=yesterday", "fromDate=2026-02-01&toDate=2026-01-01",
		"fromDate=2024-01-01&toDate=2026-01-01", "standardLayout=perhaps", "paymentsOnly=2.5"} {
		if got := a.get("/api.xro/2.0/Reports/ProfitAndLoss?"+bad, joinery); got.status != 400 || !strings.Contains(got.body, `"Type":"ValidationException"`) {
			t.Errorf("%s: %d %s", bad, got.status, got.body)
		}
	}
}

func TestOnCashBasisOnlyWhatIsPaidCounts(t *testing.T) {
	a := reporter(t)
	query := func(months int) string {
		first := a.today(xerosim.Tally)
		first = time.Date(first.Year(), first.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
		return "paymentsOnly=true&standardLayout=true&fromDate=" + date(first) + "&toDate=" + date(first.AddDate(0, 1, -1))
	}
	// Paid were S-0 (600), S-6 (1000), 30 of S-2, of which 26.09 is net, and B-4 (300).
	var income, costs decimal.Decimal
	for months := range 14 {
		got := a.report("ProfitAndLoss", xerosim.Tally, query(-months))
		income, costs = income.Add(got.value(t, "Total Income", 0)), costs.Add(got.value(t, "Gross Profit", 0))
	}
	if income.String() != "1626.09" || costs.String() != "1326.09" {
		t.Errorf("income %s and gross profit %s, want 1626.09 and 1326.09", income, costs)
	}
	for _, organisation := range []string{joinery, kauri} {
		got := a.report("BalanceSheet", organisation, "paymentsOnly=true")
		if !got.value(t, "Net Assets", 0).Equal(got.value(t, "Total Equity", 0)) {
			t.Errorf("%s does not balance on cash basis", organisation)
		}
		if _, rows := got.lines(); rows["Accounts Receivable"] != nil {
			t.Errorf("%s has debtors on cash basis", organisation)
		}
	}
}
