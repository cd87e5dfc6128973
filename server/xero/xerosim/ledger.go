package xerosim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// A Ledger is an organisation whose books somebody typed, so that its sums can be
// reckoned by hand. Amounts are texts, "1234.50"; an empty one is zero. Days count
// from the organisation's today: -30 is thirty days ago.
type Ledger struct {
	Name         string
	Country      string // NZ when empty
	Base         string // currency; NZD when empty
	Timezone     string // NEWZEALANDSTANDARDTIME when empty, or another that the simulated Xero knows
	YearEndDay   int    // of the financial year; 31 March when empty
	YearEndMonth int

	Banks    []LedgerBank
	Accounts []LedgerAccount // beside the usual: 200 Sales, 310 Cost of Goods Sold, 400 to 488 expenses …
	Contacts []LedgerContact
	Invoices []LedgerInvoice
	Payments []LedgerPayment
	Money    []LedgerMoney
}

// LedgerBank is a bank account.
type LedgerBank struct {
	Name, Code, Number string
	Kind               string // BANK when empty, CREDITCARD, PAYPAL
	Currency           string // the base currency when empty
	Opening            string // balance before all payments, in base currency
}

// LedgerAccount is another account of the chart.
type LedgerAccount struct {
	Name, Code string
	Type       string // REVENUE, DIRECTCOSTS, EXPENSE, FIXED, CURRLIAB, EQUITY …
	Class      string // ASSET, EQUITY, EXPENSE, LIABILITY, REVENUE
}

// LedgerContact is one; of those that only invoices name the rest is empty.
type LedgerContact struct {
	Name, Number, Email, Currency string
	Archived                      bool
}

// LedgerInvoice is a sale or a bill.
type LedgerInvoice struct {
	Type      string // ACCREC, ACCPAY
	Number    string // by which payments name it
	Reference string
	Contact   string // by name

	Days    int // its date
	DueDays int // when it is due
	NoDue   bool
	// MonthDay, where it is not 0, is the day of a month on which the invoice is
	// dated, and Months says which: 0 this month, -1 the last.
	Months, MonthDay int

	Status   string // AUTHORISED when empty; what is paid in full is PAID
	Currency string // the base currency when empty
	Rate     string // how much of it one unit of the base currency buys; 1 when empty
	Lines    []LedgerLine
}

// LedgerLine is a line of it, net of tax.
type LedgerLine struct {
	Account     string // code
	Description string
	Net, Tax    string
}

// LedgerPayment is a payment of an invoice, in the invoice's currency.
type LedgerPayment struct {
	Invoice string // number
	Bank    string // name or code
	Days    int
	Amount  string
	Rate    string // the invoice's when empty
}

// LedgerMoney is a bank transaction, in the currency of the bank account.
type LedgerMoney struct {
	Type         string // SPEND, RECEIVE
	Status       string // AUTHORISED when empty, VOIDED, DELETED
	Bank         string // name or code
	Contact      string // by name
	Reference    string
	Days         int
	Account      string // code
	Net, Tax     string
	Rate         string // how much of it one unit of the base currency buys; 1 when empty
	Unreconciled bool
}

// ReadLedger reads a Ledger from JSON, by its fields' names.
func ReadLedger(text []byte) (Ledger, error) {
	var l Ledger
	read := json.NewDecoder(bytes.NewReader(text))
	read.DisallowUnknownFields()
	if err := read.Decode(&l); err != nil {
		return l, fmt.Errorf("simulated Xero: books: %w", err)
	}
	return l, nil
}

