package xerosim

import (
	"slices"
	"time"
)

// yearEarnings is the account that Xero shows for the profit of the year.
var yearEarnings = &account{id: noID, name: "Current Year Earnings", class: "EQUITY", kind: "EQUITY"}

// equity splits the accounts' balances as a balance sheet does: what was earned
// in the financial year of each day, and before it.
func (b *books) equity(cash bool, days []time.Time) map[*account][]int64 {
	var spans []span
	for _, d := range days {
		spans = append(spans, span{to: d})
	}
	all := b.sums(cash, spans...)
	for n, d := range days {
		spans[n].from = b.profile.year(d)
	}
	earned, retained := make([]int64, len(days)), b.system("RETAINEDEARNINGS")
	if all[retained] == nil {
		all[retained] = make([]int64, len(days))
	}
	for a, of := range b.sums(cash, spans...) {
		if a.earns() {
			add(earned, of, 1)
			add(all[retained], of, -1)
		}
	}
	for a, of := range all {
		if a.earns() {
			add(all[retained], of, 1)
			delete(all, a)
		}
	}
	all[yearEarnings] = earned
	return all
}

// balanceSheet shows the end of the month that date is in, today's without one,
// and the same month of last year, or as many periods as were asked for.
func balanceSheet(c *call) (titles []string, rows []rowJSON, err error) {
	on, err := c.day("date", c.today())
	if err != nil {
		return nil, nil, err
	}
	periods, apart, err := c.periods(12)
	if err != nil {
		return nil, nil, err
	}
	cash, err := c.yes("paymentsOnly")
	if err != nil {
		return nil, nil, err
	}
	if c.parameter("periods") == "" {
		periods = 1
	}
	var days []time.Time
	heads := []string{""}
	for n := range periods + 1 {
		d := monthEnd(months(monthEnd(on), -n*apart))
		days = append(days, d)
		heads = append(heads, d.Format(shortDay))
	}
	b := c.books
	all := b.equity(cash, days)
	part := func(title string, sign int64, accounts ...*account) (rowJSON, []int64) {
		total := make([]int64, len(days))
		out := section(title)
		for _, a := range accounts {
			sums := make([]int64, len(days))
			add(sums, all[a], sign)
			add(total, sums, 1)
			out.Rows = append(out.Rows, row(a.attributes(), amounts(a.name, sums)...))
		}
		out.Rows = append(out.Rows, summary(amounts("Total "+title, total)...))
		return out, total
	}
	kinds := func(kinds ...string) []*account {
		var found []*account
		for a, sums := range all {
			if a.is(kinds...) && (a == yearEarnings || slices.ContainsFunc(sums, func(n int64) bool { return n != 0 })) {
				found = append(found, a)
			}
		}
		slices.SortFunc(found, byName)
		return found
	}
	assets, liabilities := make([]int64, len(days)), make([]int64, len(days))
	rows = []rowJSON{header(heads...), heading("Assets")}
	for _, p := range []struct {
		title string
		kinds []string
	}{{"Bank", []string{"BANK"}}, {"Current Assets", []string{"CURRENT", "INVENTORY", "PREPAYMENT"}}, {"Fixed Assets", []string{"FIXED"}}, {"Non-current Assets", []string{"NONCURRENT"}}} {
		if found := kinds(p.kinds...); len(found) > 0 {
			list, total := part(p.title, 1, found...)
			rows = append(rows, list)
			add(assets, total, 1)
		}
	}
	rows = append(rows, section("", summary(amounts("Total Assets", assets)...)), heading("Liabilities"))
	for _, p := range []struct {
		title string
		kinds []string
	}{{"Current Liabilities", []string{"CURRLIAB", "LIABILITY"}}, {"Non-current Liabilities", []string{"TERMLIAB"}}} {
		if found := kinds(p.kinds...); len(found) > 0 {
			list, total := part(p.title, -1, found...)
			rows = append(rows, list)
			add(liabilities, total, 1)
		}
	}
	net := slices.Clone(assets)
	add(net, liabilities, -1)
	equity, _ := part("Equity", -1, kinds("EQUITY")...)
	rows = append(rows, section("", summary(amounts("Total Liabilities", liabilities)...)),
		section("", row(nil, amounts("Net Assets", net)...)), equity)
	return []string{"Balance Sheet", b.profile.name, "As at " + days[0].Format(longDay)}, rows, nil
}

// heading is a section whose list of rows is there and empty.
func heading(title string) rowJSON {
	out := section(title)
	out.Rows = []rowJSON{}
	return out
}

// trialBalance shows the movements of the month up to date, and the balances on
// date: of sales and costs since the financial year began.
func trialBalance(c *call) (titles []string, rows []rowJSON, err error) {
	on, err := c.day("date", c.today())
	if err != nil {
		return nil, nil, err
	}
	cash, err := c.yes("paymentsOnly")
	if err != nil {
		return nil, nil, err
	}
	b := c.books
	year := b.profile.year(on)
	sums := b.sums(cash, span{month(on).from, on}, span{year, on}, span{to: on}, span{to: year.AddDate(0, 0, -1)})
	retained := b.system("RETAINEDEARNINGS")
	if sums[retained] == nil {
		sums[retained] = make([]int64, 4)
	}
	var before int64 // earned in earlier years
	for a, of := range sums {
		if a.earns() {
			before += of[3]
		}
	}
	var total [4]int64
	rows = []rowJSON{header("Account", "Debit", "Credit", "YTD Debit", "YTD Credit")}
	for _, class := range []struct{ title, class string }{
		{"Revenue", "REVENUE"}, {"Expenses", "EXPENSE"}, {"Assets", "ASSET"}, {"Liabilities", "LIABILITY"}, {"Equity", "EQUITY"},
	} {
		list := section(class.title)
		var accounts []*account
		for a := range sums {
			if a.class == class.class {
				accounts = append(accounts, a)
			}
		}
		slices.SortFunc(accounts, byName)
		for _, a := range accounts {
			moved, balance := sums[a][0], sums[a][2]
			switch {
			case a.earns():
				balance = sums[a][1]
			case a == retained:
				balance += before
			}
			debits := class.class == "EXPENSE" || class.class == "ASSET"
			values := []string{a.label()}
			for n, sum := range []int64{moved, balance} {
				debit, credit := sum > 0 || sum == 0 && debits, sum < 0 || sum == 0 && !debits
				two := []string{"", ""}
				if debit {
					two[0] = money(sum)
					total[2*n] += sum
				}
				if credit {
					two[1] = money(-sum)
					total[2*n+1] -= sum
				}
				values = append(values, two...)
			}
			list.Rows = append(list.Rows, row(a.attributes(), values...))
		}
		if len(accounts) > 0 {
			rows = append(rows, list)
		}
	}
	rows = append(rows, section("", summary(amounts("Total", total[:])...)))
	return []string{"Trial Balance", b.profile.name, "As at " + on.Format(longDay)}, rows, nil
}
