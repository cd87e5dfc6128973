package xerosim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func agedReceivables(c *call) ([]string, []rowJSON, error) { return aged(c, "ACCREC", "Invoices") }
func agedPayables(c *call) ([]string, []rowJSON, error)    { return aged(c, "ACCPAY", "Bills") }

// aged lists what one contact owes, or is owed, on date: the end of this month
// without one. Invoices of before fromDate are in the opening balance.
func aged(c *call, kind, title string) (titles []string, rows []rowJSON, err error) {
	id := c.parameter("contactId")
	contact := c.books.contactByID[strings.ToLower(id)]
	if contact == nil {
		return nil, nil, badParameter("contactId", id)
	}
	on, err := c.day("date", monthEnd(c.today()))
	if err != nil {
		return nil, nil, err
	}
	to, err := c.day("toDate", on)
	if err != nil {
		return nil, nil, err
	}
	from, err := c.day("fromDate", time.Time{})
	if err != nil {
		return nil, nil, err
	}
	var open []*invoice
	for _, i := range contact.invoices {
		if i.kind == kind && (i.status == "AUTHORISED" || i.status == "PAID") && !i.date.After(to) {
			open = append(open, i)
		}
	}
	slices.SortStableFunc(open, func(a, b *invoice) int { return a.date.Compare(b.date) })
	if from.IsZero() {
		from = to
		if len(open) > 0 {
			from = open[0].date
		}
	}
	var opening, all []int64 = make([]int64, 1), make([]int64, 4)
	list := section("")
	for _, i := range open {
		sums := i.debt(on)
		switch {
		case sums[3] == 0:
			continue
		case i.date.Before(from):
			opening[0] += sums[3]
			continue
		}
		add(all, sums, 1)
		overdue, due := "", ""
		if !i.due.IsZero() {
			due = dayString(i.due)
			if late := int(on.Sub(i.due) / day); late > 0 {
				overdue = fmt.Sprintf("%d days overdue", late)
			}
		}
		values := append([]string{dayString(i.date), i.number, due}, amounts(overdue, sums)...)
		list.Rows = append(list.Rows, row([]attributeJSON{{i.id, "invoiceID"}}, values...))
	}
	list.Rows = append(list.Rows, summary(append([]string{"Total", "", ""}, amounts("", all)...)...))
	closing := slices.Clone(all)
	closing[3] += opening[0]
	first := row(nil, dayString(from), "Opening Balance", "", "", "", "", "", money(opening[0]))
	rows = []rowJSON{
		header("Date", "Number", "Due Date", "", "Total", "Paid", "Credited", "Due"),
		section("", first), list,
		section("", summary(append([]string{"Closing Balance", "", ""}, amounts("", closing)...)...)),
	}
	titles = []string{title, contact.name, "From " + from.Format(longDay) + " to " + to.Format(longDay), "Showing payments to " + on.Format(longDay)}
	return titles, rows, nil
}

// debt is an invoice's total, what was paid and credited by a day, and what was
// due then, in cents of the base currency at the invoice's rate.
func (i *invoice) debt(on time.Time) []int64 {
	open, whole := i.total, base(i.total, i.rate)
	var paid, credited int64
	for _, s := range i.settlements() {
		if s.day.After(on) {
			break
		}
		less := base(open, i.rate)
		open = open.Sub(s.amount)
		less -= base(open, i.rate)
		if s.payment == nil {
			credited += less
		} else {
			paid += less
		}
	}
	return []int64{whole, paid, credited, base(open, i.rate)}
}
