package xerosim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/xero/xerosim"
)

type contact struct {
	ContactID, Name, ContactStatus, DefaultCurrency string
	IsCustomer, IsSupplier                          bool
	Balances                                        *struct {
		AccountsReceivable, AccountsPayable struct{ Outstanding, Overdue decimal.Decimal }
	}
}

type invoice struct {
	InvoiceID, InvoiceNumber, Type, Status, CurrencyCode, LineAmountTypes string
	Contact                                                               struct{ ContactID, Name string }
	DateString, DueDateString, FullyPaidOnDate                            string
	CurrencyRate, SubTotal, TotalTax, Total                               decimal.Decimal
	AmountDue, AmountPaid, AmountCredited                                 decimal.Decimal
	Payments                                                              []struct {
		PaymentID string
		Amount    decimal.Decimal
	}
	CreditNotes []struct {
		AppliedAmount decimal.Decimal
		DateString    string
	}
	LineItems []struct {
		AccountCode           string
		LineAmount, TaxAmount decimal.Decimal
	}
}

type payment struct {
	PaymentID, PaymentType, Date     string
	Amount, BankAmount, CurrencyRate decimal.Decimal
	Account                          struct{ AccountID string }
	Invoice                          struct{ InvoiceID, Type, CurrencyCode string }
}

type bankTransaction struct {
	BankTransactionID, Type, Status, Date, CurrencyCode string
	BankAccount                                         struct{ AccountID string }
	CurrencyRate, SubTotal, TotalTax, Total             decimal.Decimal
	LineItems                                           []struct {
		AccountCode           string
		LineAmount, TaxAmount decimal.Decimal
	}
}

// base is an amount in base currency: of that no rate is told.
func (t bankTransaction) base(amount decimal.Decimal) decimal.Decimal {
	if t.CurrencyRate.IsZero() {
		return amount
	}
	return amount.DivRound(t.CurrencyRate, 2)
}

// every reads all pages of a list.
func every[T any](a *app, resource, organisation, query string) []T {
	a.t.Helper()
	var all []T
	for page := 1; ; page++ {
		var got struct {
			Contacts, Invoices, Payments, BankTransactions []T
			Pagination                                     struct{ Page, PageSize, PageCount, ItemCount int }
		}
		a.read(fmt.Sprintf("/api.xro/2.0/%s?page=%d&pageSize=1000&%s", resource, page, query), organisation, &got)
		all = slices.Concat(all, got.Contacts, got.Invoices, got.Payments, got.BankTransactions)
		if got.Pagination.Page != page || got.Pagination.PageSize != 1000 {
			a.t.Fatalf("page %d calls itself %+v", page, got.Pagination)
		}
		if page >= got.Pagination.PageCount {
			if len(all) != got.Pagination.ItemCount {
				a.t.Errorf("%s: %d came, %d are said to be there", resource, len(all), got.Pagination.ItemCount)
			}
			return all
		}
	}
}

