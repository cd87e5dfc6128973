//go:build proof

package proof

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

// rawBooks are an organisation's records as the simulated Xero gives them out, read
// from it and not through FCC's pages. Its reports are not looked at.
type rawBooks struct {
	invoices []rawInvoice
	accounts []rawAccount
	money    []rawMoney
	today    time.Time
}

type rawInvoice struct {
	InvoiceNumber, Type, Status, CurrencyCode, LineAmountTypes string
	Date, DueDate                                              rawDay
	CurrencyRate, Total, TotalTax, AmountDue                   decimal.Decimal
	LineItems                                                  []struct {
		AccountCode           string
		LineAmount, TaxAmount decimal.Decimal
	}
	CreditNotes []struct {
		Date          rawDay
		AppliedAmount decimal.Decimal
	}
}

// rawMoney is a bank transaction.
type rawMoney struct {
	Type, Status string
	Date         rawDay
	CurrencyRate decimal.Decimal
	LineItems    []struct {
		AccountCode string
		LineAmount  decimal.Decimal
	}
}

type rawAccount struct{ Code, Class string }

// rawDay reads Xero's "/Date(1518685950940+0000)/".
type rawDay struct{ time.Time }

var rawDate = regexp.MustCompile(`^/Date\((-?\d+)(\+0000)?\)/$`)

func (d *rawDay) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	m := rawDate.FindStringSubmatch(s)
	if m == nil {
		return fmt.Errorf("%q is no date of Xero", s)
	}
	ms, err := strconv.ParseInt(m[1], 10, 64)
	d.Time = time.UnixMilli(ms).UTC()
	return err
}

// fetch asks the simulated Xero itself, with FCC's access token.
func (l *ledger) fetch(t *testing.T, token, path string, into any) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, l.sim.base+"/api.xro/2.0/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("xero-tenant-id", l.tenant(t))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", path, answer.Status, body, err)
	}
	decodeInto(t, string(body), into)
}

func (l *ledger) tenant(t *testing.T) string {
	t.Helper()
	return l.connected(t, l.key).Connections[0].Organisations[0].TenantID
}

func (l *ledger) raw(t *testing.T) *rawBooks {
	t.Helper()
	token := l.command(t, "token")
	b := &rawBooks{}
	for page := 1; ; page++ {
		var list struct{ Invoices []rawInvoice }
		l.fetch(t, token, fmt.Sprintf("Invoices?page=%d&pageSize=1000", page), &list)
		b.invoices = append(b.invoices, list.Invoices...)
		if len(list.Invoices) < 1000 {
			break
		}
	}
	for page := 1; ; page++ {
		var list struct{ BankTransactions []rawMoney }
		l.fetch(t, token, fmt.Sprintf("BankTransactions?page=%d&pageSize=1000", page), &list)
		b.money = append(b.money, list.BankTransactions...)
		if len(list.BankTransactions) < 1000 {
			break
		}
	}
	var accounts struct{ Accounts []rawAccount }
	l.fetch(t, token, "Accounts", &accounts)
	b.accounts = accounts.Accounts
	var today struct{ Today string }
	answer, err := l.get("/api/dashboard", l.key)
	if err != nil {
		t.Fatal(err)
	}
	decodeInto(t, answer.body, &today)
	if b.today, err = time.Parse(time.DateOnly, today.Today); err != nil {
		t.Fatal(err)
	}
	if time.Until(b.today).Abs() > 48*time.Hour {
		t.Fatalf("today is %v", b.today)
	}
	return b
}

// based is an amount in base currency.
func based(amount, rate decimal.Decimal) decimal.Decimal {
	if rate.IsZero() || rate.Equal(decimal.NewFromInt(1)) {
		return amount
	}
	return amount.DivRound(rate, 2)
}

