package xerosim

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// A posting moves cents of base currency into an account on a day, out of it when
// negative. Those of one record sum to nothing, so every report made of postings
// balances.
type posting struct {
	day     int // since 1970; -1: before the books begin
	account *account
	cents   int64
}

func dayNumber(t time.Time) int { return int(t.Unix() / 86400) }

func cents(d decimal.Decimal) int64 { return d.Shift(2).IntPart() }

func money(cents int64) string { return decimal.New(cents, -2).StringFixed(2) }

// base converts an amount of a foreign currency at a rate.
func base(amount, rate decimal.Decimal) int64 {
	if rate.Equal(one) {
		return cents(amount)
	}
	return cents(amount.DivRound(rate, 2))
}

var one = decimal.NewFromInt(1)

// postings are the general ledger that the records make; a bank transaction is in the
// bank and in its line's account on the same day, on either basis. On cash basis sales and
// costs count when they are paid, and there are no debtors and creditors.
//
// A line counts with its net amount, an invoice's tax in one sum, all at the
// invoice's rate; what rounding leaves over is in the account for it. A debt is
// what is still due at the invoice's rate; what a payment at another rate brings
// more or less is a realised currency gain. Xero values open foreign debts and
// bank accounts anew each day; that is left out here. A credit note takes back
// from the account of the invoice's first line, and tax in proportion.
//
// The caller holds b.mu. Nobody changes what it gets.
func (b *books) postings(cash bool) []posting {
	kept := &b.kept[0]
	if cash {
		kept = &b.kept[1]
	}
	if all := kept.Load(); all != nil {
		return *all
	}
	all := b.post(cash)
	kept.Store(&all)
	return all
}

// lock is for who changes the books, and forgets what was made of them.
func (b *books) lock() {
	b.mu.Lock()
	b.kept[0].Store(nil)
	b.kept[1].Store(nil)
}

func (b *books) post(cash bool) []posting {
	p := poster{books: b, all: make([]posting, 0, 5*len(b.invoices)+2*len(b.payments)), byCode: map[string]*account{}}
	for _, a := range b.accounts {
		p.byCode[a.code] = a
		if opening := cents(a.opening); opening != 0 {
			p.all = append(p.all, posting{-1, a, opening}, posting{-1, b.system("RETAINEDEARNINGS"), -opening})
		}
	}
	p.tax, p.rounding = b.system("GST"), b.system("ROUNDING")
	p.gains = cmp.Or(b.system("REALISEDCURRENCYGAIN"), p.rounding)
	for _, i := range b.invoices {
		if i.status != "AUTHORISED" && i.status != "PAID" {
			continue
		}
		p.side, p.debts = 1, b.system("DEBTORS")
		if i.kind == "ACCPAY" {
			p.side, p.debts = -1, b.system("CREDITORS")
		}
		if cash {
			p.paid(i)
		} else {
			p.issued(i)
			p.settled(i)
		}
	}
	for _, t := range b.money {
		if t.status != "AUTHORISED" {
			continue
		}
		p.side = t.side()
		whole, part, tax := base(t.total(), t.rate), base(t.line.amount, t.rate), base(t.line.taxAmount, t.rate)
		p.add(t.date, t.account, p.side*whole)
		p.add(t.date, p.coded(t.line.accountCode), -p.side*part)
		p.add(t.date, p.tax, -p.side*tax)
		p.add(t.date, p.rounding, -p.side*(whole-part-tax))
	}
	return p.all
}

// side is 1 where money comes in by it, -1 where it goes out.
func (t *bankTransaction) side() int64 {
	if t.kind == "SPEND" {
		return -1
	}
	return 1
}

// A move is money that comes into a bank account, or leaves it when negative, in
// cents of base currency.
type move struct {
	account *account
	day     time.Time
	cents   int64
}

// moves are all there are, by payments and by bank transactions.
func (b *books) moves() []move {
	var all []move
	for _, p := range b.payments {
		cents := base(p.amount, p.rate)
		if p.invoice.kind == "ACCPAY" {
			cents = -cents
		}
		all = append(all, move{p.account, p.date, cents})
	}
	for _, t := range b.money {
		if t.status == "AUTHORISED" {
			all = append(all, move{t.account, t.date, t.side() * base(t.total(), t.rate)})
		}
	}
	return all
}

func (b *books) system(name string) *account {
	return first(b.accounts, func(a *account) bool { return a.system == name })
}

type poster struct {
	*books
	all                  []posting
	byCode               map[string]*account
	tax, rounding, gains *account

	side  int64 // of the present invoice: 1 a sale, -1 a bill
	debts *account
}

func (p *poster) add(day time.Time, a *account, cents int64) {
	if cents != 0 {
		p.all = append(p.all, posting{dayNumber(day), a, cents})
	}
}

func (p *poster) coded(code string) *account {
	if a := p.byCode[code]; a != nil {
		return a
	}
	return p.account(code) // in other case
}

// net is a line's amount without tax.
func (l *line) net(taxing string) decimal.Decimal {
	if taxing == "Inclusive" {
		return l.amount.Sub(l.taxAmount)
	}
	return l.amount
}

