package server_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"financial-command-center/server"
	"financial-command-center/server/store"
)

// atOnce is what a program gets for a write that nobody may be asked about, here and
// over MCP.
func (a *asker) atOnce(path, body string) got {
	a.t.Helper()
	answer := a.post(path, body)
	a.until("it is answered", func() bool {
		if page, _ := a.approvals(); strings.Contains(page, "/approvals/allow") {
			a.t.Fatal("a person is asked")
		}
		return len(answer) > 0
	})
	g := <-answer
	if _, err := a.RequestWrite(a.t.Context(), "helper", http.MethodPost, path, body); server.Code(err) != g.code {
		a.t.Errorf("an assistant is told %v, a program %s", err, g.code)
	}
	if n := a.writes(); n != 0 {
		a.t.Errorf("%d writes reached Xero", n)
	}
	return g
}

func withRights(scopes string) func(*bench) {
	return func(b *bench) { b.xero.App.Scopes = strings.Fields("openid profile email offline_access " + scopes) }
}

func TestNobodyIsAskedAboutWhatTheSignInMayNotWrite(t *testing.T) {
	a := newAsker(t, withRights("accounting.contacts.read accounting.invoices.read accounting.settings.read"))
	free := a.addKey(store.Key{Name: "free", Write: true})
	g := a.atOnce("/api.xro/2.0/Contacts", `{"Name":"Kiri"}`)
	if g.status != 403 || g.code != "write_refused" || !strings.Contains(g.body, "This sign-in may read and not write.") || !strings.Contains(g.body, "Set-up") {
		t.Errorf("%d %s", g.status, g.body)
	}
	// The link is the one that an assistant gets, and consents to no more.
	for path, scope := range map[string]string{
		"/api.xro/2.0/Contacts": "accounting.contacts", "/api.xro/2.0/invoices": "accounting.invoices", "/api.xro/2.0/Invoices/1/Attachments/a.pdf": "accounting.attachments",
		"/payroll.xro/2.0/employees": "payroll.employees", "/files.xro/1.0/Files": "files", "/projects.xro/2.0/Projects": "projects",
	} {
		g := a.ask(ask{method: "PUT", path: path, key: free, body: strings.NewReader(`{}`)})
		link := a.BaseURL() + "/login?scope=" + scope
		if g.code != "write_refused" || !strings.Contains(g.body, "Open "+link+" and allow "+scope+" too") {
			t.Errorf("%s: %d %s", path, g.status, g.body)
			continue
		}
		browser := a.visit()
		if to := a.ask(ask{path: strings.TrimPrefix(link, a.BaseURL()), cookie: browser}); to.status != http.StatusFound || !strings.Contains(to.location, url.QueryEscape(scope)) {
			t.Errorf("%s leads to %d %s", link, to.status, to.location)
		}
	}
	if g := a.ask(ask{method: "PUT", path: "/api.xro/2.0/Currencies", key: free, body: strings.NewReader(`{}`)}); g.code != "write_refused" || strings.Contains(g.body, "/login") || !strings.Contains(g.body, "Set-up") {
		t.Errorf("of what no right is known for: %d %s", g.status, g.body)
	}
	if g := a.ask(ask{method: "DELETE", path: "/api.xro/2.0/Contacts/1", key: free}); g.status != 403 || g.code != "write_refused" || a.writes() != 0 {
		t.Errorf("a program that need not ask gets %d %s", g.status, g.body)
	}
}

func TestNobodyIsAskedAboutAPartOfTheBooksThatTheSignInMayNotWrite(t *testing.T) {
	a := newAsker(t, withRights("accounting.contacts accounting.invoices.read accounting.settings.read"))
	for path, thing := range map[string]string{
		"/api.xro/2.0/Invoices": "invoices", "/api.xro/2.0/invoices/1": "invoices", "/api.xro/2.0/Contacts/1/Attachments/a.pdf": "attachments",
		"/payroll.xro/2.0/Employees": "employees", "/files.xro/1.0/Files": "files",
	} {
		g := a.atOnce(path, draftInvoice)
		if g.status != 403 || g.code != "write_refused" || !strings.Contains(g.body, "does not let FCC change this: "+thing+".") || !strings.Contains(g.body, "Set-up") {
			t.Errorf("%s: %d %s", path, g.status, g.body)
		}
	}
	a.card(ask{path: "/api.xro/2.0/Contacts", body: strings.NewReader(`{"Name":"Kiri"}`)})
	a.card(ask{path: "/api.xro/2.0/Quotes", body: strings.NewReader(`{"Title":"which right that takes is Xero's to say"}`)})
}

func TestNobodyIsAskedWhenTheSignInHasEnded(t *testing.T) {
	a := newAsker(t)
	if err := a.sim.RevokeGrant(""); err != nil {
		t.Fatal(err)
	}
	a.sim.ExpireAccessTokens()
	if g := a.ask(ask{path: invoices, key: a.key}); g.code != "needs_login" {
		t.Fatalf("reading: %d %s", g.status, g.body)
	}
	if g := a.atOnce("/api.xro/2.0/Invoices", draftInvoice); g.status != 503 || g.code != "needs_login" {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestNobodyIsAskedWhenTheDaysCallsAreOver(t *testing.T) {
	way := &leaving{}
	way.left.Store(48)
	a := newAsker(t)
	a.far.answer = way.RoundTrip
	for range 3 {
		a.ask(ask{path: invoices, key: a.key})
	}
	g := a.atOnce("/api.xro/2.0/Invoices", draftInvoice)
	if wait, err := strconv.Atoi(g.header.Get("Retry-After")); g.status != 429 || g.code != "rate_limited" || !strings.Contains(g.body, "kept for people") || err != nil || wait < 1 {
		t.Errorf("%d %v %s", g.status, g.header, g.body)
	}
}
