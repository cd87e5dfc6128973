package books

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

// Dashboard is what the start page and /api/dashboard show, amounts in base
// currency. Each part stands or fails by itself.
type Dashboard struct {
	Organisation Reading[Organisation]
	Today        time.Time // the organisation's calendar day
	Cash         Reading[Cash]
	Owed         Reading[Debts] // to the organisation
	Owing        Reading[Debts] // by the organisation
	Due          Reading[[]Week]
	Months       Reading[[]Month]
	Overdue      Reading[Overdue]
	Budget       xero.Budget
}

// Dashboard reads what the dashboard shows, all at once: at most 12 calls when
// nothing is kept, some four when all is.
func (l *Ledger) Dashboard(ctx context.Context, maxAge time.Duration) Dashboard {
	return l.dashboard(ctx, maxAge, false)
}

// Refresh reads all that anew, and the open invoices whole: Xero does not tell of
// every change of one (see wholeAge).
func (l *Ledger) Refresh(ctx context.Context) { l.dashboard(ctx, 0, true) }

func (l *Ledger) dashboard(ctx context.Context, maxAge time.Duration, whole bool) Dashboard {
	var (
		d    Dashboard
		open Reading[[]Invoice]
	)
	Together(
		func() { d.Organisation = l.Organisation(ctx, max(maxAge, organisationAge)) },
		func() { d.Cash = l.Cash(ctx, maxAge) },
		func() { d.Months = l.Months(ctx, maxAge) },
		func() { open = l.openInvoices(ctx, maxAge, whole) },
	)
	d.Budget = l.books.cfg.Connections.Budget(l.tenantID)
	o := d.Organisation.Value
	d.Today = o.Today(time.Now())
	d.Owed = reckoned(open, func(all []Invoice) Debts { return o.Debts(all, true, d.Today) })
	d.Owing = reckoned(open, func(all []Invoice) Debts { return o.Debts(all, false, d.Today) })
	d.Due = reckoned(open, func(all []Invoice) []Week { return o.Weeks(all, d.Today) })
	d.Overdue = reckoned(open, func(all []Invoice) Overdue { return o.Overdue(all, d.Today) })
	return d
}

// reckoned is a figure as old and as troubled as what it is reckoned from.
func reckoned[F, T any](from Reading[T], figure func(T) F) Reading[F] {
	out := Reading[F]{At: from.At, Loading: from.Loading, Trouble: from.Trouble}
	if !from.At.IsZero() {
		out.Value = figure(from.Value)
	}
	return out
}

// Bands are the ages of debts, in days after they fell due.
var Bands = []string{words.Say("books.ages.current"), "1–30", "31–60", "61–90", "90+"}

// Debts are open invoices, or bills, by age. Credit that was not set against an
// invoice is not taken off.
type Debts struct {
	Count        int // invoices in the sums
	OverdueCount int
	Total        decimal.Decimal
	Overdue      decimal.Decimal
	Bands        [5]decimal.Decimal // as the variable Bands; they sum to Total
	Foreign      Foreign
}

// Foreign is what was converted to base currency, at each invoice's own rate.
type Foreign struct {
	Count      int      // invoices converted
	Currencies []string // theirs, sorted
	// Unknown are invoices in a foreign currency without a rate: in no sum.
	Unknown int
}

// Add counts how amounts of i come to the base currency of o.
func (f *Foreign) Add(o Organisation, i Invoice) {
	switch {
	case !o.Foreign(i):
	case !i.Rate.IsPositive():
		f.Unknown++
	default:
		f.Count++
		if at, there := slices.BinarySearch(f.Currencies, i.Currency); !there {
			f.Currencies = slices.Insert(f.Currencies, at, i.Currency)
		}
	}
}

// Week is what falls due within seven days, in and out. The first begins today;
// what is overdue already is in none.
type Week struct {
	From, To time.Time // both days included
	In, Out  decimal.Decimal
}

// Overdue are the sales invoices that are late, the largest first.
type Overdue struct {
	Count int
	Total decimal.Decimal
	Top   []OverdueInvoice // at most ten
}

// OverdueInvoice is one of them.
type OverdueInvoice struct {
	Invoice
	Days int
	Base decimal.Decimal // AmountDue in base currency
	Link string          // into Xero
}