// profile checks the ledger, and is what its books are made from.
func (l *Ledger) profile(now time.Time) (*profile, error) {
	p := &profile{
		key: "ledger " + l.Name, name: l.Name, legalName: l.Name, country: cmp.Or(l.Country, "NZ"), version: cmp.Or(l.Country, "NZ"),
		base: cmp.Or(l.Base, "NZD"), timezone: cmp.Or(l.Timezone, "NEWZEALANDSTANDARDTIME"), class: "GROW", shortCode: "!tYp3d", taxRate: 15,
		yearEndDay: cmp.Or(l.YearEndDay, 31), yearEndMonth: cmp.Or(l.YearEndMonth, 3), currencies: map[string]decimal.Decimal{}, ledger: l,
	}
	for _, i := range l.Invoices {
		if i.Currency != "" && i.Currency != p.base {
			rate, err := parseAmount(i.Rate, one)
			if err != nil {
				return nil, err
			}
			p.currencies[i.Currency] = rate
		}
	}
	for _, bank := range l.Banks {
		opening, err := parseAmount(bank.Opening, decimal.Zero)
		if err != nil {
			return nil, fmt.Errorf("simulated Xero: books of %s: %w", l.Name, err)
		}
		p.banks = append(p.banks, account{code: bank.Code, name: bank.Name, number: bank.Number,
			bankType: cmp.Or(bank.Kind, "BANK"), currency: bank.Currency, opening: opening})
	}
	switch _, known := zones[p.timezone]; {
	case l.Name == "":
		return nil, fmt.Errorf("simulated Xero: books without a name")
	case !known:
		return nil, fmt.Errorf("simulated Xero: books of %s: time zone %q is not known", l.Name, l.Timezone)
	}
	if _, err := newLedgerBooks(p, 0, now); err != nil {
		return nil, fmt.Errorf("simulated Xero: books of %s: %w", l.Name, err)
	}
	return p, nil
}

func parseAmount(text string, otherwise decimal.Decimal) (decimal.Decimal, error) {
	if text == "" {
		return otherwise, nil
	}
	d, err := decimal.NewFromString(text)
	if err != nil || !sane(d) {
		return d, fmt.Errorf("%q is no amount", text)
	}
	return d, nil
}

func newLedgerBooks(p *profile, seed uint64, now time.Time) (*books, error) {
	h := fnv.New64a()
	h.Write([]byte(p.key))
	b := &books{
		profile: p, rand: rand.New(rand.NewPCG(seed, h.Sum64())), nextSale: 1,
		contactByID: map[string]*contact{}, invoiceByID: map[string]*invoice{}, paymentByID: map[string]*payment{},
	}
	l := p.ledger
	m := maker{books: b, now: now, today: p.today(now)}
	m.accounts()
	for _, a := range l.Accounts {
		b.accounts = append(b.accounts, &account{id: b.id(), name: a.Name, code: a.Code, kind: a.Type, class: a.Class, tax: "NONE", updated: now})
	}
	for _, c := range l.Contacts {
		if _, err := b.typeContact(c, now); err != nil {
			return nil, err
		}
	}
	for _, i := range l.Invoices {
		if _, err := b.typeInvoice(i, now); err != nil {
			return nil, err
		}
	}
	for _, pay := range l.Payments {
		if _, err := b.typePayment(pay, now); err != nil {
			return nil, err
		}
	}
	for _, one := range l.Money {
		if _, err := b.typeMoney(one, now); err != nil {
			return nil, err
		}
	}
	// They were written yesterday: who has read them sees later changes only.
	yesterday := now.Add(-day)
	for _, c := range b.contacts {
		c.updated = yesterday
	}
	for _, i := range b.invoices {
		i.updated = yesterday
	}
	for _, p := range b.payments {
		p.updated = yesterday
	}
	for _, t := range b.money {
		t.updated = yesterday
	}
	return b, nil
}

// typeContact, typeInvoice and typePayment write one record at a time now. The
// caller holds b.mu, or has b to itself.
func (b *books) typeContact(c LedgerContact, now time.Time) (*contact, error) {
	switch {
	case strings.TrimSpace(c.Name) == "":
		return nil, fmt.Errorf("a contact without a name")
	case b.contactCalled(c.Name) != nil:
		return nil, fmt.Errorf("there are two contacts %q", c.Name)
	}
	made := &contact{id: b.id(), name: c.Name, number: c.Number, email: c.Email, currency: cmp.Or(c.Currency, b.profile.base),
		country: b.profile.country, archived: c.Archived, updated: now}
	b.addContact(made)
	return made, nil
}

