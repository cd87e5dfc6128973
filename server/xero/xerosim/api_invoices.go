package xerosim

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// invoiceIn is what a request says of an invoice. What it leaves out stays.
type invoiceIn struct {
	Type, InvoiceID, InvoiceNumber, Reference, Date, DueDate, Status, LineAmountTypes, CurrencyCode *string
	Contact                                                                                         *contactIn
	LineItems                                                                                       []lineIn
	CurrencyRate                                                                                    *decimal.Decimal
	SentToContact                                                                                   *bool
}

// undated reports whether it changes nothing but DueDate and SentToContact.
func (in invoiceIn) undated() bool {
	in.InvoiceID, in.DueDate, in.SentToContact = nil, nil, nil
	return reflect.ValueOf(in).IsZero()
}

type lineIn struct {
	Description, AccountCode, TaxType                         string
	Quantity, UnitAmount, LineAmount, TaxAmount, DiscountRate *decimal.Decimal
}

// saveInvoices creates invoices, or changes those that are named by id.
func saveInvoices(c *call) (any, error) {
	q, err := c.ask()
	if err != nil {
		return nil, err
	}
	numbers := map[string]bool{} // of this request
	out, err := save(c, "Invoices", func(in invoiceIn) verdict[invoiceJSON] { return c.judgeInvoice(in, numbers, q.unitPlaces) })
	return invoicesJSON{c.head(), out}, err
}

// A draft is an invoice that a request asks for, while it is checked.
type draft struct {
	invoice
	known *invoice // nil: a new one
	wrong []string
}

func (d *draft) object(format string, args ...any) {
	d.wrong = append(d.wrong, fmt.Sprintf(format, args...))
}

func (c *call) judgeInvoice(in invoiceIn, numbers map[string]bool, unitPlaces int32) verdict[invoiceJSON] {
	b := c.books
	d := c.draft(in)
	if d.known == nil {
		c.draftNew(d, in)
	}
	d.contact = c.draftContact(d, in)
	c.draftDates(d, in)
	c.draftLines(d, in)
	c.draftStatus(d, in)
	if in.InvoiceNumber != nil {
		d.number = *in.InvoiceNumber
	}
	if d.number != "" && d.kind == "ACCREC" {
		if same := b.findInvoice(d.number); same != nil && same != d.known || numbers[d.number] {
			d.object("Invoice # must be unique.")
		}
		numbers[d.number] = true
	}
	if in.Reference != nil {
		d.reference = *in.Reference
	}
	if in.SentToContact != nil {
		d.sent = *in.SentToContact
	}
	if d.wrong != nil {
		invalid := d.json(full, unitPlaces)
		invalid.InvoiceID = cmp.Or(d.id, noID)
		invalid.HasErrors, invalid.StatusAttributeString, invalid.ValidationErrors = true, "ERROR", messages(d.wrong)
		return verdict[invoiceJSON]{invalid: invalid}
	}
	return verdict[invoiceJSON]{save: func() invoiceJSON {
		if d.known == nil || !d.known.settledInPart() || !in.undated() {
			d.updated = c.now
		}
		if d.known != nil {
			*d.known = d.invoice
			return d.known.json(full, unitPlaces)
		}
		d.id, d.app = b.id(), c.access.client.ID
		for d.kind == "ACCREC" && d.number == "" {
			if n := b.saleNumber(); b.findInvoice(n) == nil {
				d.number = n
			}
		}
		if b.contactByID[d.contact.id] == nil {
			// Another invoice of this request may have made it meanwhile.
			if made := b.contactCalled(d.contact.name); made != nil {
				d.contact = made
			} else {
				b.addContact(d.contact)
			}
		}
		b.addInvoice(&d.invoice)
		return d.invoice.json(full, unitPlaces)
	}}
}

// draft starts from the invoice that is named, or from nothing.
func (c *call) draft(in invoiceIn) *draft {
	d := &draft{}
	key := cmp.Or(c.key, value(in.InvoiceID))
	if key == "" {
		return d
	}
	if d.known = c.books.findInvoice(key); d.known == nil {
		d.object("The invoice does not exist in this organisation.")
		return d
	}
	d.invoice = *d.known
	d.lines = slices.Clone(d.lines)
	return d
}

func (c *call) draftNew(d *draft, in invoiceIn) {
	b := c.books
	d.kind, d.status, d.rate = value(in.Type), "DRAFT", decimal.NewFromInt(1)
	d.taxing = cmp.Or(value(in.LineAmountTypes), "Exclusive")
	d.currency = cmp.Or(value(in.CurrencyCode), b.profile.base)
	if d.kind != "ACCREC" && d.kind != "ACCPAY" {
		d.object("Invoice not of valid type for creation")
	}
	if !slices.Contains([]string{"Exclusive", "Inclusive", "NoTax"}, d.taxing) {
		d.object("Invalid value for LineAmountTypes")
		d.taxing = "Exclusive"
	}
	switch {
	case !b.profile.deals(d.currency):
		d.object("Organisation is not subscribed to currency %s", d.currency)
		d.currency = b.profile.base
	case in.CurrencyRate != nil && d.currency != b.profile.base:
		if d.rate = *in.CurrencyRate; !sane(d.rate) || !d.rate.IsPositive() {
			d.object("The currency rate must be above zero.")
			d.rate = decimal.NewFromInt(1)
		}
	case d.currency != b.profile.base:
		d.rate = b.profile.currencies[d.currency]
	}
}

