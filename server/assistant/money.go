package assistant

import (
	"context"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"financial-command-center/server/books"
)

type (
	accountsIn struct {
		whose
		Class    string `json:"class,omitempty" jsonschema:"ASSET, EQUITY, EXPENSE, LIABILITY or REVENUE; all when left out"`
		Search   string `json:"search,omitempty" jsonschema:"part of the name or the code"`
		Archived bool   `json:"include_archived,omitempty" jsonschema:"also accounts in the archive"`
		paged
	}
	accountsOut struct {
		about
		pages
		Accounts []account `json:"accounts"`
	}
	account struct {
		ID       string `json:"account_id"`
		Code     string `json:"code"`
		Name     string `json:"name"`
		Type     string `json:"type"`
		Class    string `json:"class"`
		Status   string `json:"status"`
		TaxType  string `json:"tax_type"`
		Currency string `json:"currency" jsonschema:"of a bank account, else empty"`
	}

	// between asks for what is dated between two days.
	between struct {
		From string `json:"from,omitempty" jsonschema:"first day, YYYY-MM-DD; the first of this month when left out"`
		To   string `json:"to,omitempty" jsonschema:"last day, YYYY-MM-DD; today when left out"`
	}
	transactionsIn struct {
		whose
		between
		Account      string `json:"account,omitempty" jsonschema:"account_id, or part of the bank account's name"`
		Contact      string `json:"contact,omitempty" jsonschema:"contact_id, or part of the contact's name"`
		Direction    string `json:"direction,omitempty" jsonschema:"received or spent; both when left out"`
		Unreconciled bool   `json:"unreconciled_only,omitempty" jsonschema:"only those not matched with the bank's statement yet"`
		paged
	}
	transactionsOut struct {
		about
		From string `json:"from"`
		To   string `json:"to"`
		pages
		Transactions []transaction `json:"transactions" jsonschema:"the newest first"`
	}
	transaction struct {
		ID         string `json:"bank_transaction_id"`
		Type       string `json:"type" jsonschema:"SPEND, RECEIVE, or one of these with -OVERPAYMENT, -PREPAYMENT or -TRANSFER"`
		Status     string `json:"status"`
		Date       string `json:"date"`
		AccountID  string `json:"account_id"`
		Account    string `json:"account_name"`
		ContactID  string `json:"contact_id"`
		Contact    string `json:"contact_name"`
		Reference  string `json:"reference"`
		Currency   string `json:"currency"`
		Total      string `json:"total" jsonschema:"tax included"`
		Tax        string `json:"tax"`
		Reconciled bool   `json:"is_reconciled"`
	}

	paymentsIn struct {
		whose
		between
		Contact string `json:"contact,omitempty" jsonschema:"contact_id, or part of the contact's name"`
		Invoice string `json:"invoice,omitempty" jsonschema:"invoice_id, or exact number of the invoice or credit note"`
		paged
	}
	paymentsOut struct {
		about
		From string `json:"from"`
		To   string `json:"to"`
		pages
		Payments []payment `json:"payments" jsonschema:"the newest first"`
	}
	payment struct {
		ID         string `json:"payment_id"`
		Type       string `json:"type" jsonschema:"ACCRECPAYMENT (of a sale), ACCPAYPAYMENT (of a bill), or another of Xero's"`
		Status     string `json:"status"`
		Date       string `json:"date"`
		InvoiceID  string `json:"invoice_id" jsonschema:"empty where it is of something else"`
		Number     string `json:"number" jsonschema:"of the invoice or credit note"`
		ContactID  string `json:"contact_id"`
		Contact    string `json:"contact_name"`
		Currency   string `json:"currency" jsonschema:"the invoice's"`
		Amount     string `json:"amount"`
		Reference  string `json:"reference"`
		Reconciled bool   `json:"is_reconciled"`
	}

	balanceIn struct {
		whose
		At string `json:"at,omitempty" jsonschema:"a day, YYYY-MM-DD: Xero gives the end of the month that it is in; today when left out"`
		paged
	}
)

func (a *asking) addMoney() {
	reads(a, true, mcp.Tool{Name: "accounts", Title: "Chart of accounts", Description: "Lists the accounts of the chart with their codes, in pages."}, a.accounts)
	reads(a, true, mcp.Tool{
		Name: "bank_transactions", Title: "Bank transactions",
		Description: "Lists money spent and received between two days, without payments of invoices (see payments), in pages.",
	}, a.transactions)
	reads(a, true, mcp.Tool{Name: "payments", Title: "Payments", Description: "Lists payments of invoices, bills and credit notes between two days, in pages."}, a.payments)
	reads(a, true, mcp.Tool{
		Name: "balance_sheet", Title: "Balance sheet",
		Description: "Xero's balance sheet at the end of a month, line by line. Sums are Xero's own.",
	}, a.balance)
}

