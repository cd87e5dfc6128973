package server

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/books"
	"financial-command-center/server/chart"
	"financial-command-center/server/xero"
)

// dashboardView is the figures of the start page, each card in the state that its
// reading is in. It is made from what the books say and from nothing else.
type dashboardView struct {
	Name     string // of the organisation
	Lead     string // the day, and how old the figures are
	Currency string
	Reading  bool         // something is on its way
	Missing  bool         // of which there is nothing yet
	Trouble  *cardTrouble // of many cards, said once
	Unknown  *cardTrouble // why the organisation's settings are not known, and what that means

	Cash, Owed, Owing, Profit figure
	Due, Months               barsCard
	Debts                     debtsCard
	Overdue                   overdueCard
	Accounts                  accountsCard
	Calls                     callsLine
}

// A card is what any of them says besides its figures.
type card struct {
	Loading bool // there is nothing yet, but soon
	Waiting bool // there is nothing yet, and the page says why
	Known   bool // there are figures
	Empty   string
	At      time.Time
	Age     string // "2 minutes ago", of figures that are old, or much younger than the page says
	Stale   bool
	Foreign string
	Trouble *cardTrouble
}

// cardTrouble is why a card cannot be filled, or not be brought up to date.
type cardTrouble struct {
	Message, Action string
	Button          button
	For             string // what the button is for, where the eye sees the card
	code            xero.Code
	common          bool // not of this part of the books alone
}

// A trouble that this many cards have is said once, above them.
const manyCards = 3

// Figures are read again when they are older than figuresAge, and are dated in their
// card when that did not help for a while.
const (
	figuresAge = 10 * time.Minute
	staleAfter = 15 * time.Minute
)

// withoutSettings is what figures are like while the organisation's settings could not
// be read.
const withoutSettings = "For now amounts stand without their currency, nothing leads into Xero, and days are by this computer's clock."

// unknown is why the organisation's settings could not be read, and what figures lack
// for it; nil when they were.
func unknown(who books.Reading[books.Organisation], here string) *cardTrouble {
	if !who.At.IsZero() || who.Trouble == nil {
		return nil
	}
	t := troubleOf(who.Trouble, here)
	t.Action = strings.TrimSpace(t.Action + " " + withoutSettings)
	return t
}

func cardOf[T any](r books.Reading[T], here string, now time.Time) card {
	c := card{At: r.At, Known: !r.At.IsZero()}
	c.Stale = c.Known && now.Sub(r.At) > staleAfter
	c.Loading = !c.Known && r.Trouble == nil
	if r.Trouble != nil {
		c.Trouble = troubleOf(r.Trouble, here)
	}
	return c
}

func troubleOf(t *books.Trouble, here string) *cardTrouble {
	say := &cardTrouble{Message: t.Message, Action: t.Action, code: t.Code, common: t.Scope == "" && !t.Role}
	switch {
	case t.Scope != "":
		say.Action = "" // the button says it
		say.Button = button{"Allow it at Xero", "/login?" + url.Values{"scope": {t.Scope}, "next": {here}}.Encode()}
	case t.Code == xero.CodeNeedsLogin:
		say.Button = button{"Sign in again", "/login?" + url.Values{"next": {here}}.Encode()}
		say.Action = unlessSaid(say.Action, say.Button)
	case !t.Retry.IsZero():
		say.Action = "The figures come by themselves then."
		if !strings.Contains(t.Message, t.Retry.Local().Format("15:04")) {
			say.Action = "Xero takes calls again at " + moment(t.Retry) + ". " + say.Action
		}
	}
	return say
}

type barsCard struct {
	card
	Chart chart.Bars
}

type debtsCard struct {
	card
	Lines []debtLine
	Rows  []chart.Row // the same as a table: ages, and the total
}

type debtLine struct {
	Title, Total, Empty string
	Chart               chart.Stack
	Legend              []legend
}

type legend struct{ Class, Name, Amount string }

type overdueCard struct {
	card
	Of   string // "10 of 23"
	Rows []overdueRow
}

type overdueRow struct {
	Number, Customer, Days, Amount, Link string
	Long                                 bool // more than a month
}

type accountsCard struct {
	card
	Rows  []legend
	Total string
}

type callsLine struct{ Left, Text string }

