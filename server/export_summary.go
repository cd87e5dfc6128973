package server

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/books"
	"financial-command-center/server/sheet"
)

// summary has the figures of the dashboard, each with the time that it is of.
func (e exported) summary() sheet.Sheet {
	f, h, zone := e.figures, e.organisation.Habits(), e.organisation.Location()
	made := sheet.Sheet{Name: "Summary", Columns: []sheet.Column{
		{Title: "Figure", Width: 44}, {Title: e.of("Amount"), Kind: sheet.Money}, {Title: "Number", Kind: sheet.Integer},
		{Title: "As of", Kind: sheet.Moment}, {Title: "Remark", Width: 64},
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
		line("Made by Financial Command Center", nil, nil, e.now, "Times are those of "+zone.String()+".")
		head("Sheets", "")
		for _, one := range []struct {
			name   string
			rows   any
			at     time.Time
			reason *books.Trouble
		}{
			{"Invoices", len(e.invoices.Value), e.invoices.At, e.invoices.Trouble},
			{"Contacts", len(e.contacts.Value), e.contacts.At, e.contacts.Trouble},
			{"Ageing", nil, e.invoices.At, e.invoices.Trouble},
			{"Profit and loss", nil, e.statement.At, e.statement.Trouble},
		} {
			if one.at.IsZero() {
				one.rows = nil
			}
			line("  "+one.name, nil, one.rows, one.at, howKnown(one.at, one.reason))
		}
		if part("Cash in bank", f.Cash.At, f.Cash.Trouble) {
			for _, account := range f.Cash.Value.Accounts {
				line("  "+account.Name, account.Balance, nil, f.Cash.At, "")
			}
			line("Cash in bank, all accounts", f.Cash.Value.Total, len(f.Cash.Value.Accounts), f.Cash.At, "What the books say, not what the bank says.")
		}
		for _, side := range []struct {
			title string
			books.Reading[books.Debts]
		}{{"Owed to you", f.Owed}, {"You owe", f.Owing}} {
			if !part(side.title, side.At, side.Trouble) {
				continue
			}
			debts := side.Value
			for i, band := range books.Bands {
				line("  "+ageWords(i, band), debts.Bands[i], nil, side.At, "")
			}
			line(side.title+", overdue", debts.Overdue, debts.OverdueCount, side.At, "")
			line(side.title+", all", debts.Total, debts.Count, side.At, foreign(f.Organisation.Value.Habits(), debts.Foreign, "invoices"))
		}
		if part("Overdue sales", f.Overdue.At, f.Overdue.Trouble) {
			for _, i := range f.Overdue.Value.Top {
				line("  "+i.Number+" · "+i.ContactName, i.Base, nil, f.Overdue.At, fmt.Sprintf("%d days late", i.Days))
			}
			line("Overdue sales, all", f.Overdue.Value.Total, f.Overdue.Value.Count, f.Overdue.At, "")
		}
		if part("What falls due, next eight weeks", f.Due.At, f.Due.Trouble) {
			for _, week := range f.Due.Value {
				days := h.Day(week.From) + " to " + h.Day(week.To)
				line("  "+days+", in", week.In, nil, f.Due.At, "")
				line("  "+days+", out", week.Out, nil, f.Due.At, "")
			}
		}
		if part("Income and costs, twelve months", f.Months.At, f.Months.Trouble) {
			for _, month := range f.Months.Value {
				name := month.First.Format("January 2006")
				line("  "+name+", income", month.Income, nil, f.Months.At, "")
				line("  "+name+", costs", month.Costs, nil, f.Months.At, "")
				line("  "+name+", profit", month.Profit, nil, f.Months.At, "")
			}
		}
	}
	return made
}

// howKnown says why something is missing or old, "" where it is neither.
func howKnown(at time.Time, t *books.Trouble) string {
	switch {
	case at.IsZero() && t == nil:
		return "Not read yet."
	case at.IsZero():
		return t.Message + " " + t.Action
	case t != nil:
		return "Newer figures could not be had. " + t.Message
	}
	return ""
}

// marks say what these books are not.
func (e exported) marks() string {
	switch {
	case e.demo:
		return "Demo: these books are invented."
	case e.organisation.IsDemo:
		return "Xero's demo company: its books are invented, and start anew every 28 days."
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
		return "More than " + over + " days late"
	}
	if i == 0 {
		return "Not due yet"
	}
	return band + " days late"
}
