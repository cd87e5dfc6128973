package xerosim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/xero/xerosim"
)

func endOfMonth(d time.Time) time.Time {
	return time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC)
}

func (a *app) checkBalances(t *testing.T, organisation string, books raw) {
	t.Helper()
	today := a.today(organisation)
	for _, query := range []string{"", "periods=11&timeframe=MONTH", "date=" + date(today.AddDate(0, -2, 0)) + "&periods=2&timeframe=QUARTER"} {
		got := a.report("BalanceSheet", organisation, query)
		for n := range got.Rows[0].Cells[1:] {
			if net, equity := got.value(t, "Net Assets", n), got.value(t, "Total Equity", n); !net.Equal(equity) {
				t.Errorf("%s %s: column %d has net assets %s and equity %s", organisation, query, n, net, equity)
			}
			assets, liabilities := got.value(t, "Total Assets", n), got.value(t, "Total Liabilities", n)
			if net := got.value(t, "Net Assets", n); !net.Equal(assets.Sub(liabilities)) {
				t.Errorf("%s %s: %s - %s is %s", organisation, query, assets, liabilities, net)
			}
		}
	}
	got := a.report("BalanceSheet", organisation, "")
	end := endOfMonth(today)
	if got.Rows[0].Cells[1].Value != end.Format("2 Jan 2006") || got.Rows[0].Cells[2].Value != endOfMonth(end.AddDate(-1, 0, -3)).Format("2 Jan 2006") || len(got.Rows[0].Cells) != 3 {
		t.Errorf("%s: the heads are %v", organisation, got.Rows[0].Cells)
	}
	if debtors := got.value(t, "Accounts Receivable", 0); !debtors.Equal(books.open("ACCREC")) {
		t.Errorf("%s: debtors are %s, the open invoices sum to %s", organisation, debtors, books.open("ACCREC"))
	}
	if creditors := got.value(t, "Accounts Payable", 0); !creditors.Equal(books.open("ACCPAY")) {
		t.Errorf("%s: creditors are %s, the open bills sum to %s", organisation, creditors, books.open("ACCPAY"))
	}
	bank := a.report("BankSummary", organisation, "toDate="+date(end))
	if total := bank.value(t, "Total", 3); !total.Equal(got.value(t, "Total Bank", 0)) {
		t.Errorf("%s: in the bank are %s, and %s by the bank summary", organisation, got.value(t, "Total Bank", 0), total)
	}
	var earned decimal.Decimal
	for _, sum := range books.earned(t, yearOf(organisation, today), end) {
		earned = earned.Add(sum)
	}
	if shown := got.value(t, "Current Year Earnings", 0); !shown.Equal(earned) {
		t.Errorf("%s: this year earned %s, the records say %s", organisation, shown, earned)
	}
}

// yearOf is the first day of an organisation's financial year.
func yearOf(organisation string, today time.Time) time.Time {
	begins := map[string]time.Time{
		cafe: time.Date(today.Year(), 4, 6, 0, 0, 0, 0, time.UTC), kauri: time.Date(today.Year(), 7, 1, 0, 0, 0, 0, time.UTC),
	}
	first, ok := begins[organisation]
	if !ok {
		first = time.Date(today.Year(), 4, 1, 0, 0, 0, 0, time.UTC)
	}
	if first.After(endOfMonth(today)) {
		first = first.AddDate(-1, 0, 0)
	}
	return first
}

func TestTheTrialBalanceIsEvenAndAgreesWithTheOthers(t *testing.T) {
	a := reporter(t)
	for _, organisation := range []string{joinery, kauri, xerosim.Tally} {
		today := a.today(organisation)
		got := a.report("TrialBalance", organisation, "")
		for _, pair := range [][2]int{{0, 1}, {2, 3}} {
			if debit, credit := got.value(t, "Total", pair[0]), got.value(t, "Total", pair[1]); !debit.Equal(credit) || !debit.IsPositive() {
				t.Errorf("%s: debit %s, credit %s", organisation, debit, credit)
			}
		}
		year := yearOf(organisation, today)
		profit := a.report("ProfitAndLoss", organisation, "standardLayout=true&fromDate="+date(year)+"&toDate="+date(today))
		byAccount, _ := profit.lines()
		rows, _ := got.lines()
		checked := 0
		for id, values := range byAccount {
			if id == "FXGROUPID" {
				continue
			}
			row := rows[id]
			side := row[2] + row[3] // one of them is empty
			if side != values[0] && "-"+side != values[0] {
				t.Errorf("%s: %s earned %s by the one and %v by the other", organisation, id, values[0], row)
			}
			checked++
		}
		if checked == 0 {
			t.Errorf("%s: no account was compared", organisation)
		}
		if got.ReportTitles[2] != "As at "+today.Format("2 January 2006") {
			t.Errorf("%s: the title is %q", organisation, got.ReportTitles)
		}
	}
	// Without its scope the trial balance is 401; the broad scope opens all.
	newApp(t).get("/api.xro/2.0/Reports/TrialBalance", joinery).refused(t, 401, "Unauthorized", "AuthorizationUnsuccessful", littleRoom)
}

