package server

import (
	"net/http"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

func (s *Server) dashboardRoutes() []route {
	return []route{
		{pattern: "GET /api/dashboard", who: sessionOrKey, handle: s.onTerms(figuresAge, s.apiDashboard)},
		{pattern: "GET /api/cash-flow", who: sessionOrKey, handle: s.onTerms(figuresAge, s.apiCashFlow)},
	}
}

// What /api/dashboard and /api/cash-flow say. Amounts are strings with as many
// decimals as their currency has, in base currency; days are YYYY-MM-DD. Each part
// says when Xero last confirmed it (null: never, and its values mean nothing) and why
// it could not be brought up to date.
type (
	part struct {
		AsOf    *time.Time   `json:"as_of"`
		Loading bool         `json:"loading"`
		Problem *partProblem `json:"problem"`
	}
	partProblem struct {
		xero.Problem
		Scope string     `json:"scope,omitempty"`
		Retry *time.Time `json:"retry_at,omitempty"`
	}
	booksOf struct {
		TenantID string `json:"tenant_id"`
		Name     string `json:"organisation"`
		Currency string `json:"currency"`
		Today    string `json:"today"`
		// Settings are what the currency, the links and the organisation's time are
		// taken from. Where they were never read the currency and the links are "", and
		// today, and with it every age, is by this computer's clock.
		Settings part `json:"settings"`
	}
	cashPart struct {
		part
		Total    string        `json:"total"`
		Accounts []accountJSON `json:"accounts"`
	}
	accountJSON struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Balance string `json:"balance"`
	}
	debtsPart struct {
		part
		Count        int        `json:"count"`
		Total        string     `json:"total"`
		OverdueCount int        `json:"overdue_count"`
		Overdue      string     `json:"overdue"`
		Ages         []ageJSON  `json:"ages"`
		Converted    foreignIns `json:"foreign"`
	}
	ageJSON struct {
		Age    string `json:"age"`
		Amount string `json:"amount"`
	}
	foreignIns struct {
		Count      int      `json:"converted"`
		Currencies []string `json:"currencies"`
		Unknown    int      `json:"without_rate"`
	}
	duePart struct {
		part
		Weeks []weekJSON `json:"weeks"`
	}
	weekJSON struct {
		From string `json:"from"`
		To   string `json:"to"`
		In   string `json:"in"`
		Out  string `json:"out"`
		Net  string `json:"net"`
	}
	monthsPart struct {
		part
		Months []monthJSON `json:"months"`
	}
	monthJSON struct {
		Month  string `json:"month"` // YYYY-MM
		Income string `json:"income"`
		Costs  string `json:"costs"`
		Profit string `json:"profit"`
	}
	overduePart struct {
		part
		Count    int           `json:"count"`
		Total    string        `json:"total"`
		Invoices []overdueJSON `json:"invoices"`
	}
	overdueJSON struct {
		ID        string `json:"invoice_id"`
		Number    string `json:"invoice_number"`
		Contact   string `json:"contact_name"`
		Due       string `json:"due_date"`
		Days      int    `json:"days_late"`
		AmountDue string `json:"amount_due"` // in its own currency
		Currency  string `json:"currency_code"`
		Base      string `json:"amount_due_base"`
		Link      string `json:"link"`
	}
	figuresJSON struct {
		booksOf
		Cash    cashPart    `json:"cash"`
		Owed    debtsPart   `json:"owed_to_you"`
		Owing   debtsPart   `json:"you_owe"`
		Due     duePart     `json:"due"`
		Months  monthsPart  `json:"months"`
		Overdue overduePart `json:"overdue"`
		Calls   *callsJSON  `json:"calls_left"`
	}
	callsJSON struct {
		Day    int        `json:"day"`
		Minute int        `json:"minute"`
		AsOf   time.Time  `json:"as_of"`
		Closed *time.Time `json:"closed_until"`
	}
)

func (s *Server) apiDashboard(w http.ResponseWriter, _ *http.Request, t *terms) error {
	d, of, err := t.figures()
	if err != nil {
		return err
	}
	s.tellBudget(w.Header(), of.TenantID)
	writeJSON(w, http.StatusOK, dashboardJSON(d, of))
	return nil
}

// apiCashFlow is the cash there is, and what comes in and goes out: due in the next
// weeks, and earned and spent in the last months.
func (s *Server) apiCashFlow(w http.ResponseWriter, _ *http.Request, t *terms) error {
	d, of, err := t.figures()
	if err != nil {
		return err
	}
	all := dashboardJSON(d, of)
	s.tellBudget(w.Header(), of.TenantID)
	writeJSON(w, http.StatusOK, struct {
		booksOf
		Cash   cashPart   `json:"cash"`
		Due    duePart    `json:"due"`
		Months monthsPart `json:"months"`
	}{all.booksOf, all.Cash, all.Due, all.Months})
	return nil
}

