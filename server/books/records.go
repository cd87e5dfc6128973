package books

import (
	"net/url"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Organisation is who the books are of (Xero-OpenAPI, accounting, Organisation).
type Organisation struct {
	TenantID     string
	Name         string
	Base         string // base currency, ISO 4217
	Country      string // ISO 3166, "NZ"
	ShortCode    string // of deep links, "!aB3xY"
	Timezone     string // as Xero writes it, "NEWZEALANDSTANDARDTIME"
	YearEndDay   int
	YearEndMonth time.Month
	IsDemo       bool // Xero's demo company, which starts anew every 28 days
}

// Today is the organisation's calendar day at now, as midnight UTC.
func (o Organisation) Today(now time.Time) time.Time {
	now = now.In(o.Location())
	return time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
}

// InvoiceLink, of a sale, and ContactLink lead into Xero, "" without a short code
// (github.com/XeroAPI/xero-mcp-server, src/consts/deeplinks.ts).
func (o Organisation) InvoiceLink(invoiceID string) string {
	return o.link("app/", "/invoicing/view/", invoiceID)
}

func (o Organisation) ContactLink(contactID string) string {
	return o.link("app/", "/contacts/contact/", contactID)
}

// Link leads to i in Xero. Bills have no page of the new kind: Xero's older address
// of them chooses the organisation first.
func (o Organisation) Link(i Invoice) string {
	if i.Sale() {
		return o.InvoiceLink(i.ID)
	}
	return o.link("organisationlogin/default.aspx?shortcode=", "&redirecturl=/AccountsPayable/Edit.aspx?InvoiceID=", i.ID)
}

func (o Organisation) link(before, between, id string) string {
	if o.ShortCode == "" || id == "" {
		return ""
	}
	code := strings.ReplaceAll(url.QueryEscape(o.ShortCode), "%21", "!") // as Xero writes it
	return "https://go.xero.com/" + before + code + between + url.QueryEscape(id)
}

// Invoice is a sale (ACCREC) or a bill (ACCPAY). Amounts are in its own currency.
type Invoice struct {
	ID, Number, Reference  string
	Type                   string // ACCREC or ACCPAY
	Status                 string // DRAFT, SUBMITTED, AUTHORISED, PAID, VOIDED, or what Xero adds
	ContactID, ContactName string
	Date, Due              time.Time // calendar days; Due is zero on some drafts
	Currency               string
	Rate                   decimal.Decimal // what one unit of the base currency buys; zero: not told
	Total, AmountDue       decimal.Decimal
	AmountPaid             decimal.Decimal
	AmountCredited         decimal.Decimal
	Updated                time.Time
}

// Sale reports whether money comes in by it.
func (i Invoice) Sale() bool { return i.Type == "ACCREC" }

// Open reports whether it is to be paid.
func (i Invoice) Open() bool { return i.Status == "AUTHORISED" && i.AmountDue.IsPositive() }

// DaysLate is how many days before today it fell due; 0 when it has not.
func (i Invoice) DaysLate(today time.Time) int {
	if i.Due.IsZero() || !i.Due.Before(today) {
		return 0
	}
	return int(today.Sub(i.Due).Hours() / 24)
}

// Contact is a customer, a supplier, both or neither.
type Contact struct {
	ID, Name, Email string
	Status          string // ACTIVE, ARCHIVED, GDPRREQUEST, or what Xero adds
	Customer        bool
	Supplier        bool
	Updated         time.Time
}

// Cash is what the books say is in the bank, not what the bank says.
type Cash struct {
	Accounts []CashAccount
	Total    decimal.Decimal // base currency
}

// CashAccount is one bank account or card, its balance in base currency.
type CashAccount struct {
	ID, Name string
	Balance  decimal.Decimal
}

// Month is income and costs of one calendar month, in base currency.
type Month struct {
	First                 time.Time // its first day
	Income, Costs, Profit decimal.Decimal
}

// Statement is a report as lines, as Xero arranges it.
type Statement struct {
	Title    string
	From, To time.Time
	Lines    []StatementLine
}

// StatementLine is a heading (no amount), a line, or a sum.
type StatementLine struct {
	Account      string // id, of a line that is about one
	Label        string
	Amount       decimal.NullDecimal
	Heading, Sum bool
}

// Account is one of the chart of accounts.
type Account struct {
	ID, Code, Name string // without a code: some bank accounts
	Type           string // BANK, REVENUE, EXPENSE, CURRENT, FIXED, EQUITY, or what Xero adds
	Class          string // ASSET, EQUITY, EXPENSE, LIABILITY, REVENUE
	Status         string // ACTIVE, ARCHIVED
	TaxType        string // "OUTPUT2"
	BankNumber     string // of a bank account, all but its last four characters as dots
	BankType       string // BANK, CREDITCARD, PAYPAL; else NONE or ""
	Currency       string // of a bank account
	Updated        time.Time
}

// BankTransaction is money spent or received, in the currency of the bank account.
type BankTransaction struct {
	ID                     string
	Type                   string // SPEND, RECEIVE, and these with -OVERPAYMENT, -PREPAYMENT or -TRANSFER behind
	Status                 string // AUTHORISED, VOIDED
	Date                   time.Time
	AccountID, AccountName string // the bank account
	AccountCode            string
	ContactID, ContactName string // "" on a transfer
	Reference              string
	Currency               string
	Rate                   decimal.Decimal // what one unit of the base currency buys; zero: not told
	Total, Tax             decimal.Decimal // Tax is within Total
	Reconciled             bool
	Updated                time.Time
}

// Received reports whether money came in by it.
func (t BankTransaction) Received() bool { return strings.HasPrefix(t.Type, "RECEIVE") }

// Payment is what was paid of one invoice or bill, or paid back of a credit note, a
// prepayment or an overpayment.
type Payment struct {
	ID                     string
	Type                   string // ACCRECPAYMENT, ACCPAYPAYMENT, ARCREDITPAYMENT …
	Status                 string // AUTHORISED
	Date                   time.Time
	InvoiceID              string // "" where it is of something else
	InvoiceType            string // ACCREC, ACCPAY
	Number                 string // of the invoice or credit note
	ContactID, ContactName string
	AccountID, AccountCode string          // where the money went or came from
	Amount                 decimal.Decimal // in Currency
	Currency               string          // the invoice's
	BankAmount             decimal.Decimal // in the currency of the account
	Rate                   decimal.Decimal // what one unit of the base currency buys; zero: not told
	Reference              string
	Reconciled             bool
	Updated                time.Time
}
