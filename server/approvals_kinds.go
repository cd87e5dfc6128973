package server

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
)

// keyFor is the id of the record that f is about, or its number, "" for a new one. PUT
// only makes new ones, and POST knows sales by their number.
func (d *describer) keyFor(f field) (key string, byNumber bool) {
	if key = cmp.Or(plainID(d.key), idOf(d.resource, f)); key != "" {
		return key, false
	}
	if d.method == http.MethodPost && d.resource == "Invoices" && !f.at("Type").is("ACCPAY") {
		key = strings.TrimSpace(f.at("InvoiceNumber").text)
	}
	return key, key != ""
}

// byNumber reports whether Xero may know the credit note f by its number: how it tells
// them apart is written nowhere, so FCC does not guess.
func (d *describer) byNumber(f field) bool {
	key, _ := d.keyFor(f)
	return key == "" && d.method == http.MethodPost && d.resource == "CreditNotes" && f.at("CreditNoteNumber").text != ""
}

// before is the record as Xero has it. made says that f makes a new one, which what
// names a record by its id never does; sure, that FCC knows which.
func (d *describer) before(f field) (before field, made, sure bool) {
	key, byNumber := d.keyFor(f)
	before, there, known := d.record(d.resource, key)
	switch {
	case there:
		return before, false, true
	case d.byNumber(f):
		return field{}, false, false
	case key == "", byNumber && known:
		return field{}, true, true
	}
	return field{}, false, !byNumber
}

// wantsIt has the record read that f is about.
func (d *describer) wantsIt(f field) {
	key, _ := d.keyFor(f)
	d.want(d.resource, key)
}

// contactName is who a document is of. Xero goes by the id where there is one, whatever
// name stands beside it.
func (d *describer) contactName(f field) string {
	if f.kind != objectField {
		return ""
	}
	if id := f.at("ContactID").text; id != "" {
		if contact, there, _ := d.record("Contacts", id); there {
			return short(contact.at("Name").text)
		}
		return words.Say("approvals.contact-id", "ID", short(id))
	}
	if number := f.at("ContactNumber").text; number != "" {
		return words.Say("approvals.contact-number", "Number", short(number))
	}
	return short(f.at("Name").text)
}

// whose is who a document is of now, and only of one that Xero does not have yet who it
// will be of.
func (d *describer) whose(f, before field) string {
	return cmp.Or(short(before.at("Contact", "Name").text), d.contactName(f.at("Contact")))
}

func (d *describer) wantsInvoice(f field) {
	d.wantsIt(f)
	d.want("Contacts", f.at("Contact", "ContactID").text)
}

// invoice describes invoices, bills, and credit notes.
func (d *describer) invoice(f field) (r askedRecord) {
	before, made, sure := d.before(f)
	id := cmp.Or(idOf(d.resource, before), idOf(d.resource, f), plainID(d.key))
	kind := "invoice"
	switch t := (field{text: cmp.Or(f.at("Type").text, before.at("Type").text)}); {
	case d.resource == "CreditNotes":
		kind = "credit"
		if t.is("ACCPAYCREDIT") {
			kind = "supplier-credit"
		}
	case t.is("ACCPAY"):
		kind = "bill"
	}
	was := before.at("Status")
	act := "change"
	switch status := f.at("Status"); {
	case status.is("VOIDED"):
		act = "void"
	case status.is("DELETED"):
		act = "delete"
	case status.is("AUTHORISED", "PAID") && made:
		act = "approve-new"
	case status.is("AUTHORISED") && !was.is("AUTHORISED", "PAID"):
		act = "approve"
	case status.is("SUBMITTED") && (made || !was.is("SUBMITTED")):
		act = "submit"
	case made:
		act = "draft"
	case !sure:
		act = "save"
	}
	number := singular(d.resource) + "Number"
	if d.resource == "Invoices" {
		number = "InvoiceNumber"
	}
	r.number = numberOf(before)
	r.ask(kind+"-"+act, d.whose(f, before), d.number(f, before, number))
	r.money = cmp.Or(f.at("CurrencyCode").text, before.at("CurrencyCode").text, d.books.Base)
	d.amount(&r, f, before, "LineItems")
	r.fact("due", d.day(cmp.Or(f.at("DueDate").text, before.at("DueDateString").text)))
	r.fact("date", d.day(cmp.Or(f.at("Date").text, before.at("DateString").text)))
	r.fact("reference", short(cmp.Or(f.at("Reference").text, before.at("Reference").text)))
	if len(before.below) == 0 {
		r.Lines = d.documentLines(f.at("LineItems"), r.money)
		r.fact("number", short(f.at(number).text))
	}
	if f.at("SentToContact").is("true") && !before.at("SentToContact").is("true") {
		r.warn("sent")
	}
	d.compare(&r, f, before, made, id)
	d.contactToo(&r, f.at("Contact"))
	switch {
	case made || r.id == "":
	case kind == "bill":
		r.Link = d.books.BillLink(r.id)
	case kind == "invoice":
		r.Link = d.books.InvoiceLink(r.id)
	}
	return r
}

