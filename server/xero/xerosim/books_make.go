package xerosim

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

const day = 24 * time.Hour

func midnight(t time.Time) time.Time { return t.UTC().Truncate(day) }

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// newBooks makes the books of p as they stand at now. The same seed makes the
// same books, ids included; only the dates follow now.
func newBooks(p *profile, seed uint64, now time.Time) *books {
	if p.ledger != nil {
		b, err := newLedgerBooks(p, seed, now)
		if err != nil {
			panic(err) // New has made them once
		}
		return b
	}
	h := fnv.New64a()
	h.Write([]byte(p.key))
	b := &books{
		profile:     p,
		rand:        rand.New(rand.NewPCG(seed, h.Sum64())),
		contactByID: make(map[string]*contact, p.contacts),
		invoiceByID: make(map[string]*invoice, p.invoices),
		paymentByID: make(map[string]*payment, p.invoices),
		nextSale:    1,
	}
	m := maker{books: b, now: now, today: p.today(now)}
	m.accounts()
	m.contacts()
	m.invoices()
	m.money()
	return b
}

// A maker fills new books. No draw may depend on now, or a seed would not mean
// the same books every day.
type maker struct {
	*books
	now, today time.Time
	late       [4]int // sales seen by leftOpen, by age
}

func (m *maker) accounts() {
	opened := m.today.AddDate(0, 0, -m.profile.days-30).Add(22 * time.Hour)
	for _, bank := range m.profile.banks {
		bank.kind, bank.class, bank.tax = "BANK", "ASSET", "NONE"
		if bank.bankType == "CREDITCARD" {
			bank.class = "LIABILITY"
		}
		if bank.currency == "" {
			bank.currency = m.profile.base
		}
		bank.id, bank.updated = m.id(), opened
		m.books.accounts = append(m.books.accounts, &bank)
	}
	own := chart
	if len(m.profile.currencies) > 0 {
		own = slices.Concat(chart, currencyAccounts)
	}
	for _, a := range own {
		a.id, a.updated = m.id(), opened
		if a.system == "GST" && m.profile.country == "GB" {
			a.name = "VAT"
		}
		m.books.accounts = append(m.books.accounts, &a)
	}
}

func (m *maker) contacts() {
	p := m.profile
	foreign := make([]string, 0, len(p.currencies))
	for _, c := range []string{"USD", "AUD", "EUR", "GBP", "JPY"} {
		if _, ok := p.currencies[c]; ok {
			foreign = append(foreign, c)
		}
	}
	taken := map[string]bool{}
	for n := range p.contacts {
		c := &contact{id: m.id(), currency: p.base, city: pick(m.rand, placeNames), country: p.country}
		if n < len(p.names) {
			c.name = p.names[n]
		} else {
			for c.name == "" || taken[c.name] {
				c.name, c.first, c.last = m.name()
				if taken[c.name] && m.rand.IntN(4) == 0 {
					c.name += fmt.Sprintf(" (%s)", pick(m.rand, placeNames))
				}
			}
		}
		taken[c.name] = true
		// The first two are a customer and a supplier, so that each has somebody.
		switch role := m.rand.IntN(10); {
		case n == 0 || n > 1 && role < 6:
			c.customer = true
		case n == 1 || role < 9:
			c.supplier = true
		default:
			c.customer, c.supplier = true, true
		}
		if len(foreign) > 0 && n > 1 && m.rand.IntN(4) == 0 {
			c.currency = pick(m.rand, foreign)
		}
		if m.rand.IntN(8) > 0 {
			c.email = fmt.Sprintf("accounts%d@%s.example", n+1, p.key)
		}
		if m.rand.IntN(3) == 0 {
			c.number = fmt.Sprintf("C-%04d", n+1)
		}
		if m.rand.IntN(4) == 0 {
			c.accountNumber = fmt.Sprintf("%s%03d", strings.ToUpper(p.key[:3]), n+1)
		}
		c.phone = fmt.Sprintf("%03d %04d", 200+m.rand.IntN(800), m.rand.IntN(10000))
		c.archived = n > 1 && m.rand.IntN(30) == 0
		c.updated = m.clockTime(m.today.AddDate(0, 0, -m.rand.IntN(p.days)))
		m.addContact(c)
	}
}

// clockTime is an hour of business on day d, and never after now.
func (m *maker) clockTime(d time.Time) time.Time {
	t := d.Add(8*time.Hour + time.Duration(m.rand.IntN(10*3600))*time.Second + time.Duration(m.rand.IntN(1000))*time.Millisecond)
	if t.After(m.now) {
		return m.now.Truncate(time.Second)
	}
	return t
}

