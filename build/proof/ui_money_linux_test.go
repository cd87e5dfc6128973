//go:build proof

package proof

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

// oaks is the organisation of testdata/books.json. What its books come to was
// reckoned by hand, and is typed here; nothing of it comes from a program.
//
//	Owed to it: current 0.10, 1–30 1000.00 (A-2: 1000.45 + 150.07 tax - 150.52
//	paid), 31–60 166.67 (A-3: USD 100 / 0.6), 61–90 33.33, 90+ 7.77.
//	Owed by it: current 300.25 (P-1 250.25, P-3 AUD 45 / 0.9), 1–30 49.95 (P-2).
//	In the bank: Everyday 1200.55 + 150.52 - 100.01, Reserve 300.10 + 500.00.
const oaks = "Nine Oaks Ltd"

var oaksFigures = figures{
	Cash:  cashFigures{"2051.16", []bankFigures{{"Everyday", "1251.06"}, {"Reserve", "800.10"}}},
	Owed:  debtFigures{5, "1207.87", 4, "1207.77", ages("0.10", "1000.00", "166.67", "33.33", "7.77")},
	Owing: debtFigures{3, "350.20", 1, "49.95", ages("300.25", "49.95", "0.00", "0.00", "0.00")},
	Due: dueFigures{[]weekFigures{
		{"0.10", "250.25"}, {"0.00", "0.00"}, {"0.00", "50.00"}, {"0.00", "0.00"},
		{"0.00", "0.00"}, {"0.00", "0.00"}, {"0.00", "0.00"}, {"0.00", "0.00"},
	}},
	Months: monthFigures{[]monthFigure{
		{"0.00", "0.00", "0.00"}, {"0.00", "0.00", "0.00"}, {"0.00", "0.00", "0.00"}, {"0.00", "0.00", "0.00"},
		{"7.77", "0.00", "7.77"}, {"0.00", "0.00", "0.00"}, {"0.00", "0.00", "0.00"}, {"0.00", "0.00", "0.00"},
		{"33.33", "100.01", "-66.68"}, {"166.67", "50.00", "116.67"}, {"1500.45", "49.95", "1450.50"}, {"0.10", "250.25", "-250.15"},
	}},
	Overdue: lateFigures{4, "1207.77", []lateFigure{
		{"A-2", 10, "1000.00"}, {"A-3", 45, "166.67"}, {"A-4", 75, "33.33"}, {"A-5", 200, "7.77"},
	}},
}

// figures are those of /api/dashboard, as far as they are money or counted.
type figures struct {
	Cash    cashFigures  `json:"cash"`
	Owed    debtFigures  `json:"owed_to_you"`
	Owing   debtFigures  `json:"you_owe"`
	Due     dueFigures   `json:"due"`
	Months  monthFigures `json:"months"`
	Overdue lateFigures  `json:"overdue"`
}

type (
	cashFigures struct {
		Total    string        `json:"total"`
		Accounts []bankFigures `json:"accounts"`
	}
	bankFigures struct {
		Name    string `json:"name"`
		Balance string `json:"balance"`
	}
	debtFigures struct {
		Count        int         `json:"count"`
		Total        string      `json:"total"`
		OverdueCount int         `json:"overdue_count"`
		Overdue      string      `json:"overdue"`
		Ages         []ageFigure `json:"ages"`
	}
	ageFigure struct {
		Age    string `json:"age"`
		Amount string `json:"amount"`
	}
	dueFigures struct {
		Weeks []weekFigures `json:"weeks"`
	}
	weekFigures struct {
		In  string `json:"in"`
		Out string `json:"out"`
	}
	monthFigures struct {
		Months []monthFigure `json:"months"`
	}
	monthFigure struct {
		Income string `json:"income"`
		Costs  string `json:"costs"`
		Profit string `json:"profit"`
	}
	lateFigures struct {
		Count    int          `json:"count"`
		Total    string       `json:"total"`
		Invoices []lateFigure `json:"invoices"`
	}
	lateFigure struct {
		Number string `json:"invoice_number"`
		Days   int    `json:"days_late"`
		Base   string `json:"amount_due_base"`
	}
)

