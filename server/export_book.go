package server

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/sheet"
)

// An exported is an organisation's books as they go into a workbook. A part that
// could not be read has a Trouble and no At.
type exported struct {
	organisation books.Organisation
	who          books.Reading[books.Organisation] // how well that is known
	demo         bool                              // invented books
	now          time.Time
	today        time.Time
	figures      books.Dashboard
	invoices     books.Reading[[]books.Invoice]
	contacts     books.Reading[[]books.Contact]
	statement    books.Reading[books.Statement]
}

// young is r unless it is older than what a program is given: a program does not see
// how old something is.
func young[T any](r books.Reading[T]) books.Reading[T] {
	if time.Since(r.At) > apiAge+xeroPatience {
		return books.Reading[T]{Loading: r.Loading, Trouble: r.Trouble}
	}
	return r
}

// withoutOld is e without the parts that are too old for a program. What could not be
// read for a while is then missing, for the reason that newer figures are.
func (e exported) withoutOld() exported {
	e.invoices, e.contacts, e.statement = young(e.invoices), young(e.contacts), young(e.statement)
	f := &e.figures
	f.Cash, f.Months = young(f.Cash), young(f.Months)
	f.Owed, f.Owing, f.Due, f.Overdue = young(f.Owed), young(f.Owing), young(f.Due), young(f.Overdue)
	return e
}

// readExport reads what goes into a workbook and says what it waits for.
// Invoices come first: what is worked out from them then costs no call of its own.
func readExport(ctx context.Context, ledger *books.Ledger, demo bool, waiting func(what string)) exported {
	e := exported{demo: demo, now: time.Now()}
	waiting(words.Say("export.running.organisation"))
	e.who = ledger.Organisation(ctx, whoAge)
	e.organisation = e.who.Value
	e.today = e.organisation.Today(e.now)
	waiting(words.Say("export.running.invoices"))
	e.invoices = ledger.Invoices(ctx, listAge)
	waiting(words.Say("export.running.rest"))
	books.Together(
		func() { e.contacts = ledger.Contacts(ctx, listAge) },
		func() { e.figures = ledger.Dashboard(ctx, listAge) },
		func() {
			e.statement = ledger.ProfitAndLoss(ctx, financialYear(e.organisation, e.today), e.today, listAge)
		},
	)
	return e
}

// fileName is what the workbook is called.
func (e exported) fileName() string {
	return fileName(e.organisation.Name, words.Say("export.file"), e.today.Format(time.DateOnly), "xlsx")
}

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

// A missing part could not be read, or not be brought up to date; and why.
type missing struct {
	Part string
	At   time.Time // of what there is; zero: nothing
	books.Trouble
}

// missing are the parts that are not as they should be.
func (e exported) missing() []missing {
	var all []missing
	for _, part := range e.parts() {
		switch {
		case part.trouble != nil:
			all = append(all, missing{part.name, part.at, *part.trouble})
		case part.at.IsZero():
			all = append(all, missing{part.name, part.at, books.Trouble{Problem: asFailure(unread(nil)).Problem}})
		}
	}
	return all
}

// A bookPart is one thing that is read for a workbook.
type bookPart struct {
	name    string
	at      time.Time
	trouble *books.Trouble
}

// parts begin with the organisation.
func (e exported) parts() []bookPart {
	f := e.figures
	return []bookPart{
		{words.Say("export.part.organisation"), e.who.At, e.who.Trouble},
		{words.Say("export.part.invoices"), e.invoices.At, e.invoices.Trouble},
		{words.Say("export.part.contacts"), e.contacts.At, e.contacts.Trouble},
		{words.Say("export.part.profit-and-loss"), e.statement.At, e.statement.Trouble},
		{words.Say("export.part.cash"), f.Cash.At, f.Cash.Trouble},
		{words.Say("export.part.debts"), f.Owed.At, f.Owed.Trouble},
		{words.Say("export.part.months"), f.Months.At, f.Months.Trouble},
	}
}

// passes reports whether another try may read it: it is neither the sign-in's scopes
// nor the person's role that forbid it.
func (m missing) passes() bool { return m.Scope == "" && !m.Role }

