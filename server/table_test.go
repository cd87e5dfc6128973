package server_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/sheet"
	"financial-command-center/server/store"
)

// A tableAnswer is a page of a table; values are kept as they were written.
type tableAnswer struct {
	Table        string
	Organisation string
	TenantID     string    `json:"tenant_id"`
	Currency     string    `json:"base_currency"`
	AsOf         time.Time `json:"as_of"`
	Page, Pages  int
	PageSize     int `json:"page_size"`
	RowsTotal    int `json:"rows_total"`
	Rows         []tableValues
}

type tableValues map[string]json.RawMessage

func (v tableValues) text(name string) string {
	var text *string
	if err := json.Unmarshal(v[name], &text); err != nil {
		panic(fmt.Sprintf("%s: %s is no text", name, v[name]))
	}
	if text == nil {
		return ""
	}
	return *text
}

func (v tableValues) amount(name string) decimal.Decimal {
	if string(v[name]) == "null" {
		return decimal.Zero
	}
	return decimal.RequireFromString(string(v[name]))
}

func (v tableValues) yes(name string) bool { return string(v[name]) == "true" }

// whole reads all pages of a table by their links, and holds each against the others.
func (b *bench) whole(key, path string) tableAnswer {
	b.t.Helper()
	var all tableAnswer
	for next := "/api/table/" + path; next != ""; {
		g := b.patiently(ask{path: next, key: key})
		var page tableAnswer
		if err := json.Unmarshal([]byte(g.body), &page); err != nil || g.status != http.StatusOK {
			b.t.Fatalf("%s: %d %.300s %v", next, g.status, g.body, err)
		}
		age, err := strconv.Atoi(g.header.Get("Age"))
		if since := time.Since(page.AsOf); err != nil || age < 0 || since < time.Duration(age-1)*time.Second || since > time.Duration(age+30)*time.Second {
			b.t.Errorf("%s: as of %s, an age of %q", next, page.AsOf, g.header.Get("Age"))
		}
		if page.Page != all.Page+1 || len(page.Rows) > page.PageSize || page.Page < page.Pages && len(page.Rows) != page.PageSize {
			b.t.Errorf("%s: page %d of %d has %d rows", next, page.Page, page.Pages, len(page.Rows))
		}
		rows := append(all.Rows, page.Rows...)
		all = page
		all.Rows = rows
		link := regexp.MustCompile(`^<http://localhost:\d+(/api/table/[^>]*)>; rel="next"$`).FindStringSubmatch(g.header.Get("Link"))
		if next = ""; link != nil {
			next = link[1]
		}
		if (link != nil) != (page.Page < page.Pages) {
			b.t.Fatalf("page %d of %d links to %q", page.Page, page.Pages, g.header.Get("Link"))
		}
	}
	if len(all.Rows) != all.RowsTotal {
		b.t.Errorf("%s: %d rows of %d", path, len(all.Rows), all.RowsTotal)
	}
	return all
}

// xeros reads all records of a list from Xero itself.
func (b *bench) xeros(key, list string, query ...string) (all []map[string]any) {
	b.t.Helper()
	for page := 1; ; page++ {
		g := b.patiently(ask{path: fmt.Sprintf("/api.xro/2.0/%s?page=%d&pageSize=1000&%s", list, page, strings.Join(query, "&")), key: key, header: map[string]string{"Accept": "application/json"}})
		var got map[string]any
		decoder := json.NewDecoder(strings.NewReader(g.body))
		decoder.UseNumber()
		if err := decoder.Decode(&got); err != nil || g.status != http.StatusOK {
			b.t.Fatalf("%s: %d %.300s", list, g.status, g.body)
		}
		rows, _ := got[list].([]any)
		for _, row := range rows {
			all = append(all, row.(map[string]any))
		}
		if len(rows) < 1000 {
			return all
		}
	}
}

// number reads an amount of one of Xero's records.
func number(record map[string]any, field string) decimal.Decimal {
	n, _ := record[field].(json.Number)
	if n == "" {
		return decimal.Zero
	}
	return decimal.RequireFromString(n.String())
}

