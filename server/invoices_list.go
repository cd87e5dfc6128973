package server

import (
	"cmp"
	"net/url"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/sheet"
)

// An invoiceQuery is what the address of the list of invoices asks for.
type invoiceQuery struct {
	listQuery
	Type    string // sales, bills, or "" for both
	Status  string // as Xero writes it; "" for all
	Overdue bool
	Contact string    // a contact's id
	From    time.Time // the first and the last day of invoice dates; zero: no end
	To      time.Time
	amounts []decimal.NullDecimal // of the words: those that are one
}

// usualInvoices is the order of who asks for none: the newest first.
const usualInvoices = "-date"

func readInvoices(asked url.Values) (invoiceQuery, error) {
	list, err := readList(asked, invoiceColumns, usualInvoices, "type", "status", "overdue", "contact", "from", "to")
	q := invoiceQuery{listQuery: list}
	if err != nil {
		return q, err
	}
	q.Type, q.Status, q.Contact = q.values.Get("type"), q.values.Get("status"), q.values.Get("contact")
	q.Overdue = q.values.Has("overdue")
	if q.Type != "" && q.Type != "sales" && q.Type != "bills" {
		return q, fail(codeBadRequest).saying(words.Say("invoices.no-type.message"), words.Say("invoices.no-type.action"))
	}
	for name, day := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		if text := q.values.Get(name); text != "" {
			if *day, err = time.Parse(time.DateOnly, text); err != nil {
				return q, fail(codeBadRequest).saying(words.Say("invoices.no-day.message"), words.Say("invoices.no-day.action"))
			}
		}
	}
	for _, word := range q.words {
		amount, err := decimal.NewFromString(strings.ReplaceAll(strings.TrimLeft(word, "$£€"), ",", ""))
		q.amounts = append(q.amounts, decimal.NullDecimal{Decimal: amount, Valid: err == nil && len(word) < 30})
	}
	return q, nil
}

// FromDay and ToDay are its days as an input has them.
func (q invoiceQuery) FromDay() string { return q.values.Get("from") }
func (q invoiceQuery) ToDay() string   { return q.values.Get("to") }

// An invoiceRow is an invoice as the list shows it.
type invoiceRow struct {
	*books.Invoice     // that is kept: nobody changes it
	Late           int // days, of what is to be paid
	// In base currency at the invoice's own rate; without one zero and not Valid.
	TotalBase, DueBase decimal.NullDecimal
}

// invoiceTotals are the sums of one type of invoices, in base currency.
type invoiceTotals struct {
	Count, Voided int
	Total, Due    decimal.Decimal // no voided ones; Due of what is to be paid: no drafts
	Foreign       books.Foreign
}

func (t *invoiceTotals) add(row invoiceRow, o books.Organisation) {
	t.Count++
	if row.Status == "VOIDED" {
		t.Voided++
		return
	}
	t.Total = t.Total.Add(row.TotalBase.Decimal)
	if row.Open() {
		t.Due = t.Due.Add(row.DueBase.Decimal)
	}
	t.Foreign.Add(o, *row.Invoice)
}

// invoiceList is what q finds, in its order, all of it.
type invoiceList struct {
	Rows         []invoiceRow
	Sales, Bills invoiceTotals
}

// listInvoices finds what q asks for among all, whose order stays where q's says
// nothing.
func listInvoices(all []books.Invoice, q invoiceQuery, o books.Organisation, today time.Time) invoiceList {
	var list invoiceList
	for n := range all {
		i := &all[n]
		row := invoiceRow{Invoice: i}
		if i.Open() {
			row.Late = i.DaysLate(today)
		}
		if !q.finds(row) {
			continue
		}
		row.TotalBase.Decimal, row.TotalBase.Valid = o.InBase(*i, i.Total)
		row.DueBase.Decimal, row.DueBase.Valid = o.InBase(*i, i.AmountDue)
		list.Rows = append(list.Rows, row)
		if i.Sale() {
			list.Sales.add(row, o)
		} else {
			list.Bills.add(row, o)
		}
	}
	list.Rows = sorted(list.Rows, invoiceColumns, q.listQuery)
	return list
}

