package xerosim_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"financial-command-center/server/xero/xerosim"
)

// since are the numbers of the invoices, and the names of the contacts, that have
// changed since a moment.
func (a *app) since(moment time.Time, organisation string) []string {
	a.t.Helper()
	var all []string
	for _, resource := range []string{"Invoices", "Contacts"} {
		r := a.request(http.MethodGet, "/api.xro/2.0/"+resource, a.tenant(organisation), "")
		r.Header.Set("If-Modified-Since", moment.UTC().Format("2006-01-02T15:04:05"))
		_, body := a.do(r)
		got := decode[struct {
			Invoices []struct{ InvoiceNumber string }
			Contacts []struct{ Name string }
		}](a.t, body)
		for _, i := range got.Invoices {
			all = append(all, i.InvoiceNumber)
		}
		for _, c := range got.Contacts {
			all = append(all, c.Name)
		}
	}
	return all
}

func (a *app) invoice(number, organisation string) invoice {
	a.t.Helper()
	var got someInvoices
	a.read("/api.xro/2.0/Invoices/"+number, organisation, &got)
	return got.Invoices[0]
}

func (a *app) contact(name, organisation string) contact {
	a.t.Helper()
	return every[contact](a, "Contacts", organisation, where(`Name=="`+name+`"`))[0]
}

