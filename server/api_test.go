package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"financial-command-center/server/store"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

type invoicesAnswer struct {
	Success  bool
	Invoices []struct {
		ID       string          `json:"invoice_id"`
		Number   string          `json:"invoice_number"`
		Type     string          `json:"type"`
		Status   string          `json:"status"`
		Total    json.RawMessage `json:"total"`
		Currency string          `json:"currency_code"`
		Date     *string         `json:"date"`
		DueDate  *string         `json:"due_date"`
		Contact  string          `json:"contact_name"`
	}
	Count     int
	Available int `json:"total_available"`
	Filters   struct {
		Status string
		Limit  int
	}
}

func TestInvoicesAreTheNewestUpToTheLimitAndTheCountsAreTrue(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit(), kauri)
	b.read(cookie)
	key := b.addKey(store.Key{Name: "sheet"})
	// What there is, by Xero itself.
	available := func(statuses string) int {
		var all struct{ Pagination struct{ ItemCount int } }
		decode(t, b.ask(ask{path: "/api.xro/2.0/Invoices?page=1&Statuses=" + statuses, key: key, header: map[string]string{"Accept": "application/json"}}).body, &all)
		return all.Pagination.ItemCount
	}
	const open = "DRAFT,SUBMITTED,AUTHORISED"
	for _, c := range []struct {
		query  string
		limit  int
		status string
	}{
		{"", 50, open},
		{"?limit=1", 1, open},
		{"?limit=1000000&status=draft,+submitted,authorised", 1000000, open},
		{"?status=PAID&limit=2500", 2500, "PAID"},
		{"?status=VOIDED,PAID&limit=1000", 1000, "VOIDED,PAID"},
	} {
		var got invoicesAnswer
		g := b.ask(ask{path: "/api/xero/invoices" + c.query, cookie: cookie})
		decode(t, g.body, &got)
		want := available(c.status)
		if c.status != open && want < 3*1000 {
			t.Fatalf("only %d invoices: pages are not tested", want)
		}
		if g.status != 200 || !got.Success || got.Count != min(c.limit, want) || len(got.Invoices) != got.Count ||
			got.Available != want || got.Filters.Limit != c.limit || got.Filters.Status != c.status {
			t.Errorf("%q: %d, %d of %d, want %d of %d, filters %+v", c.query, g.status, got.Count, got.Available, min(c.limit, want), want, got.Filters)
		}
		seen := map[string]bool{}
		for i, one := range got.Invoices {
			if seen[one.ID] || !strings.Contains(c.status, one.Status) || one.Contact == "" || one.Date == nil || !regexp.MustCompile(`^\d{4}-\d\d-\d\d$`).MatchString(*one.Date) {
				t.Fatalf("%q: invoice %d is %+v", c.query, i, one)
			}
			if i > 0 && *got.Invoices[i-1].Date < *one.Date {
				t.Fatalf("%q: %s comes before %s", c.query, *got.Invoices[i-1].Date, *one.Date)
			}
			seen[one.ID] = true
		}
	}
	for _, query := range []string{"?limit=0", "?limit=-1", "?limit=x", "?limit=1e3", "?limit=99999999999999999999"} {
		if g := b.ask(ask{path: "/api/xero/invoices" + query, cookie: cookie}); g.status != 400 || g.code != "bad_request" {
			t.Errorf("%q: %d %s", query, g.status, g.code)
		}
	}
}

