package books

import (
	"time"

	"github.com/shopspring/decimal"
)

// Habits are how an organisation's country writes numbers and days.
type Habits struct {
	currency string
}

// Habits of the organisation.
func (o Organisation) Habits() Habits { return Habits{o.Base} }

// Money writes an amount of base currency with its sign: "$48,310.22", "−$12.00".
func (h Habits) Money(d decimal.Decimal) string { return d.StringFixed(2) }

// Amount writes an amount without a currency: "48,310.22", "−12.00".
func (h Habits) Amount(d decimal.Decimal) string { return d.StringFixed(2) }

// Whole writes an amount without its decimals: "48,310".
func (h Habits) Whole(d decimal.Decimal) string { return d.StringFixed(0) }

// Day writes a calendar day: "27 Nov 2026".
func (h Habits) Day(t time.Time) string { return t.Format("2 Jan 2006") }

// ShortDay writes a day of this year: "27 Nov".
func (h Habits) ShortDay(t time.Time) string { return t.Format("2 Jan") }

// LongDay writes a day in full: "Monday 23 November 2026".
func (h Habits) LongDay(t time.Time) string { return t.Format("Monday 2 January 2006") }
