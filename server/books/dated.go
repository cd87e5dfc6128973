package books

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// dated are the records of some days.
//
// They are read whole each time: nobody writes down that reconciling one moves its
// UpdatedDateUTC, and most who ask want a month or a year, not all there ever was.
type dated[R any] struct {
	From, To time.Time
	Rows     []R
}

// readDated returns the records of k that are dated within days. Where the books
// changed twice while they were read, it is as Xero had them page by page.
func readDated[R any](ctx context.Context, s *shelf, d *document[dated[R]], k kind[R], days span, maxAge time.Duration) Reading[[]R] {
	r := readDocument(ctx, s, d, paper[dated[R]]{
		name: k.name, need: k.need,
		read: func(ctx context.Context, a *asking) (dated[R], error) {
			k := k
			k.query = maps.Clone(k.query)
			if where := days.where(); where != "" {
				k.query.Set("where", where)
			}
			found, _, _, err := k.whole(ctx, a, everything)
			if err != nil {
				return dated[R]{}, err
			}
			rows := slices.DeleteFunc(slices.Collect(maps.Values(found)), k.dead)
			slices.SortFunc(rows, k.compare)
			return dated[R]{days.from, days.to, rows}, nil
		},
		fits: func(kept dated[R]) bool { return days == span{kept.From, kept.To} },
	}, maxAge)
	return Reading[[]R]{Value: r.Value.Rows, At: r.At, Loading: r.Loading, Trouble: r.Trouble}
}

// where is the span as Xero's filter.
func (of span) where() string {
	var all []string
	for _, bound := range []struct {
		is  string
		day time.Time
	}{{">=", of.from}, {"<=", of.to}} {
		if d := bound.day; !d.IsZero() {
			all = append(all, fmt.Sprintf("Date %s DateTime(%d, %02d, %02d)", bound.is, d.Year(), d.Month(), d.Day()))
		}
	}
	return strings.Join(all, " AND ")
}

var bankTransactions = kind[BankTransaction]{
	name: "bank-transactions", need: needTransactions, path: "BankTransactions",
	query: url.Values{"order": {"BankTransactionID"}},
	decode: func(body []byte) (page[BankTransaction], error) {
		var answer struct {
			Pagination       pagination `json:"pagination"`
			BankTransactions []struct {
				BankTransactionID, Type, Status, Reference, CurrencyCode string
				BankAccount                                              struct{ AccountID, Code, Name string }
				Contact                                                  struct{ ContactID, Name string }
				Date                                                     day
				CurrencyRate, Total, TotalTax                            amount
				IsReconciled                                             truth
				UpdatedDateUTC                                           moment
			}
		}
		if err := parse(body, &answer); err != nil {
			return page[BankTransaction]{}, err
		}
		p := page[BankTransaction]{pagination: answer.Pagination}
		for _, t := range answer.BankTransactions {
			if t.BankTransactionID == "" {
				return p, errors.New("a bank transaction without an id")
			}
			p.rows = append(p.rows, BankTransaction{
				ID: t.BankTransactionID, Type: t.Type, Status: t.Status, Date: t.Date.Time,
				AccountID: t.BankAccount.AccountID, AccountName: t.BankAccount.Name, AccountCode: t.BankAccount.Code,
				ContactID: t.Contact.ContactID, ContactName: t.Contact.Name, Reference: t.Reference,
				Currency: t.CurrencyCode, Rate: t.CurrencyRate.Decimal, Total: t.Total.Decimal, Tax: t.TotalTax.Decimal,
				Reconciled: bool(t.IsReconciled), Updated: t.UpdatedDateUTC.Time,
			})
		}
		return p, nil
	},
	id:      func(t BankTransaction) string { return t.ID },
	updated: func(t BankTransaction) time.Time { return t.Updated },
	dead:    func(t BankTransaction) bool { return t.Status == "DELETED" },
	compare: func(a, b BankTransaction) int { return cmp.Or(b.Date.Compare(a.Date), cmp.Compare(a.ID, b.ID)) },
}

