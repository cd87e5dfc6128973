package xerosim

import (
	"strings"

	"github.com/shopspring/decimal"
)

// paymentIn is what a request says of a payment: of what, from or into which
// account, how much.
type paymentIn struct {
	Invoice              *struct{ InvoiceID, InvoiceNumber string }
	Account              *struct{ AccountID, Code string }
	InvoiceNumber, Code  string
	Date, Reference      string
	Amount, CurrencyRate *decimal.Decimal
	IsReconciled         bool
}

// savePayments pays invoices. That a payment is deleted again is not simulated.
func savePayments(c *call) (any, error) {
	if c.key != "" {
		return nil, errMethod
	}
	paid := map[*invoice]decimal.Decimal{} // by this request
	out, err := save(c, "Payments", func(in paymentIn) verdict[paymentJSON] { return c.judgePayment(in, paid) })
	return paymentsJSON{c.head(), out}, err
}

func (c *call) judgePayment(in paymentIn, paid map[*invoice]decimal.Decimal) verdict[paymentJSON] {
	b := c.books
	p := &payment{invoice: c.payable(in), account: c.payFrom(in), date: c.today(), reference: in.Reference, rate: one, reconciled: in.IsReconciled, updated: c.now}
	var wrong []string
	if in.Date != "" {
		day, err := readDay(in.Date)
		if err != nil {
			wrong = append(wrong, in.Date+" is not a valid date")
		}
		p.date = day
	}
	if p.account == nil {
		wrong = append(wrong, "Account could not be found")
	}
	switch i := p.invoice; {
	case i == nil:
		wrong = append(wrong, "Invoice could not be found")
	case i.status != "AUTHORISED":
		wrong = append(wrong, "Payment can only be made against Authorised documents")
	case in.Amount == nil || !sane(*in.Amount) || !in.Amount.IsPositive() || !in.Amount.Equal(in.Amount.Round(places(i.currency))):
		wrong = append(wrong, "The payment amount must be greater than zero")
	case in.Amount.Add(paid[i]).GreaterThan(i.amountDue()):
		wrong = append(wrong, "Payment amount exceeds the amount outstanding on this document")
	default:
		p.amount, p.rate = *in.Amount, i.rate
		if in.CurrencyRate != nil && i.currency != b.profile.base {
			p.rate = *in.CurrencyRate
		}
		if !sane(p.rate) || !p.rate.IsPositive() {
			wrong = append(wrong, "The currency rate must be above zero.")
		}
	}
	if wrong != nil {
		invalid := paymentJSON{PaymentID: noID, Reference: in.Reference, PaymentType: "ACCRECPAYMENT", Status: "AUTHORISED", Date: stamp(p.date),
			Amount: "0.00", BankAmount: "0.00", CurrencyRate: "1.000000", UpdatedDateUTC: stamp(c.now), HasValidationErrors: true,
			StatusAttributeString: "ERROR", ValidationErrors: messages(wrong)}
		return verdict[paymentJSON]{invalid: invalid}
	}
	paid[p.invoice] = paid[p.invoice].Add(p.amount)
	return verdict[paymentJSON]{save: func() paymentJSON {
		p.id, p.bankAmount = b.id(), p.amount
		if p.account.currency != p.invoice.currency {
			p.bankAmount = p.amount.DivRound(p.rate, 2)
		}
		b.pay(p)
		return p.json()
	}}
}

// payable is the invoice that a payment names, by id or number.
func (c *call) payable(in paymentIn) *invoice {
	key := in.InvoiceNumber
	if in.Invoice != nil {
		key = in.Invoice.InvoiceID
		if key == "" {
			key = in.Invoice.InvoiceNumber
		}
	}
	return c.books.findInvoice(key)
}

// payFrom is the account that a payment names, by id or code: a bank account.
// Others that take payments (EnablePaymentsToAccount) are not simulated.
func (c *call) payFrom(in paymentIn) *account {
	id, code := "", in.Code
	if in.Account != nil {
		id, code = in.Account.AccountID, in.Account.Code
	}
	return first(c.books.accounts, func(a *account) bool {
		return a.kind == "BANK" && (strings.EqualFold(a.id, id) || id == "" && code != "" && strings.EqualFold(a.code, code))
	})
}
