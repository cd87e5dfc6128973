package xerosim_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"financial-command-center/server/xero/xerosim"
)

// undocumented are fields that Xero sends, by its own examples, though its
// schemas do not list them. All others that are not listed are mistakes.
var undocumented = map[string][]string{
	// Every example body of the accounting file begins with these four.
	"Organisations":    {"Id", "Status", "ProviderName", "DateTimeUTC"},
	"Accounts":         {"Id", "Status", "ProviderName", "DateTimeUTC"},
	"Contacts":         {"Id", "Status", "ProviderName", "DateTimeUTC"},
	"Invoices":         {"Id", "Status", "ProviderName", "DateTimeUTC"},
	"Attachments":      {"Id", "Status", "ProviderName", "DateTimeUTC"},
	"Payments":         {"Id", "Status", "ProviderName", "DateTimeUTC"},
	"BankTransactions": {"Id", "Status", "ProviderName", "DateTimeUTC"},
	"ReportWithRows":   {"Id", "Status", "ProviderName", "DateTimeUTC"},
	// The examples of getInvoices and getCreditNotes have the strings beside the dates.
	"Invoice":         {"DateString", "DueDateString"},
	"CreditNote":      {"DateString"},
	"BankTransaction": {"DateString"},
}

// openEnded is what names some fields and means more: an element of a validation
// error is the record as it was sent, whatever it is, and the schema lists ids.
var openEnded = []string{"Element"}

// zoneless are fields whose format says date-time, which RFC 3339 gives a zone.
// Xero's example and its answers have none.
var zoneless = []string{"createdDateUtc", "updatedDateUtc"}

// A description is Xero's published one, made strict.
type description struct{ router routers.Router }

func loadDescription(t *testing.T) description {
	t.Helper()
	text, err := os.ReadFile("testdata/xero-openapi.yaml")
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatal("testdata/xero-openapi.yaml is missing: go run ./build openapi makes it")
	}
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	for name, schema := range doc.Components.Schemas {
		for _, field := range undocumented[name] {
			if schema.Value.Properties[field] != nil {
				t.Errorf("Xero has documented %s.%s: take it off the list", name, field)
			}
			schema.Value.Properties[field] = openapi3.NewStringSchema().NewRef()
		}
		if len(schema.Value.Properties) > 0 && !slices.Contains(openEnded, name) {
			schema.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &closed}
		}
	}
	for _, field := range zoneless {
		s := doc.Components.Schemas["Connection"].Value.Properties[field].Value
		s.Format, s.Pattern = "", `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}$`
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return description{router}
}

// check holds an exchange against the description.
func (d description) check(r *http.Request, status int, header http.Header, body string) error {
	route, params, err := d.router.FindRoute(r)
	if err != nil {
		return err
	}
	formats := map[string]openapi3.StringFormatValidator{
		"uuid": openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForUUIDOfRFC9562),
	}
	options := &openapi3filter.Options{
		IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{
			openapi3.EnableFormatValidation(), openapi3.WithStringFormatValidators(formats),
		},
	}
	request := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(context.Background(), request); err != nil {
		return err
	}
	response := &openapi3filter.ResponseValidationInput{RequestValidationInput: request, Status: status, Header: header, Options: options}
	return openapi3filter.ValidateResponse(context.Background(), response.SetBodyBytes([]byte(body)))
}

// exchange is what a test sends and what came back.
type exchange struct {
	name, method, path, body string
}