var payments = kind[Payment]{
	name: "payments", need: needPayments, path: "Payments",
	query: url.Values{"order": {"PaymentID"}},
	decode: func(body []byte) (page[Payment], error) {
		type paid struct {
			InvoiceID, InvoiceNumber, CreditNoteNumber, Type, CurrencyCode string
			Contact                                                        struct{ ContactID, Name string }
		}
		var answer struct {
			Pagination pagination `json:"pagination"`
			Payments   []struct {
				PaymentID, PaymentType, Status, Reference    string
				Date                                         day
				Account                                      struct{ AccountID, Code string }
				Invoice, CreditNote, Prepayment, Overpayment *paid
				Amount, BankAmount, CurrencyRate             amount
				IsReconciled                                 truth
				UpdatedDateUTC                               moment
			}
		}
		if err := parse(body, &answer); err != nil {
			return page[Payment]{}, err
		}
		p := page[Payment]{pagination: answer.Pagination}
		for _, r := range answer.Payments {
			if r.PaymentID == "" {
				return p, errors.New("a payment without an id")
			}
			of := cmp.Or(r.Invoice, r.CreditNote, r.Prepayment, r.Overpayment, &paid{})
			made := Payment{
				ID: r.PaymentID, Type: r.PaymentType, Status: r.Status, Date: r.Date.Time,
				Number: cmp.Or(of.InvoiceNumber, of.CreditNoteNumber), ContactID: of.Contact.ContactID, ContactName: of.Contact.Name,
				AccountID: r.Account.AccountID, AccountCode: r.Account.Code,
				Amount: r.Amount.Decimal, Currency: of.CurrencyCode, BankAmount: r.BankAmount.Decimal, Rate: r.CurrencyRate.Decimal,
				Reference: r.Reference, Reconciled: bool(r.IsReconciled), Updated: r.UpdatedDateUTC.Time,
			}
			if r.Invoice != nil {
				made.InvoiceID, made.InvoiceType = r.Invoice.InvoiceID, r.Invoice.Type
			}
			p.rows = append(p.rows, made)
		}
		return p, nil
	},
	id:      func(p Payment) string { return p.ID },
	updated: func(p Payment) time.Time { return p.Updated },
	dead:    func(p Payment) bool { return p.Status == "DELETED" },
	compare: func(a, b Payment) int { return cmp.Or(b.Date.Compare(a.Date), cmp.Compare(a.ID, b.ID)) },
}

// readAccounts reads the chart of accounts, which Xero gives without pages.
func readAccounts(ctx context.Context, a *asking) ([]Account, error) {
	body, _, err := a.get(ctx, "Accounts", nil, time.Time{})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Accounts []struct {
			AccountID, Code, Name, Type, Class, Status, TaxType, BankAccountNumber, BankAccountType, CurrencyCode string
			UpdatedDateUTC                                                                                        moment
		}
	}
	if err := parse(body, &answer); err != nil {
		return nil, unread(err)
	}
	accounts := []Account{}
	for _, r := range answer.Accounts {
		if r.AccountID == "" {
			return nil, unread(errors.New("an account without an id"))
		}
		if r.Status == "DELETED" {
			continue
		}
		accounts = append(accounts, Account{
			ID: r.AccountID, Code: r.Code, Name: r.Name, Type: r.Type, Class: r.Class, Status: r.Status, TaxType: r.TaxType,
			BankNumber: masked(r.BankAccountNumber), BankType: r.BankAccountType, Currency: r.CurrencyCode, Updated: r.UpdatedDateUTC.Time,
		})
	}
	slices.SortFunc(accounts, func(a, b Account) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return accounts, nil
}

// masked leaves the end of an account's number, by which people tell their accounts
// apart.
func masked(number string) string {
	all := []rune(number)
	const shown = 4
	if len(all) <= shown {
		return number
	}
	return strings.Repeat("•", len(all)-shown) + string(all[len(all)-shown:])
}
