package server

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/sheet"
)

// asked is a request for a table.
type asked struct {
	*terms
	r            *http.Request
	query        url.Values
	organisation books.Organisation
	today        time.Time // the organisation's calendar day
}

// tables are all there are. Those of records show them in every status: drafts and
// voided ones are told apart by that column, or left out with the filter.
var tables = []flatTable{
	{"invoices", []string{"status", "type", "from", "to"}, columnsOf(invoiceFields), invoiceTable, map[string][]string{
		"status": strings.Fields("DRAFT SUBMITTED AUTHORISED PAID VOIDED"), "type": invoiceTypes,
	}},
	{"contacts", []string{"status"}, columnsOf(contactFields), contactTable, map[string][]string{"status": strings.Fields("ACTIVE ARCHIVED GDPRREQUEST")}},
	{"aged", []string{"type"}, columnsOf(agedFields), agedTable, map[string][]string{"type": invoiceTypes}},
	{"profit-and-loss", []string{"from", "to"}, columnsOf(profitFields), profitTable, nil},
	{"bank", []string{"status"}, columnsOf(bankFields), bankTable, map[string][]string{"status": strings.Fields("ACTIVE ARCHIVED")}},
	{"bank-transactions", []string{"status", "type", "from", "to"}, columnsOf(transactionFields), transactionTable, map[string][]string{
		"status": strings.Fields("AUTHORISED VOIDED"),
		"type":   strings.Fields("RECEIVE RECEIVE-OVERPAYMENT RECEIVE-PREPAYMENT RECEIVE-TRANSFER SPEND SPEND-OVERPAYMENT SPEND-PREPAYMENT SPEND-TRANSFER"),
	}},
	{"payments", []string{"type", "from", "to"}, columnsOf(paymentFields), paymentTable, map[string][]string{
		"type": strings.Fields(`ACCRECPAYMENT ACCPAYPAYMENT ARCREDITPAYMENT APCREDITPAYMENT AROVERPAYMENTPAYMENT APOVERPAYMENTPAYMENT
			ARPREPAYMENTPAYMENT APPREPAYMENTPAYMENT`),
	}},
}

// What filters take are Xero's own names (developer.xero.com, Accounting API types and
// codes), but of what the books leave out.
var invoiceTypes = []string{"ACCREC", "ACCPAY"}

// exact is an amount with the decimals of its currency, or more where it has more.
func exact(amount decimal.Decimal, currency string) any {
	return sheet.Amount{Decimal: amount, Places: books.Places(currency)}
}

// inBase is 1 for a record in the base currency, of which Xero tells a rate with some
// kinds of record and not with others.
func (a *asked) inBase(rate decimal.Decimal, currency string) decimal.Decimal {
	if rate.IsZero() && currency == a.organisation.Base {
		return decimal.NewFromInt(1)
	}
	return rate
}

// rate is what one unit of the base currency buys, nothing where it is not told.
func rate(r decimal.Decimal) any {
	if r.IsZero() {
		return nil
	}
	return r
}

// A tabledInvoice is an invoice, in the organisation whose currency its sums are in.
type tabledInvoice struct {
	books.Invoice
	of   books.Organisation
	late int // days
}

func (i tabledInvoice) based(amount decimal.Decimal) any {
	base, ok := i.of.InBase(i.Invoice, amount)
	if !ok {
		return nil
	}
	return exact(base, i.of.Base)
}

var invoiceFields = []tableField[tabledInvoice]{
	{"invoice_id", textColumn, func(i tabledInvoice) any { return i.ID }},
	{"invoice_number", textColumn, func(i tabledInvoice) any { return i.Number }},
	{"reference", textColumn, func(i tabledInvoice) any { return i.Reference }},
	{"type", textColumn, func(i tabledInvoice) any { return i.Type }},
	{"status", textColumn, func(i tabledInvoice) any { return i.Status }},
	{"contact_id", textColumn, func(i tabledInvoice) any { return i.ContactID }},
	{"contact_name", textColumn, func(i tabledInvoice) any { return i.ContactName }},
	{"date", dayColumn, func(i tabledInvoice) any { return i.Date }},
	{"due_date", dayColumn, func(i tabledInvoice) any { return i.Due }},
	{"currency_code", textColumn, func(i tabledInvoice) any { return i.Currency }},
	{"currency_rate", rateColumn, func(i tabledInvoice) any { return rate(i.Rate) }},
	{"total", moneyColumn, func(i tabledInvoice) any { return exact(i.Total, i.Currency) }},
	{"amount_paid", moneyColumn, func(i tabledInvoice) any { return exact(i.AmountPaid, i.Currency) }},
	{"amount_credited", moneyColumn, func(i tabledInvoice) any { return exact(i.AmountCredited, i.Currency) }},
	{"amount_due", moneyColumn, func(i tabledInvoice) any { return exact(i.AmountDue, i.Currency) }},
	{"total_base", moneyColumn, func(i tabledInvoice) any { return i.based(i.Total) }},
	{"amount_due_base", moneyColumn, func(i tabledInvoice) any { return i.based(i.AmountDue) }},
}

func invoiceTable(a *asked) (content, error) {
	from, to, err := a.days(time.Time{}, time.Time{})
	if err != nil {
		return content{}, err
	}
	all, err := given(a.terms, a.ledger.Invoices)
	if err != nil {
		return content{}, err
	}
	status, kind := a.only("status"), a.only("type")
	return filled(a.invoices(all.Value, func(i books.Invoice) bool {
		return status(i.Status) && kind(i.Type) && !i.Date.Before(from) && (to.IsZero() || !i.Date.After(to))
	}), invoiceFields), nil
}

