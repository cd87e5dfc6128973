package xerosim

import (
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

// listAccounts knows no pages, as Xero does not.
func listAccounts(c *call) (any, error) {
	q, err := c.ask()
	if err != nil {
		return nil, err
	}
	fit, err := choose(q, c.books.accounts, accountFields, "Account", func(q query, a *account) bool { return q.changed(a.updated) })
	return c.accounts(fit), err
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
	head, contacts, err := list(c, &c.books.contacts, contactFields, "Contact", func(q query, one *contact) bool {
		return (q.includeArchived || !one.archived) && among(q.ids, one.id) && q.changed(one.updated) &&
			q.mentions(one.name, one.first, one.last, one.number, one.email)
	}, func(q query, one *contact) contactJSON { return one.json(q.detail(), c.today()) })
	return contactsJSON{head, contacts}, err
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
	head, invoices, err := list(c, &c.books.invoices, invoiceFields, "Invoice", func(q query, i *invoice) bool {
		return among(q.ids, i.id) && among(q.contacts, i.contact.id) && among(q.numbers, i.number) && among(q.statuses, i.status) &&
			q.changed(i.updated) && q.mentions(i.number, i.reference) && (!q.createdByApp || i.app == c.access.client.ID)
	}, func(q query, i *invoice) invoiceJSON { return i.json(q.detail(), q.unitPlaces) })
	return invoicesJSON{head, invoices}, err
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
	head, payments, err := list(c, &c.books.payments, paymentFields, "Payment",
		func(q query, p *payment) bool { return q.changed(p.updated) },
		func(_ query, p *payment) paymentJSON { return p.json() })
	return paymentsJSON{head, payments}, err
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
