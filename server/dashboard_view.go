package server

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"financial-command-center/assets/words"
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
	For             string // what the button is for, "for profit", where the eye sees the card
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
var withoutSettings = words.Say("dashboard.trouble.no-settings")

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

// Tone is the classes that show its state, each after a space.
func (c card) Tone() (classes string) {
	if c.Stale {
		classes += " stale"
	}
	if c.Loading {
		classes += " loading"
	}
	return classes
}

func troubleOf(t *books.Trouble, here string) *cardTrouble {
	say := &cardTrouble{Message: t.Message, Action: t.Action, code: t.Code, common: t.Scope == "" && !t.Role}
	switch {
	case t.Scope != "":
		say.Action = "" // the button says it
		say.Button = button{words.Say("dashboard.trouble.allow"), "/login?" + url.Values{"scope": {t.Scope}, "next": {here}}.Encode()}
	case t.Code == xero.CodeNeedsLogin:
		say.Button = button{words.Say("dashboard.trouble.sign-in"), "/login?" + url.Values{"next": {here}}.Encode()}
		say.Action = unlessSaid(say.Action, say.Button)
	case !t.Retry.IsZero():
		say.Action = words.Say("dashboard.trouble.come-then")
		if !strings.Contains(t.Message, t.Retry.Local().Format("15:04")) {
			say.Action = words.Say("dashboard.trouble.takes-calls", "When", moment(t.Retry)) + " " + say.Action
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
	v.Owed.Title, v.Owing.Title = words.Say("dashboard.figure.owed"), words.Say("dashboard.figure.owing")
	v.Owed.Sub, v.Owing.Sub = words.Say("dashboard.figure.invoices", "N", d.Owed.Value.Count, "Count", h.Count(d.Owed.Value.Count)), words.Say("dashboard.figure.bills", "N", d.Owing.Value.Count, "Count", h.Count(d.Owing.Value.Count))
	v.Owed.Foreign, v.Owing.Foreign = foreign(h, d.Owed.Value.Foreign, "invoices"), foreign(h, d.Owing.Value.Foreign, "bills")
	v.Due.Foreign = foreignIn(h, d.Owed.Value.Foreign, d.Owing.Value.Foreign)
	v.Debts.Foreign = v.Due.Foreign
	if v.Due.Known && !somethingDue(d.Due.Value) {
		v.Due.Empty = words.Say("dashboard.due.none")
	}
	if v.Months.Known && !somethingEarned(d.Months.Value) {
		v.Months.Empty = words.Say("dashboard.months.none")
	}
	v.Reading = d.Organisation.Loading || d.Cash.Loading || d.Owed.Loading || d.Owing.Loading || d.Due.Loading || d.Months.Loading || d.Overdue.Loading

	if d.Organisation.At.IsZero() {
		v.Missing = d.Organisation.Trouble == nil
		v.Unknown = unknown(d.Organisation, here)
	}
	v.sayOnce(now)
	v.Lead = h.LongDay(d.Today) + v.Lead
	if v.Reading {
		v.Lead += " · " + words.Say("dashboard.reading-now")
	}
	return v
}

// sayOnce has the page say what many cards would: the trouble they share, and how old
// the oldest of the fresh figures are. A card says so where its own are far from that.
func (v *dashboardView) sayOnce(now time.Time) {
	cards := []*card{&v.Cash.card, &v.Owed.card, &v.Owing.card, &v.Profit.card, &v.Due.card, &v.Months.card, &v.Debts.card, &v.Overdue.card, &v.Accounts.card}
	names := []string{"cash", "owed", "owing", "profit", "due", "months", "ages", "overdue", "accounts"}
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
			c.Trouble.For = words.Say("dashboard.for." + names[i])
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
		v.Lead = " · " + words.Say("dashboard.figures-from", "Age", ago(oldest, now))
	case !last.IsZero():
		v.Lead = " · " + words.Say("dashboard.figures-from", "Age", ago(last, now))
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
		return words.Say("dashboard.age.moment")
	case age < time.Hour:
		return words.Say("dashboard.age.minutes", "N", int(age.Minutes()))
	}
	return moment(at)
}

func debtsOf(owed, owing books.Reading[books.Debts], h books.Habits, here string, now time.Time) debtsCard {
	c := debtsCard{card: cardOf(owed, here, now)}
	for _, name := range append(slices.Clone(books.Bands), words.Say("dashboard.debts.together")) {
		c.Rows = append(c.Rows, chart.Row{Name: name})
	}
	if owing.At.Before(owed.At) || !c.Known {
		c.card = cardOf(owing, here, now)
	}
	line := func(id, title, ages, empty string, d books.Debts) debtLine {
		l := debtLine{Title: title, Total: h.Amount(d.Total)}
		l.Chart = chart.Stack{ID: id, Title: ages, Say: h.Money}
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
		line("owed-by-age", words.Say("dashboard.debts.owed"), words.Say("dashboard.debts.owed-ages"), words.Say("dashboard.debts.owed-none"), owed.Value),
		line("owing-by-age", words.Say("dashboard.debts.owing"), words.Say("dashboard.debts.owing-ages"), words.Say("dashboard.debts.owing-none"), owing.Value),
	}
	return c
}

func overdueOf(r books.Reading[books.Overdue], h books.Habits, here string, now time.Time) overdueCard {
	c := overdueCard{card: cardOf(r, here, now)}
	if c.Known && r.Value.Count == 0 {
		c.Empty = words.Say("dashboard.overdue.none")
	}
	if len(r.Value.Top) < r.Value.Count {
		c.Of = words.Say("dashboard.overdue.shown", "Shown", len(r.Value.Top), "All", h.Count(r.Value.Count))
	}
	for _, i := range r.Value.Top {
		c.Rows = append(c.Rows, overdueRow{
			Number: cmp.Or(i.Number, i.Reference, words.Say("dashboard.overdue.no-number")), Customer: i.ContactName,
			Days: words.Say("dashboard.overdue.days", "N", i.Days, "Count", h.Count(i.Days)), Amount: h.Amount(i.Base), Link: i.Link, Long: i.Days > 30,
		})
	}
	return c
}

func accountsOf(r books.Reading[books.Cash], h books.Habits, here string, now time.Time) accountsCard {
	c := accountsCard{card: cardOf(r, here, now), Total: h.Amount(r.Value.Total)}
	if c.Known && len(r.Value.Accounts) == 0 {
		c.Empty = words.Say("dashboard.accounts.none")
	}
	for _, a := range r.Value.Accounts {
		c.Rows = append(c.Rows, legend{Name: a.Name, Amount: h.Amount(a.Balance)})
	}
	return c
}

func callsOf(b xero.Budget) callsLine {
	switch {
	case !b.Closed.IsZero():
		return callsLine{"0", words.Say("dashboard.session.calls-used-up", "When", moment(b.Closed))}
	case !b.Known:
		return callsLine{Text: words.Say("dashboard.session.calls-unknown")}
	}
	return callsLine{fmt.Sprint(b.Day), words.Say("dashboard.session.calls-as-of", "When", moment(b.At))}
}

// foreign says what was converted, and what of it, "invoices", "bills" or "sales",
// could not be.
func foreign(h books.Habits, f books.Foreign, of string) string {
	var said []string
	if n := f.Count; n > 0 {
		id, from := "dashboard.foreign.converted", strings.Join(f.Currencies, ", ")
		if several := len(f.Currencies); several > 3 {
			id, from = "dashboard.foreign.converted-from-several", h.Count(several)
		}
		said = append(said, words.Say(id, "N", n, "Count", h.Count(n), "Currencies", from))
	}
	if n := f.Unknown; n > 0 {
		said = append(said, words.Say("dashboard.foreign.without-"+of, "N", n, "Count", h.Count(n)))
	}
	return strings.Join(said, " ")
}

func foreignIn(h books.Habits, a, b books.Foreign) string {
	if n := a.Unknown + b.Unknown; n > 0 {
		return words.Say("dashboard.foreign.rates-without", "N", n, "Count", h.Count(n))
	}
	if a.Count+b.Count > 0 {
		return words.Say("dashboard.foreign.rates")
	}
	return ""
}
