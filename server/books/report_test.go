package books_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

// A row and a section of a report, in the shape that Xero answers (Xero-OpenAPI,
// accounting, and developer.xero.com, reports).
type (
	cell struct {
		Value      string
		Attributes []map[string]string `json:",omitempty"`
	}
	row struct {
		RowType string
		Title   *string `json:",omitempty"`
		Cells   []cell  `json:",omitempty"`
		Rows    []row   `json:",omitempty"`
	}
)

// line writes a label and amounts; one with an account's id is about that account.
func line(kind, account, label string, amounts ...string) row {
	r := row{RowType: kind}
	for _, value := range append([]string{label}, amounts...) {
		c := cell{Value: value}
		if account != "" {
			c.Attributes = []map[string]string{{"Id": "account", "Value": account}}
		}
		r.Cells = append(r.Cells, c)
	}
	return r
}

func section(title string, rows ...row) row {
	return row{RowType: "Section", Title: &title, Rows: rows}
}

// report answers every profit and loss with rows.
func report(rows ...row) func(*bench) {
	return swapped("/Reports/ProfitAndLoss", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(map[string]any{"Status": "OK", "Reports": []any{map[string]any{
			"ReportID": "ProfitAndLoss", "ReportName": "Profit and Loss", "ReportTitles": []string{"Profit & Loss"}, "Rows": rows,
		}}})
	})
}

// year is twelve values, the newest first: those that are given, and nothing.
func year(first ...string) []string {
	for len(first) < 12 {
		first = append(first, "0.00")
	}
	return first
}

// heads are the headings of a year before October 2026, the newest first.
func heads(layout string) (all []string) {
	for n := range 12 {
		all = append(all, time.Date(2026, time.November-time.Month(n), 0, 0, 0, 0, 0, time.UTC).Format(layout))
	}
	return all
}

func TestIncomeAndCostsAreToldApartWithoutTheirNames(t *testing.T) {
	income := section("Income",
		line("Row", "a1", "Sales", year("900.10", "50.00")...), line("Row", "a2", "Interest", year("", "1.00")...),
		line("SummaryRow", "", "Total Income", year("900.10", "51.00")...))
	goods := section("Less Cost of Sales", line("Row", "a3", "Timber", year("300.00", "0.00")...), line("SummaryRow", "", "Total", year("300.00", "0.00")...))
	gross := section("", line("Row", "", "Gross Profit", year("600.10", "51.00")...))
	other := section("Plus Other Income", line("Row", "a4", "Rent", year("10.00", "2.00")...), line("SummaryRow", "", "Total", year("10.00", "2.00")...))
	running := section("Less Operating Expenses",
		line("Row", "a5", "Power", year("200.05", "70.00")...), line("Row", "FXGROUPID", "Foreign Currency Gains and Losses", year("-0.05", "0.00")...),
		line("SummaryRow", "", "Total", year("200.00", "70.00")...))
	net := section("", line("Row", "", "Net Profit", year("410.10", "-17.00")...))
	header := line("Header", "", "", heads("2 Jan 06")...)
	called := func(r row, title string) row {
		r.Title = &title
		return r
	}
	backwards := func(r row) row {
		turn := func(r row) row {
			r.Cells = slices.Clone(r.Cells)
			slices.Reverse(r.Cells[1:])
			return r
		}
		if r.Rows == nil && r.Cells != nil {
			return turn(r)
		}
		r.Rows = slices.Clone(r.Rows)
		for n := range r.Rows {
			r.Rows[n] = turn(r.Rows[n])
		}
		return r
	}
	const want = "53.00 70.00 -17.00, 910.10 500.00 410.10"
	for name, c := range map[string]struct {
		rows []row
		want string
	}{
		"as Xero has it":    {[]row{header, income, goods, gross, other, running, net}, want},
		"other titles":      {[]row{header, called(income, "Turnover"), called(goods, "Direct"), gross, called(other, "Sundry"), called(running, "Overheads"), net}, want},
		"misleading titles": {[]row{header, called(income, "Less is more"), called(goods, "Income we gave away"), gross, called(other, "Expense refunds"), called(running, "Running"), net}, want},
		"no titles":         {[]row{header, called(income, ""), called(goods, " "), gross, called(other, ""), called(running, ""), net}, want},
		"bare headings":     {[]row{header, section("Trading"), {RowType: "Section"}, income, goods, gross, other, section("Non-operating"), running, net}, want},
		"a result between":  {[]row{header, income, goods, gross, other, section("", line("Row", "", "Operating Profit", year("1.00", "2.00")...)), running, net}, want},
		"oldest first":      {[]row{backwards(header), backwards(income), backwards(goods), backwards(gross), backwards(other), backwards(running), backwards(net)}, want},
		"months as heads":   {[]row{line("Header", "", "", heads("Jan 2006")...), income, goods, gross, other, running, net}, want},
		"periods as heads":  {[]row{line("Header", "", "", heads("1 Jan - 2 Jan 2006")...), income, goods, gross, other, running, net}, want},
		"unreadable heads":  {[]row{line("Header", "", "", year("P1", "P2")...), income, goods, gross, other, running, net}, want},
		"nothing happened":  {[]row{header, section("Income"), section("Less Cost of Sales")}, "0.00 0.00 0.00, 0.00 0.00 0.00"},
		"sums that are off": {[]row{header, income, goods, gross, running, net}, "trouble"},
		"no net profit":     {[]row{header, income, goods}, "trouble"},
		"another month":     {[]row{line("Header", "", "", append(heads("2 Jan 06")[:11], "31 Jan 2019")...), income, goods, gross, other, running, net}, "trouble"},
		"fewer columns":     {[]row{line("Header", "", "", heads("2 Jan 06")[:11]...), income, net}, "trouble"},
		"no number":         {[]row{header, section("Income", line("Row", "a1", "Sales", year("n/a")...)), net}, "trouble"},
		"an endless number": {[]row{header, section("Income", line("Row", "a1", "Sales", year("1e999999999")...)), net}, "trouble"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, "2026-10-05 09:00", func(t *testing.T, b *bench) {
				r := b.ledger(tally).Months(t.Context(), 0)
				if c.want == "trouble" {
					if r.Trouble == nil || r.Trouble.Code != xero.CodeUnreachable || !r.At.IsZero() {
						t.Errorf("%+v %v", r.Trouble, r.Value)
					}
					return
				}
				var last []string
				for _, m := range read(t, r)[10:] {
					last = append(last, text(m.Income)+" "+text(m.Costs)+" "+text(m.Profit))
				}
				if got := strings.Join(last, ", "); got != c.want {
					t.Errorf("the last two months are %s, want %s", got, c.want)
				}
			}, report(c.rows...))
		})
	}
}

