package xerosim

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// money writes what the bank takes and gives each month, and what was bought by card;
// one of them was written by mistake and deleted.
func (m *maker) money() {
	bank := &contact{id: m.id(), name: m.profile.bank, currency: m.profile.base, country: m.profile.country, updated: m.clockTime(m.today.AddDate(0, 0, -m.profile.days))}
	m.addContact(bank)
	suppliers := slices.DeleteFunc(slices.Clone(m.books.contacts), func(c *contact) bool { return !c.supplier || c.archived })
	banks := slices.DeleteFunc(slices.Clone(m.books.accounts), func(a *account) bool { return a.kind != "BANK" })
	main, cards := banks[0], slices.DeleteFunc(slices.Clone(banks), func(a *account) bool { return a.bankType == "BANK" })
	saved := banks[1]
	if saved.number == "CASH" {
		saved = main
	}
	for age := m.profile.days - 10; age > 0; age -= 30 {
		for _, account := range banks {
			if account.number != "CASH" {
				m.spend(bank, account, "SPEND", item{"Account fee", "404", 500, 2500, 1}, "NONE", age)
			}
		}
		m.spend(bank, saved, "RECEIVE", item{"Interest", "270", 800, 9000, 1}, "NONE", age)
		m.spend(pick(m.rand, suppliers), slices.Concat(cards, banks)[0], "SPEND", pick(m.rand, m.profile.purchases), "INPUT2", max(age-m.rand.IntN(30), 1))
	}
	first(m.books.money, func(t *bankTransaction) bool { return t.kind == "RECEIVE" }).status = "DELETED"
}

// spend books one bank transaction of one item, with one of its unit.
func (m *maker) spend(with *contact, account *account, kind string, of item, tax string, daysAgo int) {
	t := &bankTransaction{id: m.id(), kind: kind, status: "AUTHORISED", contact: with, account: account, date: m.today.AddDate(0, 0, -daysAgo),
		rate: one, reconciled: m.rand.IntN(8) > 0}
	if account.currency != m.profile.base {
		t.rate, tax = m.profile.currencies[account.currency], "NONE"
	}
	if m.rand.IntN(3) == 0 {
		t.reference = fmt.Sprintf("Card %04d", m.rand.IntN(10000))
	}
	rate := decimal.Zero
	if tax != "NONE" {
		rate = decimal.NewFromInt(m.profile.taxRate)
	}
	t.line = line{id: m.id(), description: of.description, accountCode: of.account, tax: tax, quantity: one}
	t.line.unit = decimal.New(of.low+m.rand.Int64N(of.high-of.low+1), -2).Mul(t.rate).Round(places(account.currency))
	t.line.reckon("Exclusive", rate, places(account.currency))
	t.updated = m.clockTime(t.date)
	m.books.money = append(m.books.money, t)
}

// typeMoney writes one bank transaction now. The caller holds b.mu, or has b to itself.
func (b *books) typeMoney(from LedgerMoney, now time.Time) (*bankTransaction, error) {
	wrong := func(format string, args ...any) (*bankTransaction, error) {
		return nil, fmt.Errorf("bank transaction of %q: %w", from.Contact, fmt.Errorf(format, args...))
	}
	t := &bankTransaction{
		kind: from.Type, status: cmp.Or(from.Status, "AUTHORISED"), account: b.bankCalled(from.Bank), reference: from.Reference,
		date: b.profile.today(now).AddDate(0, 0, from.Days), reconciled: !from.Unreconciled, updated: now,
	}
	var err1, err2, err3 error
	t.rate, err1 = parseAmount(from.Rate, one)
	t.line.amount, err2 = parseAmount(from.Net, decimal.Zero)
	t.line.taxAmount, err3 = parseAmount(from.Tax, decimal.Zero)
	switch err := cmp.Or(err1, err2, err3); {
	case err != nil:
		return wrong("%w", err)
	case t.kind != "SPEND" && t.kind != "RECEIVE":
		return wrong("%q is neither SPEND nor RECEIVE", t.kind)
	case !slices.Contains([]string{"AUTHORISED", "VOIDED", "DELETED"}, t.status):
		return wrong("it cannot be typed as %q", t.status)
	case t.account == nil:
		return wrong("there is no bank account %q", from.Bank)
	case b.account(from.Account) == nil:
		return wrong("there is no account %q", from.Account)
	case !t.rate.IsPositive() || t.account.currency == b.profile.base && !t.rate.Equal(one):
		return wrong("%q is no rate", from.Rate)
	case !t.total().IsPositive():
		return wrong("it is about nothing")
	}
	t.id, t.line.id = b.id(), b.id()
	t.line.accountCode, t.line.description, t.line.quantity, t.line.unit, t.line.tax = from.Account, "As typed", one, t.line.amount, "NONE"
	if !t.line.taxAmount.IsZero() {
		t.line.tax = map[string]string{"RECEIVE": "OUTPUT2", "SPEND": "INPUT2"}[t.kind]
	}
	if t.contact = b.contactCalled(from.Contact); t.contact == nil {
		var err error
		if t.contact, err = b.typeContact(LedgerContact{Name: from.Contact, Currency: t.account.currency}, now); err != nil {
			return wrong("%w", err)
		}
	}
	b.money = append(b.money, t)
	return t, nil
}

// bankCalled finds a bank account by name or code, the first where none is named.
func (b *books) bankCalled(name string) *account {
	return first(b.accounts, func(a *account) bool {
		return a.kind == "BANK" && (name == "" || a.name == name || a.code == name && a.code != "")
	})
}

// AddMoney adds a bank transaction and returns its id.
func (s *Sim) AddMoney(organisation string, m LedgerMoney) (id string, err error) {
	err = s.change(organisation, func(b *books, now time.Time) error {
		made, err := b.typeMoney(m, now)
		if err == nil {
			id = made.id
		}
		return err
	})
	return id, err
}
