package xerosim

import (
	"slices"
)

// bankSummary is what payments and bank transactions did to the bank accounts, in base currency,
// from fromDate to toDate; the current month unless they are given.
func bankSummary(c *call) (titles []string, rows []rowJSON, err error) {
	days, err := c.span()
	if err != nil {
		return nil, nil, err
	}
	b := c.books
	lines := map[*account]*bankLine{}
	var banks []*account
	for _, a := range b.accounts {
		if a.kind == "BANK" {
			banks = append(banks, a)
			lines[a] = &bankLine{opening: cents(a.opening)}
		}
	}
	for _, m := range b.moves() {
		lines[m.account].add(m, days)
	}
	list := section("")
	var total bankLine
	slices.SortFunc(banks, byName)
	for _, a := range banks {
		l := lines[a]
		line := row(nil, l.values(a.name)...)
		line.Cells[0].Attributes = []attributeJSON{{a.id, "accountID"}}
		line.Cells[2].Attributes, line.Cells[3].Attributes = a.attributes(), a.attributes()
		list.Rows = append(list.Rows, line)
		total.opening, total.received, total.spent = total.opening+l.opening, total.received+l.received, total.spent+l.spent
	}
	list.Rows = append(list.Rows, summary(total.values("Total")...))
	titles = []string{"Bank Summary", b.profile.name, "From " + days.from.Format(longDay) + " to " + days.to.Format(longDay)}
	return titles, []rowJSON{header("Bank Accounts", "Opening Balance", "Cash Received", "Cash Spent", "Closing Balance"), list}, nil
}

// bankLine is one account in the bank summary, in cents.
type bankLine struct{ opening, received, spent int64 }

func (l *bankLine) add(m move, days span) {
	switch {
	case m.day.After(days.to):
	case m.day.Before(days.from):
		l.opening += m.cents
	case m.cents > 0:
		l.received += m.cents
	default:
		l.spent -= m.cents
	}
}

func (l *bankLine) closing() int64 { return l.opening + l.received - l.spent }

func (l *bankLine) values(label string) []string {
	return amounts(label, []int64{l.opening, l.received, l.spent, l.closing()})
}