// Binary fractions would make 0.1 + 0.2 of somebody's books; the digits are Xero's.
func TestAmountsKeepXerosDigits(t *testing.T) {
	const digits = "12345678901234567.10"
	f := &far{answer: func(r *http.Request) (*http.Response, error) {
		body := fmt.Sprintf(`{"pagination":{"page":1,"pageSize":50,"pageCount":1,"itemCount":2},"Invoices":[
			{"InvoiceID":"1","Type":"ACCREC","Status":"PAID","Total":%s,"DateString":"2026-05-27T00:00:00","Contact":{"Name":"A"}},
			{"InvoiceID":"2","Type":"ACCREC","Status":"PAID","Total":"7.30","Contact":{"Name":"B"}}]}`, digits)
		return answering(200, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(body))(r)
	}}
	b := newBench(t, through(f)).opened()
	cookie := b.signIn(b.visit(), café)
	g := b.ask(ask{path: "/api/xero/invoices?status=PAID", cookie: cookie})
	var got invoicesAnswer
	decode(t, g.body, &got)
	if len(got.Invoices) != 2 || string(got.Invoices[0].Total) != digits || string(got.Invoices[1].Total) != "7.30" {
		t.Fatalf("%s", g.body)
	}
	if d := got.Invoices[0].Date; d == nil || *d != "2026-05-27" || got.Invoices[0].DueDate != nil || got.Invoices[1].Date != nil {
		t.Errorf("dates in %s", g.body)
	}
	if accept := f.last().Header.Get("Accept"); accept != "application/json" {
		t.Errorf("Xero was asked for %q", accept)
	}
}

func TestContactsAreAllOfTheOrganisationsContacts(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit())
	key := b.addKey(store.Key{Name: "sheet"})
	for _, name := range []string{café, kauri} {
		tenant := b.tenant(name)
		var all struct{ Pagination struct{ ItemCount int } }
		decode(t, b.ask(ask{path: "/api.xro/2.0/Contacts?page=1", key: key, header: map[string]string{"Accept": "application/json", "xero-tenant-id": tenant}}).body, &all)
		for _, a := range []ask{{cookie: cookie, path: "?tenant=" + strings.ToUpper(tenant)}, {key: key, header: map[string]string{"xero-tenant-id": tenant}}} {
			a.path = "/api/xero/contacts" + a.path
			var got struct {
				Success  bool
				Count    int
				TenantID string `json:"tenant_id"`
				Contacts []struct {
					ID       string `json:"contact_id"`
					Name     string
					Email    *string
					Status   string
					Supplier *bool `json:"is_supplier"`
					Customer *bool `json:"is_customer"`
				}
			}
			g := b.ask(a)
			decode(t, g.body, &got)
			if !got.Success || got.Count == 0 || got.Count != all.Pagination.ItemCount || len(got.Contacts) != got.Count || got.TenantID != tenant {
				t.Errorf("%s: %d of %d contacts of %q", name, got.Count, all.Pagination.ItemCount, got.TenantID)
			}
			customers := 0
			for _, one := range got.Contacts {
				if one.ID == "" || one.Name == "" || one.Email == nil || one.Status == "" || one.Supplier == nil || one.Customer == nil {
					t.Fatalf("%s: %+v", name, one)
				}
				if *one.Customer {
					customers++
				}
			}
			if customers == 0 {
				t.Errorf("%s: no customer among them", name)
			}
		}
	}
}

func TestABrowserWithSeveralOrganisationsHasToChooseOne(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit())
	if g := b.ask(ask{path: "/api/xero/contacts", cookie: cookie}); g.code != "tenant_required" {
		t.Errorf("none chosen: %d %s", g.status, g.code)
	}
	b.ask(ask{method: "POST", path: "/profile", cookie: cookie, form: map[string][]string{"tenant": {b.tenant(café)}}})
	if g := b.ask(ask{path: "/api/xero/contacts", cookie: cookie}); g.status != 200 || !strings.Contains(g.body, b.tenant(café)) {
		t.Errorf("chosen: %d %.200s", g.status, g.body)
	}
}

