package xerosim

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

type reportsJSON struct {
	head
	Reports []reportJSON
}

type reportJSON struct {
	ReportID, ReportName, ReportType string
	ReportTitles                     []string
	ReportDate, UpdatedDateUTC       string
	Fields                           []struct{}
	Rows                             []rowJSON
}

type rowJSON struct {
	RowType string
	Title   *string    `json:",omitempty"`
	Cells   []cellJSON `json:",omitempty"`
	Rows    []rowJSON  `json:",omitempty"`
}

type cellJSON struct {
	Value      string
	Attributes []attributeJSON `json:",omitempty"`
}

type attributeJSON struct {
	Value string
	ID    string `json:"Id"`
}

// report answers a report. A person whose role is "no reports" gets none of them
// (developer.xero.com/documentation/api/accounting/reports).
func report(c *call) (any, error) {
	switch {
	case !c.reports:
		return nil, errRole
	case !strings.EqualFold(c.key, "BankSummary"):
		return nil, errNotFound
	}
	return bankSummary(c)
}

// bankSummary is what the payments did to the bank accounts, in base currency,
// from fromDate to toDate; the current month unless they are given.
func bankSummary(c *call) (any, error) {
	today := midnight(c.now)
	from := today.AddDate(0, 0, 1-today.Day())
	to := from.AddDate(0, 1, -1)
	for name, bound := range map[string]*time.Time{"fromDate": &from, "toDate": &to} {
		if value := c.request.URL.Query().Get(name); value != "" {
			day, err := time.Parse(time.DateOnly, value)
			if err != nil {
				return nil, parseError(value + " is no value for " + name)
			}
			*bound = day
		}
	}
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	lines := map[*account]*bankLine{}
	for _, a := range b.accounts {
		if a.kind == "BANK" {
			lines[a] = &bankLine{opening: a.opening}
		}
	}
	for _, p := range b.payments {
		lines[p.account].add(p, from, to)
	}
	text := func(values ...string) (cells []cellJSON) {
		for _, v := range values {
			cells = append(cells, cellJSON{Value: v})
		}
		return cells
	}
	section := rowJSON{RowType: "Section", Title: new(string)}
	var total bankLine
	for _, a := range slices.SortedFunc(maps.Keys(lines), func(a, b *account) int { return strings.Compare(a.name, b.name) }) {
		l := lines[a]
		cells := text(append([]string{a.name}, l.values()...)...)
		cells[0].Attributes = []attributeJSON{{a.id, "accountID"}}
		section.Rows = append(section.Rows, rowJSON{RowType: "Row", Cells: cells})
		total.opening, total.received, total.spent = total.opening.Add(l.opening), total.received.Add(l.received), total.spent.Add(l.spent)
	}
	section.Rows = append(section.Rows, rowJSON{RowType: "SummaryRow", Cells: text(append([]string{"Total"}, total.values()...)...)})
	const long = "2 January 2006"
	return reportsJSON{c.head(), []reportJSON{{
		ReportID: "BankSummary", ReportName: "Bank Summary", ReportType: "BankSummary",
		ReportTitles: []string{"Bank Summary", b.profile.name, "From " + from.Format(long) + " to " + to.Format(long)},
		ReportDate:   today.Format(long), UpdatedDateUTC: stamp(c.now), Fields: []struct{}{},
		Rows: []rowJSON{
			{RowType: "Header", Cells: text("Bank Accounts", "Opening Balance", "Cash Received", "Cash Spent", "Closing Balance")},
			section,
		},
	}}}, nil
}

// bankLine is one account in the bank summary.
type bankLine struct{ opening, received, spent decimal.Decimal }

func (l *bankLine) add(p *payment, from, to time.Time) {
	base := p.amount.DivRound(p.rate, 2)
	switch sale := p.invoice.kind == "ACCREC"; {
	case p.date.After(to):
	case p.date.Before(from) && sale:
		l.opening = l.opening.Add(base)
	case p.date.Before(from):
		l.opening = l.opening.Sub(base)
	case sale:
		l.received = l.received.Add(base)
	default:
		l.spent = l.spent.Add(base)
	}
}

func (l bankLine) values() []string {
	closing := l.opening.Add(l.received).Sub(l.spent)
	return []string{l.opening.StringFixed(2), l.received.StringFixed(2), l.spent.StringFixed(2), closing.StringFixed(2)}
}