// Sales on the 1st, 28th, 30th and 31st, so that a month that is cut short shows.
func TestMonthsAreWhole(t *testing.T) {
	ends := xerosim.Ledger{Name: "Ends Ltd", Banks: []xerosim.LedgerBank{{Name: "Cheque", Code: "090"}}}
	for months := range 14 {
		for _, day := range []int{1, 28, 30, 31} {
			ends.Invoices = append(ends.Invoices, xerosim.LedgerInvoice{
				Type: "ACCREC", Number: fmt.Sprintf("%d-%d", months, day), Contact: "Everybody", Months: -months, MonthDay: day, DueDays: 1,
				Lines: []xerosim.LedgerLine{{Account: "200", Net: "1"}},
			})
		}
	}
	for _, on := range []string{"2026-11-30 09:00", "2026-10-31 09:00", "2027-02-28 09:00", "2027-03-15 09:00", "2028-02-29 23:59", "2027-06-30 09:00", "2026-12-31 23:59"} {
		t.Run(on[:10], func(t *testing.T) {
			inBubble(t, on, func(t *testing.T, b *bench) {
				l := b.ledger("Ends Ltd")
				all := read(t, l.Invoices(t.Context(), 0))
				for _, m := range read(t, l.Months(t.Context(), 0)) {
					sales := 0
					for _, i := range all {
						if i.Date.Format("2006-01") == m.First.Format("2006-01") {
							sales++
						}
					}
					if text(m.Income) != fmt.Sprintf("%d.00", sales) || sales == 0 {
						t.Errorf("%s: %s, and %d sales", m.First.Format("January 2006"), m.Income, sales)
					}
				}
			}, func(b *bench) { b.ledgers = append(b.ledgers, ends) })
		})
	}
}