func TestWhatPeopleDoInXeroShowsAndIsDatedAsXeroDatesIt(t *testing.T) {
	a := reporter(t)
	const books = xerosim.Tally
	must := func(_ string, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	today := a.today(books)
	due := func(days int) string { return today.AddDate(0, 0, days).Format("2006-01-02T15:04:05") }
	for _, step := range []struct {
		name   string
		do     func()
		dated  []string // what If-Modified-Since lists afterwards
		showed func() bool
	}{
		{"a contact is added", func() { must(a.AddContact(books, xerosim.LedgerContact{Name: "Gorse"})) }, []string{"Gorse"},
			func() bool { return a.contact("Gorse", books).ContactStatus == "ACTIVE" }},
		{"an invoice is added, with a new contact", func() {
			must(a.AddInvoice(books, xerosim.LedgerInvoice{Type: "ACCPAY", Number: "B-9", Contact: "Hazel", DueDays: 3,
				Lines: []xerosim.LedgerLine{{Account: "429", Net: "10", Tax: "1.50"}}}))
		}, []string{"B-9", "Hazel"}, func() bool { return a.invoice("B-9", books).AmountDue.String() == "11.5" }},
		{"one of a known contact is: its balance grows, undated", func() {
			must(a.AddInvoice(books, xerosim.LedgerInvoice{Type: "ACCREC", Number: "S-9", Contact: "Dogwood Supplies", DueDays: -1,
				Lines: []xerosim.LedgerLine{{Account: "200", Net: "7"}}}))
		}, []string{"S-9"}, func() bool {
			c := a.contact("Dogwood Supplies", books)
			return c.IsCustomer && c.Balances.AccountsReceivable.Overdue.String() == "7"
		}},
		{"a part is paid", func() { must(a.Pay(books, xerosim.LedgerPayment{Invoice: "S-1", Amount: "15"})) }, []string{"S-1"},
			func() bool {
				i := a.invoice("S-1", books)
				return i.AmountDue.String() == "100" && i.Status == "AUTHORISED"
			}},
		{"all is paid", func() { must(a.Pay(books, xerosim.LedgerPayment{Invoice: "S-3", Bank: "091"})) }, []string{"S-3"},
			func() bool { return a.invoice("S-3", books).Status == "PAID" }},
		{"one is voided", func() { must("", a.Void(books, "S-5")) }, []string{"S-5"},
			func() bool { i := a.invoice("S-5", books); return i.Status == "VOIDED" && i.AmountDue.IsZero() }},
		{"the due date of an unpaid one moves", func() { must("", a.SetDue(books, "D91", 4)) }, []string{"D91"},
			func() bool { return a.invoice("D91", books).DueDateString == due(4) }},
		{"the due date of one paid in part moves, undated", func() { must("", a.SetDue(books, "S-1", 44)) }, nil,
			func() bool { return a.invoice("S-1", books).DueDateString == due(44) }},
		{"one paid in part is marked as sent, undated", func() { must("", a.SetSent(books, "S-2", false)) }, nil, nil},
		{"an unpaid one is", func() { must("", a.SetSent(books, "D90", false)) }, []string{"D90"}, nil},
		{"a contact is renamed", func() { must("", a.RenameContact(books, "Hazel", "Hazel & Co")) }, []string{"Hazel & Co"}, nil},
		{"a contact's roles change, undated", func() { must("", a.SetRoles(books, "Hazel & Co", true, false)) }, nil,
			func() bool { c := a.contact("Hazel & Co", books); return c.IsCustomer && !c.IsSupplier }},
	} {
		a.Advance(10 * time.Second)
		before := a.Now()
		step.do()
		if got := a.since(before, books); !sameNames(got, step.dated) {
			t.Errorf("%s: changed are %q, want %q", step.name, got, step.dated)
		}
		if step.showed != nil && !step.showed() {
			t.Errorf("%s: it does not show", step.name)
		}
	}
	balance := a.report("BalanceSheet", books, "")
	if !balance.value(t, "Net Assets", 0).Equal(balance.value(t, "Total Equity", 0)) || !balance.value(t, "Accounts Receivable", 0).Equal(a.rawBooks(books).open("ACCREC")) {
		t.Error("the books do not balance any more")
	}
	// By the API the same holds: what an app writes is dated but for those fields.
	writer := &app{a.site, a.narrow("openid accounting.invoices").token}
	a.Advance(10 * time.Second)
	before := a.Now()
	for _, body := range []string{`{"InvoiceID":"` + a.invoice("S-2", books).InvoiceID + `","DueDate":"2030-01-01"}`, `{"InvoiceID":"` + a.invoice("D61", books).InvoiceID + `","DueDate":"2030-01-01"}`} {
		if got := writer.call(http.MethodPost, "/api.xro/2.0/Invoices", books, body); got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	if got := a.since(before, books); !sameNames(got, []string{"D61"}) {
		t.Errorf("an app moved two due dates, dated are %q", got)
	}
}

func TestTheBooksAreChangedOverHTTPToo(t *testing.T) {
	a := reporter(t)
	form := func(fields ...string) url.Values {
		f := url.Values{"organisation": {xerosim.Tally}}
		for i := 0; i < len(fields); i += 2 {
			f.Set(fields[i], fields[i+1])
		}
		return f
	}
	for _, step := range []struct {
		name string
		form url.Values
		want int
	}{
		{"add-contact", form("contact", `{"Name":"Ivy"}`), 200},
		{"add-invoice", form("invoice", `{"Type":"ACCREC","Number":"S-10","Contact":"Ivy","DueDays":-3,"Lines":[{"Account":"200","Net":"12.34"}]}`), 200},
		{"pay", form("payment", `{"Invoice":"S-10","Amount":"2.34"}`), 200},
		{"due", form("invoice", "S-10", "days", "9"), 204},
		{"sent", form("invoice", "S-10", "is", "true"), 204},
		{"void", form("invoice", "D1"), 204},
		{"rename", form("contact", "Ivy", "name", "Ivy & Oak"), 204},
		{"roles", form("contact", "Ivy & Oak", "customer", "true", "supplier", "true"), 204},
		{"elsewhere", form("organisations", "3"), 204},
		{"other-apps", form("apps", "1"), 204},

		{"add-contact", form("contact", `{"Nome":"Ivy"}`), 400},
		{"add-contact", form("contact", `{"Name":"Ivy & Oak"}`), 400},
		{"add-invoice", form("invoice", `{}`), 400},
		{"pay", form("payment", `{"Invoice":"S-10","Amount":"99"}`), 400},
		{"pay", form("payment", `{"Invoice":"nothing"}`), 400},
		{"due", form("invoice", "S-10", "days", "soon"), 400},
		{"due", form("invoice", "S-11", "days", "1"), 400},
		{"sent", form("invoice", "S-10", "is", "perhaps"), 400},
		{"void", form("invoice", "S-10"), 400}, // a part is paid
		{"rename", form("contact", "Ivy & Oak", "name", "Birch Ltd"), 400},
		{"roles", form("contact", "Nobody"), 400},
		{"elsewhere", form("organisations", "many"), 400},
		{"other-apps", form("apps", "many"), 400},
		{"void", url.Values{"organisation": {"Nobody Ltd"}, "invoice": {"S-1"}}, 400},
	} {
		if status, body := a.post("/_sim/"+step.name, step.form); status != step.want {
			t.Errorf("%s with %v: %d %s, want %d", step.name, step.form, status, body, step.want)
		}
	}
	if i := a.invoice("S-10", xerosim.Tally); i.AmountDue.String() != "10" || i.Contact.Name != "Ivy & Oak" {
		t.Errorf("the invoice is %+v", i)
	}
}
