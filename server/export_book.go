package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/books"
	"financial-command-center/server/sheet"
)

// An exported is an organisation's books as they go into a workbook. A part that
// could not be read has a Trouble and no At.
type exported struct {
	organisation books.Organisation
	demo         bool // invented books
	now          time.Time
	today        time.Time
	figures      books.Dashboard
	invoices     books.Reading[[]books.Invoice]
	contacts     books.Reading[[]books.Contact]
	statement    books.Reading[books.Statement]
}

// readExport reads what goes into a workbook and tells which part it waits for.
// Invoices come first: what is worked out from them then costs no call of its own.
func readExport(ctx context.Context, ledger *books.Ledger, demo bool, waiting func(part string)) exported {
	e := exported{demo: demo, now: time.Now()}
	waiting("the organisation")
	e.organisation = ledger.Organisation(ctx, whoAge).Value
	e.today = e.organisation.Today(e.now)
	waiting("invoices and bills")
	e.invoices = ledger.Invoices(ctx, listAge)
	waiting("contacts and reports")
	var rest sync.WaitGroup
	rest.Go(func() { e.contacts = ledger.Contacts(ctx, listAge) })
	rest.Go(func() { e.figures = ledger.Dashboard(ctx, listAge) })
	rest.Go(func() {
		e.statement = ledger.ProfitAndLoss(ctx, financialYear(e.organisation, e.today), e.today, listAge)
	})
	rest.Wait()
	return e
}

// fileName is what the workbook is called.
func (e exported) fileName() string { return fileName(e.organisation.Name, "books", e.today, "xlsx") }

// financialYear is the first day of the financial year that today is in: that after
// the last year end. Where it is not known, of the calendar year.
func financialYear(o books.Organisation, today time.Time) time.Time {
	end := func(year int) time.Time {
		month := cmp.Or(o.YearEndMonth, time.December)
		last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day() // 29 February is not in every year
		return time.Date(year, month, min(cmp.Or(o.YearEndDay, 31), last), 0, 0, 0, 0, time.UTC)
	}
	first := end(today.Year()).AddDate(0, 0, 1)
	if first.After(today) {
		first = end(today.Year()-1).AddDate(0, 0, 1)
	}
	return first
}

// missing is a part that could not be read, and why.
type missing struct {
	Part string
	books.Trouble
}

// missing are the parts that have a sheet of their own and could not be read.
func (e exported) missing() []missing {
	var all []missing
	note := func(part string, at time.Time, t *books.Trouble) {
		switch {
		case !at.IsZero():
		case t != nil:
			all = append(all, missing{part, *t})
		default:
			all = append(all, missing{part, books.Trouble{Problem: asFailure(unread(nil)).Problem}})
		}
	}
	note("Invoices", e.invoices.At, e.invoices.Trouble)
	note("Contacts", e.contacts.At, e.contacts.Trouble)
	note("Profit and loss", e.statement.At, e.statement.Trouble)
	return all
}

// passes reports whether another try may read it: it is neither the sign-in's scopes
// nor the person's role that forbid it.
func (m missing) passes() bool { return m.Scope == "" && !m.Role }

// sheets are those of the workbook, in its order.
func (e exported) sheets() []sheet.Sheet {
	all := []sheet.Sheet{e.summary(), e.invoiceSheet(), e.contactSheet(), e.ageing(), e.profitAndLoss()}
	for _, m := range e.missing() {
		for i := range all {
			if all[i].Name == m.Part || m.Part == "Invoices" && all[i].Name == "Ageing" {
				all[i] = note(all[i].Name, m.Message, m.Action)
			}
		}
	}
	return all
}

// rows are how many the sheets will have, about.
func (e exported) rows() int { return len(e.invoices.Value) + len(e.contacts.Value) }

// note is a sheet that says why there is none.
func note(name string, lines ...string) sheet.Sheet {
	return sheet.Sheet{Name: name, Columns: []sheet.Column{{Title: "This part could not be read", Width: 100}}, Rows: func(yield func(sheet.Row) bool) {
		for _, line := range lines {
			if line != "" && !yield(sheet.Row{Cells: []any{line}}) {
				return
			}
		}
	}}
}

// of names the base currency in the title of a column.
func (e exported) of(title string) string {
	if e.organisation.Base == "" {
		return title
	}
	return title + " (" + e.organisation.Base + ")"
}

func (e exported) invoiceSheet() sheet.Sheet {
	columns := slices.Clone(invoiceColumns)
	columns = append(columns,
		column[invoiceRow]{Column: sheet.Column{Title: "Paid", Kind: sheet.Money}, cell: func(i invoiceRow) any { return i.AmountPaid }},
		column[invoiceRow]{Column: sheet.Column{Title: "Credited", Kind: sheet.Money}, cell: func(i invoiceRow) any { return i.AmountCredited }},
		column[invoiceRow]{Column: sheet.Column{Title: e.of("Total"), Kind: sheet.Money}, cell: func(i invoiceRow) any { return ifValid(i.TotalBase) }},
		column[invoiceRow]{Column: sheet.Column{Title: e.of("Amount due"), Kind: sheet.Money}, cell: func(i invoiceRow) any { return ifValid(i.DueBase) }},
		column[invoiceRow]{Column: sheet.Column{Title: "Reference"}, cell: func(i invoiceRow) any { return i.Reference }},
		column[invoiceRow]{Column: sheet.Column{Title: "Changed in Xero", Kind: sheet.Moment}, cell: func(i invoiceRow) any { return i.Updated.In(e.organisation.Location()) }},
		column[invoiceRow]{Column: sheet.Column{Title: "Invoice id", Width: 38}, cell: func(i invoiceRow) any { return i.ID }},
	)
	all, _ := readInvoices(nil) // what asks for nothing is understood
	return sheetOf("Invoices", columns, listInvoices(e.invoices.Value, all, e.organisation, e.today).Rows)
}

