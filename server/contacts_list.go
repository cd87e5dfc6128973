package server

import (
	"net/url"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/sheet"
)

// A contactQuery is what the address of the list of contacts asks for.
type contactQuery struct {
	listQuery
	Type     string // customers, suppliers, or "" for all
	Archived string // "" without them, only, or all
}

const usualContacts = "name"

func readContacts(asked url.Values) (contactQuery, error) {
	list, err := readList(asked, contactColumns, usualContacts, "type", "archived")
	q := contactQuery{listQuery: list}
	if err != nil {
		return q, err
	}
	q.Type, q.Archived = q.values.Get("type"), q.values.Get("archived")
	switch {
	case q.Type != "" && q.Type != "customers" && q.Type != "suppliers":
		return q, fail(codeBadRequest).saying(words.Say("contacts.no-type.message"), words.Say("contacts.no-type.action"))
	case q.Archived != "" && q.Archived != "only" && q.Archived != "all":
		return q, fail(codeBadRequest).saying(words.Say("contacts.no-choice.message"), words.Say("contacts.no-choice.action"))
	}
	return q, nil
}

// A contactRow is a contact as the list shows it, with what is open between it and
// the organisation in base currency.
type contactRow struct {
	books.Contact
	Owed, Overdue, Owing decimal.Decimal // by it, of that too late, and to it
	base                 string          // their currency
}

// contactList is what q finds, in its order, all of it.
type contactList struct {
	Rows                 []contactRow
	Known                bool // the amounts are
	Owed, Overdue, Owing decimal.Decimal
	Foreign              books.Foreign
}

// listContacts finds what q asks for among all, whose order stays where q's says
// nothing. open are the invoices and bills that are to be paid.
func listContacts(all []books.Contact, open books.Reading[[]books.Invoice], q contactQuery, o books.Organisation, today time.Time) contactList {
	invoices := map[string][]*books.Invoice{}
	for n := range open.Value {
		i := &open.Value[n]
		invoices[i.ContactID] = append(invoices[i.ContactID], i)
	}
	list := contactList{Known: !open.At.IsZero()}
	for _, c := range all {
		if !q.finds(c) {
			continue
		}
		row := contactRow{Contact: c, base: o.Base}
		for _, i := range invoices[c.ID] {
			due, _ := o.InBase(*i, i.AmountDue)
			list.Foreign.Add(o, *i)
			switch {
			case !i.Sale():
				row.Owing = row.Owing.Add(due)
				continue
			case i.DaysLate(today) > 0:
				row.Overdue = row.Overdue.Add(due)
			}
			row.Owed = row.Owed.Add(due)
		}
		list.Owed, list.Overdue, list.Owing = list.Owed.Add(row.Owed), list.Overdue.Add(row.Overdue), list.Owing.Add(row.Owing)
		list.Rows = append(list.Rows, row)
	}
	list.Rows = sorted(list.Rows, contactColumns, q.listQuery)
	return list
}

func (q contactQuery) finds(c books.Contact) bool {
	archived := contactRow{Contact: c}.Archived()
	switch {
	case q.Type == "customers" && !c.Customer, q.Type == "suppliers" && !c.Supplier:
		return false
	case q.Archived == "" && archived, q.Archived == "only" && !archived:
		return false
	}
	return has(fold(c.Name+"\n"+c.Email), q.words)
}

// Archived reports whether it is out of use: ARCHIVED, or GDPRREQUEST.
func (c contactRow) Archived() bool { return c.Status != "ACTIVE" }

// Said of many rows at once, these are put together once.
var (
	bothWord     = words.Say("contacts.kinds.both")
	customerWord = words.Say("contacts.kinds.customer")
	supplierWord = words.Say("contacts.kinds.supplier")
	usedWord     = words.Say("contacts.status.used")
	archivedWord = words.Say("contacts.status.archived")
)

// Kind is what it is to the organisation.
func (c contactRow) Kind() string {
	switch {
	case c.Customer && c.Supplier:
		return bothWord
	case c.Customer:
		return customerWord
	case c.Supplier:
		return supplierWord
	}
	return ""
}

// StatusWord is the status in a word.
func (c contactRow) StatusWord() string {
	if c.Archived() {
		return archivedWord
	}
	return usedWord
}

// own is an amount that was worked out from the open invoices.
func (c contactRow) own(amount decimal.Decimal) sheet.Amount {
	return sheet.Amount{Decimal: amount, Places: books.Places(c.base)}
}

// contactColumns are what the list shows, in its order.
var contactColumns = []column[contactRow]{
	{Key: "name", Column: sheet.Column{Title: words.Say("contacts.columns.name"), Width: 36},
		text: func(c contactRow) string { return c.Name }, cell: func(c contactRow) any { return c.Name }},
	{Column: sheet.Column{Title: words.Say("contacts.columns.status"), Width: 10}, cell: func(c contactRow) any { return c.StatusWord() }},
	{Key: "email", Column: sheet.Column{Title: words.Say("contacts.columns.email"), Width: 32},
		text: func(c contactRow) string { return c.Email }, cell: func(c contactRow) any { return c.Email }},
	{Key: "type", Column: sheet.Column{Title: words.Say("contacts.columns.type"), Width: 18},
		text: contactRow.Kind, cell: func(c contactRow) any { return c.Kind() }},
	{Key: "owed", Column: sheet.Column{Title: words.Say("contacts.columns.owed"), Kind: sheet.Money},
		compare: func(a, b contactRow) int { return a.Owed.Cmp(b.Owed) }, cell: func(c contactRow) any { return c.own(c.Owed) }},
	{Key: "overdue", Column: sheet.Column{Title: words.Say("contacts.columns.overdue"), Kind: sheet.Money},
		compare: func(a, b contactRow) int { return a.Overdue.Cmp(b.Overdue) }, cell: func(c contactRow) any { return c.own(c.Overdue) }},
	{Key: "owing", Column: sheet.Column{Title: words.Say("contacts.columns.owing"), Kind: sheet.Money},
		compare: func(a, b contactRow) int { return a.Owing.Cmp(b.Owing) }, cell: func(c contactRow) any { return c.own(c.Owing) }},
}
