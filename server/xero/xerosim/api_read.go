package xerosim

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

type organisationsJSON struct {
	head
	Organisations []organisationJSON
}

type organisationJSON struct {
	Name, LegalName        string
	PaysTax                bool
	Version                string
	OrganisationType       string
	BaseCurrency           string
	CountryCode            string
	IsDemoCompany          bool
	OrganisationStatus     string
	TaxNumber              string
	FinancialYearEndDay    int
	FinancialYearEndMonth  int
	SalesTaxBasis          string
	SalesTaxPeriod         string
	DefaultSalesTax        string
	DefaultPurchasesTax    string
	CreatedDateUTC         string
	OrganisationEntityType string
	Timezone               string
	ShortCode              string
	OrganisationID         string
	Edition                string
	Class                  string
	LineOfBusiness         string
	Addresses              []struct{}
	Phones                 []struct{}
	ExternalLinks          []struct{}
	PaymentTerms           struct{}
}

func showOrganisation(c *call) (any, error) {
	p := c.books.profile
	return organisationsJSON{c.head(), []organisationJSON{{
		Name: p.name, LegalName: p.legalName, PaysTax: true, Version: p.version, OrganisationType: "COMPANY",
		BaseCurrency: p.base, CountryCode: p.country, OrganisationStatus: "ACTIVE", TaxNumber: p.taxNumber,
		FinancialYearEndDay: p.yearEndDay, FinancialYearEndMonth: p.yearEndMonth, SalesTaxBasis: "ACCRUALS", SalesTaxPeriod: "TWOMONTHS",
		DefaultSalesTax: "Tax Exclusive", DefaultPurchasesTax: "Tax Exclusive",
		CreatedDateUTC:         stamp(time.Date(2019, time.April, 1, 21, 4, 7, 0, time.UTC)),
		OrganisationEntityType: "COMPANY", Timezone: p.timezone, ShortCode: p.shortCode, OrganisationID: c.tenant,
		Edition: "BUSINESS", Class: p.class, LineOfBusiness: p.lineOfBusiness,
		Addresses: []struct{}{}, Phones: []struct{}{}, ExternalLinks: []struct{}{},
	}}}, nil
}

type accountsJSON struct {
	head
	Accounts []accountJSON
}

func listAccounts(c *call) (any, error) {
	q, err := c.ask()
	if err != nil {
		return nil, err
	}
	accounts := slices.DeleteFunc(slices.Clone(c.books.accounts), func(a *account) bool { return !a.updated.After(q.since) })
	order := ordering[*account]{
		"code": by(func(a *account) string { return a.code }),
		"name": by(func(a *account) string { return a.name }),
		"type": by(func(a *account) string { return a.kind }),
	}
	if err := order.sort(q, accounts, "Account"); err != nil {
		return nil, err
	}
	return c.accounts(accounts), nil
}

func oneAccount(c *call) (any, error) {
	a := first(c.books.accounts, func(a *account) bool { return strings.EqualFold(a.id, c.key) })
	if a == nil {
		return nil, errNotFound
	}
	return c.accounts([]*account{a}), nil
}

func (c *call) accounts(list []*account) accountsJSON {
	out := accountsJSON{head: c.head(), Accounts: []accountJSON{}}
	for _, a := range list {
		out.Accounts = append(out.Accounts, a.json())
	}
	return out
}

type contactsJSON struct {
	head
	Contacts []contactJSON
}

var contactOrder = ordering[*contact]{
	"name":           by(func(c *contact) string { return c.name }),
	"emailaddress":   by(func(c *contact) string { return c.email }),
	"contactnumber":  by(func(c *contact) string { return c.number }),
	"contactid":      by(func(c *contact) string { return c.id }),
	"updateddateutc": byTime(func(c *contact) time.Time { return c.updated }),
}

