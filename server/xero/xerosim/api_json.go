package xerosim

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

// These are the answers' shapes, in the order in which Xero writes them.

type contactJSON struct {
	ContactID             string
	ContactNumber         string `json:",omitempty"`
	AccountNumber         string `json:",omitempty"`
	ContactStatus         string `json:",omitempty"`
	Name                  string
	FirstName             string        `json:",omitempty"`
	LastName              string        `json:",omitempty"`
	EmailAddress          *string       `json:",omitempty"`
	BankAccountDetails    *string       `json:",omitempty"`
	TaxNumber             string        `json:",omitempty"`
	Addresses             []addressJSON `json:",omitzero"`
	Phones                []phoneJSON   `json:",omitzero"`
	UpdatedDateUTC        string        `json:",omitempty"`
	ContactGroups         []struct{}    `json:",omitzero"`
	IsSupplier            *bool         `json:",omitempty"`
	IsCustomer            *bool         `json:",omitempty"`
	DefaultCurrency       string        `json:",omitempty"`
	Balances              *balancesJSON `json:",omitempty"`
	ContactPersons        []struct{}    `json:",omitzero"`
	HasAttachments        *bool         `json:",omitempty"`
	HasValidationErrors   bool
	StatusAttributeString string        `json:",omitempty"`
	ValidationErrors      []messageJSON `json:",omitempty"`
}

type addressJSON struct {
	AddressType, City, Region, PostalCode, Country string
}

type phoneJSON struct {
	PhoneType, PhoneNumber, PhoneAreaCode, PhoneCountryCode string
}

type balancesJSON struct {
	AccountsReceivable, AccountsPayable struct{ Outstanding, Overdue json.Number }
}

type messageJSON struct{ Message string }

type accountJSON struct {
	AccountID               string
	Code                    string `json:",omitempty"`
	Name                    string
	Status                  string
	Type                    string
	TaxType                 string
	Description             string `json:",omitempty"`
	Class                   string
	SystemAccount           string `json:",omitempty"`
	EnablePaymentsToAccount bool
	ShowInExpenseClaims     bool
	BankAccountNumber       string `json:",omitempty"`
	BankAccountType         string
	CurrencyCode            string `json:",omitempty"`
	ReportingCode           string
	HasAttachments          bool
	UpdatedDateUTC          string
	AddToWatchlist          bool
}

type invoiceJSON struct {
	Type                  string `json:",omitempty"`
	InvoiceID             string
	InvoiceNumber         string
	Reference             string       `json:",omitempty"`
	Payments              []payingJSON `json:",omitzero"`
	CreditNotes           []creditJSON `json:",omitzero"`
	Prepayments           []struct{}   `json:",omitzero"`
	Overpayments          []struct{}   `json:",omitzero"`
	AmountDue             json.Number
	AmountPaid            json.Number
	AmountCredited        json.Number
	SentToContact         bool `json:",omitempty"`
	CurrencyRate          json.Number
	IsDiscounted          bool
	HasErrors             bool
	HasAttachments        bool
	Contact               contactJSON
	DateString            string
	Date                  string
	DueDateString         string `json:",omitempty"`
	DueDate               string `json:",omitempty"`
	Status                string
	LineAmountTypes       string
	LineItems             []lineJSON `json:",omitzero"`
	SubTotal              json.Number
	TotalTax              json.Number
	Total                 json.Number
	UpdatedDateUTC        string
	UpdatedDateUTCString  string
	CurrencyCode          string
	FullyPaidOnDate       string        `json:",omitempty"`
	StatusAttributeString string        `json:",omitempty"`
	ValidationErrors      []messageJSON `json:",omitempty"`
}

// payingJSON is a payment as its invoice shows it.
type payingJSON struct {
	PaymentID           string
	Date                string
	Amount              json.Number
	Reference           string `json:",omitempty"`
	CurrencyRate        json.Number
	HasAccount          bool
	HasValidationErrors bool
}

type creditJSON struct {
	CreditNoteID, CreditNoteNumber string
	Date, DateString               string
	Total, AppliedAmount           json.Number
	HasErrors                      bool
}

