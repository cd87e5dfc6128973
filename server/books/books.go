package books

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"sync"
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
	// Key is what records are sealed with: 32 random bytes from the keychain in
	// base64, made when there are none.
	Key func(context.Context) (keystore.Secret, error)
	Log *slog.Logger
}

// Books are the books of all organisations that the sign-ins reach. Methods are
// safe for concurrent use.
type Books struct {
	cfg   Config
	log   *slog.Logger
	vault vault

	running context.Context // of all readings
	end     context.CancelFunc
	busy    sync.WaitGroup // readings

	mu      sync.Mutex
	ended   bool // no reading begins any more
	shelves map[string]*shelf
	owed    map[string]bool // ids of organisations whose records are still to be deleted
	changed chan struct{}
}

// New makes Books. Nothing is read before somebody asks.
func New(cfg Config) *Books {
	b := &Books{cfg: cfg, log: cfg.Log.With("part", "books"), shelves: map[string]*shelf{}, owed: map[string]bool{}, changed: make(chan struct{})}
	b.vault.books = b
	b.running, b.end = context.WithCancel(context.Background())
	return b
}

// Run lets readings go on until ctx ends, and returns when all have ended. It
// deletes what is kept of organisations that no sign-in reaches any more.
func (b *Books) Run(ctx context.Context) error {
	b.tidy(ctx)
	<-ctx.Done()
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
	b.end()
	b.busy.Wait()
	return nil
}

// begin announces a reading that the end waits for; false after the end has begun.
func (b *Books) begin() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		b.busy.Add(1)
	}
	return !b.ended
}

// Changed is closed at the next change of any reading: records came, or a reading
// failed, began or ended.
func (b *Books) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

func (b *Books) notify() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
}

// Of is the books of one organisation.
func (b *Books) Of(tenantID string) *Ledger { return &Ledger{b, tenantID} }

// shelf is what is in memory of an organisation. Ids are told apart without case.
func (b *Books) shelf(tenantID string) *shelf {
	id := strings.ToLower(tenantID)
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.shelves[id]
	if s == nil {
		s = &shelf{
			books: b, tenant: id, statements: spans[Statement]{}, balances: spans[Statement]{},
			transactions: spans[dated[BankTransaction]]{}, payments: spans[dated[Payment]]{},
		}
		b.shelves[id] = s
	}
	return s
}