func (a *asking) balance(ctx context.Context, in balanceIn) (out statementOut, err error) {
	l, err := a.open(ctx, in.Organisation)
	if err != nil {
		return out, err
	}
	at, err := date("at", in.At, l.today)
	if err != nil {
		return out, err
	}
	return a.statement(l, l.BalanceSheet(ctx, at, age), in.paged)
}

func (a *asking) accounts(ctx context.Context, in accountsIn) (out accountsOut, err error) {
	class := strings.ToUpper(in.Class)
	if err := oneOf("class", class, "ASSET", "EQUITY", "EXPENSE", "LIABILITY", "REVENUE"); err != nil {
		return out, err
	}
	_, all, err := begin(ctx, a, in.Organisation, &out.about, (*ledger).Accounts)
	if err != nil {
		return out, err
	}
	out.Accounts, out.pages, err = cut(filter(all, func(one books.Account) bool {
		return (in.Archived || one.Status != "ARCHIVED") && (class == "" || one.Class == class) && (contains(one.Name, in.Search) || contains(one.Code, in.Search))
	}), func(one books.Account) string { return one.ID }, in.paged, func(one books.Account) account {
		return account{one.ID, said(one.Code), said(one.Name), one.Type, one.Class, one.Status, one.TaxType, one.Currency}
	})
	return out, err
}

// openBetween also reads what between asks for.
func (a *asking) openBetween(ctx context.Context, named string, b between) (l *ledger, from, to time.Time, err error) {
	if l, err = a.open(ctx, named); err != nil {
		return l, from, to, err
	}
	from, to, err = period(b.From, b.To, l.today.AddDate(0, 0, 1-l.today.Day()), l.today)
	return l, from, to, err
}

func (a *asking) transactions(ctx context.Context, in transactionsIn) (out transactionsOut, err error) {
	if err := oneOf("direction", in.Direction, "received", "spent"); err != nil {
		return out, err
	}
	l, from, to, err := a.openBetween(ctx, in.Organisation, in.between)
	if err != nil {
		return out, err
	}
	all := l.BankTransactions(ctx, from, to, age)
	if out.about, err = a.about(l, known(all)); err != nil {
		return out, err
	}
	out.From, out.To = day(from), day(to)
	out.Transactions, out.pages, err = cut(filter(all.Value, func(t books.BankTransaction) bool {
		return (strings.EqualFold(t.AccountID, in.Account) || contains(t.AccountName, in.Account)) &&
			(strings.EqualFold(t.ContactID, in.Contact) || contains(t.ContactName, in.Contact)) &&
			(in.Direction == "" || t.Received() == (in.Direction == "received")) && (!in.Unreconciled || !t.Reconciled)
	}), func(t books.BankTransaction) string { return t.ID }, in.paged, func(t books.BankTransaction) transaction {
		return transaction{
			t.ID, t.Type, t.Status, day(t.Date), t.AccountID, said(t.AccountName), t.ContactID, said(t.ContactName), said(t.Reference),
			t.Currency, amount(t.Total, t.Currency), amount(t.Tax, t.Currency), t.Reconciled,
		}
	})
	return out, err
}

func (a *asking) payments(ctx context.Context, in paymentsIn) (out paymentsOut, err error) {
	l, from, to, err := a.openBetween(ctx, in.Organisation, in.between)
	if err != nil {
		return out, err
	}
	all := l.Payments(ctx, from, to, age)
	if out.about, err = a.about(l, known(all)); err != nil {
		return out, err
	}
	out.From, out.To = day(from), day(to)
	out.Payments, out.pages, err = cut(filter(all.Value, func(p books.Payment) bool {
		return (strings.EqualFold(p.ContactID, in.Contact) || contains(p.ContactName, in.Contact)) &&
			(in.Invoice == "" || strings.EqualFold(p.InvoiceID, in.Invoice) || p.Number == in.Invoice || said(p.Number) == in.Invoice)
	}), func(p books.Payment) string { return p.ID }, in.paged, func(p books.Payment) payment {
		return payment{
			p.ID, p.Type, p.Status, day(p.Date), p.InvoiceID, said(p.Number), p.ContactID, said(p.ContactName), p.Currency, amount(p.Amount, p.Currency), said(p.Reference), p.Reconciled,
		}
	})
	return out, err
}
