package books_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

func TestTheDashboardIsWhatTheTypedBooksComeTo(t *testing.T) {
	// In every kind of month: Xero counts its periods from the days that are asked for.
	for _, on := range []string{"2026-10-31 09:00", "2026-11-26 09:00", "2026-11-30 23:50", "2027-02-28 12:00", "2028-02-29 12:00", "2027-03-01 00:05", "2027-01-31 12:00"} {
		t.Run(on[:10], func(t *testing.T) {
			inBubble(t, on, func(t *testing.T, b *bench) { tallied(t, b, on[:10]) })
		})
	}
}

// tallied compares with the sums that stand at xerosim.TallyBooks, reckoned by hand.
func tallied(t *testing.T, b *bench, today string) {
	d := b.ledger(tally).Dashboard(t.Context(), time.Minute)
	is := func(what string, got any, want string) {
		t.Helper()
		if s := text(got); s != want {
			t.Errorf("%s: %s, want %s", what, s, want)
		}
	}
	is("today", d.Today.Format(time.DateOnly), today)
	o := read(t, d.Organisation)
	is("organisation", o.Name+" "+o.Base+" "+o.Country+" "+o.TenantID, tally+" NZD NZ "+b.tenant(tally))

	cash := read(t, d.Cash)
	is("bank accounts", len(cash.Accounts), "2")
	is(cash.Accounts[0].Name, cash.Accounts[0].Balance, "1835.00")
	is(cash.Accounts[1].Name, cash.Accounts[1].Balance, "5690.00")
	is("cash", cash.Total, "7525.00")

	owed, owing := read(t, d.Owed), read(t, d.Owing)
	is("owed", owed.Bands, "[116.00 202.50 472.00 548.00 156.00]")
	is("owed", owed.Total, "1494.50")
	is("owed and late", owed.Overdue, "1378.50")
	is("owed", fmt.Sprint(owed.Count, owed.OverdueCount, owed.Foreign), "13 11 {1 [USD] 0}")
	is("owing", owing.Bands, "[230.00 230.00 0.00 0.00 0.00]")
	is("owing", owing.Total, "460.00")
	is("owing", fmt.Sprint(owing.Count, owing.OverdueCount, owing.Foreign), "7 1 {1 [AUD] 0}")

	var weeks []string
	for _, w := range read(t, d.Due) {
		weeks = append(weeks, text(w.In)+" "+text(w.Out))
	}
	is("weeks", strings.Join(weeks, ", "), "1.00 116.00, 115.00 2.00, 0.00 100.00, 0.00 0.00, 0.00 0.00, 0.00 0.00, 0.00 0.00, 0.00 4.00")
	is("first day", d.Due.Value[0].From.Format(time.DateOnly), today)
	is("last day", d.Due.Value[7].To.Format(time.DateOnly), d.Today.AddDate(0, 0, 55).Format(time.DateOnly))

	var months []string
	for _, m := range read(t, d.Months) {
		if m.First.Day() != 1 || !m.Profit.Equal(m.Income.Sub(m.Costs)) {
			t.Errorf("a month %v", m)
		}
		months = append(months, text(m.Income)+" "+text(m.Costs))
	}
	is("months", strings.Join(months, ", "), "0.00 0.00, 0.00 0.00, 0.00 0.00, 0.00 0.00, 0.00 0.00, 127.50 15.00, 80.00 0.00, 500.00 100.00, 400.00 0.00, 1000.00 300.00, 200.00 200.00, 100.00 100.00")
	is("present month", d.Months.Value[11].First.Format("2006-01"), today[:7])
	is("first month", d.Months.Value[0].First.Format("2006-01"), d.Today.AddDate(0, 0, 1-d.Today.Day()).AddDate(0, -11, 0).Format("2006-01"))

	late := read(t, d.Overdue)
	var top []string
	for _, i := range late.Top {
		top = append(top, fmt.Sprint(i.Number, " ", i.Days, " ", text(i.Base)))
	}
	is("overdue", fmt.Sprint(late.Count, " ", text(late.Total)), "11 1378.50")
	is("overdue", strings.Join(top, ", "), "S-4 70 500.00, S-3 45 460.00, S-2 15 200.00, S-5 120 92.00, D91 91 64.00, D90 90 32.00, D61 61 16.00, D60 60 8.00, D31 31 4.00, D30 30 2.00")
	if o.ShortCode == "" || late.Top[0].Link != "https://go.xero.com/app/"+o.ShortCode+"/invoicing/view/"+late.Top[0].ID {
		t.Errorf("a link to %s", late.Top[0].Link)
	}
	if !d.Budget.Known || d.Budget.Day == 0 {
		t.Errorf("a budget of %+v", d.Budget)
	}
}

// text writes amounts with two decimals, and all else as it is.
func text(v any) string {
	switch v := v.(type) {
	case decimal.Decimal:
		return v.StringFixed(2)
	case [5]decimal.Decimal:
		var all []string
		for _, d := range v {
			all = append(all, d.StringFixed(2))
		}
		return "[" + strings.Join(all, " ") + "]"
	}
	return fmt.Sprint(v)
}
