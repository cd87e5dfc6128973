package xerosim_test

import (
	"encoding/xml"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

// accepting is a GET with an Accept header, none when it is empty.
func (a *app) accepting(accept, path, organisation string) (http.Header, string) {
	a.t.Helper()
	r := a.request(http.MethodGet, "/api.xro/2.0/"+path, a.tenant(organisation), "")
	r.Header.Del("Accept")
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	got, body := a.send(r)
	return got.Header, body
}

func TestXMLComesUnlessJSONIsAskedFor(t *testing.T) {
	a := newApp(t)
	for accept, want := range map[string]string{
		"": "text/xml", "*/*": "text/xml", "text/html,application/xml;q=0.9,*/*;q=0.8": "text/xml", "application/*": "text/xml",
		"application/json": "application/json", "text/plain, application/json; charset=utf-8": "application/json", "Application/JSON": "application/json",
	} {
		header, body := a.accepting(accept, "Organisation", joinery)
		if !strings.HasPrefix(header.Get("Content-Type"), want) || strings.HasPrefix(body, "<") != (want == "text/xml") {
			t.Errorf("%q gets %s: %.40s", accept, header.Get("Content-Type"), body)
		}
		if header.Get("Xero-Correlation-Id") == "" {
			t.Errorf("%q gets no Xero-Correlation-Id", accept)
		}
	}
	// The gateway's own words are JSON all the same.
	r := a.request(http.MethodGet, "/api.xro/2.0/Organisation", "", "")
	r.Header.Del("Accept")
	if got, body := a.send(r); got.StatusCode != 403 || !strings.HasPrefix(body, `{"Type":null`) {
		t.Errorf("the gateway answers %d %s", got.StatusCode, body)
	}
}

func TestTheXMLSaysWhatTheJSONSays(t *testing.T) {
	a := newApp(t)
	const path = "Invoices?page=3&pageSize=300&Statuses=PAID&order=InvoiceNumber"
	var list someInvoices
	a.read("/api.xro/2.0/"+path, kauri, &list)
	_, body := a.accepting("", path, kauri)
	var got struct {
		XMLName  xml.Name `xml:"Response"`
		Status   string
		Invoices []struct {
			InvoiceID, InvoiceNumber, Type, Date string
			Total                                decimal.Decimal
			Contact                              struct{ Name string }
			LineItems                            []struct{ LineAmount decimal.Decimal } `xml:"LineItems>LineItem"`
			Payments                             []struct{ PaymentID string }           `xml:"Payments>Payment"`
		} `xml:"Invoices>Invoice"`
		PageSize int `xml:"pagination>pageSize"`
	}
	if err := xml.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Status != "OK" || got.PageSize != 300 || len(got.Invoices) != 300 {
		t.Fatalf("%s, %d invoices in a page of %d", got.Status, len(got.Invoices), got.PageSize)
	}
	for n, i := range got.Invoices {
		want := list.Invoices[n]
		if i.InvoiceID != want.InvoiceID || !i.Total.Equal(want.Total) || i.Date != want.DateString || i.Contact.Name != want.Contact.Name ||
			len(i.LineItems) != len(want.LineItems) || len(i.Payments) != len(want.Payments) || !i.LineItems[0].LineAmount.Equal(want.LineItems[0].LineAmount) {
			t.Fatalf("%+v is not %+v", i, want)
		}
	}
	if strings.Contains(body, "DateString") || strings.Contains(body, "/Date(") {
		t.Error("there are dates in JSON's form")
	}
	_, report := a.accepting("", "Reports/BankSummary", kauri)
	if !regexp.MustCompile(`<Reports><Report>.*<ReportTitle>Bank Summary</ReportTitle>.*<Row><RowType>Row</RowType><Cells><Cell><Value>.*<Attributes><Attribute><Value>[0-9a-f-]{36}</Value><Id>accountID</Id>`).MatchString(report) {
		t.Errorf("a report is %.900s", report)
	}
	_, wrong := a.accepting("", "Invoices?where=Nothing%3D%3D1", kauri)
	var refused struct {
		XMLName       xml.Name `xml:"ApiException"`
		ErrorNumber   int
		Type, Message string
	}
	if err := xml.Unmarshal([]byte(wrong), &refused); err != nil || refused.ErrorNumber != 16 || refused.Type != "QueryParseException" {
		t.Errorf("%v: %s", err, wrong)
	}
}

func TestSomeDatesAreEscaped(t *testing.T) {
	a := newApp(t)
	for path, want := range map[string]string{
		"Payments?page=1": `"Date":"\\/Date\(\d+\+0000\)\\/"`, "Accounts": `"UpdatedDateUTC":"\\/Date\(\d+\+0000\)\\/"`,
		"Invoices?page=1": `"Date":"/Date\(\d+\+0000\)/"`, "Reports/BankSummary": `"UpdatedDateUTC":"/Date\(\d+\)/"`,
	} {
		if got := a.get("/api.xro/2.0/"+path, cafe); !regexp.MustCompile(want).MatchString(got.body) {
			t.Errorf("%s has no %s: %.400s", path, want, got.body)
		}
	}
}