// InBase is an amount of i in base currency, at the rate of i, rounded half away from
// zero. False: i is in a foreign currency and has no rate.
func (o Organisation) InBase(i Invoice, amount decimal.Decimal) (base decimal.Decimal, ok bool) {
	switch {
	case !o.Foreign(i):
		return amount, true
	case !i.Rate.IsPositive():
		return decimal.Zero, false
	}
	return amount.DivRound(i.Rate, Places(o.Base)), true
}

// Foreign reports whether i is in another currency than the base. Where either is not
// known the rate tells: of the base currency one buys one.
func (o Organisation) Foreign(i Invoice) bool {
	if o.Base == "" || i.Currency == "" {
		return !i.Rate.Equal(decimal.NewFromInt(1))
	}
	return i.Currency != o.Base
}

// A debt is an open invoice, and what is due of it in base currency.
type debt struct {
	Invoice
	due decimal.Decimal
}

// open are the sales, or the bills, among all that are to be paid. What has no rate
// is left out.
func (o Organisation) open(all []Invoice, sales bool) (debts []debt, foreign Foreign) {
	kind := "ACCPAY"
	if sales {
		kind = "ACCREC"
	}
	for _, i := range all {
		if !i.Open() || i.Type != kind {
			continue
		}
		foreign.Add(o, i)
		if due, ok := o.InBase(i, i.AmountDue); ok {
			debts = append(debts, debt{i, due})
		}
	}
	return debts, foreign
}

// Debts are the open ones among all invoices, sales or bills, by age on today.
// Without a due date it is not late.
func (o Organisation) Debts(all []Invoice, sales bool, today time.Time) Debts {
	var d Debts
	open, foreign := o.open(all, sales)
	d.Foreign = foreign
	for _, i := range open {
		late := i.DaysLate(today)
		band := &d.Bands[Band(late)]
		d.Count++
		d.Total, *band = d.Total.Add(i.due), band.Add(i.due)
		if late > 0 {
			d.OverdueCount++
			d.Overdue = d.Overdue.Add(i.due)
		}
	}
	return d
}

// Band is which of Bands so many days are in.
func Band(late int) int {
	switch {
	case late <= 0:
		return 0
	case late <= 90:
		return 1 + (late-1)/30
	}
	return 4
}

// weeksShown is how many weeks Weeks looks ahead.
const weeksShown = 8

// Weeks are what falls due from today on.
func (o Organisation) Weeks(all []Invoice, today time.Time) []Week {
	weeks := make([]Week, weeksShown)
	for n := range weeks {
		weeks[n].From = today.AddDate(0, 0, 7*n)
		weeks[n].To = today.AddDate(0, 0, 7*n+6)
	}
	for _, sales := range []bool{true, false} {
		open, _ := o.open(all, sales)
		for _, i := range open {
			days := int(i.Due.Sub(today).Hours() / 24)
			if i.Due.Before(today) || days >= 7*weeksShown { // also without a due date
				continue
			}
			if w := &weeks[days/7]; sales {
				w.In = w.In.Add(i.due)
			} else {
				w.Out = w.Out.Add(i.due)
			}
		}
	}
	return weeks
}

// mostOverdue is how many Overdue shows.
const mostOverdue = 10

// Overdue are the sales among all invoices that are late on today.
func (o Organisation) Overdue(all []Invoice, today time.Time) Overdue {
	var out Overdue
	open, _ := o.open(all, true)
	for _, i := range open {
		if late := i.DaysLate(today); late > 0 {
			out.Count++
			out.Total = out.Total.Add(i.due)
			out.Top = append(out.Top, OverdueInvoice{Invoice: i.Invoice, Days: late, Base: i.due, Link: o.Link(i.Invoice)})
		}
	}
	slices.SortFunc(out.Top, func(a, b OverdueInvoice) int {
		return cmp.Or(b.Base.Cmp(a.Base), cmp.Compare(b.Days, a.Days), strings.Compare(a.ID, b.ID))
	})
	out.Top = slices.Clip(out.Top[:min(mostOverdue, len(out.Top))])
	return out
}