func (m *maker) invoices() {
	var customers, suppliers []*contact
	for _, c := range m.books.contacts {
		if c.customer {
			customers = append(customers, c)
		}
		if c.supplier {
			suppliers = append(suppliers, c)
		}
	}
	for n := range m.profile.invoices {
		age := m.profile.days - n*m.profile.days/m.profile.invoices // days; the last is a day old
		i := &invoice{id: m.id(), date: m.today.AddDate(0, 0, -age), taxing: "Exclusive"}
		if m.rand.IntN(20) < 13 {
			i.kind, i.contact = "ACCREC", pick(m.rand, customers)
			i.number = m.saleNumber()
		} else {
			i.kind, i.contact = "ACCPAY", pick(m.rand, suppliers)
			if m.rand.IntN(12) > 0 { // a bill may have no number, or one that another supplier used too
				i.number = fmt.Sprintf("%d", 1000+m.rand.IntN(9000))
			}
		}
		if m.rand.IntN(3) == 0 {
			i.reference = fmt.Sprintf("PO %d", 100+m.rand.IntN(9900))
		}
		term := pick(m.rand, []int{7, 14, 20, 20, 30, 30, 60})
		i.due = i.date.AddDate(0, 0, term)
		i.currency, i.rate = i.contact.currency, decimal.NewFromInt(1)
		if i.currency != m.profile.base {
			// A rate wanders by up to 4 % about the one in the profile.
			i.rate = m.profile.currencies[i.currency].Mul(decimal.New(int64(9600+m.rand.IntN(801)), -4)).Round(6)
			i.taxing = "NoTax"
		} else if m.rand.IntN(6) == 0 {
			i.taxing = "Inclusive"
		}
		m.lines(i)
		m.progress(i, age, age-term, m.profile.invoices-n)
		m.addInvoice(i)
	}
	for _, s := range m.profile.standing {
		m.standing(s)
	}
}

// standing writes the invoices of one contact, the newest a few days old.
func (m *maker) standing(s standing) {
	with := first(m.books.contacts, func(c *contact) bool { return c.name == s.contact })
	with.archived = false
	for age := m.profile.days - m.rand.IntN(s.every); age > 0; age -= s.every {
		i := &invoice{id: m.id(), kind: "ACCPAY", contact: with, taxing: "Exclusive", currency: m.profile.base, rate: one,
			date: m.today.AddDate(0, 0, -age), due: m.today.AddDate(0, 0, s.terms-age), status: "AUTHORISED"}
		if s.tax == "OUTPUT2" {
			i.kind, i.sent, i.number = "ACCREC", true, m.saleNumber()
		} else {
			i.number = fmt.Sprintf("%d", 10000+m.rand.IntN(90000))
		}
		l := line{id: m.id(), description: s.item.description, accountCode: s.item.account, tax: s.tax, quantity: one}
		l.unit = decimal.New(s.item.low+m.rand.Int64N(s.item.high-s.item.low+1), -2)
		rate := decimal.Zero
		if s.tax != "NONE" {
			rate = decimal.NewFromInt(m.profile.taxRate)
		}
		l.reckon(i.taxing, rate, places(i.currency))
		i.lines = []line{l}
		i.sum()
		i.updated = m.clockTime(i.date)
		if age >= s.terms {
			m.settle(i, age-s.terms)
		}
		m.addInvoice(i)
	}
}

// settle pays all that is due of an invoice.
func (m *maker) settle(i *invoice, daysAgo int) {
	m.pay(i, i.amountDue(), daysAgo)
	i.status, i.fullyPaid = "PAID", i.payments[len(i.payments)-1].date
}

func (b *books) saleNumber() string {
	n := fmt.Sprintf("INV-%04d", b.nextSale)
	b.nextSale++
	return n
}

func (m *maker) lines(i *invoice) {
	items, tax := m.profile.sales, "OUTPUT2"
	if i.kind == "ACCPAY" {
		items, tax = m.profile.purchases, "INPUT2"
	}
	if i.taxing == "NoTax" {
		tax = "NONE"
	}
	to := places(i.currency)
	i.lines = make([]line, 1+m.rand.IntN(3))
	for n := range i.lines {
		l := &i.lines[n]
		it := pick(m.rand, items)
		l.id, l.description, l.accountCode, l.tax = m.id(), it.description, it.account, tax
		l.quantity = decimal.NewFromInt(1 + m.rand.Int64N(it.most))
		if it.most > 5 && m.rand.IntN(4) == 0 {
			l.quantity = l.quantity.Add(decimal.New(25*(1+m.rand.Int64N(3)), -2))
		}
		price := decimal.New(it.low+m.rand.Int64N(it.high-it.low+1), -2)
		l.unit = price.Mul(i.rate).Round(to)
		if to > 0 && m.rand.IntN(10) == 0 {
			l.unit = l.unit.Add(decimal.New(m.rand.Int64N(100), -4)) // Xero keeps four decimals of a price
		}
		if m.rand.IntN(15) == 0 {
			l.discount = decimal.NewFromInt(5 * (1 + m.rand.Int64N(3)))
		}
		l.reckon(i.taxing, decimal.NewFromInt(m.profile.taxRate), to)
	}
	i.sum()
}

