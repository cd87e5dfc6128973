package server

import (
	"net/http"
	"net/url"
	"time"

	"github.com/shopspring/decimal"

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
	ledger, err := s.ledger(r, c)
	if err != nil {
		return err
	}
	ctx, cancel, format, err := listContext(r)
	if err != nil {
		return err
	}
	defer cancel()
	o := ledger.Organisation(ctx, whoAge).Value
	reading := ledger.Contacts(ctx, listAge)
	open := ledger.OpenInvoices(ctx, listAge)
	today := o.Today(time.Now())
	if format != "" {
		if reading.At.IsZero() {
			return unread(reading.Trouble)
		}
		list := listContacts(reading.Value, open, q, o, today)
		return giveOut(w, r, format, o, today, contactSheet(list.Rows, o))
	}
	view := contactsView{listView: listOf(reading, o, q.listQuery, r.URL.RequestURI()), Query: q, Of: len(reading.Value)}
	view.Types = choices(q.Type, "All", "customers", "Customers", "suppliers", "Suppliers")
	view.States = choices(q.Archived, "In use", "only", "Archived", "all", "All")
	if view.Read {
		view.fill(listContacts(reading.Value, open, q, o, today))
		view.Debts = listTrouble(open.Trouble, r.URL.RequestURI())
		view.DebtsKnown = !open.At.IsZero()
	}
	return s.render(w, r, c, http.StatusOK, "contacts", "Contacts", view)
}

func (v contactsView) loading() bool {
	return v.listView.loading() || v.Read && !v.DebtsKnown && v.Debts == nil
}

// contactSheet is rows as CSV and XLSX have them, the amounts' currency in their
// titles.
func contactSheet(rows []contactRow, o books.Organisation) sheet.Sheet {
	made := sheetOf("Contacts", contactColumns, rows)
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
	v.Count = counted(h, len(list.Rows), "contact", "contacts")
	v.Owed, v.Overdue, v.Owing, v.Foreign = h.Money(list.Owed), h.Money(list.Overdue), h.Money(list.Owing), foreign(h, list.Foreign, "invoice", "invoices")
	v.None = v.Of == 0
	for _, row := range cutTo(&v.listView, list.Rows, contactColumns, v.Query.listQuery, usualContacts) {
		v.Rows = append(v.Rows, contactLine{row, v.Organisation, h})
	}
}

// contactLine is a row as it is read.
type contactLine struct {
	contactRow
	organisation books.Organisation
	habits       books.Habits
}

// Link leads into Xero; "" where that is not known.
func (c contactLine) Link() string { return c.organisation.ContactLink(c.ID) }

// Invoices is the list of its invoices of a type, sales or bills, that are to be
// paid.
func (c contactLine) Invoices(kind string) string {
	return "/xero/invoices?" + url.Values{"contact": {c.ID}, "type": {kind}, "status": {"AUTHORISED"}}.Encode()
}

// Amount writes what is open, "" where that is nothing or not known.
func (c contactLine) Amount(d decimal.Decimal) string {
	if !c.Known || d.IsZero() {
		return ""
	}
	return c.habits.Amount(d)
}