func (b *books) typeInvoice(from LedgerInvoice, now time.Time) (*invoice, error) {
	today := b.profile.today(now)
	wrong := func(format string, args ...any) (*invoice, error) {
		return nil, fmt.Errorf("invoice %q: %w", from.Number, fmt.Errorf(format, args...))
	}
	i := &invoice{
		number: from.Number, reference: from.Reference, kind: from.Type, status: cmp.Or(from.Status, "AUTHORISED"),
		currency: cmp.Or(from.Currency, b.profile.base), date: today.AddDate(0, 0, from.Days), taxing: "Exclusive", updated: now,
	}
	if from.MonthDay != 0 {
		i.date = time.Date(today.Year(), today.Month()+time.Month(from.Months), from.MonthDay, 0, 0, 0, 0, time.UTC)
	}
	if !from.NoDue {
		i.due = today.AddDate(0, 0, from.DueDays)
	}
	var err error
	if i.rate, err = parseAmount(from.Rate, one); err != nil || !i.rate.IsPositive() {
		return wrong("%q is no rate", from.Rate)
	}
	switch {
	case from.Number == "" || b.findInvoice(from.Number) != nil:
		return wrong("the number must be there, once")
	case i.kind != "ACCREC" && i.kind != "ACCPAY":
		return wrong("%q is neither ACCREC nor ACCPAY", i.kind)
	case !slices.Contains([]string{"DRAFT", "SUBMITTED", "AUTHORISED", "VOIDED", "DELETED"}, i.status):
		return wrong("it cannot be typed as %q", i.status)
	case i.due.IsZero() && i.status == "AUTHORISED":
		return wrong("it must be due some day")
	case !b.profile.deals(i.currency):
		return wrong("the organisation does not deal in %s", i.currency)
	case i.currency == b.profile.base && !i.rate.Equal(one):
		return wrong("a rate of the base currency")
	case len(from.Lines) == 0:
		return wrong("it has no lines")
	}
	i.id = b.id()
	for _, l := range from.Lines {
		net, err := parseAmount(l.Net, decimal.Zero)
		if err != nil {
			return wrong("%w", err)
		}
		tax, err := parseAmount(l.Tax, decimal.Zero)
		if err != nil {
			return wrong("%w", err)
		}
		if b.account(l.Account) == nil {
			return wrong("there is no account %q", l.Account)
		}
		kind := "NONE"
		if !tax.IsZero() {
			kind = map[string]string{"ACCREC": "OUTPUT2", "ACCPAY": "INPUT2"}[i.kind]
		}
		i.lines = append(i.lines, line{id: b.id(), description: cmp.Or(l.Description, "As typed"), accountCode: l.Account, tax: kind,
			quantity: one, unit: net, amount: net, taxAmount: tax})
	}
	if i.sum(); !i.total.IsPositive() {
		return wrong("it is about nothing")
	}
	if i.contact = b.contactCalled(from.Contact); i.contact == nil {
		if i.contact, err = b.typeContact(LedgerContact{Name: from.Contact, Currency: i.currency}, now); err != nil {
			return wrong("%w", err)
		}
	}
	i.sent = i.kind == "ACCREC" && i.status == "AUTHORISED"
	b.addInvoice(i)
	return i, nil
}

func (b *books) typePayment(from LedgerPayment, now time.Time) (*payment, error) {
	wrong := func(format string, args ...any) (*payment, error) {
		return nil, fmt.Errorf("payment of %q: %w", from.Invoice, fmt.Errorf(format, args...))
	}
	i := b.findInvoice(from.Invoice)
	if i == nil || i.status != "AUTHORISED" {
		return wrong("there is no such invoice to be paid")
	}
	bank := b.bankCalled(from.Bank)
	if bank == nil {
		return wrong("there is no bank account %q", from.Bank)
	}
	amount, err := parseAmount(from.Amount, i.amountDue())
	if err != nil {
		return wrong("%w", err)
	}
	if !amount.IsPositive() || amount.GreaterThan(i.amountDue()) {
		return wrong("%s of %s due", amount, i.amountDue())
	}
	rate, err := parseAmount(from.Rate, i.rate)
	if err != nil || !rate.IsPositive() {
		return wrong("%q is no rate", from.Rate)
	}
	p := &payment{id: b.id(), invoice: i, account: bank, amount: amount, bankAmount: amount, rate: rate, reconciled: true,
		date: b.profile.today(now).AddDate(0, 0, from.Days), updated: now}
	if bank.currency != i.currency {
		p.bankAmount = amount.DivRound(rate, 2)
	}
	b.pay(p)
	return p, nil
}

// pay books a payment, and closes its invoice with the last.
func (b *books) pay(p *payment) {
	b.addPayment(p)
	i := p.invoice
	i.updated = p.updated
	if i.amountDue().IsZero() {
		i.status, i.fullyPaid = "PAID", p.date
	}
}
