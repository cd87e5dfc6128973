package xerosim_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/shopspring/decimal"
)

const (
	contactsPath = "/api.xro/2.0/Contacts"
	invoicesPath = "/api.xro/2.0/Invoices"
)

func newWriter(t *testing.T) *app {
	t.Helper()
	return newSite(t).narrow("openid accounting.contacts accounting.invoices accounting.settings.read accounting.payments.read")
}

// A failure is Xero's answer to records it will not have.
type failure struct {
	ErrorNumber   int
	Type, Message string
	Elements      []struct {
		ContactID, InvoiceID string
		ValidationErrors     []struct{ Message string }
	}
}

func (f failure) says() string {
	var all []string
	for _, e := range f.Elements {
		for _, v := range e.ValidationErrors {
			all = append(all, v.Message)
		}
	}
	return strings.Join(all, "\n")
}

// invalid checks that the answer is a validation error that says message.
func (got answer) invalid(t *testing.T, message string) {
	t.Helper()
	f := decode[failure](t, got.body)
	if got.status != http.StatusBadRequest || f.ErrorNumber != 10 || f.Type != "ValidationException" ||
		f.Message != "A validation exception occurred" || !strings.Contains(f.says(), message) {
		t.Errorf("got %d %s, want it to say %q", got.status, got.body, message)
	}
}

func TestAContactIsCreatedChangedAndArchived(t *testing.T) {
	a := newWriter(t)
	type list struct{ Contacts []contact }
	created := a.call(http.MethodPut, contactsPath, joinery, `{"Contacts":[{"Name":"Tōtara <Trees>","EmailAddress":"t@example.com"}]}`)
	if created.status != 200 {
		t.Fatalf("creating: %d %s", created.status, created.body)
	}
	id := decode[list](t, created.body).Contacts[0].ContactID
	changed := a.call(http.MethodPost, contactsPath+"/"+id, joinery, `{"FirstName":"Tama"}`)
	if changed.status != 200 || !strings.Contains(changed.body, `"FirstName":"Tama"`) || !strings.Contains(changed.body, "t@example.com") {
		t.Errorf("changing: %d %s", changed.status, changed.body)
	}
	// POST knows a contact by name, PUT refuses a name that is taken.
	again := a.call(http.MethodPost, contactsPath, joinery, `{"Name":"tōtara <trees>","LastName":"Rangi"}`)
	if got := decode[list](t, again.body).Contacts; again.status != 200 || got[0].ContactID != id {
		t.Errorf("by name: %d %s", again.status, again.body)
	}
	a.call(http.MethodPut, contactsPath, joinery, `{"Name":"tōtara <trees>"}`).invalid(t, "already assigned to another contact")
	archived := a.call(http.MethodPost, contactsPath, joinery, fmt.Sprintf(`{"ContactID":%q,"ContactStatus":"ARCHIVED"}`, id))
	if archived.status != 200 || slices.ContainsFunc(every[contact](a, "Contacts", joinery, ""), func(c contact) bool { return c.ContactID == id }) {
		t.Errorf("archiving: %d %s", archived.status, archived.body)
	}
	if got := a.get(contactsPath+"/"+id, cafe); got.status != 404 {
		t.Errorf("in another organisation: %d", got.status)
	}
}

func TestABadContactIsRefusedInXerosShape(t *testing.T) {
	a := newWriter(t)
	for body, message := range map[string]string{
		`{"Contacts":[{}]}`: "Name must be specified",
		`{"Name":"  "}`:     "Name must be specified",
		`{"Name":"` + strings.Repeat("ä", 256) + `"}`:    "255 characters",
		`{"Name":"A","EmailAddress":"nowhere"}`:          "Email address nowhere is invalid",
		`{"Name":"A","DefaultCurrency":"USD"}`:           "not subscribed to currency USD",
		`{"ContactID":"` + unknownID + `","Name":"A"}`:   "does not exist",
		`{"Contacts":[{"Name":"A"},{"Name":"a"}]}`:       "already assigned",
		`{"Contacts":[{"Name":"Good"},{"Name":"\t\n"}]}`: "Name must be specified",
	} {
		a.call(http.MethodPut, contactsPath, joinery, body).invalid(t, message)
	}
	// One bad record saves none.
	if got := every[contact](a, "Contacts", joinery, "searchTerm=Good"); len(got) != 0 {
		t.Errorf("saved were %v", got)
	}
	each := a.call(http.MethodPut, contactsPath+"?summarizeErrors=false", joinery, `{"Contacts":[{"Name":"Good"},{}]}`)
	got := decode[struct {
		Contacts []struct {
			Name, StatusAttributeString string
			HasValidationErrors         bool
			ValidationErrors            []struct{ Message string }
		}
	}](t, each.body).Contacts
	if each.status != 200 || len(got) != 2 || got[0].HasValidationErrors || !got[1].HasValidationErrors ||
		got[1].StatusAttributeString != "ERROR" || len(got[1].ValidationErrors) != 1 {
		t.Errorf("each on its own: %d %s", each.status, each.body)
	}
}