// figures sums what the dashboard shows, but for the bank: what was in an account
// before its first payment no record says.
func (b *rawBooks) figures() figures {
	var f figures
	late := []lateFigure{}
	weeks := make([][2]decimal.Decimal, 8)
	side := map[string]*debtFigures{"ACCREC": &f.Owed, "ACCPAY": &f.Owing}
	bands, overdue := map[string]*[5]decimal.Decimal{"ACCREC": {}, "ACCPAY": {}}, map[string]decimal.Decimal{}
	for _, i := range b.invoices {
		if i.Status != "AUTHORISED" || !i.AmountDue.IsPositive() {
			continue
		}
		due := based(i.AmountDue, i.CurrencyRate)
		days := int(b.today.Sub(i.DueDate.Time).Hours() / 24)
		side[i.Type].Count++
		band := 0
		for _, from := range []int{1, 31, 61, 91} {
			if days >= from {
				band++
			}
		}
		bands[i.Type][band] = bands[i.Type][band].Add(due)
		if days > 0 {
			side[i.Type].OverdueCount++
			overdue[i.Type] = overdue[i.Type].Add(due)
			if i.Type == "ACCREC" {
				late = append(late, lateFigure{i.InvoiceNumber, days, cents(due)})
			}
		} else if week := -days / 7; week < 8 {
			which := 0
			if i.Type == "ACCPAY" {
				which = 1
			}
			weeks[week][which] = weeks[week][which].Add(due)
		}
	}
	for kind, s := range side {
		var total decimal.Decimal
		var amounts []string
		for _, amount := range bands[kind] {
			total = total.Add(amount)
			amounts = append(amounts, cents(amount))
		}
		s.Ages, s.Total, s.Overdue = ages(amounts...), cents(total), cents(overdue[kind])
	}
	for _, w := range weeks {
		f.Due.Weeks = append(f.Due.Weeks, weekFigures{cents(w[0]), cents(w[1])})
	}
	slices.SortStableFunc(late, func(a, b lateFigure) int {
		x, y := decimal.RequireFromString(a.Base), decimal.RequireFromString(b.Base)
		return cmp.Or(y.Cmp(x), b.Days-a.Days, strings.Compare(a.Number, b.Number))
	})
	f.Overdue = lateFigures{len(late), f.Owed.Overdue, late[:min(10, len(late))]}
	f.Months.Months = b.months()
	return f
}

// months sums lines by the class of their account, net of tax. What a credit note
// takes back is taken from where the invoice's first line is.
func (b *rawBooks) months() []monthFigure {
	class := map[string]string{}
	for _, a := range b.accounts {
		class[a.Code] = a.Class
	}
	income, costs := map[string]decimal.Decimal{}, map[string]decimal.Decimal{}
	book := func(day time.Time, code string, amount decimal.Decimal) {
		month := day.Format("2006-01")
		switch class[code] {
		case "REVENUE":
			income[month] = income[month].Add(amount)
		case "EXPENSE":
			costs[month] = costs[month].Sub(amount)
		}
	}
	for _, m := range b.money {
		side := decimal.NewFromInt(1)
		if m.Type == "SPEND" {
			side = decimal.NewFromInt(-1)
		}
		for _, line := range m.LineItems {
			if m.Status == "AUTHORISED" {
				book(m.Date.Time, line.AccountCode, side.Mul(based(line.LineAmount, m.CurrencyRate)))
			}
		}
	}
	for _, i := range b.invoices {
		if i.Status != "AUTHORISED" && i.Status != "PAID" {
			continue
		}
		side := decimal.NewFromInt(1)
		if i.Type == "ACCPAY" {
			side = decimal.NewFromInt(-1)
		}
		for _, line := range i.LineItems {
			net := line.LineAmount
			if i.LineAmountTypes == "Inclusive" {
				net = net.Sub(line.TaxAmount)
			}
			book(i.Date.Time, line.AccountCode, side.Mul(based(net, i.CurrencyRate)))
		}
		for _, c := range i.CreditNotes {
			tax := c.AppliedAmount.Mul(i.TotalTax).DivRound(i.Total, 2)
			book(c.Date.Time, i.LineItems[0].AccountCode, side.Neg().Mul(based(c.AppliedAmount.Sub(tax), i.CurrencyRate)))
		}
	}
	var months []monthFigure
	for n := 11; n >= 0; n-- {
		month := time.Date(b.today.Year(), b.today.Month()-time.Month(n), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
		months = append(months, monthFigure{cents(income[month]), cents(costs[month]), cents(income[month].Sub(costs[month]))})
	}
	return months
}