// invoices are those of all that fit, the oldest first.
func (a *asked) invoices(all []books.Invoice, fits func(books.Invoice) bool) []tabledInvoice {
	rows := []tabledInvoice{}
	for _, i := range slices.Backward(all) {
		if fits(i) {
			i.Rate = a.inBase(i.Rate, i.Currency)
			rows = append(rows, tabledInvoice{i, a.organisation, i.DaysLate(a.today)})
		}
	}
	return rows
}

var contactFields = []tableField[books.Contact]{
	{"contact_id", textColumn, func(c books.Contact) any { return c.ID }},
	{"name", textColumn, func(c books.Contact) any { return c.Name }},
	{"email", textColumn, func(c books.Contact) any { return c.Email }},
	{"status", textColumn, func(c books.Contact) any { return c.Status }},
	{"is_customer", truthColumn, func(c books.Contact) any { return c.Customer }},
	{"is_supplier", truthColumn, func(c books.Contact) any { return c.Supplier }},
}

func contactTable(a *asked) (content, error) {
	all, err := given(a.terms, a.ledger.Contacts)
	if err != nil {
		return content{}, err
	}
	status := a.only("status")
	return filled(slices.DeleteFunc(slices.Clone(all.Value), func(c books.Contact) bool { return !status(c.Status) }), contactFields), nil
}

// ages are the bands as a spreadsheet takes them for text: of "1-30" some make a day.
var ages = [5]string{"current", "1 to 30", "31 to 60", "61 to 90", "over 90"}

var agedFields = slices.Concat(
	slices.DeleteFunc(slices.Clone(invoiceFields), func(f tableField[tabledInvoice]) bool {
		return slices.Contains([]string{"status", "total_base", "amount_due_base"}, f.name)
	}),
	[]tableField[tabledInvoice]{
		{"amount_due_base", moneyColumn, func(i tabledInvoice) any { return i.based(i.AmountDue) }},
		{"days_late", countColumn, func(i tabledInvoice) any { return i.late }},
		{"age", textColumn, func(i tabledInvoice) any { return ages[books.Band(i.late)] }},
	},
)

// agedTable has what is to be paid, of sales and of bills.
func agedTable(a *asked) (content, error) {
	all, err := given(a.terms, a.ledger.OpenInvoices)
	if err != nil {
		return content{}, err
	}
	kind := a.only("type")
	return filled(a.invoices(all.Value, func(i books.Invoice) bool { return i.Open() && kind(i.Type) }), agedFields), nil
}

// A profitRow is a line of the report with an amount, below the last heading.
type profitRow struct {
	books.StatementLine
	from, to time.Time
	number   int
	section  string
	code     string // of the account
	currency string
}

var profitFields = []tableField[profitRow]{
	{"from", dayColumn, func(p profitRow) any { return p.from }},
	{"to", dayColumn, func(p profitRow) any { return p.to }},
	{"line", countColumn, func(p profitRow) any { return p.number }},
	{"section", textColumn, func(p profitRow) any { return p.section }},
	// kind is account or total: a sum over the amounts is of one of them.
	{"kind", textColumn, func(p profitRow) any {
		if p.Sum {
			return "total"
		}
		return "account"
	}},
	{"account_id", textColumn, func(p profitRow) any { return p.Account }},
	{"account_code", textColumn, func(p profitRow) any { return p.code }},
	{"name", textColumn, func(p profitRow) any { return p.Label }},
	{"currency_code", textColumn, func(p profitRow) any { return p.currency }},
	{"amount", moneyColumn, func(p profitRow) any { return exact(p.Amount.Decimal, p.currency) }},
}

// profitTable has the financial year to this day unless other days are asked for.
func profitTable(a *asked) (content, error) {
	from, to, err := a.days(yearOf(a.organisation, a.today), a.today)
	if err != nil {
		return content{}, err
	}
	if to.After(from.AddDate(1, 0, -1)) { // Xero gives no more
		return content{}, fail(codeBadRequest).saying(words.Say("tables.year.message"), words.Say("tables.year.action"))
	}
	report, err := given(a.terms, func(ctx context.Context, maxAge time.Duration) books.Reading[books.Statement] {
		return a.ledger.ProfitAndLoss(ctx, from, to, maxAge)
	})
	if err != nil {
		return content{}, err
	}
	chart, err := reading(a.terms, whoAge, a.ledger.Accounts)
	if err != nil && !lacksScope(err) {
		return content{}, err
	}
	codes := map[string]string{}
	for _, account := range chart.Value {
		codes[account.ID] = account.Code
	}
	rows, section := []profitRow{}, ""
	for _, line := range report.Value.Lines {
		if line.Heading {
			section = line.Label
		} else if line.Amount.Valid {
			rows = append(rows, profitRow{line, from, to, len(rows) + 1, section, codes[line.Account], a.organisation.Base})
		}
	}
	return filled(rows, profitFields), nil
}

// yearOf is the first day of the financial year that today is in, of the calendar's
// where the organisation's is not known.
func yearOf(o books.Organisation, today time.Time) time.Time {
	ends := func(year int) time.Time {
		last := time.Date(year, cmp.Or(o.YearEndMonth, time.December)+1, 0, 0, 0, 0, 0, time.UTC)
		return last.AddDate(0, 0, min(0, cmp.Or(o.YearEndDay, 31)-last.Day()))
	}
	if end := ends(today.Year()); today.After(end) {
		return end.AddDate(0, 0, 1)
	}
	return ends(today.Year()-1).AddDate(0, 0, 1)
}