// dashboardJSON is all of d in the form of JSON.
func dashboardJSON(d books.Dashboard, of booksOf) figuresJSON {
	of.Currency, of.Today, of.Settings = d.Organisation.Value.Base, dayJSON(d.Today), partOf(d.Organisation)
	m := money{of.Currency}
	return figuresJSON{of, m.cash(d.Cash), m.debts(d.Owed), m.debts(d.Owing), m.due(d.Due), m.months(d.Months), m.overdue(d.Overdue), callsLeft(d.Budget)}
}

// figures waits for those that the start page shows. Where there are none at all it
// fails as the first of them did, or with the limit that any was held up by. What is older
// than was asked for is given too: each part says its age.
func (t *terms) figures() (d books.Dashboard, of booksOf, err error) {
	d = t.ledger.Dashboard(t.ctx, t.maxAge)
	if d.Cash.At.IsZero() && d.Owed.At.IsZero() && d.Months.At.IsZero() {
		troubles := []*books.Trouble{d.Owed.Trouble, d.Cash.Trouble, d.Months.Trouble}
		if held := t.held(); held != nil && slices.Contains(troubles, nil) { // what else there is was waited for
			return d, of, held
		}
		for _, t := range troubles {
			if t == nil {
				continue
			}
			f := asFailure(&xero.Error{Problem: t.Problem})
			if !t.Retry.IsZero() {
				f.retryAfter = max(time.Until(t.Retry), time.Second)
			}
			return d, of, f
		}
		return d, of, fail(xero.CodeUnreachable).saying(words.Say("books.no-answer"), words.Say("books.no-answer-do"))
	}
	return d, booksOf{TenantID: t.of.TenantID, Name: t.of.Name}, nil
}

func partOf[T any](r books.Reading[T]) part {
	p := part{Loading: r.Loading}
	if !r.At.IsZero() {
		p.AsOf = new(r.At.UTC().Truncate(time.Second))
	}
	if t := r.Trouble; t != nil {
		p.Problem = &partProblem{Problem: t.Problem, Scope: t.Scope}
		if !t.Retry.IsZero() {
			p.Problem.Retry = new(t.Retry.UTC().Truncate(time.Second))
		}
	}
	return p
}

// money writes amounts of a currency.
type money struct{ currency string }

func (m money) write(d decimal.Decimal) string { return d.StringFixed(books.Places(m.currency)) }

func dayJSON(t time.Time) string { return t.Format(time.DateOnly) }

func (m money) cash(r books.Reading[books.Cash]) cashPart {
	p := cashPart{part: partOf(r), Total: m.write(r.Value.Total), Accounts: []accountJSON{}}
	for _, a := range r.Value.Accounts {
		p.Accounts = append(p.Accounts, accountJSON{a.ID, a.Name, m.write(a.Balance)})
	}
	return p
}

func (m money) debts(r books.Reading[books.Debts]) debtsPart {
	d := r.Value
	p := debtsPart{
		part: partOf(r), Count: d.Count, Total: m.write(d.Total), OverdueCount: d.OverdueCount, Overdue: m.write(d.Overdue),
		Converted: foreignIns{d.Foreign.Count, append([]string{}, d.Foreign.Currencies...), d.Foreign.Unknown},
	}
	for i, name := range []string{"current", "1-30", "31-60", "61-90", "90+"} { // days late
		p.Ages = append(p.Ages, ageJSON{name, m.write(d.Bands[i])})
	}
	return p
}

func (m money) due(r books.Reading[[]books.Week]) duePart {
	p := duePart{part: partOf(r), Weeks: []weekJSON{}}
	for _, w := range r.Value {
		p.Weeks = append(p.Weeks, weekJSON{dayJSON(w.From), dayJSON(w.To), m.write(w.In), m.write(w.Out), m.write(w.In.Sub(w.Out))})
	}
	return p
}

func (m money) months(r books.Reading[[]books.Month]) monthsPart {
	p := monthsPart{part: partOf(r), Months: []monthJSON{}}
	for _, month := range r.Value {
		p.Months = append(p.Months, monthJSON{month.First.Format("2006-01"), m.write(month.Income), m.write(month.Costs), m.write(month.Profit)})
	}
	return p
}

func (m money) overdue(r books.Reading[books.Overdue]) overduePart {
	p := overduePart{part: partOf(r), Count: r.Value.Count, Total: m.write(r.Value.Total), Invoices: []overdueJSON{}}
	for _, i := range r.Value.Top {
		p.Invoices = append(p.Invoices, overdueJSON{
			i.ID, i.Number, i.ContactName, dayJSON(i.Due), i.Days, money{i.Currency}.write(i.AmountDue), i.Currency, m.write(i.Base), i.Link,
		})
	}
	return p
}

func callsLeft(b xero.Budget) *callsJSON {
	if !b.Known {
		return nil
	}
	calls := &callsJSON{Day: b.Day, Minute: b.Minute, AsOf: b.At.UTC().Truncate(time.Second)}
	if !b.Closed.IsZero() {
		calls.Closed = new(b.Closed.UTC().Truncate(time.Second))
	}
	return calls
}