// progress takes an invoice as far as one of its age gets: written, approved,
// credited, paid or voided. late is how many days it is overdue. The newest four
// (last counts from the end) are a draft, one submitted, one open and one part
// paid, so that the smallest books have each.
func (m *maker) progress(i *invoice, age, late, last int) {
	i.updated = m.clockTime(i.date)
	chance := m.rand.IntN(100)
	if last <= 4 {
		chance = []int{0, 20, 50, 50}[last-1]
	}
	switch {
	case age < 20 && chance < 14:
		i.status = "DRAFT"
	case age < 20 && chance < 24:
		i.status = "SUBMITTED"
	case chance >= 97:
		i.status = "VOIDED"
		i.updated = m.clockTime(i.date.AddDate(0, 0, min(age, 3)))
	default:
		i.status, i.sent = "AUTHORISED", i.kind == "ACCREC"
	}
	credited, part, paid := m.rand.IntN(40) == 0, m.rand.IntN(9) == 0, m.rand.IntN(100)
	if last <= 4 {
		part, paid = last == 4, 100
	}
	if i.status != "AUTHORISED" {
		return
	}
	if credited {
		amount := i.total.Mul(decimal.New(1+m.rand.Int64N(4), -1)).Round(places(i.currency))
		m.creditNote(i, amount, i.date.AddDate(0, 0, min(age, 4)))
	}
	// Nearly all pay in the end: of those not yet due a few, of those 90 days late
	// all but a few in a hundred.
	likely := 18
	if late > 0 {
		likely = min(70+late/3, 98)
	}
	switch {
	case m.profile.standing != nil && late > 0 && last > 4:
		if i.kind == "ACCPAY" {
			m.settle(i, late)
		} else if !m.leftOpen(late) {
			m.settle(i, m.payDay(age))
		}
	case paid < likely:
		m.settle(i, m.payDay(age))
	case part:
		m.pay(i, i.amountDue().Mul(decimal.New(2+m.rand.Int64N(6), -1)).Round(places(i.currency)), m.payDay(age))
	}
}

// leftOpen says of a sale that is so many days late whether it still is to be
// paid: one of so many in each age, in turn, so that there is always one.
func (m *maker) leftOpen(late int) bool {
	age, of := 3, 40
	switch {
	case late <= 30:
		age, of = 0, 3
	case late <= 60:
		age, of = 1, 5
	case late <= 90:
		age, of = 2, 7
	}
	m.late[age]++
	return m.late[age]%of == 2
}

// payDay is how many days ago something of this age was paid.
func (m *maker) payDay(age int) int {
	return max(age-3-m.rand.IntN(45), m.rand.IntN(min(age, 3)+1))
}

func (m *maker) creditNote(i *invoice, amount decimal.Decimal, on time.Time) {
	if !amount.IsPositive() {
		return
	}
	i.credits = append(i.credits, credit{id: m.id(), number: "CN-" + strings.TrimPrefix(i.number, "INV-"), date: on, amount: amount})
	i.credited = i.credited.Add(amount)
	i.updated = m.clockTime(on)
}

// pay books one or two payments that sum to amount.
func (m *maker) pay(i *invoice, amount decimal.Decimal, daysAgo int) {
	parts := []decimal.Decimal{amount}
	if m.rand.IntN(12) == 0 {
		half := amount.DivRound(decimal.NewFromInt(2), places(i.currency))
		if half.IsPositive() && half.LessThan(amount) {
			parts = []decimal.Decimal{half, amount.Sub(half)}
		}
	}
	for _, part := range parts {
		p := &payment{id: m.id(), invoice: i, account: m.bank(i.currency), amount: part, rate: i.rate, reconciled: m.rand.IntN(8) > 0}
		p.date = m.today.AddDate(0, 0, -daysAgo)
		p.bankAmount = part
		if i.currency != m.profile.base && p.account.currency == m.profile.base {
			p.rate = i.rate.Mul(decimal.New(int64(9900+m.rand.IntN(201)), -4)).Round(6)
			p.bankAmount = part.DivRound(p.rate, 2)
		}
		if m.rand.IntN(3) == 0 {
			p.reference = i.number
		}
		p.updated = m.clockTime(p.date)
		i.updated = p.updated
		m.addPayment(p)
	}
}

// bank is where money of a currency arrives and leaves from: that currency's own
// account, else the main one.
func (m *maker) bank(currency string) *account {
	own := first(m.books.accounts, func(a *account) bool { return a.currency == currency })
	if own == nil {
		return m.books.accounts[0]
	}
	return own
}
