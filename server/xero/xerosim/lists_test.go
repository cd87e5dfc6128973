package xerosim_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

type someInvoices struct {
	ID           string `json:"Id"`
	Status       string
	ProviderName string
	DateTimeUTC  string
	Pagination   *struct{ Page, PageSize, PageCount, ItemCount int }
	Invoices     []invoice
}

func TestAPageHasAHundredRecordsWithTheirLinesAndAThousandAtMost(t *testing.T) {
	a := newApp(t)
	var first, big, beyond, unpaged, sized someInvoices
	a.read("/api.xro/2.0/Invoices?page=2", kauri, &first)
	if len(first.Invoices) != 100 || len(first.Invoices[0].LineItems) == 0 || *first.Pagination != (struct{ Page, PageSize, PageCount, ItemCount int }{2, 100, 120, 12000}) {
		t.Errorf("page 2 has %d, %+v", len(first.Invoices), first.Pagination)
	}
	a.read("/api.xro/2.0/Invoices?page=1&pageSize=1000", kauri, &big)
	if len(big.Invoices) != 1000 || !slices.EqualFunc(big.Invoices[100:200], first.Invoices, sameInvoice) {
		t.Error("a thousand at a time are others")
	}
	a.read("/api.xro/2.0/Invoices?pageSize=10", kauri, &sized)
	if len(sized.Invoices) != 10 || sized.Pagination.Page != 1 {
		t.Errorf("a size alone gives %d, %+v", len(sized.Invoices), sized.Pagination)
	}
	a.read("/api.xro/2.0/Invoices?page=121", kauri, &beyond)
	if beyond.Invoices == nil || len(beyond.Invoices) != 0 || beyond.Pagination.ItemCount != 12000 {
		t.Errorf("beyond the end are %d, %+v", len(beyond.Invoices), beyond.Pagination)
	}
	a.read("/api.xro/2.0/Invoices", joinery, &unpaged)
	if unpaged.Pagination != nil || len(unpaged.Invoices) < 200 || slices.ContainsFunc(unpaged.Invoices, func(i invoice) bool { return len(i.LineItems) > 0 }) {
		t.Errorf("without pages come %d, %+v", len(unpaged.Invoices), unpaged.Pagination)
	}
	for _, bad := range []string{"page=0", "page=-1", "page=one", "pageSize=1001"} {
		if got := a.get("/api.xro/2.0/Invoices?"+bad, joinery); got.status != 400 || !strings.Contains(got.body, `"ErrorNumber":16,"Type":"QueryParseException"`) {
			t.Errorf("%s: %d %s", bad, got.status, got.body)
		}
	}
}

func sameInvoice(a, b invoice) bool { return a.InvoiceID == b.InvoiceID }

func TestAnAnswerLooksLikeXeros(t *testing.T) {
	a := newApp(t)
	got := a.get("/api.xro/2.0/Invoices?page=1&pageSize=5", joinery)
	for _, want := range []string{
		`^\{"Id":"[0-9a-f-]{36}","Status":"OK","ProviderName":"Financial Command Center","DateTimeUTC":"/Date\(\d{13}\+0000\)/","pagination":\{"page":1,"pageSize":5,"pageCount":\d+,"itemCount":\d+\},"Invoices":\[\{"Type":"ACC`,
		`"DateString":"\d{4}-\d\d-\d\dT00:00:00","Date":"/Date\(\d+00000\+0000\)/"`,
		`"UpdatedDateUTCString":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"`,
		`"Total":\d+\.\d\d,`,
		`"Quantity":\d+\.\d{4}`,
		`"UnitAmount":\d+\.\d\d,`,
	} {
		if !regexp.MustCompile(want).MatchString(got.body) {
			t.Errorf("no %s in %.600s", want, got.body)
		}
	}
	if kind := got.header.Get("Content-Type"); kind != "application/json; charset=utf-8" {
		t.Errorf("the type is %s", kind)
	}
	if fine := a.get("/api.xro/2.0/Invoices?page=1&unitdp=4", joinery); !regexp.MustCompile(`"UnitAmount":\d+\.\d{4},`).MatchString(fine.body) {
		t.Error("unitdp=4 gives no four decimals")
	}
	if again := a.get("/api.xro/2.0/Invoices?page=1&pageSize=5", joinery); again.header.Get("Xero-Correlation-Id") == got.header.Get("Xero-Correlation-Id") {
		t.Error("two answers have one correlation id")
	}
}

func TestListsAreFiltered(t *testing.T) {
	a := newApp(t)
	all := every[invoice](a, "Invoices", joinery, "")
	buyer := all[0].Contact.ContactID
	for query, fits := range map[string]func(invoice) bool{
		"Statuses=DRAFT,authorised":            func(i invoice) bool { return i.Status == "DRAFT" || i.Status == "AUTHORISED" },
		"Statuses=PAID&Statuses=VOIDED":        func(i invoice) bool { return i.Status == "PAID" || i.Status == "VOIDED" },
		"ContactIDs=" + strings.ToUpper(buyer): func(i invoice) bool { return i.Contact.ContactID == buyer },
		"IDs=" + all[3].InvoiceID + "," + all[5].InvoiceID: func(i invoice) bool {
			return i.InvoiceID == all[3].InvoiceID || i.InvoiceID == all[5].InvoiceID
		},
		"InvoiceNumbers=INV-0003": func(i invoice) bool { return i.InvoiceNumber == "INV-0003" },
		"searchTerm=inv-001":      func(i invoice) bool { return strings.Contains(i.InvoiceNumber, "INV-001") },
		"createdByMyApp=true":     func(invoice) bool { return false },
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(i invoice) bool { return !fits(i) })
		if got := every[invoice](a, "Invoices", joinery, query); !slices.EqualFunc(got, want, sameInvoice) {
			t.Errorf("%s gives %d, want %d", query, len(got), len(want))
		}
	}
	some, whole := every[contact](a, "Contacts", kauri, ""), every[contact](a, "Contacts", kauri, "includeArchived=true")
	if len(some) >= len(whole) || slices.ContainsFunc(some, func(c contact) bool { return c.ContactStatus != "ACTIVE" }) {
		t.Errorf("%d active contacts of %d", len(some), len(whole))
	}
	for _, c := range every[contact](a, "Contacts", kauri, "searchTerm=SCRIPT") {
		if !strings.Contains(c.Name, "script") {
			t.Errorf("a search for script finds %s", c.Name)
		}
	}
}

