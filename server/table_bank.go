package server

import (
	"context"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/books"
)

// Money in three tables: the bank accounts with what the books say is in them today,
// what was spent and received, and what was paid of invoices and bills, which Xero
// keeps apart from that. The last two together are what moved in the bank.

// A bankRow is a bank account, and its balance where Xero's report has one.
type bankRow struct {
	books.Account
	balance decimal.NullDecimal
	base    string
}

var bankFields = []tableField[bankRow]{
	{"account_id", textColumn, func(b bankRow) any { return b.ID }},
	{"account_code", textColumn, func(b bankRow) any { return b.Code }},
	{"name", textColumn, func(b bankRow) any { return b.Name }},
	{"kind", textColumn, func(b bankRow) any { return b.BankType }},
	{"number", textColumn, func(b bankRow) any { return b.BankNumber }},
	{"status", textColumn, func(b bankRow) any { return b.Status }},
	{"currency_code", textColumn, func(b bankRow) any { return b.Currency }},
	{"balance_base", moneyColumn, func(b bankRow) any {
		if !b.balance.Valid {
			return nil
		}
		return exact(b.balance.Decimal, b.base)
	}},
}

func bankTable(a *asked) (content, error) {
	chart, err := given(a.terms, a.ledger.Accounts)
	if err != nil {
		return content{}, err
	}
	cash, err := given(a.terms, a.ledger.Cash)
	if err != nil {
		return content{}, err
	}
	rows, status := []bankRow{}, a.only("status")
	for _, account := range chart.Value {
		if account.Type != "BANK" || !status(account.Status) {
			continue
		}
		row := bankRow{Account: account, base: a.organisation.Base}
		if n := slices.IndexFunc(cash.Value.Accounts, func(c books.CashAccount) bool { return c.ID == account.ID }); n >= 0 {
			row.balance = decimal.NewNullDecimal(cash.Value.Accounts[n].Balance)
		}
		rows = append(rows, row)
	}
	return filled(rows, bankFields), nil
}

var transactionFields = []tableField[books.BankTransaction]{
	{"bank_transaction_id", textColumn, func(t books.BankTransaction) any { return t.ID }},
	{"date", dayColumn, func(t books.BankTransaction) any { return t.Date }},
	{"type", textColumn, func(t books.BankTransaction) any { return t.Type }},
	{"status", textColumn, func(t books.BankTransaction) any { return t.Status }},
	{"account_id", textColumn, func(t books.BankTransaction) any { return t.AccountID }},
	{"account_code", textColumn, func(t books.BankTransaction) any { return t.AccountCode }},
	{"account_name", textColumn, func(t books.BankTransaction) any { return t.AccountName }},
	{"contact_id", textColumn, func(t books.BankTransaction) any { return t.ContactID }},
	{"contact_name", textColumn, func(t books.BankTransaction) any { return t.ContactName }},
	{"reference", textColumn, func(t books.BankTransaction) any { return t.Reference }},
	{"currency_code", textColumn, func(t books.BankTransaction) any { return t.Currency }},
	{"currency_rate", rateColumn, func(t books.BankTransaction) any { return rate(t.Rate) }},
	{"tax", moneyColumn, func(t books.BankTransaction) any { return exact(t.Tax, t.Currency) }},
	{"total", moneyColumn, func(t books.BankTransaction) any { return exact(t.Total, t.Currency) }},
	// amount is what came into the account: less than nothing where it was spent, and
	// nothing of what is not in the books, as what is voided.
	{"amount", moneyColumn, func(t books.BankTransaction) any {
		switch {
		case t.Status != "AUTHORISED":
			return exact(decimal.Zero, t.Currency)
		case t.Received():
			return exact(t.Total, t.Currency)
		}
		return exact(t.Total.Neg(), t.Currency)
	}},
	{"is_reconciled", truthColumn, func(t books.BankTransaction) any { return t.Reconciled }},
}

// transactionTable and paymentTable have the last year unless other days are asked for.
func transactionTable(a *asked) (content, error) {
	from, to, err := a.days(a.today.AddDate(-1, 0, 1), time.Time{})
	if err != nil {
		return content{}, err
	}
	all, err := given(a.terms, func(ctx context.Context, maxAge time.Duration) books.Reading[[]books.BankTransaction] {
		return a.ledger.BankTransactions(ctx, from, to, maxAge)
	})
	if err != nil {
		return content{}, err
	}
	status, kind := a.only("status"), a.only("type")
	rows := slices.DeleteFunc(slices.Clone(all.Value), func(t books.BankTransaction) bool { return !status(t.Status) || !kind(t.Type) })
	slices.Reverse(rows)
	for n := range rows {
		rows[n].Rate = a.inBase(rows[n].Rate, rows[n].Currency)
	}
	return filled(rows, transactionFields), nil
}

var paymentFields = []tableField[books.Payment]{
	{"payment_id", textColumn, func(p books.Payment) any { return p.ID }},
	{"date", dayColumn, func(p books.Payment) any { return p.Date }},
	{"type", textColumn, func(p books.Payment) any { return p.Type }},
	{"status", textColumn, func(p books.Payment) any { return p.Status }},
	{"invoice_id", textColumn, func(p books.Payment) any { return p.InvoiceID }},
	{"invoice_number", textColumn, func(p books.Payment) any { return p.Number }},
	{"invoice_type", textColumn, func(p books.Payment) any { return p.InvoiceType }},
	{"contact_id", textColumn, func(p books.Payment) any { return p.ContactID }},
	{"contact_name", textColumn, func(p books.Payment) any { return p.ContactName }},
	{"account_id", textColumn, func(p books.Payment) any { return p.AccountID }},
	{"account_code", textColumn, func(p books.Payment) any { return p.AccountCode }},
	{"reference", textColumn, func(p books.Payment) any { return p.Reference }},
	{"currency_code", textColumn, func(p books.Payment) any { return p.Currency }},
	{"currency_rate", rateColumn, func(p books.Payment) any { return rate(p.Rate) }},
	{"amount", moneyColumn, func(p books.Payment) any { return exact(p.Amount, p.Currency) }},
	// The currency of the account is not told with the payment.
	{"bank_amount", moneyColumn, func(p books.Payment) any { return exact(p.BankAmount, "") }},
	{"is_reconciled", truthColumn, func(p books.Payment) any { return p.Reconciled }},
}

func paymentTable(a *asked) (content, error) {
	from, to, err := a.days(a.today.AddDate(-1, 0, 1), time.Time{})
	if err != nil {
		return content{}, err
	}
	all, err := given(a.terms, func(ctx context.Context, maxAge time.Duration) books.Reading[[]books.Payment] {
		return a.ledger.Payments(ctx, from, to, maxAge)
	})
	if err != nil {
		return content{}, err
	}
	kind := a.only("type")
	rows := slices.DeleteFunc(slices.Clone(all.Value), func(p books.Payment) bool { return !kind(p.Type) })
	slices.Reverse(rows)
	for n := range rows {
		rows[n].Rate = a.inBase(rows[n].Rate, rows[n].Currency)
	}
	return filled(rows, paymentFields), nil
}