// dashboardOf makes the cards of d. here is the page's path, for the way back.
func dashboardOf(d books.Dashboard, here string, now time.Time) *dashboardView {
	h := d.Organisation.Value.Habits()
	v := &dashboardView{
		Name: d.Organisation.Value.Name, Currency: d.Organisation.Value.Base,
		Cash:     cashFigure(d.Cash, h, here, now),
		Owed:     debtFigure(d.Owed, h, here, now),
		Owing:    debtFigure(d.Owing, h, here, now),
		Profit:   profitFigure(d.Months, h, here, now),
		Due:      barsCard{card: cardOf(d.Due, here, now), Chart: dueChart(d.Due.Value, h)},
		Months:   barsCard{card: cardOf(d.Months, here, now), Chart: monthsChart(d.Months.Value, h)},
		Debts:    debtsOf(d.Owed, d.Owing, h, here, now),
		Overdue:  overdueOf(d.Overdue, h, here, now),
		Accounts: accountsOf(d.Cash, h, here, now),
		Calls:    callsOf(d.Budget),
	}
	v.Owed.Title, v.Owing.Title = "Owed to you", "You owe"
	v.Owed.Sub, v.Owing.Sub = counted(h, d.Owed.Value.Count, "invoice", "invoices"), counted(h, d.Owing.Value.Count, "bill", "bills")
	v.Owed.Foreign, v.Owing.Foreign = foreign(h, d.Owed.Value.Foreign, "invoice", "invoices"), foreign(h, d.Owing.Value.Foreign, "bill", "bills")
	v.Due.Foreign = foreignIn(h, d.Owed.Value.Foreign, d.Owing.Value.Foreign)
	v.Debts.Foreign = v.Due.Foreign
	if v.Due.Known && !somethingDue(d.Due.Value) {
		v.Due.Empty = "Nothing falls due in the next eight weeks."
	}
	if v.Months.Known && !somethingEarned(d.Months.Value) {
		v.Months.Empty = "No income and no costs in the last twelve months."
	}
	v.Reading = d.Organisation.Loading || d.Cash.Loading || d.Owed.Loading || d.Owing.Loading || d.Due.Loading || d.Months.Loading || d.Overdue.Loading

	if d.Organisation.At.IsZero() {
		v.Missing = d.Organisation.Trouble == nil
		v.Unknown = unknown(d.Organisation, here)
	}
	v.sayOnce(now)
	v.Lead = h.LongDay(d.Today) + v.Lead
	if v.Reading {
		v.Lead += " · reading the books"
	}
	return v
}

// sayOnce has the page say what many cards would: the trouble they share, and how old
// the oldest of the fresh figures are. A card says so where its own are far from that.
func (v *dashboardView) sayOnce(now time.Time) {
	cards := []*card{&v.Cash.card, &v.Owed.card, &v.Owing.card, &v.Profit.card, &v.Due.card, &v.Months.card, &v.Debts.card, &v.Overdue.card, &v.Accounts.card}
	names := []string{"cash in bank", "what you are owed", "what you owe", "profit", "what falls due", "income and costs", "how old the debts are", "the largest overdue", "cash by account"}
	var oldest, last time.Time
	shared := map[string]int{}
	for _, c := range cards {
		v.Missing = v.Missing || c.Loading
		if c.Known && !c.Stale && (oldest.IsZero() || c.At.Before(oldest)) {
			oldest = c.At
		}
		if c.At.After(last) {
			last = c.At
		}
		if c.Trouble != nil && c.Trouble.common {
			shared[c.Trouble.Message]++
		}
	}
	for i, c := range cards {
		if c.Trouble != nil && !c.Trouble.common {
			c.Trouble.For = names[i]
		}
		if c.Known && (c.Stale || c.At.Sub(oldest) > figuresAge) {
			c.Age = ago(c.At, now)
		}
		if c.Trouble != nil && shared[c.Trouble.Message] >= manyCards {
			v.Trouble, c.Trouble, c.Waiting = c.Trouble, nil, !c.Known
		}
	}
	if v.Unknown != nil && last.IsZero() {
		v.Unknown = nil // there is no figure that lacks something
	}
	if v.Trouble != nil {
		v.said(v.Trouble.Message)
	}
	switch {
	case !oldest.IsZero():
		v.Lead = " · figures from " + ago(oldest, now)
	case !last.IsZero():
		v.Lead = " · figures from " + ago(last, now)
	}
}

// said is for trouble that the page tells elsewhere: of the settings only what it
// means is left to say.
func (v *dashboardView) said(message string) {
	if v.Unknown != nil && v.Unknown.Message == message {
		v.Unknown = &cardTrouble{Action: withoutSettings}
	}
}

// ago writes how old something is, and after an hour when it was.
func ago(at, now time.Time) string {
	switch age := now.Sub(at); {
	case age < time.Minute:
		return "a moment ago"
	case age < time.Hour:
		return count(int(age.Minutes()), "minute", "minutes") + " ago"
	}
	return moment(at)
}