// draftContact finds the contact by id, number or name, and makes a new one of a
// new name.
func (c *call) draftContact(d *draft, in invoiceIn) *contact {
	none := &contact{id: noID}
	if in.Contact == nil {
		if d.known == nil {
			d.object("A Contact must be specified for this type of transaction")
			return none
		}
		return d.contact
	}
	b := c.books
	known, found := b.knownContact(*in.Contact, "")
	name := strings.TrimSpace(value(in.Contact.Name))
	if known == nil && found && name != "" {
		known = b.contactCalled(name)
	}
	switch {
	case d.known != nil && known != d.contact:
		d.object("The contact of a saved invoice cannot be changed here.")
		return d.contact
	case known != nil:
		return known
	case !found || name == "":
		d.object("A Contact must be specified for this type of transaction")
		return none
	}
	return &contact{id: b.id(), name: name, currency: d.currency, country: b.profile.country, updated: c.now,
		customer: d.kind == "ACCREC", supplier: d.kind == "ACCPAY"}
}

func (b *books) contactCalled(name string) *contact {
	return first(b.contacts, func(o *contact) bool { return strings.EqualFold(o.name, name) })
}

func (c *call) draftDates(d *draft, in invoiceIn) {
	if d.known == nil {
		d.date = c.today()
	}
	for to, from := range map[*time.Time]*string{&d.date: in.Date, &d.due: in.DueDate} {
		if from == nil {
			continue
		}
		day, err := readDay(*from)
		if err != nil {
			d.object("%s is not a valid date", *from)
			continue
		}
		*to = day
	}
}

var dotNetDate = regexp.MustCompile(`^/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/$`)

// readDay takes the forms of a calendar day that Xero takes.
func readDay(text string) (time.Time, error) {
	if m := dotNetDate.FindStringSubmatch(text); m != nil {
		ms, err := strconv.ParseInt(m[1], 10, 64)
		return midnight(time.UnixMilli(ms)), err
	}
	text, _, _ = strings.Cut(text, "T")
	return time.Parse(time.DateOnly, text)
}

// sane keeps a number to what money can be: an exponent of a million would take
// all the memory there is.
func sane(d decimal.Decimal) bool {
	return d.Exponent() > -12 && d.Exponent() < 12 && d.NumDigits() < 24
}

func (c *call) draftLines(d *draft, in invoiceIn) {
	if in.LineItems == nil {
		if d.known == nil {
			d.object("One or more line items must be specified")
		}
		return
	}
	if d.known != nil && (len(d.payments) > 0 || len(d.credits) > 0 || d.status == "VOIDED" || d.status == "DELETED") {
		d.object("This document cannot be edited as it has a payment or credit note allocated to it.")
		return
	}
	b := c.books
	d.lines = nil
	for _, from := range in.LineItems {
		l := line{id: b.id(), description: from.Description, accountCode: from.AccountCode, tax: from.TaxType, quantity: decimal.NewFromInt(1)}
		for to, number := range map[*decimal.Decimal]*decimal.Decimal{&l.quantity: from.Quantity, &l.unit: from.UnitAmount, &l.discount: from.DiscountRate} {
			if number == nil {
				continue
			}
			if !sane(*number) {
				d.object("A number of a line item is too large")
				continue
			}
			*to = *number
		}
		if from.UnitAmount == nil && from.LineAmount != nil && sane(*from.LineAmount) && !l.quantity.IsZero() {
			l.unit = from.LineAmount.DivRound(l.quantity, 4)
		}
		if l.accountCode != "" && b.account(l.accountCode) == nil {
			d.object("Account code '%s' is not a valid code for this document.", l.accountCode)
		}
		if strings.TrimSpace(l.description) == "" {
			d.object("Description must be specified")
		}
		b.tax(&l, d)
		d.lines = append(d.lines, l)
	}
	d.sum()
	if d.total.IsNegative() {
		d.object("The document total must not be less than zero.")
	}
}

// tax settles the line's tax type, its account's unless it has one, and reckons.
func (b *books) tax(l *line, d *draft) {
	if a := b.account(l.accountCode); l.tax == "" && a != nil {
		l.tax = a.tax
	}
	if l.tax == "" || d.taxing == "NoTax" {
		l.tax = "NONE"
	}
	rate := decimal.Zero
	switch l.tax {
	case "OUTPUT2", "INPUT2":
		rate = decimal.NewFromInt(b.profile.taxRate)
	case "NONE":
	default:
		d.object("The TaxType code '%s' does not exist or cannot be used for this type of transaction.", l.tax)
	}
	l.reckon(d.taxing, rate, places(d.currency))
}

// steps are the changes of status that a request may make.
var steps = map[string][]string{
	"DRAFT":      {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
	"SUBMITTED":  {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
	"AUTHORISED": {"AUTHORISED", "VOIDED"},
	"PAID":       {"PAID"},
	"VOIDED":     {"VOIDED"},
	"DELETED":    {"DELETED"},
}

func (c *call) draftStatus(d *draft, in invoiceIn) {
	if in.Status != nil {
		to := strings.ToUpper(*in.Status)
		switch {
		case !slices.Contains(steps[d.status], to), d.known == nil && to == "DELETED":
			d.object("Invoice Status is not valid: %s cannot become %s.", d.status, *in.Status)
			return
		case to == "VOIDED" && (len(d.payments) > 0 || len(d.credits) > 0):
			d.object("Invoice cannot be voided: it has a payment or credit note allocated to it.")
			return
		}
		d.status = to
	}
	if d.status != "AUTHORISED" && d.status != "SUBMITTED" {
		return
	}
	if d.due.IsZero() {
		d.object("The Due Date must be specified")
	}
	if slices.ContainsFunc(d.lines, func(l line) bool { return l.accountCode == "" }) {
		d.object("Account code must be specified")
	}
	if d.status == "AUTHORISED" && d.total.IsZero() {
		d.status, d.fullyPaid = "PAID", d.date // nothing is left to pay
	}
}