func TestTheExecutiveSummaryAgreesWithTheOtherReports(t *testing.T) {
	a := reporter(t)
	for _, organisation := range []string{joinery, cafe, xerosim.Tally} {
		today := a.today(organisation)
		first := today.AddDate(0, 0, 1-today.Day())
		span := "fromDate=" + date(first) + "&toDate=" + date(endOfMonth(today))
		got := a.report("ExecutiveSummary", organisation, "")
		profit, bank := a.report("ProfitAndLoss", organisation, "standardLayout=true&"+span), a.report("BankSummary", organisation, span)
		balance := a.report("BalanceSheet", organisation, "periods=1&timeframe=MONTH")
		for label, want := range map[string]decimal.Decimal{
			"Cash received": bank.value(t, "Total", 1), "Cash spent": bank.value(t, "Total", 2), "Closing bank balance": bank.value(t, "Total", 3),
			"Gross profit (loss)": profit.value(t, "Gross Profit", 0), "Expenses": profit.value(t, "Total Operating Expenses", 0),
			"Profit (loss)": profit.value(t, "Net Profit", 0), "Debtors": balance.value(t, "Accounts Receivable", 0),
			"Creditors": balance.value(t, "Accounts Payable", 0), "Net assets": balance.value(t, "Net Assets", 0),
		} {
			if shown := got.value(t, label, 0); !shown.Equal(want) {
				t.Errorf("%s: %s is %s, want %s", organisation, label, shown, want)
			}
		}
		if last := got.value(t, "Net assets", 1); !last.Equal(balance.value(t, "Net Assets", 1)) {
			t.Errorf("%s: net assets were %s, want %s", organisation, last, balance.value(t, "Net Assets", 1))
		}
		this, last := got.value(t, "Net assets", 0), got.value(t, "Net assets", 1)
		if want := this.Sub(last).Mul(decimal.NewFromInt(100)).Div(last.Abs()).StringFixed(1); got.value(t, "Net assets", 2).StringFixed(1) != want {
			t.Errorf("%s: the variance is %s, want %s", organisation, got.value(t, "Net assets", 2), want)
		}
	}
}

func TestWhatIsOwedByEachContactSumsToTheDebtors(t *testing.T) {
	a := reporter(t)
	for name, kind := range map[string]string{"AgedReceivablesByContact": "ACCREC", "AgedPayablesByContact": "ACCPAY"} {
		for _, organisation := range []string{joinery, xerosim.Tally} {
			books := a.rawBooks(organisation)
			open := map[string]bool{}
			for _, i := range books.invoices {
				open[i.Contact.ContactID] = open[i.Contact.ContactID] || i.Type == kind && i.Status == "AUTHORISED"
			}
			var sum decimal.Decimal
			for id, owes := range open {
				if !owes {
					continue
				}
				got := a.report(name, organisation, "contactId="+id)
				sum = sum.Add(got.value(t, "Closing Balance", 6))
				if from := a.today(organisation); got.value(t, "Total", 6).IsPositive() {
					part := a.report(name, organisation, "contactId="+id+"&fromDate="+date(from))
					if !part.value(t, "Closing Balance", 6).Equal(got.value(t, "Closing Balance", 6)) {
						t.Errorf("%s: with an opening balance %s closes at %s", organisation, id, part.value(t, "Closing Balance", 6))
					}
				}
				a.Advance(2 * time.Second) // 60 calls a minute
			}
			if !sum.Equal(books.open(kind)) || !sum.IsPositive() {
				t.Errorf("%s: %s sum to %s, the open invoices to %s", organisation, name, sum, books.open(kind))
			}
			a.Advance(time.Minute)
		}
	}
	for _, query := range []string{"", "?contactId=", "?contactId=5e1f0000-0000-4000-8000-000000000000", "?contactId=me"} {
		if got := a.get("/api.xro/2.0/Reports/AgedReceivablesByContact"+query, joinery); got.status != http.StatusBadRequest {
			t.Errorf("%q: %d", query, got.status)
		}
	}
	alder := every[contact](a, "Contacts", xerosim.Tally, where(`Name=="Alder & Sons"`))[0].ContactID
	today := a.today(xerosim.Tally)
	got := a.report("AgedReceivablesByContact", xerosim.Tally, "contactId="+alder+"&date="+date(today))
	_, rows := got.lines()
	for _, row := range got.Rows[2].Rows {
		if row.Cells[1].Value == "D91" && (row.Cells[3].Value != "91 days overdue" || row.Cells[7].Value != "64.00" || row.Cells[0].Attributes[0].ID != "invoiceID") {
			t.Errorf("D91 is %+v", row)
		}
	}
	// 115 + 92 + 127.50; half the contact's invoices are of the same day.
	if total := rows["Total"]; total[6] != "334.50" || !strings.HasPrefix(got.ReportTitles[3], "Showing payments to ") {
		t.Errorf("Alder owes %v, titles %q", total, got.ReportTitles)
	}
}