func listContacts(c *call) (any, error) {
	q, err := c.ask()
	if err != nil {
		return nil, err
	}
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	var fit []*contact
	for _, contact := range b.contacts {
		if (q.includeArchived || !contact.archived) && among(q.ids, contact.id) && contact.updated.After(q.since) &&
			q.mentions(contact.name, contact.first, contact.last, contact.number, contact.email) {
			fit = append(fit, contact)
		}
	}
	if err := contactOrder.sort(q, fit, "Contact"); err != nil {
		return nil, err
	}
	out := contactsJSON{head: c.head(), Contacts: []contactJSON{}}
	for _, contact := range cut(&out.head, q, fit) {
		out.Contacts = append(out.Contacts, contact.json(q.detail(), midnight(c.now)))
	}
	return out, nil
}

func oneContact(c *call) (any, error) {
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	contact := b.findContact(c.key)
	if contact == nil {
		return nil, errNotFound
	}
	return contactsJSON{c.head(), []contactJSON{contact.json(full, midnight(c.now))}}, nil
}

type invoicesJSON struct {
	head
	Invoices []invoiceJSON
}

var invoiceOrder = ordering[*invoice]{
	"date":           byTime(func(i *invoice) time.Time { return i.date }),
	"duedate":        byTime(func(i *invoice) time.Time { return i.due }),
	"updateddateutc": byTime(func(i *invoice) time.Time { return i.updated }),
	"invoicenumber":  by(func(i *invoice) string { return i.number }),
	"invoiceid":      by(func(i *invoice) string { return i.id }),
	"contact.name":   by(func(i *invoice) string { return i.contact.name }),
	"status":         by(func(i *invoice) string { return i.status }),
	"type":           by(func(i *invoice) string { return i.kind }),
	"reference":      by(func(i *invoice) string { return i.reference }),
	"total":          byAmount(func(i *invoice) decimal.Decimal { return i.total }),
	"amountdue":      byAmount((*invoice).amountDue),
	"amountpaid":     byAmount(func(i *invoice) decimal.Decimal { return i.paid }),
}

func listInvoices(c *call) (any, error) {
	q, err := c.ask()
	if err != nil {
		return nil, err
	}
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	var fit []*invoice
	for _, i := range b.invoices {
		if among(q.ids, i.id) && among(q.contacts, i.contact.id) && among(q.numbers, i.number) && among(q.statuses, i.status) &&
			i.updated.After(q.since) && q.mentions(i.number, i.reference) && (!q.createdByApp || i.app == c.access.client.ID) {
			fit = append(fit, i)
		}
	}
	if err := invoiceOrder.sort(q, fit, "Invoice"); err != nil {
		return nil, err
	}
	out := invoicesJSON{head: c.head(), Invoices: []invoiceJSON{}}
	for _, i := range cut(&out.head, q, fit) {
		out.Invoices = append(out.Invoices, i.json(q.detail(), q.unitPlaces))
	}
	return out, nil
}

func oneInvoice(c *call) (any, error) {
	q, err := c.ask()
	if err != nil {
		return nil, err
	}
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	i := b.findInvoice(c.key)
	if i == nil {
		return nil, errNotFound
	}
	return invoicesJSON{c.head(), []invoiceJSON{i.json(full, q.unitPlaces)}}, nil
}

type paymentsJSON struct {
	head
	Payments []paymentJSON
}

var paymentOrder = ordering[*payment]{
	"date":           byTime(func(p *payment) time.Time { return p.date }),
	"updateddateutc": byTime(func(p *payment) time.Time { return p.updated }),
	"paymentid":      by(func(p *payment) string { return p.id }),
	"amount":         byAmount(func(p *payment) decimal.Decimal { return p.amount }),
}

func listPayments(c *call) (any, error) {
	q, err := c.ask()
	if err != nil {
		return nil, err
	}
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	fit := slices.DeleteFunc(slices.Clone(b.payments), func(p *payment) bool { return !p.updated.After(q.since) })
	if err := paymentOrder.sort(q, fit, "Payment"); err != nil {
		return nil, err
	}
	out := paymentsJSON{head: c.head(), Payments: []paymentJSON{}}
	for _, p := range cut(&out.head, q, fit) {
		out.Payments = append(out.Payments, p.json())
	}
	return out, nil
}

func onePayment(c *call) (any, error) {
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	p := b.paymentByID[strings.ToLower(c.key)]
	if p == nil {
		return nil, errNotFound
	}
	return paymentsJSON{c.head(), []paymentJSON{p.json()}}, nil
}