func TestEveryAnswerFitsXerosPublishedDescription(t *testing.T) {
	d := loadDescription(t)
	for _, organisation := range []string{joinery, cafe, kauri, xerosim.Tally} {
		t.Run(organisation, func(t *testing.T) {
			s := newSite(t, func(o *xerosim.Options) { o.DayLimit, o.Books = 5000, []xerosim.Ledger{xerosim.TallyBooks()} })
			a := s.narrow(strings.ReplaceAll(readScopes, "contacts.read", "contacts") + " accounting.invoices accounting.payments accounting.attachments accounting.reports.trialbalance.read")
			var contacts struct{ Contacts []struct{ ContactID string } }
			var invoices struct{ Invoices []struct{ InvoiceID string } }
			var payments struct{ Payments []struct{ PaymentID string } }
			var accounts struct{ Accounts []struct{ AccountID string } }
			var transactions struct {
				BankTransactions []struct{ BankTransactionID string }
			}
			a.read("/api.xro/2.0/Contacts", organisation, &contacts)
			a.read("/api.xro/2.0/Invoices", organisation, &invoices)
			a.read("/api.xro/2.0/Payments", organisation, &payments)
			a.read("/api.xro/2.0/Accounts", organisation, &accounts)
			a.read("/api.xro/2.0/BankTransactions", organisation, &transactions)
			contact, invoice := contacts.Contacts[0].ContactID, invoices.Invoices[0].InvoiceID
			const get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
			for _, e := range []exchange{
				{"the organisation", get, "/Organisation", ""},
				{"accounts", get, "/Accounts?order=Name", ""},
				{"an account", get, "/Accounts/" + accounts.Accounts[0].AccountID, ""},
				{"contacts without pages", get, "/Contacts", ""},
				{"contacts in pages", get, "/Contacts?page=1&pageSize=200&includeArchived=true", ""},
				{"light contacts", get, "/Contacts?summaryOnly=true&order=Name", ""},
				{"a contact", get, "/Contacts/" + contact, ""},
				{"invoices without pages", get, "/Invoices?Statuses=DRAFT,VOIDED", ""},
				{"invoices in pages", get, "/Invoices?page=1&pageSize=200&unitdp=4", ""},
				{"the last invoices", get, "/Invoices?page=1&order=Date%20DESC", ""},
				{"light invoices", get, "/Invoices?summaryOnly=true&Statuses=DRAFT", ""},
				{"no invoices", get, "/Invoices?page=9999", ""},
				{"an invoice", get, "/Invoices/" + invoice, ""},
				{"payments", get, "/Payments?page=1&pageSize=200", ""},
				{"a payment", get, "/Payments/" + payments.Payments[0].PaymentID, ""},
				{"bank transactions", get, "/BankTransactions?page=1&pageSize=200", ""},
				{"the last money received", get, "/BankTransactions?page=1&where=Type%3D%3D%22RECEIVE%22&order=Date%20DESC", ""},
				{"a bank transaction", get, "/BankTransactions/" + transactions.BankTransactions[0].BankTransactionID, ""},
				{"a report", get, "/Reports/BankSummary?fromDate=2020-01-01&toDate=2030-12-31", ""},
				{"accounts that are banks", get, "/Accounts?where=Type%3D%3D%22BANK%22", ""},
				{"a profit", get, "/Reports/ProfitAndLoss?standardLayout=true", ""},
				{"a profit by months", get, "/Reports/ProfitAndLoss?fromDate=2026-03-01&toDate=2026-03-31&periods=11&timeframe=MONTH", ""},
				{"a profit of nothing", get, "/Reports/ProfitAndLoss?fromDate=2001-01-01&toDate=2001-12-31&paymentsOnly=true", ""},
				{"a balance", get, "/Reports/BalanceSheet", ""},
				{"balances by quarters", get, "/Reports/BalanceSheet?date=2026-02-11&periods=3&timeframe=QUARTER", ""},
				{"a trial balance", get, "/Reports/TrialBalance?date=2026-06-30", ""},
				{"a summary", get, "/Reports/ExecutiveSummary", ""},
				{"what a contact owes", get, "/Reports/AgedReceivablesByContact?contactId=" + contact, ""},
				{"what a contact is owed", get, "/Reports/AgedPayablesByContact?date=2026-06-30&contactId=" + contact, ""},
				{"a contact to create", put, "/Contacts", `{"Contacts":[{"Name":"Fits & Sons"}]}`},
				{"a contact to refuse", put, "/Contacts", `{"Contacts":[{"EmailAddress":"nobody"}]}`},
				{"contacts, each on its own", post, "/Contacts?summarizeErrors=false", `{"Contacts":[{"Name":""},{"Name":"Good"}]}`},
				{"a contact to change", post, "/Contacts/" + contact, `{"Contacts":[{"FirstName":"Mo"}]}`},
				{"an invoice to create", put, "/Invoices", `{"Invoices":[` + goodInvoice + `]}`},
				{"a payment to make", put, "/Payments", `{"Payments":[` + aPayment(a.owed(organisation), "1.00") + `]}`},
				{"a payment alone to make", post, "/Payments", aPayment(a.owed(organisation), "1")},
				{"a payment to refuse", put, "/Payments", `{"Payments":[{"Invoice":{"InvoiceID":"` + contact + `"},"Amount":-1}]}`},
				{"an attachment to put", put, "/Invoices/" + invoice + "/Attachments/note.txt?IncludeOnline=true", "Noted."},
				{"an attachment to replace", post, "/Invoices/" + invoice + "/Attachments/note.txt", "Noted again."},
				{"attachments", get, "/Invoices/" + invoice + "/Attachments", ""},
				{"an attachment", get, "/Invoices/" + invoice + "/Attachments/note.txt", ""},
				{"an invoice with attachments", get, "/Invoices/" + invoice, ""},
				{"an invoice to refuse", post, "/Invoices", `{"Invoices":[{"Type":"ACCREC"}]}`},
				{"invoices, each on its own", post, "/Invoices?summarizeErrors=false", `{"Invoices":[{},` + goodInvoice + `]}`},
			} {
				got := a.call(e.method, "/api.xro/2.0"+e.path, organisation, e.body)
				r := a.request(e.method, "/api.xro/2.0"+e.path, a.tenant(organisation), e.body)
				if strings.Contains(e.path, "/Attachments/") {
					r.Header.Set("Content-Type", "application/octet-stream")
					r.Header.Set("contentType", "text/plain") // of the attachment that is read
				}
				if got.status != 200 && !strings.HasSuffix(e.name, "refuse") {
					t.Errorf("%s: %d %s", e.name, got.status, got.body)
				}
				if err := d.check(r, got.status, got.header, got.body); err != nil {
					t.Errorf("%s: %v", e.name, err)
				}
			}
			list := a.get("/Connections", "")
			if err := d.check(a.request(get, "/Connections", "", ""), list.status, list.header, list.body); err != nil {
				t.Errorf("connections: %v", err)
			}
			path := "/Connections/" + a.connections("")[0].ID
			deleted := a.call(http.MethodDelete, path, "", "")
			if err := d.check(a.request(http.MethodDelete, path, "", ""), deleted.status, deleted.header, deleted.body); err != nil {
				t.Errorf("deleting a connection: %v", err)
			}
		})
	}
}