// number is that of the document. Where one that is there could not be read, what f says
// of it proves nothing.
func (d *describer) number(f, before field, name string) string {
	key, byNumber := d.keyFor(f)
	if _, there, known := d.record(d.resource, key); key != "" && !byNumber && !there && !known {
		return words.Say("approvals.unread")
	}
	return cmp.Or(before.at(name).text, f.at(name).text)
}

// contactToo says what a document would make of its contact: Xero may take over what
// stands there of it.
func (d *describer) contactToo(r *askedRecord, contact field) {
	more := field{kind: contact.kind}
	for _, one := range contact.below {
		if !slices.ContainsFunc([]string{"ContactID", "ContactNumber", "Name"}, func(name string) bool { return strings.EqualFold(one.name, name) }) {
			more.below = append(more.below, one)
		}
	}
	before, there, _ := d.record("Contacts", contact.at("ContactID").text)
	changes := d.changes(more, before)
	switch {
	case len(more.below) == 0, there && len(changes) == 0:
		return
	case there:
		for _, c := range changes {
			r.Changes = append(r.Changes, askedChange{fieldWords("Contact") + " · " + c.Label, c.Before, c.After})
		}
	default:
		lines, _ := more.lines()
		for _, line := range lines {
			r.Facts = append(r.Facts, askedFact{pathWords("Contact." + line.Path), short(line.Text)})
		}
	}
	r.warn("contact-too")
	if changesBank(more, before) {
		r.warn("bank-details")
	}
}

// changesBank reports whether a contact's bank account would be another.
func changesBank(f, before field) bool {
	bank := f.at("BankAccountDetails").text
	return bank != "" && bank != before.at("BankAccountDetails").text || f.has("BatchPayments") && !sameAll(f.at("BatchPayments"), before.at("BatchPayments"))
}

// sameAll reports whether before has every value of f.
func sameAll(f, before field) bool {
	if f.kind != objectField {
		return sameValue(f, before)
	}
	return !slices.ContainsFunc(f.below, func(one field) bool { return !sameAll(one, before.at(one.name)) })
}

// compare fills in what would change, and which record it is.
func (d *describer) compare(r *askedRecord, f, before field, made bool, id string) {
	if made {
		return
	}
	if isID(id) {
		r.id = id
	}
	if len(before.below) == 0 {
		key, _ := d.keyFor(f)
		_, _, known := d.record(d.resource, key)
		switch {
		case known:
			r.warn("nowhere")
		case d.byNumber(f):
			r.warn("by-number")
		default:
			r.warn("not-compared")
		}
		return
	}
	r.Changes = d.changes(f, before)
	if len(r.Changes) == 0 {
		r.warn("same")
	}
}

// amount is the sum of the lines that f has, else the total that stands.
func (d *describer) amount(r *askedRecord, f, before field, lines string) {
	h := d.habits.In(r.money)
	list := f.at(lines)
	if list.kind != listField || len(list.below) == 0 {
		if total, ok := (field{text: cmp.Or(before.at("Total").text, f.at("Total").text)}).number(); ok {
			r.amount = decimal.NewNullDecimal(total)
			r.fact("amount", h.Money(total))
		}
		return
	}
	sum, tax, taxed := decimal.Zero, decimal.Zero, true
	for _, line := range list.below {
		amount, ok := lineAmount(line)
		if !ok {
			return
		}
		sum = sum.Add(amount)
		t, ok := line.at("TaxAmount").number()
		tax, taxed = tax.Add(t), taxed && ok
	}
	switch taxing := (field{text: cmp.Or(f.at("LineAmountTypes").text, before.at("LineAmountTypes").text)}); {
	case taxing.is("Inclusive"):
		r.fact("amount", words.Say("approvals.with-tax", "Amount", h.Money(sum)))
	case taxing.is("NoTax"):
		r.fact("amount", h.Money(sum))
	case taxed:
		sum = sum.Add(tax)
		r.fact("amount", words.Say("approvals.with-tax", "Amount", h.Money(sum)))
	default:
		r.fact("amount", words.Say("approvals.before-tax", "Amount", h.Money(sum)))
		r.before = true
	}
	r.amount = decimal.NewNullDecimal(sum)
}

