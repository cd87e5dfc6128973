package server

import (
	"bytes"

	"testing"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

func dec(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// someFigures are those of a small company, all read at the same time.
func someFigures(at time.Time) books.Dashboard {
	d := books.Dashboard{Today: date(2026, time.November, 23)}
	d.Organisation = books.Reading[books.Organisation]{At: at, Value: books.Organisation{Name: "Kauri & Sons", Base: "NZD", Country: "NZ"}}
	d.Cash = books.Reading[books.Cash]{At: at, Value: books.Cash{Total: dec("48310.22"), Accounts: []books.CashAccount{
		{Name: "Cheque", Balance: dec("38310.20")}, {Name: "Savings", Balance: dec("12000.02")}, {Name: "Visa", Balance: dec("-2000")},
	}}}
	d.Owed = books.Reading[books.Debts]{At: at, Value: books.Debts{
		Count: 14, OverdueCount: 11, Total: dec("61204.90"), Overdue: dec("23937.90"),
		Bands:   [5]decimal.Decimal{dec("37267"), dec("12903"), dec("7124"), dec("2910.90"), dec("1000")},
		Foreign: books.Foreign{Count: 2, Currencies: []string{"AUD", "USD"}},
	}}
	d.Owing = books.Reading[books.Debts]{At: at, Value: books.Debts{
		Count: 9, OverdueCount: 2, Total: dec("27515"), Overdue: dec("1120"),
		Bands: [5]decimal.Decimal{dec("26395"), dec("700"), dec("420"), {}, {}},
	}}
	d.Due = books.Reading[[]books.Week]{At: at}
	in := []string{"18120", "9200", "22000.40", "6300", "14800", "11000", "19600", "8100"}
	out := []string{"7300", "12800", "5400", "16500", "7100", "8900", "7900", "13300.55"}
	for i := range in {
		from := d.Today.AddDate(0, 0, 7*i)
		d.Due.Value = append(d.Due.Value, books.Week{From: from, To: from.AddDate(0, 0, 6), In: dec(in[i]), Out: dec(out[i])})
	}
	d.Months = books.Reading[[]books.Month]{At: at}
	income := []string{"62000", "58000", "71000", "66000", "74000", "69000", "80000", "77000", "72000", "85000", "90000", "84000"}
	costs := []string{"48000", "51000", "52000", "55000", "53000", "57000", "58000", "60000", "61000", "62422.50", "66520", "61000"}
	for i := range income {
		m := books.Month{First: date(2025, time.December+time.Month(i), 1), Income: dec(income[i]), Costs: dec(costs[i])}
		m.Profit = m.Income.Sub(m.Costs)
		d.Months.Value = append(d.Months.Value, m)
	}
	d.Overdue = books.Reading[books.Overdue]{At: at, Value: books.Overdue{Count: 11, Total: dec("23937.90")}}
	for i, name := range []string{"Harbour Joinery Ltd", "Matiu & Daughters", "Otago Timber Co-op", "Ridgeway Cafés", "Tūī Street Dental", "North & Co", "Aroha Ngata", "Pukeko Press", "Kea Tours", "Weka Bikes"} {
		invoice := books.OverdueInvoice{Days: 64 - 6*i, Base: decimal.New(int64(842050-70000*i), -2), Link: "https://go.xero.com/x"}
		invoice.Number, invoice.ContactName = "INV-20"+string(rune('1'+i%9))+"1", name
		d.Overdue.Value.Top = append(d.Overdue.Value.Top, invoice)
	}
	d.Budget = xero.Budget{Known: true, Day: 4812, Minute: 55, At: at}
	return d
}

// drawn is the start page with these figures.
func drawn(t *testing.T, d books.Dashboard, now time.Time) string {
	t.Helper()
	pages, err := parsePages()
	if err != nil {
		t.Fatal(err)
	}
	figures := dashboardOf(d, "/", now)
	figures.Name = "Kauri & Sons"
	v := view{
		Title: "Dashboard", Path: "/", Here: "/", Known: true, Nav: navs("/"), Base: "NZD", State: stateLine{"good", "Signed in to Xero", []string{"Stays signed in by itself."}},
		Organisations: []xero.Organisation{{TenantID: "1", Name: "Kauri & Sons"}, {TenantID: "2", Name: "Ridgeway Café"}},
		Data:          homeView{Lead: figures.Lead, Figures: figures, Connections: []homeConnection{{State: stateLine{Tone: "good"}, ConnectionStatus: xero.ConnectionStatus{Person: &xero.Person{Name: "Aroha Ngata"}, Since: now}}}},
	}
	v.Chosen = &v.Organisations[0]
	var page bytes.Buffer
	if err := pages["dashboard"].Execute(&page, v); err != nil {
		t.Fatal(err)
	}
	return page.String()
}
