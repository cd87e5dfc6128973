package xerosim

import (
	"slices"
	"strings"
	"time"
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
	fits, err := accountFields.where(q.where, "Account")
	if err != nil {
		return nil, err
	}
	accounts := slices.DeleteFunc(slices.Clone(c.books.accounts), func(a *account) bool { return !q.changed(a.updated) || !fits(a) })
	if err := accountFields.sort(q, accounts, "Account"); err != nil {
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

func listContacts(c *call) (any, error) {
	q, err := c.ask()
	if err != nil {
		return nil, err
	}
	fits, err := contactFields.where(q.where, "Contact")
	if err != nil {
		return nil, err
	}
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	var fit []*contact
	for _, contact := range b.contacts {
		if (q.includeArchived || !contact.archived) && among(q.ids, contact.id) && q.changed(contact.updated) &&
			q.mentions(contact.name, contact.first, contact.last, contact.number, contact.email) && fits(contact) {
			fit = append(fit, contact)
		}
	}
	if err := contactFields.sort(q, fit, "Contact"); err != nil {
		return nil, err
	}
	out := contactsJSON{head: c.head(), Contacts: []contactJSON{}}
	for _, contact := range cut(&out.head, q, fit) {
		out.Contacts = append(out.Contacts, contact.json(q.detail(), c.today()))
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
	return contactsJSON{c.head(), []contactJSON{contact.json(full, c.today())}}, nil
}

type invoicesJSON struct {
	head
	Invoices []invoiceJSON
}

func listInvoices(c *call) (any, error) {
	q, err := c.ask()
	if err != nil {
		return nil, err
	}
	fits, err := invoiceFields.where(q.where, "Invoice")
	if err != nil {
		return nil, err
	}
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	var fit []*invoice
	for _, i := range b.invoices {
		if among(q.ids, i.id) && among(q.contacts, i.contact.id) && among(q.numbers, i.number) && among(q.statuses, i.status) &&
			q.changed(i.updated) && q.mentions(i.number, i.reference) && (!q.createdByApp || i.app == c.access.client.ID) && fits(i) {
			fit = append(fit, i)
		}
	}
	if err := invoiceFields.sort(q, fit, "Invoice"); err != nil {
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

func listPayments(c *call) (any, error) {
	q, err := c.ask()
	if err != nil {
		return nil, err
	}
	fits, err := paymentFields.where(q.where, "Payment")
	if err != nil {
		return nil, err
	}
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	fit := slices.DeleteFunc(slices.Clone(b.payments), func(p *payment) bool { return !q.changed(p.updated) || !fits(p) })
	if err := paymentFields.sort(q, fit, "Payment"); err != nil {
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