type lineJSON struct {
	LineItemID   string
	Description  string
	UnitAmount   json.Number
	TaxType      string
	TaxAmount    json.Number
	LineAmount   json.Number
	AccountCode  string      `json:",omitempty"`
	DiscountRate json.Number `json:",omitempty"`
	Tracking     []struct{}
	Quantity     json.Number
}

type paymentJSON struct {
	PaymentID            string
	Date                 string
	BankAmount           json.Number
	Amount               json.Number
	Reference            string
	CurrencyRate         json.Number
	PaymentType          string
	Status               string
	UpdatedDateUTC       string
	UpdatedDateUTCString string
	HasAccount           bool
	IsReconciled         bool
	Account              struct {
		AccountID string
		Code      string `json:",omitempty"`
	}
	Invoice struct {
		Type, InvoiceID, InvoiceNumber string
		HasErrors, IsDiscounted        bool
		Contact                        contactJSON
		LineItems                      []lineJSON
		CurrencyCode                   string
	}
	HasValidationErrors bool

	StatusAttributeString string        `json:",omitempty"`
	ValidationErrors      []messageJSON `json:",omitempty"`
}

// detail is how much of a record is shown: the light fields of summaryOnly, an
// unpaged list, or everything (a page, or one record).
type detail int

const (
	light detail = iota
	listed
	full
)

func (c *contact) json(as detail, today time.Time) contactJSON {
	no := false
	out := contactJSON{
		ContactID: c.id, ContactNumber: c.number, AccountNumber: c.accountNumber, ContactStatus: c.status(), Name: c.name,
		FirstName: c.first, LastName: c.last, EmailAddress: &c.email, TaxNumber: c.taxNumber, UpdatedDateUTC: stamp(c.updated),
		IsSupplier: &c.supplier, IsCustomer: &c.customer, HasAttachments: &no,
	}
	if as == light {
		return out
	}
	out.BankAccountDetails = new(string)
	out.Addresses = []addressJSON{{AddressType: "STREET"}, {AddressType: "POBOX", City: c.city, Country: c.country}}
	for _, kind := range []string{"DDI", "DEFAULT", "FAX", "MOBILE"} {
		out.Phones = append(out.Phones, phoneJSON{PhoneType: kind})
	}
	out.Phones[1].PhoneNumber = c.phone
	out.ContactGroups, out.ContactPersons = []struct{}{}, []struct{}{}
	out.DefaultCurrency = c.currency
	if len(c.invoices) > 0 {
		out.Balances = &balancesJSON{}
		to := places(c.currency)
		for kind, b := range map[string]*struct{ Outstanding, Overdue json.Number }{
			"ACCREC": &out.Balances.AccountsReceivable, "ACCPAY": &out.Balances.AccountsPayable,
		} {
			outstanding, overdue := c.balance(kind, today)
			b.Outstanding, b.Overdue = number(outstanding, to), number(overdue, to)
		}
	}
	return out
}

// stub is a contact as its invoices and payments show it.
func (c *contact) stub() contactJSON {
	return contactJSON{
		ContactID: c.id, ContactNumber: c.number, Name: c.name,
		Addresses: []addressJSON{}, Phones: []phoneJSON{}, ContactGroups: []struct{}{}, ContactPersons: []struct{}{},
	}
}

func (a *account) json() accountJSON {
	return accountJSON{
		AccountID: a.id, Code: a.code, Name: a.name, Status: a.status(), Type: a.kind, TaxType: a.tax, Description: a.description, Class: a.class,
		SystemAccount: a.system, EnablePaymentsToAccount: a.payable, BankAccountNumber: a.number, BankAccountType: a.bankType,
		CurrencyCode: a.currency, UpdatedDateUTC: stamp(a.updated),
	}
}

