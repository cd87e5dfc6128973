package books

import (
	"context"
	"log/slog"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// Config is what Books are made from. All fields are needed.
type Config struct {
	Connections *xero.Connections
	// State waits until the state database is open.
	State func(context.Context) (*store.Store, error)
	// Key is what records are sealed with: 32 random bytes from the keychain, made
	// when there are none.
	Key func(context.Context) (keystore.Secret, error)
	Log *slog.Logger
}

// Books are the books of all organisations that the sign-ins reach. Methods are
// safe for concurrent use.
type Books struct{ cfg Config }

// New makes Books. Nothing is read before somebody asks.
func New(cfg Config) *Books { return &Books{cfg} }

// Run lets readings go on until ctx ends, and returns when all have ended.
func (b *Books) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Of is the books of one organisation.
func (b *Books) Of(tenantID string) *Ledger { return &Ledger{b, tenantID} }

// Forget deletes all that is kept of an organisation.
func (b *Books) Forget(ctx context.Context, tenantID string) error { return nil }

// Changed is closed at the next change of any reading: records came, or a reading
// failed, began or ended.
func (b *Books) Changed() <-chan struct{} { return make(chan struct{}) }

// A Reading is what is known of one part of the books, and how well.
type Reading[T any] struct {
	Value T
	// At is when Xero last said that Value is all there is, UTC; zero: never, and
	// Value means nothing.
	At time.Time
	// Loading: a newer reading is under way.
	Loading bool
	// Trouble is why the last reading failed; nil when it did not. Value is then
	// what was there before, if At is not zero.
	Trouble *Trouble
}

// Trouble is why a reading failed.
type Trouble struct {
	xero.Problem
	Scope string    // not "": the sign-in lacks this scope, and consent to it mends that
	Role  bool      // the person's role in Xero does not reach this part
	Retry time.Time // when Xero takes calls again; zero when it does not say
}

// Ledger is the books of one organisation.
//
// Every method that reads takes maxAge: what is kept and not older is returned at
// once. Else Xero is asked, and the method waits for it until ctx ends; then it
// returns what is kept, marked Loading, while the reading goes on without the
// caller. An ended ctx never waits. A reading that failed is tried again by the
// next caller, though not within ten seconds.
type Ledger struct {
	books    *Books
	tenantID string
}

// TenantID is the organisation's id.
func (l *Ledger) TenantID() string { return l.tenantID }

// Organisation is who the books are of.
func (l *Ledger) Organisation(ctx context.Context, maxAge time.Duration) Reading[Organisation] {
	return Reading[Organisation]{}
}

// Invoices are all invoices and bills, drafts, paid and voided ones too, the newest
// date first. Deleted ones are left out.
func (l *Ledger) Invoices(ctx context.Context, maxAge time.Duration) Reading[[]Invoice] {
	return Reading[[]Invoice]{}
}

// OpenInvoices are the invoices and bills that are to be paid: AUTHORISED, with an
// amount due. It costs fewer calls than Invoices where those are not kept.
func (l *Ledger) OpenInvoices(ctx context.Context, maxAge time.Duration) Reading[[]Invoice] {
	return Reading[[]Invoice]{}
}

// Contacts are all contacts, archived ones too, by name.
func (l *Ledger) Contacts(ctx context.Context, maxAge time.Duration) Reading[[]Contact] {
	return Reading[[]Contact]{}
}

// Cash is the bank accounts and what the books say is in them.
func (l *Ledger) Cash(ctx context.Context, maxAge time.Duration) Reading[Cash] {
	return Reading[Cash]{}
}

// Months are income and costs of the last twelve months, the present one last.
func (l *Ledger) Months(ctx context.Context, maxAge time.Duration) Reading[[]Month] {
	return Reading[[]Month]{}
}

// ProfitAndLoss is the report between two days, line by line.
func (l *Ledger) ProfitAndLoss(ctx context.Context, from, to time.Time, maxAge time.Duration) Reading[Statement] {
	return Reading[Statement]{}
}
