package books

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Habits are how an organisation's country writes numbers and days.
type Habits struct {
	country, currency string
	numbers           numbers
}

// Habits of the organisation.
func (o Organisation) Habits() Habits {
	return Habits{country: o.Country, currency: o.Base, numbers: numbersOf(o.Country)}
}

// In is the habits for amounts of another currency than the base.
func (h Habits) In(currency string) Habits {
	h.currency = currency
	return h
}

const (
	minus  = "\u2212"
	nbsp   = "\u00a0"
	narrow = "\u202f" // a no-break space of a thin kind
)

// Money writes an amount of base currency with its sign: "$48,310.22", "−$12.00".
func (h Habits) Money(d decimal.Decimal) string {
	sign, digits := h.write(d, Places(h.currency))
	symbol := symbolOf(h.currency, h.country)
	switch {
	case symbol == "":
		return sign + digits
	case h.numbers.after:
		return sign + digits + nbsp + symbol
	case h.numbers.apart || len(symbol) == 3 && symbol == h.currency:
		return sign + symbol + nbsp + digits
	}
	return sign + symbol + digits
}

// Amount writes an amount without a currency: "48,310.22", "−12.00".
func (h Habits) Amount(d decimal.Decimal) string {
	sign, digits := h.write(d, Places(h.currency))
	return sign + digits
}

// Whole writes an amount without its decimals: "48,310".
func (h Habits) Whole(d decimal.Decimal) string {
	sign, digits := h.write(d, 0)
	return sign + digits
}

// Count writes a number of things: "1,234".
func (h Habits) Count(n int) string { return h.Whole(decimal.NewFromInt(int64(n))) }

// write rounds half away from zero. What rounds to nothing has no sign.
func (h Habits) write(d decimal.Decimal, places int32) (sign, digits string) {
	text := d.Abs().StringFixed(places)
	if d.Round(places).IsNegative() {
		sign = minus
	}
	whole, fraction, _ := strings.Cut(text, ".")
	var groups []string
	for size := 3; len(whole) > size; size = h.numbers.groups() {
		groups = append(groups, whole[len(whole)-size:])
		whole = whole[:len(whole)-size]
	}
	groups = append(groups, whole)
	slices.Reverse(groups)
	digits = strings.Join(groups, h.numbers.group)
	if fraction != "" {
		digits += h.numbers.point + fraction
	}
	return sign, digits
}

// Places is how many decimals a currency has (ISO 4217).
func Places(currency string) int32 {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}

// Day writes a calendar day: "27 Nov 2026".
func (h Habits) Day(t time.Time) string { return t.Format(h.order("2 Jan 2006", "Jan 2, 2006")) }

// ShortDay writes a day of this year: "27 Nov".
func (h Habits) ShortDay(t time.Time) string { return t.Format(h.order("2 Jan", "Jan 2")) }

// LongDay writes a day in full: "Monday 23 November 2026".
func (h Habits) LongDay(t time.Time) string {
	return t.Format(h.order("Monday 2 January 2006", "Monday, January 2, 2006"))
}

func (h Habits) order(dayFirst, monthFirst string) string {
	if h.country == "US" {
		return monthFirst
	}
	return dayFirst
}

// numbers are the marks in a number and the place of the currency.
type numbers struct {
	group, point string
	after        bool // the currency stands after the number
	apart        bool // before it, with a space between
	lakh         bool // groups of two digits above the thousand
}

func (n numbers) groups() int {
	if n.lakh {
		return 2
	}
	return 3
}

// numbersOf is how a country writes numbers, as the CLDR's locale of its main
// language has it (github.com/unicode-org/cldr, common/main, symbols and
// currencyFormats). golang.org/x/text would add 420 kB to the program for this.
func numbersOf(country string) numbers {
	has := func(countries string) bool { return strings.Contains(countries, country) && len(country) == 2 }
	switch {
	case has("IN BD LK NP"):
		return numbers{group: ",", point: ".", lakh: country != "LK"}
	case has("DE ES IT GR SI HR RS BA MK DK IS RO VN"):
		return numbers{group: ".", point: ",", after: true}
	case has("AT NL ID BR AR CO CL UY PY"):
		return numbers{group: ".", point: ",", apart: true}
	case has("TR BE"):
		return numbers{group: ".", point: ",", after: country == "BE"}
	case has("FR LU MA DZ TN"):
		return numbers{group: narrow, point: ",", after: true}
	case has("FI SE NO PL CZ SK HU BG UA LT LV EE PT KZ AM GE"):
		return numbers{group: nbsp, point: ",", after: true}
	case has("CH LI"):
		return numbers{group: "’", point: ".", apart: true}
	case has("ZA"):
		return numbers{group: nbsp, point: ","}
	}
	return numbers{group: ",", point: "."}
}

// currencies are the signs, and where each is the only one of its look.
var currencies = map[string]struct{ sign, abroad, home string }{
	"AUD": {"$", "A$", "AU CC CX KI NF NR TV"},
	"CAD": {"$", "CA$", "CA"},
	"CNY": {"¥", "CN¥", "CN"},
	"EUR": {"€", "€", ""},
	"FJD": {"$", "FJ$", "FJ"},
	"GBP": {"£", "£", ""},
	"HKD": {"$", "HK$", "HK"},
	"INR": {"₹", "₹", ""},
	"JPY": {"¥", "JP¥", "JP"},
	"KRW": {"₩", "₩", ""},
	"MYR": {"RM", "RM", ""},
	"NZD": {"$", "NZ$", "NZ CK NU PN TK"},
	"PHP": {"₱", "₱", ""},
	"SGD": {"$", "S$", "SG"},
	"THB": {"฿", "฿", ""},
	"USD": {"$", "US$", "US AS EC GU MH MP PR SV TL VI"},
	"ZAR": {"R", "R", ""},
}

// symbolOf is a currency's sign: in its own country the plain one, elsewhere one
// that tells it from others, and where none is known the code.
func symbolOf(currency, country string) string {
	c, ok := currencies[currency]
	switch {
	case !ok:
		return currency
	case c.home == "" || len(country) == 2 && strings.Contains(c.home, country):
		return c.sign
	}
	return c.abroad
}
