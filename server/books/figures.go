package books

import (
	"context"
	"time"

	"github.com/shopspring/decimal"

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

// Dashboard reads what the dashboard shows: at most 12 calls when nothing is kept.
func (l *Ledger) Dashboard(ctx context.Context, maxAge time.Duration) Dashboard {
	return Dashboard{}
}

// Bands are the ages of debts, in days after they fell due.
var Bands = []string{"Current", "1–30", "31–60", "61–90", "90+"}

// Debts are open invoices, or bills, by age. Credit that was not set against an
// invoice is not taken off.
type Debts struct {
	Count        int
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