// sheets are those of the workbook, in its order.
func (e exported) sheets() []sheet.Sheet {
	all := []sheet.Sheet{e.summary(), e.invoiceSheet(), e.contactSheet(), e.ageing(), e.profitAndLoss()}
	invoices, ageing := words.Say("export.part.invoices"), words.Say("export.part.ageing")
	for _, m := range e.missing() {
		for i := range all {
			if m.At.IsZero() && (all[i].Name == m.Part || m.Part == invoices && all[i].Name == ageing) {
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
	return sheet.Sheet{Name: name, Columns: []sheet.Column{{Title: words.Say("export.column.not-read"), Width: 100}}, Rows: func(yield func(sheet.Row) bool) {
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
		column[invoiceRow]{Column: sheet.Column{Title: words.Say("export.column.paid"), Kind: sheet.Money}, cell: func(i invoiceRow) any { return i.own(i.AmountPaid) }},
		column[invoiceRow]{Column: sheet.Column{Title: words.Say("export.column.credited"), Kind: sheet.Money}, cell: func(i invoiceRow) any { return i.own(i.AmountCredited) }},
		column[invoiceRow]{Column: sheet.Column{Title: e.of(words.Say("export.column.total")), Kind: sheet.Money}, cell: func(i invoiceRow) any { return e.ifValid(i.TotalBase) }},
		column[invoiceRow]{Column: sheet.Column{Title: e.of(words.Say("export.column.amount-due")), Kind: sheet.Money}, cell: func(i invoiceRow) any { return e.ifValid(i.DueBase) }},
		column[invoiceRow]{Column: sheet.Column{Title: words.Say("export.column.reference")}, cell: func(i invoiceRow) any { return i.Reference }},
		column[invoiceRow]{Column: sheet.Column{Title: words.Say("export.column.changed"), Kind: sheet.Moment}, cell: func(i invoiceRow) any { return i.Updated.In(e.organisation.Location()) }},
		column[invoiceRow]{Column: sheet.Column{Title: words.Say("export.column.invoice-id"), Width: 38}, cell: func(i invoiceRow) any { return i.ID }},
	)
	all, _ := readInvoices(nil) // what asks for nothing is understood
	return sheetOf(words.Say("export.part.invoices"), columns, listInvoices(e.invoices.Value, all, e.organisation, e.today).Rows)
}

// money is an amount of base currency.
func (e exported) money(d decimal.Decimal) sheet.Amount {
	return sheet.Amount{Decimal: d, Places: books.Places(e.organisation.Base)}
}

func (e exported) ifValid(d decimal.NullDecimal) any {
	if !d.Valid {
		return nil
	}
	return e.money(d.Decimal)
}

func (e exported) contactSheet() sheet.Sheet {
	all, _ := readContacts(map[string][]string{"archived": {"all"}}) // is understood
	list := listContacts(e.contacts.Value, e.open(), all, e.organisation, e.today)
	made := contactSheet(list, e.organisation,
		column[contactRow]{Column: sheet.Column{Title: words.Say("export.column.contact-id"), Width: 38}, cell: func(c contactRow) any { return c.ID }})
	made.Name = words.Say("export.part.contacts")
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
		contact  string
		invoices []books.Invoice
		books.Debts
	}
	made := sheet.Sheet{Name: words.Say("export.part.ageing"), Columns: []sheet.Column{{Title: words.Say("export.column.who-owes"), Width: 14}, {Title: words.Say("export.column.contact"), Width: 36}}}
	for _, band := range books.Bands {
		made.Columns = append(made.Columns, sheet.Column{Title: e.of(band), Kind: sheet.Money})
	}
	made.Columns = append(made.Columns, sheet.Column{Title: e.of(words.Say("export.column.total")), Kind: sheet.Money}, sheet.Column{Title: words.Say("export.column.overdue"), Kind: sheet.Percent})
	row := func(who string, d *debtor, bold bool) sheet.Row {
		cells := []any{who, d.contact}
		for _, amount := range d.Bands {
			cells = append(cells, e.money(amount))
		}
		var overdue any
		if d.Total.IsPositive() {
			overdue = d.Overdue.DivRound(d.Total, 4)
		}
		return sheet.Row{Cells: append(cells, e.money(d.Total), overdue), Bold: bold}
	}
	made.Rows = func(yield func(sheet.Row) bool) {
		open := e.open().Value
		for _, side := range []struct {
			who   string
			sales bool
		}{{words.Say("export.ageing.they-owe"), true}, {words.Say("export.ageing.you-owe"), false}} {
			byID := map[string]*debtor{}
			for _, i := range open {
				if i.Sale() != side.sales {
					continue
				}
				d := byID[i.ContactID]
				if d == nil {
					d = &debtor{contact: i.ContactName}
					byID[i.ContactID] = d
				}
				d.invoices = append(d.invoices, i)
			}
			debtors := slices.Collect(maps.Values(byID))
			for _, d := range debtors {
				d.Debts = e.organisation.Debts(d.invoices, side.sales, e.today)
			}
			slices.SortFunc(debtors, func(a, b *debtor) int {
				return cmp.Or(b.Total.Cmp(a.Total), cmp.Compare(a.contact, b.contact))
			})
			for _, d := range debtors {
				if !yield(row(side.who, d, false)) {
					return
				}
			}
			sum := &debtor{contact: words.Say("export.ageing.all"), Debts: e.organisation.Debts(open, side.sales, e.today)}
			if unknown := sum.Foreign.Unknown; unknown > 0 {
				sum.contact = words.Say("export.ageing.all-without", "N", unknown)
			}
			if !yield(row(side.who, sum, true)) {
				return
			}
		}
	}
	return made
}

func (e exported) profitAndLoss() sheet.Sheet {
	from, to := financialYear(e.organisation, e.today), e.today
	h := e.organisation.Habits()
	return sheet.Sheet{
		Name: words.Say("export.part.profit-and-loss"),
		Columns: []sheet.Column{
			{Title: words.Say("export.column.days", "From", h.Day(from), "To", h.Day(to)), Width: 48}, {Title: e.of(words.Say("export.column.amount")), Kind: sheet.Money},
		},
		Rows: func(yield func(sheet.Row) bool) {
			for _, line := range e.statement.Value.Lines {
				if !yield(sheet.Row{Cells: []any{line.Label, e.ifValid(line.Amount)}, Bold: line.Heading || line.Sum}) {
					return
				}
			}
		},
	}
}

// errNothing is an export of which no part could be read.
var errNothing = errors.New("no part of the books could be read")

// worth says why the workbook is not worth making: strictly, that a part is missing
// which another try may read, else that there is nothing but a name.
func (e exported) worth(strictly bool) error {
	nothing := !slices.ContainsFunc(e.parts()[1:], func(p bookPart) bool { return !p.at.IsZero() })
	for _, m := range e.missing() {
		if m.At.IsZero() && (nothing || strictly && m.passes()) {
			return asFailure(unread(&m.Trouble)).because(errNothing)
		}
	}
	return nil
}