// A Reading is what is known of one part of the books, and how well.
type Reading[T any] struct {
	// Value is everybody's: whoever wants to change it makes a copy.
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

// Kept as a maxAge is for what is kept, however old. Xero is not asked then, also
// when there is nothing.
const Kept time.Duration = math.MaxInt64

// Ledger is the books of one organisation.
//
// Every method that reads takes maxAge: what is kept and not older is returned at
// once. Else Xero is asked, and the method waits for it until ctx ends; then it
// returns what is kept, marked Loading, while the reading goes on without the
// caller. An ended ctx never waits. A reading that failed is tried again by the
// next caller, though not within ten seconds, nor before Xero takes calls again.
type Ledger struct {
	books    *Books
	tenantID string
}

// TenantID is the organisation's id.
func (l *Ledger) TenantID() string { return l.tenantID }

// Organisation is who the books are of.
func (l *Ledger) Organisation(ctx context.Context, maxAge time.Duration) Reading[Organisation] {
	s := l.books.shelf(l.tenantID)
	return readDocument(ctx, s, &s.organisation, paper[Organisation]{name: "organisation", need: needSettings, read: readOrganisation}, maxAge)
}

// Invoices are all invoices and bills, drafts, paid and voided ones too, the newest
// date first. Deleted ones are left out.
func (l *Ledger) Invoices(ctx context.Context, maxAge time.Duration) Reading[[]Invoice] {
	s := l.books.shelf(l.tenantID)
	return readRecords(ctx, s, &s.invoices, invoices, everything, maxAge, false)
}

// OpenInvoices are the invoices and bills that are to be paid: AUTHORISED, with an
// amount due, the newest date first. It costs fewer calls than Invoices where those
// are not kept.
func (l *Ledger) OpenInvoices(ctx context.Context, maxAge time.Duration) Reading[[]Invoice] {
	return l.openInvoices(ctx, maxAge, false)
}

func (l *Ledger) openInvoices(ctx context.Context, maxAge time.Duration, whole bool) Reading[[]Invoice] {
	s := l.books.shelf(l.tenantID)
	return readRecords(ctx, s, &s.invoices, invoices, some, maxAge, whole)
}

// Contacts are all contacts, archived ones too, by name.
func (l *Ledger) Contacts(ctx context.Context, maxAge time.Duration) Reading[[]Contact] {
	s := l.books.shelf(l.tenantID)
	return readRecords(ctx, s, &s.contacts, contacts, everything, maxAge, false)
}

// Cash is the bank accounts and what the books say is in them today.
func (l *Ledger) Cash(ctx context.Context, maxAge time.Duration) Reading[Cash] {
	s := l.books.shelf(l.tenantID)
	return readDocument(ctx, s, &s.cash, paper[Cash]{name: "cash", need: needBankSummary, read: func(ctx context.Context, a *asking) (Cash, error) {
		return readCash(ctx, a, l.today(ctx))
	}}, maxAge)
}

// Months are income and costs of the last twelve months, the present one last.
func (l *Ledger) Months(ctx context.Context, maxAge time.Duration) Reading[[]Month] {
	s := l.books.shelf(l.tenantID)
	return readDocument(ctx, s, &s.months, paper[[]Month]{name: "months", need: needProfitAndLoss, read: func(ctx context.Context, a *asking) ([]Month, error) {
		return readMonths(ctx, a, l.today(ctx))
	}}, maxAge)
}

// ProfitAndLoss is the report between two days, both included, line by line. Xero
// gives at most a year.
func (l *Ledger) ProfitAndLoss(ctx context.Context, from, to time.Time, maxAge time.Duration) Reading[Statement] {
	s := l.books.shelf(l.tenantID)
	of := daysBetween(from, to)
	return readDocument(ctx, s, s.statements.of(s, of), paper[Statement]{
		name: "profit-and-loss", need: needProfitAndLoss,
		read: func(ctx context.Context, a *asking) (Statement, error) { return readStatement(ctx, a, of) },
		fits: func(kept Statement) bool { return of == span{kept.From, kept.To} },
	}, maxAge)
}

// BalanceSheet is the report line by line, of the end of the month that at is in: Xero
// has no other. Its To is that day, its From zero.
func (l *Ledger) BalanceSheet(ctx context.Context, at time.Time, maxAge time.Duration) Reading[Statement] {
	s := l.books.shelf(l.tenantID)
	end := lastOf(midnight(at).AddDate(0, 0, 1-at.Day()))
	return readDocument(ctx, s, s.balances.of(s, span{to: end}), paper[Statement]{
		name: "balance-sheet", need: needBalanceSheet,
		read: func(ctx context.Context, a *asking) (Statement, error) { return readBalances(ctx, a, end) },
		fits: func(kept Statement) bool { return end.Equal(kept.To) },
	}, maxAge)
}

// Accounts are the chart of accounts, archived ones too, by code.
func (l *Ledger) Accounts(ctx context.Context, maxAge time.Duration) Reading[[]Account] {
	s := l.books.shelf(l.tenantID)
	return readDocument(ctx, s, &s.accounts, paper[[]Account]{name: "accounts", need: needAccounts, read: readAccounts}, maxAge)
}

// BankTransactions are money spent and received that is no payment of an invoice (see
// Payments), dated between two days, both included, the newest first. A zero day is no
// bound. Deleted ones are left out, voided ones are not.
func (l *Ledger) BankTransactions(ctx context.Context, from, to time.Time, maxAge time.Duration) Reading[[]BankTransaction] {
	s := l.books.shelf(l.tenantID)
	days := daysBetween(from, to)
	return readDated(ctx, s, s.transactions.of(s, days), bankTransactions, days, maxAge)
}

// Payments are what was paid of invoices, bills and credit notes, dated between two
// days, both included, the newest first. A zero day is no bound. Deleted ones are left
// out.
func (l *Ledger) Payments(ctx context.Context, from, to time.Time, maxAge time.Duration) Reading[[]Payment] {
	s := l.books.shelf(l.tenantID)
	days := daysBetween(from, to)
	return readDated(ctx, s, s.payments.of(s, days), payments, days, maxAge)
}

// today is the organisation's calendar day, as well as it is known.
func (l *Ledger) today(ctx context.Context) time.Time {
	return l.Organisation(ctx, organisationAge).Value.Today(time.Now())
}

// organisationAge is how old the name and the settings of an organisation may be
// for what is reckoned from them.
const organisationAge = 24 * time.Hour
