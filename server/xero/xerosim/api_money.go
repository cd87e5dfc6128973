package xerosim

import (
	"encoding/json"
	"strings"
)

type bankTransactionsJSON struct {
	head
	BankTransactions []bankTransactionJSON
}

type bankTransactionJSON struct {
	BankTransactionID string
	BankAccount       struct {
		AccountID string
		Code      string `json:",omitempty"`
		Name      string
	}
	Type            string
	Reference       string `json:",omitempty"`
	IsReconciled    bool
	HasAttachments  bool
	Contact         contactJSON
	DateString      string
	Date            string
	Status          string
	LineAmountTypes string
	LineItems       []lineJSON
	SubTotal        json.Number
	TotalTax        json.Number
	Total           json.Number
	UpdatedDateUTC  string
	CurrencyCode    string
	CurrencyRate    json.Number `json:",omitempty"` // of a foreign currency
}

func listBankTransactions(c *call) (any, error) {
	head, transactions, err := list(c, &c.books.money, bankTransactionFields, "BankTransaction",
		func(q query, t *bankTransaction) bool { return q.changed(t.updated) },
		func(q query, t *bankTransaction) bankTransactionJSON { return t.json(q.detail(), q.unitPlaces) })
	return bankTransactionsJSON{head, transactions}, err
}

func oneBankTransaction(c *call) (any, error) {
	q, err := c.ask()
	if err != nil {
		return nil, err
	}
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	t := first(b.money, func(t *bankTransaction) bool { return strings.EqualFold(t.id, c.key) })
	if t == nil {
		return nil, errNotFound
	}
	return bankTransactionsJSON{c.head(), []bankTransactionJSON{t.json(full, q.unitPlaces)}}, nil
}

func (t *bankTransaction) json(as detail, unitPlaces int32) bankTransactionJSON {
	to := places(t.account.currency)
	out := bankTransactionJSON{
		BankTransactionID: t.id, Type: t.kind, Reference: t.reference, IsReconciled: t.reconciled, Contact: t.contact.stub(),
		DateString: dayString(t.date), Date: stamp(t.date), Status: t.status, LineAmountTypes: "Exclusive", LineItems: []lineJSON{},
		SubTotal: number(t.line.amount, to), TotalTax: number(t.line.taxAmount, to), Total: number(t.total(), to),
		UpdatedDateUTC: stamp(t.updated), CurrencyCode: t.account.currency,
	}
	out.BankAccount.AccountID, out.BankAccount.Code, out.BankAccount.Name = t.account.id, t.account.code, t.account.name
	if !t.rate.Equal(one) {
		out.CurrencyRate = number(t.rate, 6)
	}
	if as == full {
		l := t.line
		out.LineItems = append(out.LineItems, lineJSON{
			LineItemID: l.id, Description: l.description, UnitAmount: number(l.unit, unitPlaces), TaxType: l.tax, TaxAmount: number(l.taxAmount, to),
			LineAmount: number(l.amount, to), AccountCode: l.accountCode, Tracking: []struct{}{}, Quantity: number(l.quantity, 4),
		})
	}
	return out
}
