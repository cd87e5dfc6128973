package xerosim

import (
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// executiveSummary compares the month of date with the one before. Its rows have
// labels and no ids.
func executiveSummary(c *call) (titles []string, rows []rowJSON, err error) {
	on, err := c.day("date", c.today())
	if err != nil {
		return nil, nil, err
	}
	now := month(on)
	this, last := c.books.gist(now), c.books.gist(month(now.from.AddDate(0, 0, -1)))
	cents := func(label string, of func(*gist) int64) rowJSON {
		a, b := of(&this), of(&last)
		return row(nil, label, money(a), money(b), variance(decimal.New(a, -2), decimal.New(b, -2)))
	}
	ratio := func(label string, per figure, write func(decimal.Decimal) string) rowJSON {
		a, okA := per(&this)
		b, okB := per(&last)
		values := []string{label, "", "", variance(a, b)}
		if okA {
			values[1] = write(a)
		}
		if okB {
			values[2] = write(b)
		}
		return row(nil, values...)
	}
	days := func(label string, debt func(*gist) int64, of func(*gist) int64) rowJSON {
		return ratio(label, func(g *gist) (decimal.Decimal, bool) {
			d, ok := quotient(debt(g), of(g))
			return d.Mul(decimal.NewFromInt(int64(g.days.to.Day()))), ok
		}, decimal.Decimal.String)
	}
	count := func(g *gist) int64 { return 100 * g.invoices }
	issued := cents("Number of invoices issued", count)
	issued.Cells[1].Value, issued.Cells[2].Value = strconv.FormatInt(this.invoices, 10), strconv.FormatInt(last.invoices, 10)
	rows = []rowJSON{
		header("", now.from.Format("Jan 2006"), last.days.from.Format("Jan 2006"), "Variance"),
		section("Cash",
			cents("Cash received", func(g *gist) int64 { return g.bank.received }),
			cents("Cash spent", func(g *gist) int64 { return g.bank.spent }),
			cents("Cash surplus (deficit)", func(g *gist) int64 { return g.bank.received - g.bank.spent }),
			cents("Closing bank balance", func(g *gist) int64 { return g.bank.closing() })),
		section("Profitability",
			cents("Income", func(g *gist) int64 { return g.income[0] }),
			cents("Direct costs", func(g *gist) int64 { return g.direct[0] }),
			cents("Gross profit (loss)", func(g *gist) int64 { return g.gross[0] }),
			cents("Other Income", func(g *gist) int64 { return g.other[0] }),
			cents("Expenses", func(g *gist) int64 { return g.expenses[0] }),
			cents("Profit (loss)", func(g *gist) int64 { return g.net[0] })),
		section("Balance Sheet",
			cents("Debtors", func(g *gist) int64 { return g.debtors }),
			cents("Creditors", func(g *gist) int64 { return g.creditors }),
			cents("Net assets", func(g *gist) int64 { return g.assets })),
		section("Income",
			issued,
			ratio("Average value of invoices", func(g *gist) (decimal.Decimal, bool) { return quotient(g.issued, count(g)) }, fixed)),
		section("Performance",
			ratio("Gross profit margin", func(g *gist) (decimal.Decimal, bool) { return quotient(100*g.gross[0], g.income[0]) }, percent),
			ratio("Net profit margin", func(g *gist) (decimal.Decimal, bool) { return quotient(100*g.net[0], g.income[0]) }, percent),
			ratio("Return on investment (p.a.)", func(g *gist) (decimal.Decimal, bool) { return quotient(1200*g.net[0], g.assets) }, percent)),
		section("Position",
			days("Average debtors days", func(g *gist) int64 { return g.debtors }, func(g *gist) int64 { return g.income[0] }),
			days("Average creditors days", func(g *gist) int64 { return g.creditors }, func(g *gist) int64 { return g.direct[0] + g.expenses[0] }),
			cents("Short term cash forecast", func(g *gist) int64 { return g.debtors - g.creditors }),
			ratio("Current assets to liabilities", func(g *gist) (decimal.Decimal, bool) { return quotient(g.current, g.owed) }, decimal.Decimal.String),
			row(nil, "Term assets to liabilities", "", "", "0.0%")),
	}
	return []string{"Executive Summary", c.books.profile.name, "For the month of " + now.from.Format("January 2006")}, rows, nil
}

// A figure is one of a month, or not known.
type figure = func(*gist) (value decimal.Decimal, known bool)

// gist is a month in few figures, in cents.
type gist struct {
	days span
	profit
	bank                       bankLine
	debtors, creditors, assets int64
	current, owed              int64 // current assets with the bank, current liabilities
	invoices, issued           int64 // sales invoices of the month: how many, and their total
}

func (b *books) gist(m span) gist {
	g := gist{days: m, profit: b.profit(false, []span{m})}
	for _, a := range b.accounts {
		if a.kind == "BANK" {
			g.bank.opening += cents(a.opening)
		}
	}
	for _, one := range b.moves() {
		g.bank.add(one, m)
	}
	for a, of := range b.equity(false, []time.Time{m.to}) {
		switch {
		case a.system == "DEBTORS":
			g.debtors = of[0]
		case a.system == "CREDITORS":
			g.creditors = -of[0]
		}
		if a.class != "EQUITY" {
			g.assets += of[0]
		}
		switch {
		case a.is("BANK", "CURRENT"):
			g.current += of[0]
		case a.is("CURRLIAB"):
			g.owed -= of[0]
		}
	}
	for _, i := range b.invoices {
		if i.kind == "ACCREC" && (i.status == "AUTHORISED" || i.status == "PAID") && !i.date.Before(m.from) && !i.date.After(m.to) {
			g.invoices++
			g.issued += base(i.total, i.rate)
		}
	}
	return g
}

// quotient is not known when it is of nothing.
func quotient(of, by int64) (decimal.Decimal, bool) {
	if by == 0 {
		return decimal.Zero, false
	}
	return decimal.NewFromInt(of).Div(decimal.NewFromInt(by)), true
}

func fixed(d decimal.Decimal) string { return d.StringFixed(2) }

func percent(d decimal.Decimal) string { return d.StringFixed(1) + "%" }

// variance is how much a is above b, 0.0% where there is nothing to compare with.
func variance(a, b decimal.Decimal) string {
	if b.IsZero() {
		return percent(decimal.Zero)
	}
	return percent(a.Sub(b).Mul(hundred).Div(b.Abs()))
}
