package server

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/sheet"
)

// summary has the figures of the dashboard, each with the time that it is of.
func (e exported) summary() sheet.Sheet {
	f, h, zone := e.figures, e.organisation.Habits(), e.organisation.Location()
	made := sheet.Sheet{Name: words.Say("export.part.summary"), Columns: []sheet.Column{
		{Title: words.Say("export.column.figure"), Width: 44}, {Title: e.of(words.Say("export.column.amount")), Kind: sheet.Money}, {Title: words.Say("export.column.number"), Kind: sheet.Integer},
		{Title: words.Say("export.column.as-of"), Kind: sheet.Moment}, {Title: words.Say("export.column.remark"), Width: 64},
	}}
	made.Rows = func(yield func(sheet.Row) bool) {
		on := true
		head := func(title, remark string) {
			on = on && yield(sheet.Row{Cells: []any{title, nil, nil, nil, remark}, Bold: true})
		}
		line := func(title string, amount, number any, at time.Time, remark string) {
			if d, ok := amount.(decimal.Decimal); ok {
				amount = e.money(d)
			}
			on = on && yield(sheet.Row{Cells: []any{title, amount, number, in(at, zone), remark}})
		}
		// part begins one, and reports whether there is something in it to write.
		part := func(title string, at time.Time, t *books.Trouble) bool {
			head(title, howKnown(at, t))
			return !at.IsZero()
		}

		head(e.organisation.Name, e.marks())
		line(words.Say("export.summary.made-by"), nil, nil, e.now, words.Say("export.summary.zone", "Zone", zone))
		head(words.Say("export.summary.sheets"), "")
		for _, one := range []struct {
			name   string
			rows   any
			at     time.Time
			reason *books.Trouble
		}{
			{words.Say("export.part.invoices"), len(e.invoices.Value), e.invoices.At, e.invoices.Trouble},
			{words.Say("export.part.contacts"), len(e.contacts.Value), e.contacts.At, e.contacts.Trouble},
			{words.Say("export.part.ageing"), nil, e.invoices.At, e.invoices.Trouble},
			{words.Say("export.part.profit-and-loss"), nil, e.statement.At, e.statement.Trouble},
		} {
			if one.at.IsZero() {
				one.rows = nil
			}
			line("  "+one.name, nil, one.rows, one.at, howKnown(one.at, one.reason))
		}
		if part(words.Say("export.summary.cash"), f.Cash.At, f.Cash.Trouble) {
			for _, account := range f.Cash.Value.Accounts {
				line("  "+account.Name, account.Balance, nil, f.Cash.At, "")
			}
			line(words.Say("export.summary.cash-all"), f.Cash.Value.Total, len(f.Cash.Value.Accounts), f.Cash.At, words.Say("export.summary.cash-is"))
		}
		for _, side := range []struct {
			title, overdue, all string
			books.Reading[books.Debts]
		}{
			{words.Say("export.summary.owed"), words.Say("export.summary.owed-overdue"), words.Say("export.summary.owed-all"), f.Owed},
			{words.Say("export.summary.owing"), words.Say("export.summary.owing-overdue"), words.Say("export.summary.owing-all"), f.Owing},
		} {
			if !part(side.title, side.At, side.Trouble) {
				continue
			}
			debts := side.Value
			for i, band := range books.Bands {
				line("  "+ageWords(i, band), debts.Bands[i], nil, side.At, "")
			}
			line(side.overdue, debts.Overdue, debts.OverdueCount, side.At, "")
			line(side.all, debts.Total, debts.Count, side.At, foreign(f.Organisation.Value.Habits(), debts.Foreign, "invoices"))
		}
		if part(words.Say("export.summary.overdue"), f.Overdue.At, f.Overdue.Trouble) {
			for _, i := range f.Overdue.Value.Top {
				line("  "+i.Number+" · "+i.ContactName, i.Base, nil, f.Overdue.At, words.Say("export.summary.days-late", "N", i.Days))
			}
			line(words.Say("export.summary.overdue-all"), f.Overdue.Value.Total, f.Overdue.Value.Count, f.Overdue.At, "")
		}
		if part(words.Say("export.summary.due"), f.Due.At, f.Due.Trouble) {
			for _, week := range f.Due.Value {
				from, to := h.Day(week.From), h.Day(week.To)
				line("  "+words.Say("export.summary.due-in", "From", from, "To", to), week.In, nil, f.Due.At, "")
				line("  "+words.Say("export.summary.due-out", "From", from, "To", to), week.Out, nil, f.Due.At, "")
			}
		}
		if part(words.Say("export.summary.months"), f.Months.At, f.Months.Trouble) {
			for _, month := range f.Months.Value {
				name := month.First.Format("January 2006")
				line("  "+words.Say("export.summary.income", "Month", name), month.Income, nil, f.Months.At, "")
				line("  "+words.Say("export.summary.costs", "Month", name), month.Costs, nil, f.Months.At, "")
				line("  "+words.Say("export.summary.profit", "Month", name), month.Profit, nil, f.Months.At, "")
			}
		}
	}
	return made
}

// howKnown says why something is missing or old, "" where it is neither.
func howKnown(at time.Time, t *books.Trouble) string {
	switch {
	case at.IsZero() && t == nil:
		return words.Say("export.summary.not-read")
	case at.IsZero():
		return t.Message + " " + t.Action
	case t != nil:
		return words.Say("export.summary.not-newer") + " " + t.Message
	}
	return ""
}

// marks say what these books are not.
func (e exported) marks() string {
	switch {
	case e.demo:
		return words.Say("export.summary.demo")
	case e.organisation.IsDemo:
		return words.Say("export.summary.xero-demo")
	}
	return ""
}

// in is at as zone has it; a zero time stays one.
func in(at time.Time, zone *time.Location) any {
	if at.IsZero() {
		return nil
	}
	return at.In(zone)
}

// ageWords are the words for a band of debts.
func ageWords(i int, band string) string {
	if over, last := strings.CutSuffix(band, "+"); last {
		return words.Say("export.summary.late-more", "Days", over)
	}
	if i == 0 {
		return words.Say("export.summary.not-due")
	}
	return words.Say("export.summary.late", "Days", band)
}