const unknownID = "5e1f0000-0000-4000-8000-000000000000"

func TestABodyThatCannotBeReadIsRefused(t *testing.T) {
	a := newWriter(t)
	for _, body := range []string{"", "null", "[]", "{", "7", `{"Contacts":[]}`, `{"Contacts":{}}`, `{"Name":5}`, `<Contact/>`} {
		got := a.call(http.MethodPost, contactsPath, joinery, body)
		if f := decode[failure](t, got.body); got.status != 400 || f.ErrorNumber != 17 || f.Type != "PostDataInvalidException" {
			t.Errorf("%q: %d %s", body, got.status, got.body)
		}
	}
	if got := a.call(http.MethodPost, contactsPath, joinery, `{"Name":"`+strings.Repeat("x", 10<<20)+`"}`); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("more than 10 MB: %d", got.status)
	}
}

func TestAnInvoiceIsReckonedFromItsLines(t *testing.T) {
	a := newWriter(t)
	for name, test := range map[string]struct{ taxing, lines, subTotal, tax, total string }{
		"exclusive": {"Exclusive", `{"Description":"a","Quantity":3,"UnitAmount":33.335,"AccountCode":"200"}`, "100.01", "15.00", "115.01"},
		"inclusive": {"Inclusive", `{"Description":"a","Quantity":1,"UnitAmount":"115","AccountCode":"200"}`, "100", "15", "115"},
		"no tax":    {"NoTax", `{"Description":"a","Quantity":0.5,"UnitAmount":9.99,"AccountCode":"200"}`, "5.00", "0", "5.00"},
		"discount":  {"Exclusive", `{"Description":"a","Quantity":2,"UnitAmount":50,"DiscountRate":10,"AccountCode":"200"}`, "90", "13.5", "103.5"},
		"two lines": {"Exclusive", `{"Description":"a","LineAmount":10,"TaxType":"NONE"},{"Description":"b","UnitAmount":20,"AccountCode":"200"}`, "30", "3", "33"},
	} {
		got := a.call(http.MethodPost, invoicesPath, joinery, fmt.Sprintf(
			`{"Type":"ACCREC","Contact":{"Name":"D. O'Neill"},"LineAmountTypes":%q,"LineItems":[%s]}`, test.taxing, test.lines))
		if got.status != 200 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
			continue
		}
		i := decode[someInvoices](t, got.body).Invoices[0]
		checkInvoice(t, i)
		want := func(text string) decimal.Decimal { return decimal.RequireFromString(text) }
		if !i.SubTotal.Equal(want(test.subTotal)) || !i.TotalTax.Equal(want(test.tax)) || !i.Total.Equal(want(test.total)) || i.Status != "DRAFT" {
			t.Errorf("%s: %s + %s = %s, a %s", name, i.SubTotal, i.TotalTax, i.Total, i.Status)
		}
	}
}

func TestAnInvoiceGoesItsWay(t *testing.T) {
	a := newWriter(t)
	step := func(path, body string) invoice {
		t.Helper()
		got := a.call(http.MethodPost, path, joinery, body)
		if got.status != 200 {
			t.Fatalf("%s: %d %s", body, got.status, got.body)
		}
		return decode[someInvoices](t, got.body).Invoices[0]
	}
	made := step(invoicesPath, `{"Type":"ACCREC","Contact":{"Name":"Somebody New"},"Reference":"R1",
		"LineItems":[{"Description":"Work","Quantity":1,"UnitAmount":100,"AccountCode":"200"}]}`)
	path := invoicesPath + "/" + made.InvoiceID
	a.call(http.MethodPost, path, joinery, `{"Status":"AUTHORISED"}`).invalid(t, "Due Date must be specified")
	approved := step(path, `{"Status":"AUTHORISED","DueDate":"2030-05-31"}`)
	if approved.InvoiceID != made.InvoiceID || approved.InvoiceNumber != made.InvoiceNumber || approved.Status != "AUTHORISED" || approved.DueDateString != "2030-05-31T00:00:00" {
		t.Errorf("approved it is %+v", approved)
	}
	someone := every[contact](a, "Contacts", joinery, "searchTerm=Somebody")
	if len(someone) != 1 || !someone[0].Balances.AccountsReceivable.Outstanding.Equal(approved.AmountDue) || !someone[0].IsCustomer {
		t.Errorf("its contact is %+v", someone)
	}
	a.call(http.MethodPost, path, joinery, `{"Status":"DRAFT"}`).invalid(t, "Status is not valid")
	voided := step(path, `{"Status":"VOIDED"}`)
	if !voided.AmountDue.IsZero() || !voided.Total.Equal(made.Total) {
		t.Errorf("voided it is %+v", voided)
	}
	mine := every[invoice](a, "Invoices", joinery, "createdByMyApp=true")
	if len(mine) != 1 || mine[0].InvoiceID != made.InvoiceID {
		t.Errorf("written by this app are %v", mine)
	}
	paid := every[invoice](a, "Invoices", joinery, "Statuses=PAID")[0]
	a.call(http.MethodPost, invoicesPath+"/"+paid.InvoiceID, joinery, `{"Status":"VOIDED"}`).invalid(t, "Status is not valid")
	a.call(http.MethodPost, invoicesPath+"/"+paid.InvoiceID, joinery, `{"LineItems":[{"Description":"x","UnitAmount":1}]}`).invalid(t, "cannot be edited")
}