func (q invoiceQuery) finds(i invoiceRow) bool {
	switch {
	case q.Type == "sales" && !i.Sale(), q.Type == "bills" && i.Sale():
		return false
	case q.Status != "" && !strings.EqualFold(i.Status, q.Status):
		return false
	case q.Overdue && i.Late == 0:
		return false
	case q.Contact != "" && !strings.EqualFold(i.ContactID, q.Contact):
		return false
	case !q.From.IsZero() && i.Date.Before(q.From), !q.To.IsZero() && i.Date.After(q.To):
		return false
	case len(q.words) == 0:
		return true
	}
	text := fold(i.Number + "\n" + i.Reference + "\n" + i.ContactName)
	for n, word := range q.words {
		amount := q.amounts[n]
		if !strings.Contains(text, word) && !(amount.Valid && (i.Total.Equal(amount.Decimal) || i.AmountDue.Equal(amount.Decimal))) {
			return false
		}
	}
	return true
}

// byBase orders amounts by what they are in base currency, those without a rate
// below all others.
func byBase(a, b decimal.NullDecimal) int {
	if !a.Valid || !b.Valid {
		return cmp.Compare(btoi(a.Valid), btoi(b.Valid))
	}
	return a.Decimal.Cmp(b.Decimal)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// invoiceColumns are what the list shows, in its order.
var invoiceColumns = []column[invoiceRow]{
	{Key: "number", Column: sheet.Column{Title: words.Say("invoices.columns.number"), Width: 14},
		text: func(i invoiceRow) string { return i.Number }, cell: func(i invoiceRow) any { return i.Number }},
	{Key: "contact", Column: sheet.Column{Title: words.Say("invoices.columns.contact"), Width: 36},
		text: func(i invoiceRow) string { return i.ContactName }, cell: func(i invoiceRow) any { return i.ContactName }},
	{Key: "type", Column: sheet.Column{Title: words.Say("invoices.columns.type"), Width: 8},
		text: func(i invoiceRow) string { return i.Type }, cell: func(i invoiceRow) any { return i.Kind() }},
	{Key: "date", Column: sheet.Column{Title: words.Say("invoices.columns.date"), Kind: sheet.Day},
		compare: func(a, b invoiceRow) int { return a.Date.Compare(b.Date) }, cell: func(i invoiceRow) any { return i.Date }},
	{Key: "due", Column: sheet.Column{Title: words.Say("invoices.columns.due"), Kind: sheet.Day},
		compare: func(a, b invoiceRow) int { return a.Due.Compare(b.Due) }, cell: func(i invoiceRow) any { return i.Due }},
	{Key: "late", Column: sheet.Column{Title: words.Say("invoices.columns.late"), Kind: sheet.Integer},
		compare: func(a, b invoiceRow) int { return cmp.Compare(a.Late, b.Late) }, cell: func(i invoiceRow) any { return i.Late }},
	{Key: "status", Column: sheet.Column{Title: words.Say("invoices.columns.status"), Width: 18},
		text: func(i invoiceRow) string { return i.StatusWord() }, cell: func(i invoiceRow) any { return i.StatusWord() }},
	{Column: sheet.Column{Title: words.Say("invoices.columns.currency"), Width: 9}, cell: func(i invoiceRow) any { return i.Currency }},
	{Key: "total", Column: sheet.Column{Title: words.Say("invoices.columns.total"), Kind: sheet.Money},
		compare: func(a, b invoiceRow) int { return byBase(a.TotalBase, b.TotalBase) }, cell: func(i invoiceRow) any { return i.own(i.Total) }},
	{Key: "amount", Column: sheet.Column{Title: words.Say("invoices.columns.amount"), Kind: sheet.Money},
		compare: func(a, b invoiceRow) int { return byBase(a.DueBase, b.DueBase) }, cell: func(i invoiceRow) any { return i.own(i.AmountDue) }},
}

// own is an amount in its own currency.
func (i invoiceRow) own(amount decimal.Decimal) sheet.Amount {
	return sheet.Amount{Decimal: amount, Places: books.Places(i.Currency)}
}

// The types in one word; many rows say them.
var saleWord, billWord = words.Say("invoices.types.sale"), words.Say("invoices.types.bill")

// Kind is the type in one word.
func (i invoiceRow) Kind() string {
	if i.Sale() {
		return saleWord
	}
	return billWord
}

// statusWords are Xero's own words for its statuses.
var statusWords = map[string]string{
	"DRAFT": words.Say("invoices.status.draft"), "SUBMITTED": words.Say("invoices.status.submitted"),
	"AUTHORISED": words.Say("invoices.status.authorised"), "PAID": words.Say("invoices.status.paid"), "VOIDED": words.Say("invoices.status.voided"),
}

// StatusWord is the status in words, as it came where Xero has a new one.
func (i invoiceRow) StatusWord() string { return cmp.Or(statusWords[i.Status], i.Status) }