// json shows unit prices with unitPlaces decimals: 2, or 4 where the request says
// unitdp=4.
func (i *invoice) json(as detail, unitPlaces int32) invoiceJSON {
	to := places(i.currency)
	out := invoiceJSON{
		Type: i.kind, InvoiceID: i.id, InvoiceNumber: i.number, Reference: i.reference,
		AmountDue: number(i.amountDue(), to), AmountPaid: number(i.paid, to), AmountCredited: number(i.credited, to),
		SentToContact: i.sent, HasAttachments: len(i.attachments) > 0, CurrencyRate: number(i.rate, 6), Contact: i.contact.stub(),
		DateString: dayString(i.date), Date: stamp(i.date), Status: i.status, LineAmountTypes: i.taxing,
		SubTotal: number(i.subTotal, to), TotalTax: number(i.totalTax, to), Total: number(i.total, to),
		UpdatedDateUTC: stamp(i.updated), UpdatedDateUTCString: i.updated.UTC().Format("2006-01-02T15:04:05Z"), CurrencyCode: i.currency,
	}
	if !i.due.IsZero() {
		out.DueDateString, out.DueDate = dayString(i.due), stamp(i.due)
	}
	if !i.fullyPaid.IsZero() {
		out.FullyPaidOnDate = stamp(i.fullyPaid)
	}
	for _, l := range i.lines {
		out.IsDiscounted = out.IsDiscounted || !l.discount.IsZero()
	}
	if as == light {
		return out
	}
	out.Payments, out.CreditNotes = []payingJSON{}, []creditJSON{}
	out.Prepayments, out.Overpayments = []struct{}{}, []struct{}{}
	for _, p := range i.payments {
		out.Payments = append(out.Payments, payingJSON{
			PaymentID: p.id, Date: stamp(p.date), Amount: number(p.amount, to), Reference: p.reference, CurrencyRate: number(p.rate, 6),
		})
	}
	for _, c := range i.credits {
		out.CreditNotes = append(out.CreditNotes, creditJSON{
			CreditNoteID: c.id, CreditNoteNumber: c.number, Date: stamp(c.date), DateString: dayString(c.date),
			Total: number(c.amount, to), AppliedAmount: number(c.amount, to),
		})
	}
	out.LineItems = []lineJSON{}
	if as != full {
		return out
	}
	for _, l := range i.lines {
		line := lineJSON{
			LineItemID: l.id, Description: l.description, UnitAmount: number(l.unit, unitPlaces), TaxType: l.tax,
			TaxAmount: number(l.taxAmount, to), LineAmount: number(l.amount, to), AccountCode: l.accountCode, Tracking: []struct{}{},
			Quantity: number(l.quantity, 4),
		}
		if !l.discount.IsZero() {
			line.DiscountRate = number(l.discount, 2)
		}
		out.LineItems = append(out.LineItems, line)
	}
	return out
}

func (p *payment) json() paymentJSON {
	i := p.invoice
	out := paymentJSON{
		PaymentID: p.id, Date: stamp(p.date), BankAmount: number(p.bankAmount, places(p.account.currency)), Amount: number(p.amount, places(i.currency)),
		Reference: p.reference, CurrencyRate: number(p.rate, 6), PaymentType: p.kind(), Status: "AUTHORISED",
		UpdatedDateUTC: stamp(p.updated), UpdatedDateUTCString: p.updated.UTC().Format("2006-01-02T15:04:05Z"),
		HasAccount: true, IsReconciled: p.reconciled,
	}
	out.Account.AccountID, out.Account.Code = p.account.id, p.account.code
	out.Invoice.Type, out.Invoice.InvoiceID, out.Invoice.InvoiceNumber = i.kind, i.id, i.number
	out.Invoice.Contact, out.Invoice.LineItems, out.Invoice.CurrencyCode = i.contact.stub(), []lineJSON{}, i.currency
	return out
}

// number writes d as a JSON number with the decimals that Xero writes.
func number(d decimal.Decimal, places int32) json.Number { return json.Number(d.StringFixed(places)) }

// stamp is a moment as Xero writes it in JSON.
// developer.xero.com/documentation/api/accounting/requests-and-responses
func stamp(t time.Time) string { return fmt.Sprintf("/Date(%d+0000)/", t.UnixMilli()) }

// dayString is a calendar day: no zone, no time.
func dayString(t time.Time) string { return t.Format("2006-01-02T15:04:05") }