func TestABadInvoiceIsRefusedInXerosShape(t *testing.T) {
	a := newWriter(t)
	const line = `"LineItems":[{"Description":"x","UnitAmount":1,"AccountCode":"200"}]`
	const contact = `"Contact":{"Name":"D. O'Neill"}`
	for body, message := range map[string]string{
		`{` + contact + `,` + line + `}`:                                                          "not of valid type",
		`{"Type":"ACCREC",` + line + `}`:                                                          "A Contact must be specified",
		`{"Type":"ACCREC","Contact":{"ContactID":"` + unknownID + `"},` + line + `}`:              "A Contact must be specified",
		`{"Type":"ACCREC",` + contact + `}`:                                                       "One or more line items",
		`{"Type":"ACCREC",` + contact + `,"LineItems":[{"UnitAmount":1}]}`:                        "Description must be specified",
		`{"Type":"ACCREC",` + contact + `,"LineItems":[{"Description":"x","AccountCode":"999"}]}`: "'999' is not a valid code",
		`{"Type":"ACCREC",` + contact + `,"LineItems":[{"Description":"x","TaxType":"GST99"}]}`:   "'GST99' does not exist",
		`{"Type":"ACCREC",` + contact + `,"LineItems":[{"Description":"x","UnitAmount":1e9999}]}`: "too large",
		`{"Type":"ACCREC",` + contact + `,"LineItems":[{"Description":"x","UnitAmount":-5}]}`:     "less than zero",
		`{"Type":"ACCREC",` + contact + `,"CurrencyCode":"USD",` + line + `}`:                     "not subscribed to currency USD",
		`{"Type":"ACCREC",` + contact + `,"Date":"yesterday",` + line + `}`:                       "not a valid date",
		`{"Type":"ACCREC",` + contact + `,"Status":"PAID",` + line + `}`:                          "Status is not valid",
		`{"Type":"ACCREC",` + contact + `,"InvoiceNumber":"INV-0001",` + line + `}`:               "must be unique",
		`{"InvoiceID":"` + unknownID + `"}`:                                                       "does not exist",
	} {
		a.call(http.MethodPost, invoicesPath, joinery, body).invalid(t, message)
	}
	if got := every[invoice](a, "Invoices", joinery, "createdByMyApp=true"); len(got) != 0 {
		t.Errorf("saved were %v", got)
	}
}

func TestForeignInvoicesCarryTheirRate(t *testing.T) {
	a := newWriter(t)
	body := func(more string) string {
		return `{"Type":"ACCPAY","Contact":{"Name":"Yokohama Mills"},"Date":"/Date(1767225600000+0000)/","CurrencyCode":"JPY"` + more +
			`,"LineItems":[{"Description":"x","Quantity":3,"UnitAmount":1000.5,"AccountCode":"310"}],"LineAmountTypes":"NoTax"}`
	}
	got := a.call(http.MethodPut, invoicesPath, kauri, body(`,"CurrencyRate":90.5`))
	if got.status != 200 || !strings.Contains(got.body, `"CurrencyRate":90.500000`) || !strings.Contains(got.body, `"Total":3002,`) || !strings.Contains(got.body, `"DateString":"2026-01-01T00:00:00"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	a.call(http.MethodPut, invoicesPath, kauri, body(`,"CurrencyRate":0`)).invalid(t, "rate must be above zero")
}

func TestManyWriteAtOnce(t *testing.T) {
	a := newWriter(t)
	before := len(every[invoice](a, "Invoices", cafe, ""))
	var group sync.WaitGroup
	for range 4 { // of the five that may
		group.Go(func() {
			for range 6 {
				if got := a.call(http.MethodPost, invoicesPath, cafe, goodInvoice); got.status != 200 {
					t.Errorf("%d %s", got.status, got.body)
				}
			}
		})
	}
	group.Wait()
	after := every[invoice](a, "Invoices", cafe, "")
	numbers := map[string]bool{}
	for _, i := range after[before:] {
		numbers[i.InvoiceNumber] = true
		checkInvoice(t, i)
	}
	if len(after)-before != 24 || len(numbers) != 24 {
		t.Errorf("%d more invoices with %d numbers, want 24", len(after)-before, len(numbers))
	}
	if got := every[contact](a, "Contacts", cafe, "searchTerm=Fits"); len(got) != 1 {
		t.Errorf("their contact is there %d times", len(got))
	}
}