func ages(amounts ...string) []ageFigure {
	var all []ageFigure
	for i, name := range []string{"current", "1-30", "31-60", "61-90", "90+"} {
		all = append(all, ageFigure{name, amounts[i]})
	}
	return all
}

func TestTheMoneyOfTypedBooksIsRightToTheCent(t *testing.T) {
	o := openLedger(t, oaks, "--books", "testdata/books.json")
	o.check(t, oaksFigures, "$")
	if shown := o.browser.text(t); !strings.Contains(shown, "<script>alert(1)</script> & Sons") {
		t.Error("the dashboard does not show the customer's name as it is written")
	}

	// Cherry pays A-4 into the reserve, and a bookkeeper presses Refresh.
	paid := oaksFigures
	paid.Cash = cashFigures{"2084.49", []bankFigures{{"Everyday", "1251.06"}, {"Reserve", "833.43"}}}
	paid.Owed = debtFigures{4, "1174.54", 3, "1174.44", ages("0.10", "1000.00", "166.67", "0.00", "7.77")}
	paid.Overdue = lateFigures{3, "1174.44", []lateFigure{{"A-2", 10, "1000.00"}, {"A-3", 45, "166.67"}, {"A-5", 200, "7.77"}}}
	o.sim.control(t, "pay", url.Values{"organisation": {oaks}, "payment": {`{"Invoice": "A-4", "Bank": "Reserve"}`}}, nil)
	o.browser.press(t, `form[action="/refresh"] button`, "Refresh")
	o.browser.sees(t, "$1,174.54")
	o.browser.sees(t, "$2,084.49")
	o.check(t, paid, "$")
	o.browser.quiet(t, "the dashboard")
}

// TestTheMoneyOfTheDemosBooksIsWhatItsRecordsSumTo reads the simulated Xero's own
// records, sums them here, and finds the same on the page and in the answers.
func TestTheMoneyOfTheDemosBooksIsWhatItsRecordsSumTo(t *testing.T) {
	for _, name := range []string{joinery, café} {
		t.Run(name, func(t *testing.T) {
			o := openLedger(t, name)
			want := o.raw(t).figures()
			// What was in the bank before its first payment is in no record: cash is
			// checked with the books that were typed.
			want.Cash = o.figures(t, "/api/dashboard").Cash
			o.check(t, want, map[string]string{joinery: "$", café: "£"}[name])
		})
	}
}

// A ledger is FCC with a browser in the books of one organisation.
type ledger struct {
	*fcc
	sim     *simXero
	browser *watched
	key     string
}

func openLedger(t *testing.T, organisation string, flags ...string) *ledger {
	t.Helper()
	port := freePort(t)
	sim := startSim(t, []int{port}, flags...)
	f := install(t, port, sim.settings()...).start(t)
	b := openWatched(t, profileFolder(t))
	b.follow(t, f.link)
	b.signIn(t, organisation)
	b.state(t, "Signed in to Xero")
	return &ledger{f, sim, b, f.addKey(t, "sheet")}
}

func (l *ledger) figures(t *testing.T, path string) figures {
	t.Helper()
	answer, err := l.get(path, l.key)
	if err != nil || answer.status != http.StatusOK {
		t.Fatalf("%s: %d %s %v", path, answer.status, answer.body, err)
	}
	var f figures
	decodeInto(t, answer.body, &f)
	return f
}