func (p *poster) issued(i *invoice) {
	whole := base(i.total, i.rate)
	rest := whole
	for _, l := range i.lines {
		part := base(l.net(i.taxing), i.rate)
		p.add(i.date, p.coded(l.accountCode), -p.side*part)
		rest -= part
	}
	tax := base(i.totalTax, i.rate)
	p.add(i.date, p.tax, -p.side*tax)
	p.add(i.date, p.rounding, -p.side*(rest-tax))
	p.add(i.date, p.debts, p.side*whole)
}

// A settlement is a payment of an invoice, or a credit note set against it.
type settlement struct {
	day     time.Time
	amount  decimal.Decimal
	payment *payment // nil: a credit note
}

// settlements of an invoice in the order of their days.
func (i *invoice) settlements() []settlement {
	var all []settlement
	for _, c := range i.credits {
		all = append(all, settlement{c.date, c.amount, nil})
	}
	for _, p := range i.payments {
		all = append(all, settlement{p.date, p.amount, p})
	}
	slices.SortStableFunc(all, func(a, b settlement) int { return a.day.Compare(b.day) })
	return all
}

func (p *poster) settled(i *invoice) {
	open := i.total
	for _, s := range i.settlements() {
		less := base(open, i.rate)
		open = open.Sub(s.amount)
		less -= base(open, i.rate)
		p.add(s.day, p.debts, -p.side*less)
		if s.payment == nil {
			tax := base(s.amount.Mul(i.totalTax).DivRound(i.total, places(i.currency)), i.rate)
			p.add(s.day, p.tax, p.side*tax)
			p.add(s.day, p.coded(i.lines[0].accountCode), p.side*(less-tax))
			continue
		}
		p.banked(s.payment, less)
	}
}

// banked posts what came into the bank, or left it, and how much that differs
// from the debt of so many cents.
func (p *poster) banked(pay *payment, debt int64) {
	got := base(pay.amount, pay.rate)
	p.add(pay.date, pay.account, p.side*got)
	other := p.rounding
	if !pay.rate.Equal(one) {
		other = p.gains
	}
	p.add(pay.date, other, p.side*(debt-got))
}

// paid posts an invoice on cash basis: of each line and of the tax the part that
// was paid.
func (p *poster) paid(i *invoice) {
	var done decimal.Decimal
	for _, pay := range slices.SortedStableFunc(slices.Values(i.payments), func(a, b *payment) int { return a.date.Compare(b.date) }) {
		before := done
		done = done.Add(pay.amount)
		part := func(of decimal.Decimal) int64 {
			share := func(d decimal.Decimal) int64 { return base(of.Mul(d).DivRound(i.total, places(i.currency)), i.rate) }
			return share(done) - share(before)
		}
		var sum int64
		for _, l := range i.lines {
			n := part(l.net(i.taxing))
			p.add(pay.date, p.coded(l.accountCode), -p.side*n)
			sum += n
		}
		tax := part(i.totalTax)
		p.add(pay.date, p.tax, -p.side*tax)
		p.banked(pay, sum+tax)
	}
}

// A span is the days from one to another, both included; a zero from is the
// beginning of the books.
type span struct{ from, to time.Time }

// sums are the accounts' movements in each of the spans.
func (b *books) sums(cash bool, spans ...span) map[*account][]int64 {
	all := map[*account][]int64{}
	type bounds struct{ from, to int }
	var within []bounds
	for _, s := range spans {
		b := bounds{-1, dayNumber(s.to)}
		if !s.from.IsZero() {
			b.from = dayNumber(s.from)
		}
		within = append(within, b)
	}
	for _, p := range b.postings(cash) {
		of := all[p.account]
		if of == nil {
			of = make([]int64, len(spans))
			all[p.account] = of
		}
		for n, s := range within {
			if s.from <= p.day && p.day <= s.to {
				of[n] += p.cents
			}
		}
	}
	return all
}

// earns reports whether the account is of the profit and loss.
func (a *account) earns() bool { return a.class == "REVENUE" || a.class == "EXPENSE" }

// is reports whether it is of one of those kinds.
func (a *account) is(kinds ...string) bool { return slices.Contains(kinds, a.kind) }

// label is the account's name, and its code where it has one.
func (a *account) label() string {
	if a.code == "" {
		return a.name
	}
	return a.name + " (" + a.code + ")"
}

// year is the first day of the financial year that d is in.
func (p *profile) year(d time.Time) time.Time {
	ends := func(year int) time.Time {
		last := time.Date(year, time.Month(p.yearEndMonth)+1, 0, 0, 0, 0, 0, time.UTC)
		return last.AddDate(0, 0, min(p.yearEndDay-last.Day(), 0))
	}
	end := ends(d.Year() - 1)
	if d.After(ends(d.Year())) {
		end = ends(d.Year())
	}
	return end.AddDate(0, 0, 1)
}

// months moves a day by whole months, to the last of a shorter one.
func months(d time.Time, by int) time.Time {
	first := time.Date(d.Year(), d.Month()+time.Month(by), 1, 0, 0, 0, 0, time.UTC)
	return first.AddDate(0, 0, min(d.Day(), first.AddDate(0, 1, -1).Day())-1)
}

func monthEnd(d time.Time) time.Time {
	return time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC)
}

func byName(a, b *account) int { return strings.Compare(a.name, b.name) }