func TestAStatementIsTheReportLineByLine(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		from, to := time.Date(2026, 9, 1, 13, 0, 0, 0, time.UTC), time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
		s := read(t, l.ProfitAndLoss(t.Context(), from, to, 0))
		var lines []string
		for _, l := range s.Lines {
			text := l.Label
			if l.Heading {
				text = "# " + text
			}
			if l.Amount.Valid {
				text += " " + l.Amount.Decimal.StringFixed(2)
			}
			if l.Sum {
				text += " ="
			}
			lines = append(lines, text)
		}
		want := "# Income; Sales 1300.00; Total Income 1300.00 =; # Less Cost of Sales; Cost of Goods Sold 400.00; Total Cost of Sales 400.00 =; " +
			"Gross Profit 900.00 =; # Less Operating Expenses; Rent 200.00; Total Operating Expenses 200.00 =; Net Profit 700.00 ="
		if got := strings.Join(lines, "; "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if s.Title != "Profit and Loss" || s.From.Format(time.DateOnly) != "2026-09-01" || !s.To.Equal(to) {
			t.Errorf("%s, %s to %s", s.Title, s.From, s.To)
		}
		b.wantCalls(0, func() { read(t, l.ProfitAndLoss(t.Context(), from.Add(-time.Hour), to, time.Hour)) }) // the same days
		b.wantCalls(1, func() { read(t, l.ProfitAndLoss(t.Context(), from, to.AddDate(0, 0, -1), time.Hour)) })
		// Only the last is there after a restart.
		b.restart()
		b.wantCalls(1, func() { read(t, b.ledger(tally).ProfitAndLoss(t.Context(), from, to, time.Hour)) })
		if r := b.ledger(tally).ProfitAndLoss(t.Context(), from.AddDate(-2, 0, 0), to, 0); r.Trouble == nil || r.Trouble.Code != xero.CodeBadRequest {
			t.Errorf("more than a year: %+v", r.Trouble)
		}
		// However many spans are asked for.
		for n := range 40 {
			l.ProfitAndLoss(ended(), from, to.AddDate(0, 0, -n), 0)
		}
		time.Sleep(5 * time.Minute)
		read(t, b.ledger(tally).ProfitAndLoss(t.Context(), from, to, 0))
	})
}

func TestStrangeAnswersAreRead(t *testing.T) {
	for _, c := range []struct{ values, missing bool }{{true, false}, {false, true}} {
		inBubble(t, someDay, func(t *testing.T, b *bench) {
			b.sim.Strange(c.values, c.missing)
			l := b.ledger(café)
			if n := len(read(t, l.Invoices(t.Context(), 0))); n != 130 {
				t.Errorf("%d invoices", n)
			}
			read(t, l.Contacts(t.Context(), 0))
			read(t, l.Organisation(t.Context(), 0))
			read(t, l.OpenInvoices(t.Context(), 0))
		})
	}
}

func TestNumbersAndTruthsInQuotes(t *testing.T) {
	answer := `{"pagination":{"page":1,"pageSize":1000,"pageCount":1,"itemCount":1},"Invoices":[{"Type":"ACCREC","InvoiceID":"a","Status":"AUTHORISED",
		"Total":"12.50","AmountDue":"12.50","AmountPaid":"","AmountCredited":null,"CurrencyRate":"0.598750","CurrencyCode":"USD",
		"Contact":{"ContactID":"c","Name":"N"},"Date":"\/Date(1439434356790+1300)\/","DueDate":"\/Date(-86400000)\/","UpdatedDateUTC":"\/Date(1439434356790)\/"}]}`
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		all := read(t, b.ledger(tally).Invoices(t.Context(), 0))
		got := fmt.Sprintln(len(all), all[0].AmountDue, all[0].Rate, all[0].AmountPaid, all[0].Date.Format(time.DateTime), all[0].Due.Format(time.DateTime), all[0].Updated.Format(time.RFC3339Nano))
		if got != "1 12.5 0.59875 0 2015-08-13 00:00:00 1969-12-31 00:00:00 2015-08-13T02:52:36.79Z\n" {
			t.Error(got)
		}
	}, swapped("/Invoices", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { _, _ = w.Write([]byte(answer)) }))
	for _, bad := range []string{`{"Invoices":[{"InvoiceID":"a","Total":1e99999999}]}`, `{"Invoices":[{"Total":1}]}`, `{"Invoices":[{"InvoiceID":"a","Date":"soon"}]}`, `[]`} {
		inBubble(t, someDay, func(t *testing.T, b *bench) {
			if r := b.ledger(tally).Invoices(t.Context(), 0); r.Trouble == nil || r.Trouble.Code != xero.CodeUnreachable {
				t.Errorf("%s: %+v", bad, r)
			}
		}, swapped("/Invoices", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { _, _ = w.Write([]byte(bad)) }))
	}
}
