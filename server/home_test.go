package server_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"financial-command-center/server/store"
	"financial-command-center/server/xero/xerosim"
)

func TestWithoutAClientIDTheStartPageSaysWhatFCCIsAndLeadsToTheSetUp(t *testing.T) {
	b := newBench(t, func(b *bench) {
		b.xero.App.ClientID = ""
		b.cfg.Host.StartDemo = func(context.Context) (string, error) { return "", nil }
	}).opened()
	cookie := b.visit()
	home := b.ask(ask{path: "/", cookie: cookie, page: true}).body
	for _, want := range []string{"<h1>Welcome</h1>", "What FCC does", "What FCC never does", `href="/setup">Set up</a>`, `action="/setup/demo"><button>Look around with invented books`} {
		if !strings.Contains(home, want) {
			t.Errorf("the start page has no %q:\n%s", want, home)
		}
	}
	for _, path := range []string{"/xero/invoices", "/xero/contacts", "/export"} {
		g := b.ask(ask{path: path, cookie: cookie, page: true})
		if g.status != http.StatusServiceUnavailable || !strings.Contains(g.body, `href="/setup">Set up first</a>`) || strings.Contains(g.body, `href="/login"`) {
			t.Errorf("%s: %d, and no way to the set-up:\n%s", path, g.status, g.body)
		}
	}
}

func TestASignInThatReachesNothingOffersToTickOne(t *testing.T) {
	b := newBench(t, func(b *bench) { b.xero.HTTP = connected("[]") }).opened()
	cookie := b.visit()
	back, err := b.sim.Approve(b.ask(ask{path: "/login", cookie: cookie}).location)
	if err != nil {
		t.Fatal(err)
	}
	cookie = b.ask(ask{path: pathOf(t, back), cookie: cookie, page: true, site: "cross-site"}).cookie
	home := b.ask(ask{path: "/", cookie: cookie, page: true}).body
	for _, want := range []string{"<h1>No organisation is connected</h1>", `<span class="tag warn">No organisation is connected</span>`, `href="/login">Sign in and tick one</a>`} {
		if !strings.Contains(home, want) {
			t.Errorf("the start page has no %q:\n%s", want, home)
		}
	}
}

func TestOnlyTheBrowserThatSignsInIsToldSo(t *testing.T) {
	b := newBench(t).opened()
	mine, other := b.visit(), b.visit()
	says := func(cookie string) bool {
		return strings.Contains(b.ask(ask{path: "/help", cookie: cookie, page: true}).body, `A sign-in at Xero is open. <a href="/setup/sign-in">`)
	}
	first := b.ask(ask{path: "/login", cookie: mine}).location
	b.ask(ask{path: "/login", cookie: mine})
	if !says(mine) || says(other) {
		t.Errorf("this browser is told: %t, another: %t", says(mine), says(other))
	}
	back, err := b.sim.Approve(first)
	if err != nil {
		t.Fatal(err)
	}
	if mine = b.ask(ask{path: pathOf(t, back), cookie: mine, page: true, site: "cross-site"}).cookie; says(mine) {
		t.Error("the one that was left open stays on top of the one that was finished")
	}
}

func TestRedIsForWhatNeedsAPerson(t *testing.T) {
	b := newBench(t, everyFigure).opened()
	cookie := b.worksIn(joinery)
	b.dashboard(cookie, "/")
	key := b.addKey(store.Key{Name: "script"})
	shows := func(want string) {
		t.Helper()
		b.sim.ExpireAccessTokens()
		b.ask(ask{path: "/api.xro/2.0/Organisation", key: key, header: map[string]string{"xero-tenant-id": b.tenant(joinery)}})
		page := ""
		b.until("the page shows "+want, func() bool {
			page = b.ask(ask{path: "/", cookie: cookie, page: true}).body
			return strings.Contains(page, want)
		})
		if want == `class="card warn"` && strings.Contains(page, `class="card late"`) {
			t.Errorf("it is red too:\n%s", page)
		}
		if strings.Contains(page, "press Sign in again") {
			t.Error("what the button says is said twice")
		}
	}
	b.sim.Fault(xerosim.Fault{At: xerosim.PointToken, Do: xerosim.Fail, Status: 503, Times: -1})
	shows(`class="card warn"`)
	b.sim.ClearFaults()
	if err := b.sim.RevokeGrant("aroha@example.com"); err != nil {
		t.Fatal(err)
	}
	b.ask(ask{method: "POST", path: "/refresh", cookie: cookie, form: url.Values{}})
	shows(`class="card late"`)
}