// today is the organisation's calendar day.
func (a *app) today(organisation string) time.Time {
	a.t.Helper()
	zone := "Pacific/Auckland"
	if organisation == cafe {
		zone = "Europe/London"
	}
	place, err := time.LoadLocation(zone)
	if err != nil {
		a.t.Fatal(err)
	}
	y, m, d := a.Now().In(place).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func TestTheBooksAgreeWithThemselves(t *testing.T) {
	a := newApp(t)
	for _, organisation := range []string{joinery, cafe, kauri} {
		t.Run(organisation, func(t *testing.T) {
			contacts := every[contact](a, "Contacts", organisation, "includeArchived=true")
			invoices := every[invoice](a, "Invoices", organisation, "")
			payments := every[payment](a, "Payments", organisation, "")
			today := a.today(organisation).Format("2006-01-02T00:00:00")

			paid := map[string]decimal.Decimal{} // by invoice
			amounts := map[string]decimal.Decimal{}
			for _, p := range payments {
				paid[p.Invoice.InvoiceID] = paid[p.Invoice.InvoiceID].Add(p.Amount)
				amounts[p.PaymentID] = p.Amount
				if p.PaymentType != p.Invoice.Type+"PAYMENT" || !p.Amount.IsPositive() || !p.BankAmount.IsPositive() || p.Account.AccountID == "" {
					t.Errorf("a payment is %+v", p)
				}
			}
			type owed struct{ receivable, lateReceivable, payable, latePayable decimal.Decimal }
			owing := map[string]*owed{}
			for _, c := range contacts {
				owing[c.ContactID] = &owed{}
			}
			seen := map[string]int{}
			numbers := map[string]bool{}
			for _, i := range invoices {
				seen[i.Type+" "+i.Status]++
				seen[i.CurrencyCode]++
				seen[i.LineAmountTypes]++
				checkInvoice(t, i)
				if !paid[i.InvoiceID].Equal(i.AmountPaid) {
					t.Errorf("%s: AmountPaid is %s, its payments sum to %s", i.InvoiceNumber, i.AmountPaid, paid[i.InvoiceID])
				}
				for _, p := range i.Payments {
					if !amounts[p.PaymentID].Equal(p.Amount) {
						t.Errorf("%s: payment %s is %s here and %s in its list", i.InvoiceNumber, p.PaymentID, p.Amount, amounts[p.PaymentID])
					}
				}
				if i.Type == "ACCREC" && numbers[i.InvoiceNumber] {
					t.Errorf("two sales are called %s", i.InvoiceNumber)
				}
				numbers[i.InvoiceNumber] = numbers[i.InvoiceNumber] || i.Type == "ACCREC"
				o := owing[i.Contact.ContactID]
				if o == nil {
					t.Fatalf("%s is to nobody we know: %+v", i.InvoiceNumber, i.Contact)
				}
				if i.Status != "AUTHORISED" {
					continue
				}
				late := i.DueDateString < today
				if i.Type == "ACCREC" {
					o.receivable = o.receivable.Add(i.AmountDue)
				} else {
					o.payable = o.payable.Add(i.AmountDue)
				}
				switch {
				case late && i.Type == "ACCREC":
					o.lateReceivable = o.lateReceivable.Add(i.AmountDue)
				case late:
					o.latePayable = o.latePayable.Add(i.AmountDue)
				}
				seen["late"] += map[bool]int{true: 1}[late]
				seen["not yet due"] += map[bool]int{true: 1}[!late]
				seen["part paid"] += map[bool]int{true: 1}[i.AmountPaid.IsPositive()]
			}
			for _, c := range contacts {
				o := owing[c.ContactID]
				if c.Balances == nil {
					if *o != (owed{}) {
						t.Errorf("%s has no balances and owes %+v", c.Name, o)
					}
					continue
				}
				got := owed{c.Balances.AccountsReceivable.Outstanding, c.Balances.AccountsReceivable.Overdue,
					c.Balances.AccountsPayable.Outstanding, c.Balances.AccountsPayable.Overdue}
				if !got.receivable.Equal(o.receivable) || !got.lateReceivable.Equal(o.lateReceivable) ||
					!got.payable.Equal(o.payable) || !got.latePayable.Equal(o.latePayable) {
					t.Errorf("%s: the balances are %v, its invoices sum to %v", c.Name, got, *o)
				}
			}
			seen["draft"] = seen["ACCREC DRAFT"] + seen["ACCPAY DRAFT"]
			seen["submitted"] = seen["ACCREC SUBMITTED"] + seen["ACCPAY SUBMITTED"]
			want := []string{"late", "not yet due", "part paid", "draft", "submitted", "Exclusive", "Inclusive"}
			for _, kind := range []string{"ACCREC", "ACCPAY"} {
				for _, status := range []string{"DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED"} {
					if organisation == kauri || status == "AUTHORISED" || status == "PAID" {
						want = append(want, kind+" "+status)
					}
				}
			}
			if organisation == kauri {
				want = append(want, "AUD", "EUR", "GBP", "JPY", "NZD", "USD", "NoTax")
				if len(invoices) != 12000 {
					t.Errorf("%d invoices, want 12,000", len(invoices))
				}
			}
			for _, w := range want {
				if seen[w] == 0 {
					t.Errorf("no invoice is %s: %v", w, seen)
				}
			}
		})
	}
}

func checkInvoice(t *testing.T, i invoice) {
	t.Helper()
	var lines, tax, credits decimal.Decimal
	for _, l := range i.LineItems {
		lines, tax = lines.Add(l.LineAmount), tax.Add(l.TaxAmount)
	}
	for _, c := range i.CreditNotes {
		credits = credits.Add(c.AppliedAmount)
	}
	if i.LineAmountTypes == "Inclusive" {
		lines = lines.Sub(tax)
	}
	due := i.Total.Sub(i.AmountPaid).Sub(i.AmountCredited)
	if i.Status == "VOIDED" {
		due = decimal.Zero
	}
	switch {
	case len(i.LineItems) == 0 || !i.Total.IsPositive():
		t.Errorf("%s is about nothing: %+v", i.InvoiceNumber, i)
	case !lines.Equal(i.SubTotal) || !tax.Equal(i.TotalTax) || !i.SubTotal.Add(i.TotalTax).Equal(i.Total):
		t.Errorf("%s: lines of %s and %s tax, totals %s + %s = %s", i.InvoiceNumber, lines, tax, i.SubTotal, i.TotalTax, i.Total)
	case !due.Equal(i.AmountDue) || due.IsNegative():
		t.Errorf("%s: %s - %s - %s due is %s", i.InvoiceNumber, i.Total, i.AmountPaid, i.AmountCredited, i.AmountDue)
	case !credits.Equal(i.AmountCredited):
		t.Errorf("%s: credit notes of %s, AmountCredited %s", i.InvoiceNumber, credits, i.AmountCredited)
	case (i.Status == "PAID") != (i.FullyPaidOnDate != ""), i.Status == "PAID" && !i.AmountDue.IsZero():
		t.Errorf("%s is %s with %s due, paid on %q", i.InvoiceNumber, i.Status, i.AmountDue, i.FullyPaidOnDate)
	case i.AmountPaid.IsPositive() && i.Status != "PAID" && i.Status != "AUTHORISED":
		t.Errorf("%s was paid as a %s", i.InvoiceNumber, i.Status)
	case !i.CurrencyRate.IsPositive(), i.CurrencyCode == "JPY" && !i.Total.IsInteger():
		t.Errorf("%s: %s %s at %s", i.InvoiceNumber, i.CurrencyCode, i.Total, i.CurrencyRate)
	}
}

func TestTheSameSeedMakesTheSameBooksAndAnotherOnesOthers(t *testing.T) {
	ids := func(seed uint64, later time.Duration) []string {
		a := newApp(t, func(o *xerosim.Options) { o.Seed = seed })
		a.Advance(later)
		a.token = a.signIn().AccessToken
		var all []string
		for _, i := range every[invoice](a, "Invoices", joinery, "") {
			all = append(all, i.InvoiceID+" "+i.Total.String()+" "+i.Status)
		}
		return all
	}
	first := ids(7, 0)
	if !slices.Equal(first, ids(7, 0)) || !slices.Equal(first, ids(7, 100*24*time.Hour)) {
		t.Error("the same seed made other books")
	}
	if slices.Equal(first, ids(8, 0)) {
		t.Error("another seed made the same books")
	}
}

func TestTheBooksFollowTheClock(t *testing.T) {
	a := newApp(t)
	a.Advance(400 * 24 * time.Hour)
	a.token = a.signIn().AccessToken
	newest := every[invoice](a, "Invoices", cafe, "order=Date%20DESC")[0]
	if want := a.Now().UTC().AddDate(0, 0, -3).Format("2006-01-02"); newest.DateString < want {
		t.Errorf("the newest invoice is of %s, want about %s", newest.DateString, want)
	}
	// The books stay as they were made; what is late goes on to be so.
	before := every[contact](a, "Contacts", cafe, "")
	a.Advance(90 * 24 * time.Hour)
	a.token = a.signIn().AccessToken
	for n, c := range every[contact](a, "Contacts", cafe, "") {
		if c.Balances == nil {
			continue
		}
		if got := c.Balances.AccountsReceivable; !got.Overdue.Equal(got.Outstanding) || !got.Outstanding.Equal(before[n].Balances.AccountsReceivable.Outstanding) {
			t.Errorf("%s after 90 days: %+v, before %+v", c.Name, got, before[n].Balances)
		}
	}
}

func TestNamesComeAsTheyAre(t *testing.T) {
	a := newApp(t)
	got := a.get("/api.xro/2.0/Contacts?page=1&pageSize=1000", kauri)
	for _, odd := range []string{
		`<script>alert('paid')</script>`, `=cmd|' /C calc'!A0`, "🌲", "שלום", "\u202e", `O'Hare & \"Partners\"`, "Zoe\u0308",
	} {
		if !strings.Contains(got.body, odd) {
			t.Errorf("no contact is called %q", odd)
		}
	}
	var organisation struct{ Organisations []struct{ Name string } }
	a.read("/api.xro/2.0/Organisation", kauri, &organisation)
	if organisation.Organisations[0].Name != kauri {
		t.Errorf("the organisation calls itself %q", organisation.Organisations[0].Name)
	}
	longest := 0
	for _, c := range every[contact](a, "Contacts", kauri, "") {
		longest = max(longest, len([]rune(c.Name)))
	}
	if longest < 200 || longest > 255 {
		t.Errorf("the longest name has %d characters, want about Xero's 255", longest)
	}
}

func TestTheBankSummaryAddsUp(t *testing.T) {
	a := newApp(t)
	for _, organisation := range []string{joinery, cafe, kauri} {
		var got struct {
			Reports []struct {
				Rows []struct {
					RowType string
					Rows    []struct {
						RowType string
						Cells   []struct{ Value string }
					}
				}
			}
		}
		a.read("/api.xro/2.0/Reports/BankSummary?fromDate=2000-01-01&toDate=2100-01-01", organisation, &got)
		var sums [5]decimal.Decimal
		for _, row := range got.Reports[0].Rows[1].Rows {
			var cells [5]decimal.Decimal
			for n := 1; n < 5; n++ {
				cells[n] = decimal.RequireFromString(row.Cells[n].Value)
			}
			if !cells[1].Add(cells[2]).Sub(cells[3]).Equal(cells[4]) {
				t.Errorf("%s: %v does not add up", organisation, row.Cells)
			}
			for n := 1; n < 5; n++ {
				if row.RowType == "SummaryRow" && !sums[n].Equal(cells[n]) {
					t.Errorf("%s: column %d sums to %s, the total says %s", organisation, n, sums[n], cells[n])
				}
				sums[n] = sums[n].Add(cells[n])
			}
		}
		var received, spent decimal.Decimal
		for _, p := range every[payment](a, "Payments", organisation, "") {
			base := p.Amount.DivRound(p.CurrencyRate, 2)
			if p.PaymentType == "ACCRECPAYMENT" {
				received = received.Add(base)
			} else {
				spent = spent.Add(base)
			}
		}
		kinds := map[string]int{}
		for _, m := range every[bankTransaction](a, "BankTransactions", organisation, "") {
			if kinds[m.Type+" "+m.Status]++; !m.SubTotal.Add(m.TotalTax).Equal(m.Total) || !m.SubTotal.Equal(m.LineItems[0].LineAmount) || !m.Total.IsPositive() {
				t.Errorf("%s: %+v does not add up", organisation, m)
			}
			switch {
			case m.Status != "AUTHORISED":
			case m.Type == "RECEIVE":
				received = received.Add(m.base(m.Total))
			default:
				spent = spent.Add(m.base(m.Total))
			}
		}
		if kinds["SPEND AUTHORISED"] == 0 || kinds["RECEIVE AUTHORISED"] == 0 || kinds["RECEIVE DELETED"] == 0 {
			t.Errorf("%s: bank transactions are %v", organisation, kinds)
		}
		// The sums hold each figure twice: in its row and in the total.
		two := decimal.NewFromInt(2)
		if !sums[2].Equal(received.Mul(two)) || !sums[3].Equal(spent.Mul(two)) {
			t.Errorf("%s: received %s of %s, spent %s of %s", organisation, sums[2].Div(two), received, sums[3].Div(two), spent)
		}
	}
}