func TestXerosTroublesAreSaidInOurWords(t *testing.T) {
	for name, c := range map[string]struct {
		fault  xerosim.Fault
		status int
		code   string
	}{
		"an error of Xero's":     {xerosim.Fault{Do: xerosim.Fail, Status: 500}, 504, "xero_unreachable"},
		"maintenance":            {xerosim.Fault{Do: xerosim.Fail, Status: 503}, 504, "xero_unreachable"},
		"a page in its place":    {xerosim.Fault{Do: xerosim.HTML}, 504, "xero_unreachable"},
		"refused at Xero's edge": {xerosim.Fault{Do: xerosim.WAF}, 504, "xero_unreachable"},
		"cut off":                {xerosim.Fault{Do: xerosim.Half}, 504, "xero_unreachable"},
		"cut, again and again":   {xerosim.Fault{Do: xerosim.Drop, Times: 3}, 504, "xero_unreachable"},
		"the day's limit":        {xerosim.Fault{}, 429, "rate_limited"},
	} {
		t.Run(name, func(t *testing.T) { // with books of its own: a reading that failed waits before it is tried again
			b := newBench(t).opened()
			cookie := b.signIn(b.visit(), café)
			if c.status == 429 {
				if err := b.sim.UseUp("day", café); err != nil {
					t.Fatal(err)
				}
			} else {
				c.fault.At = xerosim.PointAPI
				b.sim.Fault(c.fault)
			}
			g := b.ask(ask{path: "/api/xero/contacts", cookie: cookie})
			if g.status != c.status || g.code != c.code || strings.Contains(g.body, "<html") || strings.Contains(g.body, "maintenance") {
				t.Errorf("%d %s", g.status, g.body)
			}
			if seconds, err := time.ParseDuration(g.header.Get("Retry-After") + "s"); c.status == 429 && (err != nil || seconds < time.Second) {
				t.Errorf("Retry-After %q", g.header.Get("Retry-After"))
			}
		})
	}
}

func TestAXeroThatIsTooSlowIsSaidToBeUnreachable(t *testing.T) {
	slow := &silence{}
	b := newBench(t, func(b *bench) { b.xero.HTTP = slow }).opened()
	b.signIn(b.visit(), café)
	slow.on.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if code := b.AskConnections(ctx, b.tenant(café)); code != xero.CodeUnreachable {
		t.Errorf("got %s", code)
	}
}

// silence is a way to Xero on which no answer comes while it is on.
type silence struct{ on atomic.Bool }

func (s *silence) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.on.Load() {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestTheStatusHasTheContractsNames(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	shape := func(text string) []string {
		var all map[string]any
		decode(t, text, &all)
		var names []string
		for _, name := range []string{"version", "mode", "state", "signing_in", "since", "problem", "connections"} {
			if _, ok := all[name]; !ok {
				t.Errorf("no %s in %s", name, text)
			}
		}
		for _, c := range all["connections"].([]any) {
			for name := range c.(map[string]any) {
				names = append(names, name)
			}
		}
		return names
	}
	if names := shape(b.ask(ask{path: "/api/status", cookie: cookie}).body); len(names) != 0 {
		t.Errorf("nobody is signed in, and there is %v", names)
	}
	cookie = b.signIn(cookie)
	g := b.ask(ask{path: "/api/status", cookie: cookie})
	if names := shape(g.body); len(names) != 8 {
		t.Errorf("a connection has %v", names)
	}
	var status struct {
		Version, Mode, State string
		Since                time.Time
		Problem              any
		Connections          []struct {
			ID, State     string
			Person        struct{ Name, Email string }
			Organisations []map[string]string
			Expires       *time.Time `json:"access_token_expires_at"`
			NextTry       *time.Time `json:"next_try"`
			Problem       any
		}
	}
	decode(t, g.body, &status)
	if status.Version != "test" || status.Mode != "live" || status.State != "connected" || status.Problem != nil || status.Since.IsZero() || status.Since.Location() != time.UTC {
		t.Errorf("%s", g.body)
	}
	if c := status.Connections[0]; c.ID == "" || c.Person.Email == "" || len(c.Organisations) != 3 || c.Expires == nil || c.NextTry != nil || c.Problem != nil ||
		len(c.Organisations[0]) != 2 || c.Organisations[0]["tenant_id"] == "" || c.Organisations[0]["name"] == "" {
		t.Errorf("%s", g.body)
	}
}