func debtsOf(owed, owing books.Reading[books.Debts], h books.Habits, here string, now time.Time) debtsCard {
	c := debtsCard{card: cardOf(owed, here, now)}
	for _, name := range append(slices.Clone(books.Bands), "Together") {
		c.Rows = append(c.Rows, chart.Row{Name: name})
	}
	if owing.At.Before(owed.At) || !c.Known {
		c.card = cardOf(owing, here, now)
	}
	line := func(id, title, empty string, d books.Debts) debtLine {
		l := debtLine{Title: title, Total: h.Amount(d.Total)}
		l.Chart = chart.Stack{ID: id, Title: title + " by age", Say: h.Money}
		var parts []string
		for i, name := range books.Bands {
			class := fmt.Sprint("age-", i)
			l.Chart.Parts = append(l.Chart.Parts, chart.Part{Name: name, Class: class, Value: d.Bands[i]})
			l.Legend = append(l.Legend, legend{class, name, h.Whole(d.Bands[i])})
			c.Rows[i].Cells = append(c.Rows[i].Cells, h.Amount(d.Bands[i]))
			parts = append(parts, name+" "+h.Money(d.Bands[i]))
		}
		last := &c.Rows[len(d.Bands)]
		last.Cells = append(last.Cells, h.Amount(d.Total))
		l.Chart.Desc = strings.Join(parts, ", ")
		if d.Count == 0 {
			l.Empty = empty
		}
		return l
	}
	c.Lines = []debtLine{
		line("owed-by-age", "Owed to you", "Nobody owes you anything.", owed.Value),
		line("owing-by-age", "You owe", "You owe nobody anything.", owing.Value),
	}
	return c
}

func overdueOf(r books.Reading[books.Overdue], h books.Habits, here string, now time.Time) overdueCard {
	c := overdueCard{card: cardOf(r, here, now)}
	if c.Known && r.Value.Count == 0 {
		c.Empty = "Nothing is overdue."
	}
	if len(r.Value.Top) < r.Value.Count {
		c.Of = fmt.Sprint(len(r.Value.Top), " of ", h.Whole(decimal.NewFromInt(int64(r.Value.Count))))
	}
	for _, i := range r.Value.Top {
		c.Rows = append(c.Rows, overdueRow{
			Number: cmp.Or(i.Number, i.Reference, "No number"), Customer: i.ContactName, Days: counted(h, i.Days, "day", "days"),
			Amount: h.Amount(i.Base), Link: i.Link, Long: i.Days > 30,
		})
	}
	return c
}

func accountsOf(r books.Reading[books.Cash], h books.Habits, here string, now time.Time) accountsCard {
	c := accountsCard{card: cardOf(r, here, now), Total: h.Amount(r.Value.Total)}
	if c.Known && len(r.Value.Accounts) == 0 {
		c.Empty = "These books have no bank account."
	}
	for _, a := range r.Value.Accounts {
		c.Rows = append(c.Rows, legend{Name: a.Name, Amount: h.Amount(a.Balance)})
	}
	return c
}

func callsOf(b xero.Budget) callsLine {
	switch {
	case !b.Closed.IsZero():
		return callsLine{"0", "Xero's calls for today are used up. It takes calls again at " + moment(b.Closed) + "."}
	case !b.Known:
		return callsLine{Text: "Xero says with the next figures that are read."}
	}
	return callsLine{fmt.Sprint(b.Day), "as Xero said at " + moment(b.At) + "."}
}

// foreign says what was converted, and what could not be.
func foreign(h books.Habits, f books.Foreign, one, many string) string {
	var said []string
	if f.Count > 0 {
		from := strings.Join(f.Currencies, ", ")
		if len(f.Currencies) > 3 {
			from = fmt.Sprint(len(f.Currencies), " currencies")
		}
		said = append(said, counted(h, f.Count, "converted", "converted")+" from "+from+".")
	}
	if f.Unknown > 0 {
		said = append(said, counted(h, f.Unknown, one, many)+" without a rate left out.")
	}
	return strings.Join(said, " ")
}

func foreignIn(h books.Habits, a, b books.Foreign) string {
	switch {
	case a.Unknown+b.Unknown > 0:
		return "Foreign currency is converted at each invoice's rate; " + counted(h, a.Unknown+b.Unknown, "invoice", "invoices") + " without a rate left out."
	case a.Count+b.Count > 0:
		return "Foreign currency is converted at each invoice's rate."
	}
	return ""
}