// check compares the answers and the page with what is right.
func (l *ledger) check(t *testing.T, want figures, currency string) {
	t.Helper()
	same(t, "/api/dashboard", l.figures(t, "/api/dashboard"), want)
	same(t, "/api/cash-flow", l.figures(t, "/api/cash-flow"), figures{Cash: want.Cash, Due: want.Due, Months: want.Months})
	l.browser.open(t, l.base()+"/", http.StatusOK)
	shown := map[string][][]string{}
	for _, table := range evaluate[[]shownTable](t, l.browser.browser, `[...document.querySelectorAll("main table")].map(t => ({
		caption: t.caption?.textContent.trim() ?? "",
		rows: [...t.rows].map(r => [...r.cells].map(c => c.textContent.replace(/\s+/g, " ").trim())),
	}))`) {
		shown[table.Caption] = table.Rows
	}
	money := func(amount string) string { return written(currency, amount) }
	var banks [][]string
	for _, a := range want.Cash.Accounts {
		banks = append(banks, []string{a.Name, written("", a.Balance)})
	}
	holds(t, shown, "What the books say is in each account", append(banks, []string{"Together", written("", want.Cash.Total)}))
	var debts [][]string
	for age := range want.Owed.Ages {
		debts = append(debts, []string{"", written("", want.Owed.Ages[age].Amount), written("", want.Owing.Ages[age].Amount)})
	}
	debts = append(debts, []string{"Together", written("", want.Owed.Total), written("", want.Owing.Total)})
	holds(t, shown, "How old the debts are, in days after they fell due", debts)
	var weeks, months, late [][]string
	for _, w := range want.Due.Weeks {
		weeks = append(weeks, []string{"", money(w.In), money(w.Out)})
	}
	holds(t, shown, "What falls due, next eight weeks", weeks)
	for _, m := range want.Months.Months {
		months = append(months, []string{"", money(m.Income), money(m.Costs)})
	}
	holds(t, shown, "Income and costs, twelve months", months)
	for _, i := range want.Overdue.Invoices {
		late = append(late, []string{i.Number + " in Xero", "", counted(i.Days, "day"), written("", i.Base)})
	}
	holds(t, shown, "The largest overdue invoices", late)
	for _, amount := range []string{want.Cash.Total, want.Owed.Total, want.Owed.Overdue, want.Owing.Total, want.Owing.Overdue} {
		if !strings.Contains(l.browser.text(t), money(amount)) {
			t.Errorf("the dashboard does not show %s", money(amount))
		}
	}
}

type shownTable struct {
	Caption string     `json:"caption"`
	Rows    [][]string `json:"rows"`
}

// holds sees that a table on the page ends with these rows. An empty cell is not
// looked at.
func holds(t *testing.T, shown map[string][][]string, caption string, want [][]string) {
	t.Helper()
	rows := shown[caption]
	if len(want) == 0 {
		return // the card says so in words
	}
	if len(rows) < len(want) {
		t.Errorf("%s: %q on the page, not %q", caption, rows, want)
		return
	}
	for n, row := range rows[len(rows)-len(want):] {
		equal := len(row) >= len(want[n])
		for i := range want[n] {
			equal = equal && (want[n][i] == "" || row[i] == want[n][i])
		}
		if !equal {
			t.Errorf("%s: the page shows %q, not %q", caption, row, want[n])
		}
	}
}

// written is an amount as New Zealand and Britain write it.
func written(currency, amount string) string {
	sign := ""
	if rest, ok := strings.CutPrefix(amount, "-"); ok {
		sign, amount = "−", rest
	}
	whole, cents, _ := strings.Cut(amount, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + currency + whole + "." + cents
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprint(n, " ", what, "s")
}

func same(t *testing.T, where string, got, want figures) {
	t.Helper()
	is, _ := json.MarshalIndent(got, "", " ")
	should, _ := json.MarshalIndent(want, "", " ")
	a, b := strings.Split(string(is), "\n"), strings.Split(string(should), "\n")
	if slices.Equal(a, b) {
		return
	}
	for n := range max(len(a), len(b)) {
		if n >= len(a) || n >= len(b) || a[n] != b[n] {
			t.Errorf("%s says\n%s\nnot\n%s\nfrom line %d on", where, is, should, n+1)
			return
		}
	}
}

func decodeInto(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

func cents(d decimal.Decimal) string { return d.StringFixed(2) }