// same fails the test where two sums of many kinds differ.
func same(t *testing.T, what string, got, want map[string]decimal.Decimal) {
	t.Helper()
	for kind, sum := range want {
		if !got[kind].Equal(sum) {
			t.Errorf("%s: %s come to %s, want %s", what, kind, got[kind], sum)
		}
	}
	if len(got) != len(want) || len(want) == 0 {
		t.Errorf("%s: %d kinds, want %d", what, len(got), len(want))
	}
}

func xeroDay(t *testing.T, record map[string]any) string {
	t.Helper()
	var ms int64
	if _, err := fmt.Sscanf(record["Date"].(string), "/Date(%d", &ms); err != nil {
		t.Fatal(err)
	}
	return time.UnixMilli(ms).UTC().Format(time.DateOnly)
}

func TestEachTableComesToWhatXeroHas(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	b.signIn(b.visit())
	for _, organisation := range []string{joinery, café} {
		key := b.addKey(store.Key{Name: organisation, Tenants: []string{b.tenant(organisation)}})
		sums := func() (got, want map[string]decimal.Decimal) {
			return map[string]decimal.Decimal{}, map[string]decimal.Decimal{}
		}
		add := func(to map[string]decimal.Decimal, kind string, amounts ...decimal.Decimal) {
			for n, amount := range amounts {
				k := fmt.Sprint(kind, " ", n)
				to[k] = to[k].Add(amount)
			}
			to[kind+" count"] = to[kind+" count"].Add(decimal.NewFromInt(1))
		}

		table, rawInvoices := b.whole(key, "invoices?page_size=70"), b.xeros(key, "Invoices")
		if table.Table != "invoices" || table.Organisation != organisation || table.TenantID != b.tenant(organisation) || table.PageSize != 70 || table.Pages < 2 {
			t.Errorf("%+v", table)
		}
		got, want := sums()
		for n, row := range table.Rows {
			add(got, row.text("type")+row.text("status")+row.text("currency_code"), row.amount("total"), row.amount("amount_due"), row.amount("amount_paid"), row.amount("amount_credited"), row.amount("total_base"))
			if n > 0 && row.text("date") < table.Rows[n-1].text("date") {
				t.Fatalf("row %d is older than the one before", n)
			}
		}
		for _, i := range rawInvoices {
			add(want, fmt.Sprint(i["Type"], i["Status"], i["CurrencyCode"]), number(i, "Total"), number(i, "AmountDue"), number(i, "AmountPaid"), number(i, "AmountCredited"), number(i, "Total").DivRound(number(i, "CurrencyRate"), 2))
		}
		same(t, "invoices", got, want)

		got, want = sums()
		for _, row := range b.whole(key, "aged").Rows {
			days := int(row.amount("days_late").IntPart())
			age := "current"
			for _, a := range []struct {
				from int
				name string
			}{{1, "1 to 30"}, {31, "31 to 60"}, {61, "61 to 90"}, {91, "over 90"}} {
				if days >= a.from {
					age = a.name
				}
			}
			if row.text("age") != age {
				t.Errorf("%d days late are %q", days, row.text("age"))
			}
			add(got, row.text("type"), row.amount("amount_due"), row.amount("amount_due_base"))
		}
		for _, i := range rawInvoices {
			if i["Status"] == "AUTHORISED" && number(i, "AmountDue").IsPositive() {
				add(want, i["Type"].(string), number(i, "AmountDue"), number(i, "AmountDue").DivRound(number(i, "CurrencyRate"), 2))
			}
		}
		same(t, "aged", got, want)

		got, want = sums()
		for _, row := range b.whole(key, "contacts").Rows {
			add(got, fmt.Sprint(row.text("status"), row.yes("is_customer"), row.yes("is_supplier")))
		}
		for _, c := range b.xeros(key, "Contacts", "includeArchived=true") {
			add(want, fmt.Sprint(c["ContactStatus"], c["IsCustomer"], c["IsSupplier"]))
		}
		same(t, "contacts", got, want)

		got, want = sums()
		moved := decimal.Zero
		for _, row := range b.whole(key, "bank-transactions?from=2000-01-01").Rows {
			add(got, row.text("type")+row.text("status")+row.text("account_name"), row.amount("total"), row.amount("tax"))
			moved = moved.Add(row.amount("amount"))
		}
		since := time.Now().AddDate(-1, 0, 0).Format(time.DateOnly)
		recent := 0
		for _, m := range b.xeros(key, "BankTransactions") {
			if m["Status"] == "DELETED" {
				continue
			}
			account := m["BankAccount"].(map[string]any)["Name"].(string)
			add(want, fmt.Sprint(m["Type"], m["Status"], account), number(m, "Total"), number(m, "TotalTax"))
			if xeroDay(t, m) > since {
				recent++
			}
		}
		same(t, "bank transactions", got, want)
		// Dates on the border are another day in another part of the world.
		if rows := b.whole(key, "bank-transactions").RowsTotal; rows < recent-8 || rows > recent+8 {
			t.Errorf("%d bank transactions of the last year, want %d", rows, recent)
		}

		got, want = sums()
		for _, row := range b.whole(key, "payments?from=2000-01-01").Rows {
			add(got, row.text("type")+row.text("currency_code"), row.amount("amount"), row.amount("bank_amount"))
			if row.text("type") == "ACCRECPAYMENT" {
				moved = moved.Add(row.amount("bank_amount"))
			} else {
				moved = moved.Sub(row.amount("bank_amount"))
			}
		}
		for _, p := range b.xeros(key, "Payments") {
			add(want, fmt.Sprint(p["PaymentType"], p["Invoice"].(map[string]any)["CurrencyCode"]), number(p, "Amount"), number(p, "BankAmount"))
		}
		same(t, "payments", got, want)

		// What moved in the bank is what it holds more than it did before all began.
		bank := b.whole(key, "bank").Rows
		opening := b.cells(key, "BankSummary?fromDate=2000-01-01&toDate=2099-12-31")
		closing := decimal.Zero
		for _, row := range bank {
			closing = closing.Add(row.amount("balance_base"))
			if cell := opening[row.text("account_id")]; len(cell) != 4 || cell[3] != row.amount("balance_base").StringFixed(2) || row.text("name") == "" || row.text("number") != "CASH" && !strings.HasPrefix(row.text("number"), "••") {
				t.Errorf("%s: %v, and by the report %q", row.text("name"), row, cell)
			}
			moved = moved.Add(decimal.RequireFromString(opening[row.text("account_id")][0]))
		}
		if !moved.Equal(closing) || len(bank) < 2 {
			t.Errorf("%s: the bank holds %s, all that moved comes to %s", organisation, closing, moved)
		}

		profit := b.whole(key, "profit-and-loss?from=2026-01-01&to=2026-06-30")
		report := b.cells(key, "ProfitAndLoss?fromDate=2026-01-01&toDate=2026-06-30&standardLayout=true")
		accounts, net := 0, decimal.Zero
		for n, row := range profit.Rows {
			if row.text("kind") == "account" {
				accounts++
				if cell := report[row.text("account_id")]; len(cell) != 1 || !decimal.RequireFromString(cell[0]).Equal(row.amount("amount")) || row.text("account_code") == "" || row.text("section") == "" {
					t.Errorf("%v, and by the report %q", row, cell)
				}
				if strings.HasPrefix(row.text("section"), "Less") {
					net = net.Sub(row.amount("amount"))
				} else {
					net = net.Add(row.amount("amount"))
				}
			}
			if row.text("from") != "2026-01-01" || row.text("to") != "2026-06-30" || string(row["line"]) != strconv.Itoa(n+1) {
				t.Errorf("%v", row)
			}
		}
		last := profit.Rows[len(profit.Rows)-1]
		if accounts != len(report) || last.text("kind") != "total" || last.text("name") != "Net Profit" || !last.amount("amount").Equal(net) {
			t.Errorf("%d accounts of %d come to %s: %v", accounts, len(report), net, last)
		}
	}
}

