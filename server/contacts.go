package server

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/sheet"
)

func (s *Server) contactRoutes() []route {
	return []route{{pattern: "GET /xero/contacts", who: page, handle: s.contactsPage}}
}

// contactsView is the page of contacts.
type contactsView struct {
	listView
	Query         contactQuery
	Types, States []choice
	Of            int // all there are
	Count         string
	Owed, Overdue string // what is open with those shown
	Owing         string
	Foreign       string
	Rows          []contactLine
	Archive       string // the address with those in the archive
	// Debts is why what is open is not known, or not as it is now. DebtsKnown says
	// which; without either it is being read.
	Debts      *cardTrouble
	DebtsKnown bool
}

// contactsPage shows the contacts that the address asks for, or gives them out as
// CSV or XLSX.
func (s *Server) contactsPage(w http.ResponseWriter, r *http.Request, c *call) error {
	q, err := readContacts(r.URL.Query())
	if err != nil {
		return err
	}
	l, end, err := s.listing(r, c)
	if err != nil {
		return err
	}
	defer end()
	reading, open := l.Contacts(l.ctx, l.age), l.OpenInvoices(l.ctx, l.age)
	list := listContacts(reading.Value, open, q, l.organisation, l.today)
	if l.format != "" {
		at := reading.At
		switch t := open.Trouble; {
		case at.IsZero():
			return unread(reading.Trouble)
		case open.At.IsZero() && (t == nil || t.Scope == "" && !t.Role):
			return unread(t) // another try may read what is owed
		case list.Known && open.At.Before(at):
			at = open.At
		}
		return s.giveOut(w, r, l, at, contactSheet(list, l.organisation))
	}
	view := contactsView{listView: listOf(words.Say("contacts.title"), reading, l.who, q.listQuery, l.here), Query: q, Of: len(reading.Value)}
	view.Types = choices(q.Type, words.Say("lists.filters.all"), "customers", words.Say("contacts.filters.customers"), "suppliers", words.Say("contacts.filters.suppliers"))
	view.States = choices(q.Archived, usedWord, "only", archivedWord, "all", words.Say("lists.filters.all"))
	if view.Read {
		view.fill(list)
		view.Debts = listTrouble(open.Trouble, l.here)
	}
	return s.render(w, r, c, http.StatusOK, "contacts", view.Title, view)
}

func (v contactsView) loading() bool {
	return v.listView.loading() || v.Read && !v.DebtsKnown && v.Debts == nil
}

// contactSheet is a list as CSV and XLSX have it, with the amounts' currency in their
// titles. Amounts that are not known have no column: nothing owed looks the same.
func contactSheet(list contactList, o books.Organisation, more ...column[contactRow]) sheet.Sheet {
	columns := slices.DeleteFunc(append(slices.Clone(contactColumns), more...), func(c column[contactRow]) bool {
		return c.Kind == sheet.Money && !list.Known
	})
	made := sheetOf(words.Say("contacts.title"), columns, list.Rows)
	for i, c := range made.Columns {
		if c.Kind == sheet.Money && o.Base != "" {
			made.Columns[i].Title += " (" + o.Base + ")"
		}
	}
	return made
}

// fill puts the page of list in v that its query asks for.
func (v *contactsView) fill(list contactList) {
	h := v.Organisation.Habits()
	v.Count = words.Say("contacts.sums.count", "N", len(list.Rows), "Count", h.Count(len(list.Rows)))
	v.Owed, v.Overdue, v.Owing, v.Foreign = h.Money(list.Owed), h.Money(list.Overdue), h.Money(list.Owing), foreign(h, list.Foreign, "invoices")
	v.None, v.DebtsKnown = v.Of == 0, list.Known
	v.Archive = v.Query.link(v.Path, "archived", "all")
	for _, row := range cutTo(&v.listView, list.Rows, contactColumns, v.Query.listQuery, usualContacts) {
		v.Rows = append(v.Rows, contactLine{row, v.Organisation, h, v.Query.values.Get("tenant")})
	}
}

// contactLine is a row as it is read.
type contactLine struct {
	contactRow
	organisation books.Organisation
	habits       books.Habits
	tenant       string // that is looked at, "" for the chosen one
}

// Link leads into Xero; "" where that is not known.
func (c contactLine) Link() string { return c.organisation.ContactLink(c.ID) }

// Invoices is the list of its invoices of a type, sales or bills, that are to be
// paid.
func (c contactLine) Invoices(kind string) string {
	values := url.Values{"contact": {c.ID}, "type": {kind}, "status": {"AUTHORISED"}}
	if c.tenant != "" {
		values.Set("tenant", c.tenant)
	}
	return "/xero/invoices?" + values.Encode()
}

// Amount writes what is open, "" where that is nothing or not known.
func (c contactLine) Amount(d decimal.Decimal) string {
	if d.IsZero() {
		return ""
	}
	return c.habits.Amount(d)
}