func TestListsAreSorted(t *testing.T) {
	a := newApp(t)
	for query, less := range map[string]func(a, b invoice) bool{
		"order=Date%20DESC":     func(a, b invoice) bool { return a.DateString > b.DateString },
		"order=DueDate":         func(a, b invoice) bool { return a.DueDateString < b.DueDateString },
		"order=Total%20desc":    func(a, b invoice) bool { return a.Total.GreaterThan(b.Total) },
		"order=AmountDue%20ASC": func(a, b invoice) bool { return a.AmountDue.LessThan(b.AmountDue) },
		"order=Status,%20InvoiceID DESC": func(a, b invoice) bool {
			return a.Status < b.Status || a.Status == b.Status && a.InvoiceID > b.InvoiceID
		},
	} {
		got := every[invoice](a, "Invoices", cafe, strings.ReplaceAll(query, " ", "%20"))
		for n := range got[1:] {
			if less(got[n+1], got[n]) {
				t.Errorf("%s: number %d comes after %d", query, n, n+1)
				break
			}
		}
	}
	for _, bad := range []string{"order=Colour", "order=Date%20SIDEWAYS"} {
		if got := a.get("/api.xro/2.0/Invoices?"+bad, cafe); got.status != 400 || !strings.Contains(got.body, "QueryParseException") {
			t.Errorf("%s: %d %s", bad, got.status, got.body)
		}
	}
}

func TestIfModifiedSinceFilters(t *testing.T) {
	a := newApp(t)
	ask := func(since string) someInvoices {
		r := a.request(http.MethodGet, "/api.xro/2.0/Invoices?page=1&pageSize=1000", a.tenant(joinery), "")
		r.Header.Set("If-Modified-Since", since)
		_, body := a.do(r)
		return decode[someInvoices](t, body)
	}
	since := time.Now().UTC().AddDate(0, 0, -30)
	recent := ask(since.Format("2006-01-02T15:04:05"))
	if n := len(recent.Invoices); n == 0 || n == len(every[invoice](a, "Invoices", joinery, "")) {
		t.Errorf("%d invoices changed in the last 30 days", n)
	}
	if http := ask(since.Format(http.TimeFormat)); len(http.Invoices) != len(recent.Invoices) {
		t.Errorf("in HTTP's form %d, in Xero's %d", len(http.Invoices), len(recent.Invoices))
	}
	if got := ask(time.Now().UTC().Add(time.Hour).Format("2006-01-02T15:04:05")); len(got.Invoices) != 0 {
		t.Errorf("%d invoices changed in the future", len(got.Invoices))
	}
}

func TestOneRecordComesAsAListOfOneAndAnUnknownOneIs404(t *testing.T) {
	a := newApp(t)
	all := every[invoice](a, "Invoices", joinery, "")
	for _, key := range []string{all[7].InvoiceID, strings.ToUpper(all[7].InvoiceID)} {
		var got someInvoices
		a.read("/api.xro/2.0/Invoices/"+key, joinery, &got)
		if len(got.Invoices) != 1 || !sameInvoice(got.Invoices[0], all[7]) || len(got.Invoices[0].LineItems) == 0 || got.Pagination != nil {
			t.Errorf("%s: %+v", key, got)
		}
	}
	var byNumber someInvoices
	a.read("/api.xro/2.0/Invoices/INV-0001", joinery, &byNumber)
	if byNumber.Invoices[0].InvoiceNumber != "INV-0001" {
		t.Errorf("by number comes %s", byNumber.Invoices[0].InvoiceNumber)
	}
	const nobody = "5e1f0000-0000-4000-8000-000000000000"
	for _, path := range []string{
		"Invoices/" + nobody, "Contacts/" + nobody, "Accounts/" + nobody, "Payments/" + nobody, "Invoices/INV-99999", "Banana", "Organisation/x",
		"Invoices/" + all[7].InvoiceID + "/pdf",
	} {
		if got := a.get("/api.xro/2.0/"+path, joinery); got.status != 404 || got.body != "The resource you're looking for cannot be found" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	for _, path := range []string{"/assets.xro/1.0/Banana", "/payroll.xro/2.0/PayRuns", "/api.xro/1.0/Invoices", "/files.xro/2.0/Files"} {
		if got := a.get(path, joinery); got.status != 404 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	// Another organisation's record is none of this one's.
	if got := a.get("/api.xro/2.0/Invoices/"+all[7].InvoiceID, cafe); got.status != 404 {
		t.Errorf("another organisation's invoice: %d", got.status)
	}
	for method, path := range map[string]string{http.MethodDelete: "Invoices/" + all[7].InvoiceID, http.MethodPut: "Accounts"} {
		w := newSite(t).narrow("openid accounting.invoices accounting.settings")
		if got := w.call(method, "/api.xro/2.0/"+path, joinery, "{}"); got.status != http.StatusNotImplemented {
			t.Errorf("%s %s: %d", method, path, got.status)
		}
	}
}