// cells are the amounts of a report's rows that are about an account, by its id.
func (b *bench) cells(key, report string) map[string][]string {
	b.t.Helper()
	g := b.ask(ask{path: "/api.xro/2.0/Reports/" + report, key: key, header: map[string]string{"Accept": "application/json"}})
	var got struct {
		Reports []struct {
			Rows []struct {
				Rows []struct {
					Cells []struct {
						Value      string
						Attributes []struct{ Value string }
					}
				}
			}
		}
	}
	decode(b.t, g.body, &got)
	all := map[string][]string{}
	for _, section := range got.Reports[0].Rows {
		for _, row := range section.Rows {
			if len(row.Cells[0].Attributes) > 0 {
				for _, cell := range row.Cells[1:] {
					id := row.Cells[0].Attributes[0].Value
					all[id] = append(all[id], cell.Value)
				}
			}
		}
	}
	return all
}

// The names of these contacts are formulas, markup, and more that a spreadsheet or a
// program may stumble over; the invoices are in six currencies.
func TestATableIsTheSameAsJSONAndAsCSVButForWhatLooksLikeAFormula(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	b.read(b.signIn(b.visit(), kauri))
	key := b.addKey(store.Key{Name: "sheet"})
	defused := 0
	for _, name := range []string{"contacts?page_size=1000", "invoices?page_size=1000&page=3", "aged?page=2", "bank"} {
		path, sign := "/api/table/"+name, "?"
		if strings.Contains(name, "?") {
			sign = "&"
		}
		plain := b.ask(ask{path: path, key: key})
		var page tableAnswer
		decode(t, plain.body, &page)
		for _, a := range []ask{{path: path + sign + "format=csv", key: key}, {path: path, key: key, header: map[string]string{"Accept": "text/csv"}}} {
			g := b.ask(a)
			body, marked := strings.CutPrefix(g.body, "\ufeff")
			rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
			if err != nil || g.status != 200 || !marked || g.header.Get("Content-Type") != "text/csv; charset=utf-8" || len(rows) != len(page.Rows)+1 || len(rows) < 3 {
				t.Fatalf("%s: %d %v, %d rows, %v %.200s", a.path, g.status, err, len(rows), g.header, body)
			}
			if link := strings.ReplaceAll(g.header.Get("Link"), "format=csv&", ""); link != plain.header.Get("Link") || g.header.Get("Vary") == "" {
				t.Errorf("%s goes on at %s", a.path, link)
			}
			for n, row := range rows[1:] {
				for column, cell := range row {
					want := string(page.Rows[n][rows[0][column]])
					if strings.HasPrefix(want, `"`) {
						want = page.Rows[n].text(rows[0][column])
						if safe := sheet.Defused(want); safe != want {
							defused++
							want = safe
						}
					}
					if cell != want && !(cell == "" && want == "null") {
						t.Fatalf("%s: row %d, %s is %q in CSV, %q in JSON", name, n, rows[0][column], cell, want)
					}
				}
			}
		}
		// The columns stand in the same order in both.
		if at := strings.Index(plain.body, `"`+firstColumn[page.Table][1]+`"`); at < strings.Index(plain.body, `"`+firstColumn[page.Table][0]+`"`) {
			t.Errorf("%s: columns in another order", name)
		}
	}
	if defused == 0 {
		t.Error("nothing looked like a formula")
	}
	// Amounts have the decimals of their currency, as they are written.
	var page tableAnswer
	decode(t, b.ask(ask{path: "/api/table/invoices?page_size=1000&status=authorised,paid", key: key}).body, &page)
	decimals := map[string]string{"JPY": `^-?\d+$`, "NZD": `^-?\d+\.\d\d$`, "USD": `^-?\d+\.\d\d$`}
	seen := map[string]int{}
	for _, row := range page.Rows {
		code := row.text("currency_code")
		if form := decimals[code]; form != "" {
			seen[code]++
			if !regexp.MustCompile(form).Match(row["total"]) || !regexp.MustCompile(decimals["NZD"]).Match(row["total_base"]) {
				t.Errorf("%s %s, in base currency %s", code, row["total"], row["total_base"])
			}
		}
		if status := row.text("status"); status != "AUTHORISED" && status != "PAID" {
			t.Errorf("an invoice that is %s", status)
		}
	}
	if len(seen) != 3 {
		t.Errorf("invoices in %v", seen)
	}
}