const goodInvoice = `{"Type":"ACCREC","Contact":{"Name":"Fits & Sons"},"DueDate":"2030-01-31","Status":"AUTHORISED",` +
	`"LineItems":[{"Description":"Work","Quantity":2,"UnitAmount":100.25,"AccountCode":"200"}]}`

// The check above is worth something: it finds an answer that is changed in any
// of these ways.
func TestAChangedAnswerDoesNotFitTheDescription(t *testing.T) {
	d := loadDescription(t)
	a := newApp(t)
	path := "/api.xro/2.0/Invoices?page=1"
	got := a.get(path, joinery)
	r := a.request(http.MethodGet, path, a.tenant(joinery), "")
	if err := d.check(r, got.status, got.header, got.body); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"a number as text":       {`"AmountPaid":0.00`, `"AmountPaid":"0.00"`},
		"an unknown status":      {`"Status":"PAID"`, `"Status":"SETTLED"`},
		"a misspelt field":       {`"AmountDue":`, `"AmountOwing":`},
		"an id that is none":     {`"InvoiceID":"`, `"InvoiceID":"x`},
		"a list that is none":    {`"Tracking":[]`, `"Tracking":{}`},
		"an unknown currency":    {`"CurrencyCode":"NZD"`, `"CurrencyCode":"ZZZ"`},
		"a page with capitals":   {`"pageSize":`, `"PageSize":`},
		"an object for a number": {`"page":1`, `"page":{}`},
	} {
		if !strings.Contains(got.body, change[0]) {
			t.Errorf("%s: the answer has no %s", name, change[0])
		}
		if d.check(r, got.status, got.header, strings.ReplaceAll(got.body, change[0], change[1])) == nil {
			t.Errorf("%s fits", name)
		}
	}
	if d.check(r, http.StatusTeapot, got.header, got.body) == nil {
		t.Error("a status that is not documented fits")
	}
}