// lineAmount is what a line comes to (Xero-OpenAPI, accounting, LineItem).
func lineAmount(line field) (decimal.Decimal, bool) {
	quantity, counted := line.at("Quantity").number()
	unit, priced := line.at("UnitAmount").number()
	if !priced {
		amount, ok := line.at("LineAmount").number()
		return amount, ok || line.at("LineAmount").text == ""
	}
	if !counted {
		if line.at("Quantity").text != "" {
			return decimal.Zero, false
		}
		quantity = decimal.NewFromInt(1)
	}
	amount := quantity.Mul(unit)
	if rate, ok := line.at("DiscountRate").number(); ok {
		amount = amount.Sub(amount.Mul(rate).Shift(-2))
	}
	if off, ok := line.at("DiscountAmount").number(); ok {
		amount = amount.Sub(off)
	}
	return amount.Round(4), true
}

// mostLines of a document are written out on its card.
const mostLines = 5

func (d *describer) documentLines(list field, money string) (lines []string) {
	for i, line := range list.below {
		if i == mostLines {
			return append(lines, words.Say("approvals.more-lines", "N", len(list.below)-mostLines))
		}
		amount, ok := lineAmount(line)
		text := d.lineName(line)
		if ok {
			text = words.Say("approvals.line", "Description", text, "Amount", d.habits.In(money).Money(amount))
		}
		lines = append(lines, text)
	}
	return lines
}

// day writes a calendar day as the organisation does, whatever form it came in.
func (d *describer) day(text string) string {
	if day, ok := dayOf(text); ok {
		return d.habits.Day(day)
	}
	return short(text)
}

func dayOf(text string) (time.Time, bool) {
	if rest, ok := strings.CutPrefix(text, "/Date("); ok {
		digits, _, _ := strings.Cut(strings.TrimSuffix(rest, ")/"), "+")
		ms, err := strconv.ParseInt(digits, 10, 64)
		day := time.UnixMilli(ms).UTC()
		return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC), err == nil
	}
	if len(text) < len(time.DateOnly) {
		return time.Time{}, false
	}
	day, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)])
	return day, err == nil && (len(text) == len(time.DateOnly) || text[len(time.DateOnly)] == 'T')
}

func (d *describer) wantsContact(f field) { d.want("Contacts", d.contactKey(f)) }

// contactKey is the contact's id. POST knows contacts by their name too: FCC, only
// those that it has read.
func (d *describer) contactKey(f field) string {
	key, _ := d.keyFor(f)
	if key == "" && d.method == http.MethodPost && f.at("ContactNumber").text == "" {
		key = d.named(f.at("Name").text)
	}
	return key
}

func (d *describer) contact(f field) (r askedRecord) {
	key := d.contactKey(f)
	before, there, _ := d.record("Contacts", key)
	act := "change"
	switch {
	case f.at("ContactStatus").is("ARCHIVED"):
		act = "archive"
	case key == "" && d.method == http.MethodPut:
		act = "new"
	case key == "":
		act = "save"
		r.warn("by-name")
	}
	r.ask("contact-"+act, short(cmp.Or(before.at("Name").text, f.at("Name").text)), "")
	if key == "" {
		lines, _ := f.lines()
		for _, line := range lines {
			if len(r.Facts) < 12 && line.Path != "Name" && line.Text != "" {
				r.Facts = append(r.Facts, askedFact{pathWords(line.Path), short(line.Text)})
			}
		}
	} else {
		d.compareContact(&r, f, before, there, key)
	}
	if changesBank(f, before) {
		r.warn("bank-details")
	}
	return r
}

func (d *describer) compareContact(r *askedRecord, f, before field, there bool, key string) {
	if isID(key) {
		r.id, r.Link = key, d.books.ContactLink(key)
	}
	if !there {
		d.compare(r, field{kind: objectField, below: append([]field{{name: "ContactID", text: key}}, f.below...)}, before, false, key)
		return
	}
	if r.Changes = d.changes(f, before); len(r.Changes) == 0 {
		r.warn("same")
	}
}
