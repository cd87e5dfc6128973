package server

import (
	"net/http"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
)

func (s *Server) invoiceRoutes() []route {
	return []route{{pattern: "GET /xero/invoices", who: page, handle: s.invoicesPage}}
}

// invoicesView is the page of invoices and bills.
type invoicesView struct {
	listView
	Query           invoiceQuery
	Types, Statuses []choice
	Of              int // all there are
	Sums            []sums
	Rows            []invoiceLine
	OfContact       string // the name of the one contact whose invoices are shown
	AllContacts     string // the address without that
}

// invoicesPage shows the invoices that the address asks for, or gives them out as
// CSV or XLSX.
func (s *Server) invoicesPage(w http.ResponseWriter, r *http.Request, c *call) error {
	q, err := readInvoices(r.URL.Query())
	if err != nil {
		return err
	}
	l, end, err := s.listing(r, c)
	if err != nil {
		return err
	}
	defer end()
	reading := l.Invoices(l.ctx, l.age)
	list := listInvoices(reading.Value, q, l.organisation, l.today)
	switch {
	case l.format != "" && reading.At.IsZero():
		return unread(reading.Trouble)
	case l.format != "":
		return s.giveOut(w, r, l, reading.At, sheetOf(words.Say("invoices.title"), invoiceColumns, list.Rows))
	}
	view := invoicesView{listView: listOf(words.Say("invoices.title"), reading, l.who, q.listQuery, l.here), Query: q, Of: len(reading.Value)}
	view.Types = choices(q.Type, words.Say("lists.filters.all"), "sales", words.Say("invoices.types.sales"), "bills", words.Say("invoices.types.bills"))
	view.Statuses = choices(q.Status, words.Say("lists.filters.all"))
	for _, status := range []string{"AUTHORISED", "DRAFT", "SUBMITTED", "PAID", "VOIDED"} {
		view.Statuses = append(view.Statuses, choice{status, statusWords[status], strings.EqualFold(status, q.Status)})
	}
	if view.Read {
		view.fill(list)
		view.OfContact = contactName(reading.Value, q.Contact)
	}
	return s.render(w, r, c, http.StatusOK, "invoices", view.Title, view)
}

// fill puts the page of list in v that its query asks for.
func (v *invoicesView) fill(list invoiceList) {
	h := v.Organisation.Habits()
	for _, t := range []struct {
		invoiceTotals
		of string
	}{{list.Sales, "sales"}, {list.Bills, "bills"}} {
		if t.Count == 0 {
			continue
		}
		id := "invoices.sums." + t.of
		said := sums{
			Count: words.Say(id+".count", "N", t.Count, "Count", h.Count(t.Count)), Total: h.Money(t.Total),
			Due: words.Say(id+".due", "Amount", h.Money(t.Due)), Foreign: foreign(h, t.Foreign, t.of),
		}
		if t.Voided > 0 {
			said.Voided = words.Say(id+".voided", "N", t.Voided, "Count", h.Count(t.Voided))
		}
		v.Sums = append(v.Sums, said)
	}
	v.None = v.Of == 0
	v.AllContacts = v.Query.link(v.Path, "contact", "")
	for _, row := range cutTo(&v.listView, list.Rows, invoiceColumns, v.Query.listQuery, usualInvoices) {
		v.Rows = append(v.Rows, invoiceLine{row, v.Organisation, h})
	}
}

// invoiceLine is a row as it is read.
type invoiceLine struct {
	invoiceRow
	organisation books.Organisation
	habits       books.Habits
}

// Link leads into Xero; "" where that is not known.
func (i invoiceLine) Link() string { return i.organisation.Link(*i.Invoice) }

// Day and DueDay are its days in words.
func (i invoiceLine) Day() string    { return i.day(i.Date) }
func (i invoiceLine) DueDay() string { return i.day(i.Due) }

func (i invoiceLine) day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return i.habits.Day(t)
}

// VeryLate is late by more than a month.
func (i invoiceLine) VeryLate() bool { return i.Late > 30 }

// Foreign is its currency, "" where that is the base currency.
func (i invoiceLine) Foreign() string {
	if !i.organisation.Foreign(*i.Invoice) {
		return ""
	}
	return i.Currency
}

// TotalText and DueText are its amounts, in its own currency.
func (i invoiceLine) TotalText() string { return i.habits.In(i.Currency).Amount(i.Total) }
func (i invoiceLine) DueText() string   { return i.habits.In(i.Currency).Amount(i.AmountDue) }

// sums are the totals of one type, in words.
type sums struct {
	Count, Total, Due, Voided, Foreign string
}

// contactName is the name of the contact with this id, as its invoices have it.
func contactName(invoices []books.Invoice, id string) string {
	for _, i := range invoices {
		if id != "" && i.ContactID == id {
			return i.ContactName
		}
	}
	return id
}
