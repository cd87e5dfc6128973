package xerosim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopspring/decimal"
)

// books are one organisation's books. They are made the first time that somebody
// asks, relative to that day; what is written afterwards lives in memory only.
//
// What holds at every moment: an invoice's lines sum to its totals, its payments
// to its AmountPaid, its credit notes to its AmountCredited, and a contact's
// balances are the sums of its open invoices.
type books struct {
	profile  *profile
	accounts []*account // nobody changes them

	mu       sync.RWMutex // guards all below, and what it points to
	rand     *rand.Rand
	contacts []*contact
	invoices []*invoice
	payments []*payment
	money    []*bankTransaction

	contactByID map[string]*contact
	invoiceByID map[string]*invoice
	paymentByID map[string]*payment
	nextSale    int // the number of the next sales invoice

	others // what the other APIs show

	kept [2]atomic.Pointer[[]posting] // by accruals, by cash; nil after a change
}

type account struct {
	id, code, name, kind, class string
	description                 string
	system                      string // SystemAccount
	tax                         string
	currency, number            string // of a bank account
	bankType                    string
	opening                     decimal.Decimal // of a bank account, when the books begin, in base currency
	archived, payable           bool            // payable: EnablePaymentsToAccount
	updated                     time.Time
}

type contact struct {
	id, number, accountNumber, name, first, last, email string
	phone, city, country, taxNumber                     string
	currency                                            string
	customer, supplier, archived                        bool
	updated                                             time.Time
	invoices                                            []*invoice
}

// An invoice is a sale (ACCREC) or a bill (ACCPAY). Its amounts are in its own
// currency; Xero's CurrencyRate is how much of that one unit of the base currency
// buys, so the base amount is Total / CurrencyRate.
type invoice struct {
	id, number, reference, kind, status, currency string
	app                                           string // the id of the app that wrote it, if one did
	contact                                       *contact
	date, due                                     time.Time // calendar days at midnight UTC; due may be zero on a draft
	fullyPaid                                     time.Time
	rate                                          decimal.Decimal
	taxing                                        string // LineAmountTypes
	lines                                         []line
	subTotal, totalTax, total, paid, credited     decimal.Decimal
	payments                                      []*payment
	credits                                       []credit
	attachments                                   []*file
	sent                                          bool
	updated                                       time.Time
}

type line struct {
	id, description, accountCode, tax string
	quantity, unit, discount          decimal.Decimal // discount in per cent, mostly none
	amount, taxAmount                 decimal.Decimal
}

type payment struct {
	id, reference      string
	invoice            *invoice
	account            *account
	date               time.Time
	amount, bankAmount decimal.Decimal // in the invoice's and in the bank account's currency
	rate               decimal.Decimal
	reconciled         bool
	updated            time.Time
}

// kind is the PaymentType.
func (p *payment) kind() string { return p.invoice.kind + "PAYMENT" }

// A bankTransaction is money spent or received that pays no invoice, in the currency
// of its bank account.
type bankTransaction struct {
	id, reference, kind, status string // kind: SPEND, RECEIVE
	contact                     *contact
	account                     *account
	date                        time.Time
	rate                        decimal.Decimal
	line                        line // exclusive of tax
	reconciled                  bool
	updated                     time.Time
}

func (t *bankTransaction) total() decimal.Decimal { return t.line.amount.Add(t.line.taxAmount) }

// credit is the part of a credit note that was set against an invoice.
type credit struct {
	id, number string
	date       time.Time
	amount     decimal.Decimal
}

// amountDue is nothing for what is no claim any more: Xero keeps the total of a
// voided invoice and shows 0.00 due.
func (i *invoice) amountDue() decimal.Decimal {
	if i.status == "VOIDED" || i.status == "DELETED" {
		return decimal.Zero
	}
	return i.total.Sub(i.paid).Sub(i.credited)
}