var firstColumn = map[string][2]string{
	"contacts": {"contact_id", "name"}, "invoices": {"invoice_id", "invoice_number"}, "aged": {"invoice_id", "invoice_number"}, "bank": {"account_id", "account_code"},
}

func TestATableTakesItsFiltersAndNoOthers(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	cookie := b.signIn(b.visit(), café, joinery)
	key := b.addKey(store.Key{Name: "sheet", Tenants: []string{b.tenant(café)}})
	all := b.whole(key, "invoices").Rows
	for query, fits := range map[string]func(tableValues) bool{
		"status=paid": func(v tableValues) bool { return v.text("status") == "PAID" },
		"status=PAID,+Draft&type=ACCPAY": func(v tableValues) bool {
			return slices.Contains([]string{"PAID", "DRAFT"}, v.text("status")) && v.text("type") == "ACCPAY"
		},
		"from=" + all[20].text("date"): func(v tableValues) bool { return v.text("date") >= all[20].text("date") },
		"from=" + all[9].text("date") + "&to=" + all[30].text("date"): func(v tableValues) bool {
			return v.text("date") >= all[9].text("date") && v.text("date") <= all[30].text("date")
		},
		"status=NONE": func(tableValues) bool { return false },
	} {
		want := 0
		for _, row := range all {
			if fits(row) {
				want++
			}
		}
		got := b.whole(key, "invoices?"+query)
		if got.RowsTotal != want || got.Pages != 1 || slices.ContainsFunc(got.Rows, func(v tableValues) bool { return !fits(v) }) {
			t.Errorf("%s: %d rows, want %d", query, got.RowsTotal, want)
		}
	}
	if g := b.ask(ask{path: "/api/table/invoices?page=99", key: key}); g.status != 200 || !strings.Contains(g.body, `"rows": []`) || g.header.Get("Link") != "" {
		t.Errorf("a page behind the last: %d %s", g.status, g.body)
	}
	for path, says := range map[string]string{
		"invoices?colour=red":                           `colour`,
		"contacts?type=ACCREC":                          `status, page`,
		"invoices?status=PAID&status=VOID":              "twice",
		"invoices?format=xml":                           "xml",
		"invoices?page=0":                               "1 to",
		"invoices?page=two":                             "1 to",
		"invoices?page_size=1001":                       "1 to 1000",
		"payments?from=yesterday":                       "2026-03-31",
		"bank-transactions?to=2026-02-30":               "2026-03-31",
		"invoices?from=2026-02-02&to=2026-02-01":        "other way round",
		"profit-and-loss?from=2025-01-01&to=2026-01-01": "a year",
		"invoices?tenant=" + b.tenant(joinery):          "tenant",
	} {
		g := b.ask(ask{path: "/api/table/" + path, key: key, header: map[string]string{"Accept": "text/csv"}})
		if g.status != 400 || g.code != "bad_request" || !strings.Contains(g.body, says) || !strings.HasPrefix(g.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %d %s", path, g.status, g.body)
		}
	}
	// A browser names the organisation as it does elsewhere; none is never the first.
	if g := b.ask(ask{path: "/api/table/bank?tenant=" + b.tenant(joinery), cookie: cookie}); g.status != 200 || !strings.Contains(g.body, joinery) {
		t.Errorf("%d %.200s", g.status, g.body)
	}
	if g := b.ask(ask{path: "/api/table/bank", cookie: cookie}); g.status != 400 || g.code != "tenant_required" {
		t.Errorf("%d %.200s", g.status, g.body)
	}
	if g := b.ask(ask{path: "/api/table/none", key: key}); g.status != 404 || g.code != "not_found" {
		t.Errorf("%d %.200s", g.status, g.body)
	}
	if g := b.ask(ask{method: http.MethodHead, path: "/api/table/bank", key: key}); g.status != 200 || g.body != "" {
		t.Errorf("%d %q", g.status, g.body)
	}
	// The whole financial year is what is shown of income and costs: here it begins on 6 April.
	if rows := b.whole(key, "profit-and-loss").Rows; !strings.HasSuffix(rows[0].text("from"), "-04-06") {
		t.Errorf("from %s", rows[0].text("from"))
	}
}

func TestATableWithoutItsScopeSaysSoAndWhatToDo(t *testing.T) {
	b := newBench(t, withScopes("accounting.banktransactions.read", "accounting.payments.read")).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	for name, says := range map[string]string{"bank-transactions": "bank transactions", "payments": "payments"} {
		g := b.ask(ask{path: "/api/table/" + name, key: key})
		if g.status != 503 || g.code != "needs_login" || !strings.Contains(g.body, says) {
			t.Errorf("%s: %d %s", name, g.status, g.body)
		}
	}
	if g := b.ask(ask{path: "/api/table/bank", key: key}); g.status != 200 {
		t.Errorf("%d %s", g.status, g.body)
	}
}
