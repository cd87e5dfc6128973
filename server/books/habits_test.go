package books_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/books"
)

func TestNumbersAsACountryWritesThem(t *testing.T) {
	for _, c := range []struct{ country, base, amount, money, plain, whole string }{
		{"NZ", "NZD", "48310.22", "$48,310.22", "48,310.22", "48,310"},
		{"NZ", "NZD", "-12", "−$12.00", "−12.00", "−12"},
		{"NZ", "AUD", "1234567.5", "A$1,234,567.50", "1,234,567.50", "1,234,568"},
		{"AU", "AUD", "999.994", "$999.99", "999.99", "1,000"},
		{"AU", "USD", "0.005", "US$0.01", "0.01", "0"},
		{"US", "USD", "-0.004", "$0.00", "0.00", "0"},
		{"GB", "GBP", "1000", "£1,000.00", "1,000.00", "1,000"},
		{"IE", "EUR", "1000", "€1,000.00", "1,000.00", "1,000"},
		{"DE", "EUR", "-1234.5", "−1.234,50\u00a0€", "−1.234,50", "−1.235"},
		{"FR", "EUR", "1234567.5", "1\u202f234\u202f567,50\u00a0€", "1\u202f234\u202f567,50", "1\u202f234\u202f568"},
		{"NL", "EUR", "1234.5", "€\u00a01.234,50", "1.234,50", "1.235"},
		{"CH", "CHF", "1234.5", "CHF\u00a01’234.50", "1’234.50", "1’235"},
		{"IN", "INR", "12345678.9", "₹1,23,45,678.90", "1,23,45,678.90", "1,23,45,679"},
		{"JP", "JPY", "12345", "¥12,345", "12,345", "12,345"},
		{"NZ", "JPY", "12345.4", "JP¥12,345", "12,345", "12,345"},
		{"KW", "KWD", "1.5", "KWD\u00a01.500", "1.500", "2"},
		{"ZZ", "XTS", "-1.5", "−XTS\u00a01.50", "−1.50", "−2"},
		{"", "", "1234.5", "1,234.50", "1,234.50", "1,235"},
		{"NZ", "NZD", "123456789012345678901234567890.12", "$123,456,789,012,345,678,901,234,567,890.12", "123,456,789,012,345,678,901,234,567,890.12", "123,456,789,012,345,678,901,234,567,890"},
	} {
		h := books.Organisation{Country: c.country, Base: c.base}.Habits()
		d := decimal.RequireFromString(c.amount)
		if money, plain, whole := h.Money(d), h.Amount(d), h.Whole(d); money != c.money || plain != c.plain || whole != c.whole {
			t.Errorf("%s of %s: %q %q %q, want %q %q %q", c.amount, c.country, money, plain, whole, c.money, c.plain, c.whole)
		}
	}
	abroad := books.Organisation{Country: "NZ", Base: "NZD"}.Habits().In("USD")
	if got := abroad.Money(decimal.NewFromInt(5)); got != "US$5.00" {
		t.Errorf("another currency is %s", got)
	}
}

func TestDaysAsACountryWritesThem(t *testing.T) {
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for country, want := range map[string][3]string{
		"NZ": {"23 Nov 2026", "23 Nov", "Monday 23 November 2026"},
		"US": {"Nov 23, 2026", "Nov 23", "Monday, November 23, 2026"},
	} {
		h := books.Organisation{Country: country}.Habits()
		if got := [3]string{h.Day(day), h.ShortDay(day), h.LongDay(day)}; got != want {
			t.Errorf("%s: %q", country, got)
		}
	}
}

func TestTodayIsTheOrganisations(t *testing.T) {
	at := time.Date(2026, 11, 30, 11, 30, 0, 0, time.UTC)
	for zone, want := range map[string]string{
		"NEWZEALANDSTANDARDTIME":       "2026-12-01", // 00:30 in summer time
		"UTC":                          "2026-11-30",
		"GMTSTANDARDTIME":              "2026-11-30",
		"AUSEASTERNSTANDARDTIME":       "2026-11-30", // 22:30
		"SAMOASTANDARDTIME":            "2026-12-01",
		"DATELINESTANDARDTIME":         "2026-11-29",
		"UTC11":                        "2026-11-30", // behind UTC: 00:30
		"UTC+13":                       "2026-12-01",
		"LINEISLANDSSTANDARDTIME":      "2026-12-01",
		"MOUNTAINSTANDARDTIME(MEXICO)": "2026-11-30",
		"HAWAIIANSTANDARDTIME":         "2026-11-30",
	} {
		o := books.Organisation{Timezone: zone}
		if got := o.Today(at).Format(time.DateOnly); got != want {
			t.Errorf("%s: %s, want %s (%v)", zone, got, want, o.Location())
		}
	}
	if l := (books.Organisation{Timezone: "MARSSTANDARDTIME"}).Location(); l != time.Local {
		t.Errorf("a zone that is not known is %v", l)
	}
}

func TestLinksLeadIntoTheOrganisation(t *testing.T) {
	o := books.Organisation{ShortCode: "!aB3xY"}
	if got := o.InvoiceLink("0b42"); got != "https://go.xero.com/app/!aB3xY/invoicing/view/0b42" {
		t.Error(got)
	}
	if got := o.ContactLink("0b42"); got != "https://go.xero.com/app/!aB3xY/contacts/contact/0b42" {
		t.Error(got)
	}
	if got := (books.Organisation{ShortCode: `!a/"><b`}).InvoiceLink(`../"x`); got != `https://go.xero.com/app/!a%2F%22%3E%3Cb/invoicing/view/..%2F%22x` {
		t.Error(got)
	}
	sale, bill := books.Invoice{ID: "0b42", Type: "ACCREC"}, books.Invoice{ID: "0b42", Type: "ACCPAY"}
	if got := o.Link(sale); got != o.InvoiceLink("0b42") {
		t.Error(got)
	}
	if got := o.Link(bill); got != "https://go.xero.com/organisationlogin/default.aspx?shortcode=!aB3xY&redirecturl=/AccountsPayable/Edit.aspx?InvoiceID=0b42" {
		t.Error(got)
	}
	if (books.Organisation{}).InvoiceLink("0b42") != "" || o.ContactLink("") != "" {
		t.Error("a link to nowhere")
	}
}