// balance sums what is open with a contact, in the currencies as they stand:
// Xero does not convert them (openapi, Contact.Balances).
func (c *contact) balance(kind string, today time.Time) (outstanding, overdue decimal.Decimal) {
	for _, i := range c.invoices {
		if i.kind != kind || i.status != "AUTHORISED" {
			continue
		}
		outstanding = outstanding.Add(i.amountDue())
		if i.due.Before(today) {
			overdue = overdue.Add(i.amountDue())
		}
	}
	return outstanding, overdue
}

func (c *contact) status() string { return activeUnless(c.archived) }
func (a *account) status() string { return activeUnless(a.archived) }

func activeUnless(archived bool) string {
	if archived {
		return "ARCHIVED"
	}
	return "ACTIVE"
}

// places is how many decimals a currency has.
func places(currency string) int32 {
	if currency == "JPY" {
		return 0
	}
	return 2
}

// reckon sets the line's amount and tax from its quantity, unit and discount, at
// rate in per cent.
func (l *line) reckon(taxing string, rate decimal.Decimal, places int32) {
	l.amount = l.quantity.Mul(l.unit).Mul(hundred.Sub(l.discount)).Shift(-2).Round(places)
	switch taxing {
	case "Exclusive":
		l.taxAmount = l.amount.Mul(rate).Shift(-2).Round(places)
	case "Inclusive":
		l.taxAmount = l.amount.Mul(rate).DivRound(hundred.Add(rate), places)
	default: // NoTax
		l.taxAmount = decimal.Zero
	}
}

var hundred = decimal.NewFromInt(100)

// sum sets the totals from the lines.
func (i *invoice) sum() {
	var amounts, tax decimal.Decimal
	for _, l := range i.lines {
		amounts, tax = amounts.Add(l.amount), tax.Add(l.taxAmount)
	}
	i.totalTax = tax
	i.subTotal = amounts
	if i.taxing == "Inclusive" {
		i.subTotal = amounts.Sub(tax)
	}
	i.total = i.subTotal.Add(tax)
}

func (b *books) addContact(c *contact) {
	b.contacts = append(b.contacts, c)
	b.contactByID[c.id] = c
}

func (b *books) addInvoice(i *invoice) {
	b.invoices = append(b.invoices, i)
	b.invoiceByID[i.id] = i
	i.contact.invoices = append(i.contact.invoices, i)
	// Xero sets these by itself, and UpdatedDateUTC stays.
	i.contact.customer = i.contact.customer || i.kind == "ACCREC"
	i.contact.supplier = i.contact.supplier || i.kind == "ACCPAY"
}

func (b *books) addPayment(p *payment) {
	b.payments = append(b.payments, p)
	b.paymentByID[p.id] = p
	p.invoice.payments = append(p.invoice.payments, p)
	p.invoice.paid = p.invoice.paid.Add(p.amount)
}

// findContact takes an id or a contact number, as Xero's path does.
func (b *books) findContact(key string) *contact {
	if c := b.contactByID[strings.ToLower(key)]; c != nil {
		return c
	}
	return first(b.contacts, func(c *contact) bool { return c.number != "" && strings.EqualFold(c.number, key) })
}

// findInvoice takes an id or an invoice number, as Xero's path does.
func (b *books) findInvoice(key string) *invoice {
	if i := b.invoiceByID[strings.ToLower(key)]; i != nil {
		return i
	}
	return first(b.invoices, func(i *invoice) bool { return i.number != "" && strings.EqualFold(i.number, key) })
}

// first returns the first element that fits, or nil.
func first[T any](all []*T, fits func(*T) bool) *T {
	if n := slices.IndexFunc(all, fits); n >= 0 {
		return all[n]
	}
	return nil
}

func (b *books) account(code string) *account {
	return first(b.accounts, func(a *account) bool { return a.code != "" && strings.EqualFold(a.code, code) })
}

// id draws a random UUID (version 4).
func (b *books) id() string {
	hi, lo := b.rand.Uint64(), b.rand.Uint64()
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 1<<63
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xffff, lo>>48, lo&(1<<48-1))
}
