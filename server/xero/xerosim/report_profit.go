package xerosim

import (
	"slices"
	"time"
)

// profitAndLoss shows fromDate to toDate, the current month unless they are given,
// and periods of the same length before it, the newest first. Both ends move back
// by whole months: from a month of 30 days on, the 31st of others is left out, and
// a year with monthly periods gives years that begin a month apart
// (github.com/XeroAPI/xero-php-oauth2/issues/250).
func profitAndLoss(c *call) (titles []string, rows []rowJSON, err error) {
	days, err := c.span()
	if err != nil {
		return nil, nil, err
	}
	if days.to.Sub(days.from) > 365*day {
		return nil, nil, badParameter("toDate", c.parameter("toDate"))
	}
	periods, apart, err := c.periods(1)
	if err != nil {
		return nil, nil, err
	}
	cash, err := c.yes("paymentsOnly")
	if err != nil {
		return nil, nil, err
	}
	standard, err := c.yes("standardLayout")
	if err != nil {
		return nil, nil, err
	}
	var spans []span
	heads := []string{""}
	for n := range periods + 1 {
		s := span{months(days.from, -n*apart), months(days.to, -n*apart)}
		spans = append(spans, s)
		heads = append(heads, s.to.Format("2 Jan 06"))
	}
	names := c.books.profile.layout
	if standard {
		names = nil
	}
	named := func(name string) string {
		if own := names[name]; own != "" {
			return own
		}
		return name
	}
	p := c.books.profit(cash, spans)
	rows = []rowJSON{header(heads...)}
	rows = append(rows, p.section(named("Income"), "Total "+named("Income"), p.income, p.accounts("REVENUE", "SALES"), -1))
	costs := p.section(named("Less Cost of Sales"), "Total Cost of Sales", p.direct, p.accounts("DIRECTCOSTS"), 1)
	if len(costs.Rows) == 1 {
		costs.Rows = nil // a heading alone
	}
	rows = append(rows, costs, section("", row(nil, amounts("Gross Profit", p.gross)...)))
	if other := p.accounts("OTHERINCOME"); len(other) > 0 {
		rows = append(rows, p.section("Plus Other Income", "Total Other Income", p.other, other, -1))
	}
	expenses := p.section(named("Less Operating Expenses"), "Total Operating Expenses", p.expenses, p.accounts("EXPENSE", "OVERHEADS", "DEPRECIATN"), 1)
	rows = append(rows, expenses, section("", row(nil, amounts("Net Profit", p.net)...)))
	titles = []string{"Profit & Loss", c.books.profile.name, days.from.Format(longDay) + " to " + days.to.Format(longDay)}
	return titles, rows, nil
}

// profit is what was earned in some spans of time, in cents.
type profit struct {
	sums                                        map[*account][]int64
	income, direct, gross, other, expenses, net []int64
}

func (b *books) profit(cash bool, spans []span) profit {
	p := profit{sums: b.sums(cash, spans...)}
	for _, to := range []*[]int64{&p.income, &p.direct, &p.gross, &p.other, &p.expenses, &p.net} {
		*to = make([]int64, len(spans))
	}
	for a, sums := range p.sums {
		switch {
		case a.is("REVENUE", "SALES"):
			add(p.income, sums, -1)
		case a.is("OTHERINCOME"):
			add(p.other, sums, -1)
		case a.is("DIRECTCOSTS"):
			add(p.direct, sums, 1)
		case a.earns():
			add(p.expenses, sums, 1)
		}
	}
	for n := range spans {
		p.gross[n] = p.income[n] - p.direct[n]
		p.net[n] = p.gross[n] + p.other[n] - p.expenses[n]
	}
	return p
}

// accounts are those of the kinds that moved, by name.
func (p *profit) accounts(kinds ...string) []*account {
	var all []*account
	for a, sums := range p.sums {
		if a.is(kinds...) && slices.ContainsFunc(sums, func(n int64) bool { return n != 0 }) {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, byName)
	return all
}

// section lists accounts and their total. The accounts of the gains on currencies
// show as one, which has no id of its own.
func (p *profit) section(title, label string, total []int64, accounts []*account, sign int64) rowJSON {
	out := section(title)
	gains := make([]int64, len(total))
	foreign := false
	for _, a := range accounts {
		if a.currencyGain() {
			add(gains, p.sums[a], sign)
			foreign = true
			continue
		}
		sums := make([]int64, len(total))
		add(sums, p.sums[a], sign)
		out.Rows = append(out.Rows, row(a.attributes(), amounts(a.name, sums)...))
	}
	if foreign {
		out.Rows = append(out.Rows, row([]attributeJSON{{"FXGROUPID", "account"}}, amounts("Foreign Currency Gains and Losses", gains)...))
	}
	out.Rows = append(out.Rows, summary(amounts(label, total)...))
	return out
}

// currencyGain reports whether the account is one of those that Xero keeps itself
// where an organisation has several currencies.
func (a *account) currencyGain() bool {
	return a.system == "BANKCURRENCYGAIN" || a.system == "UNREALISEDCURRENCYGAIN" || a.system == "REALISEDCURRENCYGAIN"
}

// month is the calendar month that d is in.
func month(d time.Time) span { return span{d.AddDate(0, 0, 1-d.Day()), monthEnd(d)} }
