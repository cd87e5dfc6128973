package xerosim

import (
	"time"

	"github.com/shopspring/decimal"
)

// What where and order know of each resource.
var (
	accountFields = fields[*account]{
		"accountid":               guidField(func(a *account) string { return a.id }),
		"code":                    text(func(a *account) string { return a.code }),
		"name":                    text(func(a *account) string { return a.name }),
		"type":                    text(func(a *account) string { return a.kind }),
		"class":                   text(func(a *account) string { return a.class }),
		"status":                  text((*account).status),
		"taxtype":                 text(func(a *account) string { return a.tax }),
		"systemaccount":           text(func(a *account) string { return a.system }),
		"currencycode":            text(func(a *account) string { return a.currency }),
		"bankaccountnumber":       text(func(a *account) string { return a.number }),
		"enablepaymentstoaccount": flag(func(a *account) bool { return a.payable }),
		"updateddateutc":          moments(func(a *account) time.Time { return a.updated }),
	}
	contactFields = fields[*contact]{
		"contactid":       guidField(func(c *contact) string { return c.id }),
		"name":            text(func(c *contact) string { return c.name }),
		"firstname":       text(func(c *contact) string { return c.first }),
		"lastname":        text(func(c *contact) string { return c.last }),
		"emailaddress":    text(func(c *contact) string { return c.email }),
		"contactnumber":   text(func(c *contact) string { return c.number }),
		"accountnumber":   text(func(c *contact) string { return c.accountNumber }),
		"contactstatus":   text((*contact).status),
		"taxnumber":       text(func(c *contact) string { return c.taxNumber }),
		"defaultcurrency": text(func(c *contact) string { return c.currency }),
		"issupplier":      flag(func(c *contact) bool { return c.supplier }),
		"iscustomer":      flag(func(c *contact) bool { return c.customer }),
		"updateddateutc":  moments(func(c *contact) time.Time { return c.updated }),
	}
	invoiceFields = fields[*invoice]{
		"invoiceid":             guidField(func(i *invoice) string { return i.id }),
		"invoicenumber":         text(func(i *invoice) string { return i.number }),
		"reference":             text(func(i *invoice) string { return i.reference }),
		"type":                  text(func(i *invoice) string { return i.kind }),
		"status":                text(func(i *invoice) string { return i.status }),
		"currencycode":          text(func(i *invoice) string { return i.currency }),
		"lineamounttypes":       text(func(i *invoice) string { return i.taxing }),
		"contact.contactid":     guidField(func(i *invoice) string { return i.contact.id }),
		"contact.name":          text(func(i *invoice) string { return i.contact.name }),
		"contact.contactnumber": text(func(i *invoice) string { return i.contact.number }),
		"date":                  moments(func(i *invoice) time.Time { return i.date }),
		"duedate":               moments(func(i *invoice) time.Time { return i.due }),
		"fullypaidondate":       moments(func(i *invoice) time.Time { return i.fullyPaid }),
		"updateddateutc":        moments(func(i *invoice) time.Time { return i.updated }),
		"subtotal":              amount(func(i *invoice) decimal.Decimal { return i.subTotal }),
		"totaltax":              amount(func(i *invoice) decimal.Decimal { return i.totalTax }),
		"total":                 amount(func(i *invoice) decimal.Decimal { return i.total }),
		"amountdue":             amount((*invoice).amountDue),
		"amountpaid":            amount(func(i *invoice) decimal.Decimal { return i.paid }),
		"amountcredited":        amount(func(i *invoice) decimal.Decimal { return i.credited }),
		"currencyrate":          amount(func(i *invoice) decimal.Decimal { return i.rate }),
		"senttocontact":         flag(func(i *invoice) bool { return i.sent }),
	}
	paymentFields = fields[*payment]{
		"paymentid":                 guidField(func(p *payment) string { return p.id }),
		"reference":                 text(func(p *payment) string { return p.reference }),
		"paymenttype":               text((*payment).kind),
		"status":                    text(func(*payment) string { return "AUTHORISED" }),
		"account.accountid":         guidField(func(p *payment) string { return p.account.id }),
		"account.code":              text(func(p *payment) string { return p.account.code }),
		"invoice.invoiceid":         guidField(func(p *payment) string { return p.invoice.id }),
		"invoice.invoicenumber":     text(func(p *payment) string { return p.invoice.number }),
		"invoice.type":              text(func(p *payment) string { return p.invoice.kind }),
		"invoice.contact.contactid": guidField(func(p *payment) string { return p.invoice.contact.id }),
		"date":                      moments(func(p *payment) time.Time { return p.date }),
		"updateddateutc":            moments(func(p *payment) time.Time { return p.updated }),
		"amount":                    amount(func(p *payment) decimal.Decimal { return p.amount }),
		"bankamount":                amount(func(p *payment) decimal.Decimal { return p.bankAmount }),
		"currencyrate":              amount(func(p *payment) decimal.Decimal { return p.rate }),
		"isreconciled":              flag(func(p *payment) bool { return p.reconciled }),
	}
	bankTransactionFields = fields[*bankTransaction]{
		"banktransactionid":     guidField(func(t *bankTransaction) string { return t.id }),
		"reference":             text(func(t *bankTransaction) string { return t.reference }),
		"type":                  text(func(t *bankTransaction) string { return t.kind }),
		"status":                text(func(t *bankTransaction) string { return t.status }),
		"currencycode":          text(func(t *bankTransaction) string { return t.account.currency }),
		"bankaccount.accountid": guidField(func(t *bankTransaction) string { return t.account.id }),
		"bankaccount.code":      text(func(t *bankTransaction) string { return t.account.code }),
		"contact.contactid":     guidField(func(t *bankTransaction) string { return t.contact.id }),
		"contact.name":          text(func(t *bankTransaction) string { return t.contact.name }),
		"date":                  moments(func(t *bankTransaction) time.Time { return t.date }),
		"updateddateutc":        moments(func(t *bankTransaction) time.Time { return t.updated }),
		"total":                 amount((*bankTransaction).total),
		"isreconciled":          flag(func(t *bankTransaction) bool { return t.reconciled }),
	}
)