func ifValid(d decimal.NullDecimal) any {
	if !d.Valid {
		return nil
	}
	return d.Decimal
}

func (e exported) contactSheet() sheet.Sheet {
	all, _ := readContacts(map[string][]string{"archived": {"all"}}) // is understood
	list := listContacts(e.contacts.Value, e.open(), all, e.organisation, e.today)
	columns := append(slices.Clone(contactColumns),
		column[contactRow]{Column: sheet.Column{Title: "Contact id", Width: 38}, cell: func(c contactRow) any { return c.ID }})
	made := sheetOf("Contacts", columns, list.Rows)
	for i, c := range made.Columns {
		if c.Kind == sheet.Money {
			made.Columns[i].Title = e.of(c.Title)
		}
	}
	return made
}

// open are the invoices and bills that are to be paid.
func (e exported) open() books.Reading[[]books.Invoice] {
	open := e.invoices
	open.Value = slices.Collect(func(yield func(books.Invoice) bool) {
		for _, i := range e.invoices.Value {
			if i.Open() && !yield(i) {
				return
			}
		}
	})
	return open
}

// ageing is what each contact owes and is owed by age, the largest first, with the
// sums of both kinds.
func (e exported) ageing() sheet.Sheet {
	type debtor struct {
		contact string
		bands   [5]decimal.Decimal
		total   decimal.Decimal
	}
	made := sheet.Sheet{Name: "Ageing", Columns: []sheet.Column{{Title: "Who owes", Width: 14}, {Title: "Contact", Width: 36}}}
	for _, band := range books.Bands {
		made.Columns = append(made.Columns, sheet.Column{Title: e.of(band), Kind: sheet.Money})
	}
	made.Columns = append(made.Columns, sheet.Column{Title: e.of("Total"), Kind: sheet.Money}, sheet.Column{Title: "Overdue", Kind: sheet.Percent})
	row := func(who string, d debtor, bold bool) sheet.Row {
		cells := []any{who, d.contact}
		for _, amount := range d.bands {
			cells = append(cells, amount)
		}
		var overdue any
		if d.total.IsPositive() {
			overdue = d.total.Sub(d.bands[0]).DivRound(d.total, 4)
		}
		return sheet.Row{Cells: append(cells, d.total, overdue), Bold: bold}
	}
	made.Rows = func(yield func(sheet.Row) bool) {
		for _, side := range []struct {
			who   string
			sales bool
		}{{"They owe you", true}, {"You owe them", false}} {
			byID := map[string]*debtor{}
			sum := debtor{contact: "All"}
			var unknown books.Foreign
			for _, i := range e.open().Value {
				if i.Sale() != side.sales {
					continue
				}
				tally(&unknown, &i, e.organisation.Base)
				due := inBase(&i, i.AmountDue, e.organisation.Base).Decimal
				d := byID[i.ContactID]
				if d == nil {
					d = &debtor{contact: i.ContactName}
					byID[i.ContactID] = d
				}
				band := bandOf(i.DaysLate(e.today))
				d.bands[band], d.total = d.bands[band].Add(due), d.total.Add(due)
				sum.bands[band], sum.total = sum.bands[band].Add(due), sum.total.Add(due)
			}
			debtors := make([]*debtor, 0, len(byID))
			for _, d := range byID {
				debtors = append(debtors, d)
			}
			slices.SortFunc(debtors, func(a, b *debtor) int {
				return cmp.Or(b.total.Cmp(a.total), cmp.Compare(a.contact, b.contact))
			})
			for _, d := range debtors {
				if !yield(row(side.who, *d, false)) {
					return
				}
			}
			if unknown.Unknown > 0 {
				sum.contact = fmt.Sprintf("All, without %d in a currency that has no rate", unknown.Unknown)
			}
			if !yield(row(side.who, sum, true)) {
				return
			}
		}
	}
	return made
}

// bandOf is the index in books.Bands of what is so many days late.
func bandOf(days int) int {
	switch {
	case days <= 0:
		return 0
	case days > 90:
		return 4
	}
	return (days-1)/30 + 1
}

func (e exported) profitAndLoss() sheet.Sheet {
	from, to := financialYear(e.organisation, e.today), e.today
	h := e.organisation.Habits()
	return sheet.Sheet{
		Name: "Profit and loss",
		Columns: []sheet.Column{
			{Title: h.Day(from) + " to " + h.Day(to), Width: 48}, {Title: e.of("Amount"), Kind: sheet.Money},
		},
		Rows: func(yield func(sheet.Row) bool) {
			for _, line := range e.statement.Value.Lines {
				if !yield(sheet.Row{Cells: []any{line.Label, ifValid(line.Amount)}, Bold: line.Heading || line.Sum}) {
					return
				}
			}
		},
	}
}

// errNothing is an export of which no part could be read.
var errNothing = errors.New("no part of the books could be read")

// worth says why the workbook is not worth making: strictly, that a part is missing
// which another try may read, else that all are.
func (e exported) worth(strictly bool) error {
	missing := e.missing()
	for _, m := range missing {
		if strictly && m.passes() || len(missing) == 3 {
			return asFailure(unread(&m.Trouble)).because(errNothing)
		}
	}
	return nil
}
