package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"financial-command-center/server"
)

var (
	aButton  = regexp.MustCompile(`<a class="button main" href="([^"]+)">[^<]+</a>`)
	aCommand = regexp.MustCompile(`<input type="text" class="code" id="command" readonly value="fcc[^"]*"`)
)

func TestEveryErrorsPageHasOneThingToDo(t *testing.T) {
	var code atomic.Value
	b := newBench(t, func(b *bench) {
		b.prepare = func(s *server.Server) {
			err := s.Mount("GET /fails", "public", func(http.ResponseWriter, *http.Request) error { return server.Fail(code.Load().(string)) })
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	for _, name := range server.Codes() {
		code.Store(name)
		g := b.ask(ask{path: "/fails?a=b", page: true})
		_, main, _ := strings.Cut(g.body, `<main`)
		buttons, commands := aButton.FindAllStringSubmatch(main, -1), aCommand.FindAllString(main, -1)
		want := 1
		if name == "ticket_invalid" { // a browser that may visit needs no new link
			want = 2
		}
		if g.status != server.StatusOf(name) || len(buttons)+len(commands) != want || strings.Contains(main, "<form") {
			t.Errorf("%s: %d with %d buttons and %d commands\n%s", name, g.status, len(buttons), len(commands), main)
			continue
		}
		if !strings.Contains(main, `href="/help#`+name+`"`) {
			t.Errorf("%s does not lead to its place in Help", name)
		}
		if len(buttons) == 1 && !strings.HasPrefix(buttons[0][1], "/") && !strings.HasPrefix(buttons[0][1], b.BaseURL()) {
			t.Errorf("%s leads to %s", name, buttons[0][1])
		}
		if again := name == "rate_limited" || name == "xero_unreachable" || name == "keystore_unavailable" || name == "key_limit"; again && buttons[0][1] != "/fails?a=b" {
			t.Errorf("%s: trying again leads to %s", name, buttons[0][1])
		}
		j := b.ask(ask{path: "/fails"})
		if j.code != name || strings.Contains(j.body, "button") || strings.Contains(j.body, "command\":") || strings.Contains(j.body, "<") {
			t.Errorf("%s as JSON: %s", name, j.body)
		}
	}
}

func TestAPageWithoutAnOrganisationLetsOneChooseInPlace(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit(), café, joinery)
	const path = "/xero/invoices?overdue=1&sort=due"
	page := b.ask(ask{path: path, cookie: cookie, page: true})
	_, main, _ := strings.Cut(page.body, "<main")
	if page.status != 400 || !strings.Contains(main, "<h1>Choose an organisation</h1>") || strings.Contains(main, "xero-tenant-id") ||
		!strings.Contains(main, `name="next" value="/xero/invoices?overdue=1&amp;sort=due"`) || strings.Count(main, `name="tenant"`) != 2 {
		t.Fatalf("%d\n%s", page.status, main)
	}
	if g := b.ask(ask{path: path, cookie: cookie}); g.code != "tenant_required" || !strings.Contains(g.body, "xero-tenant-id") {
		t.Errorf("a program is told %s", g.body)
	}
	wrong := b.ask(ask{method: "POST", path: "/profile", cookie: cookie, page: true, form: url.Values{"tenant": {"none"}, "next": {path}}})
	if !strings.Contains(wrong.body, "That organisation is not connected.") || !strings.Contains(wrong.body, `value="/xero/invoices?overdue=1&amp;sort=due"`) {
		t.Errorf("a wrong choice forgets where it began:\n%s", wrong.body)
	}
	chosen := b.ask(ask{method: "POST", path: "/profile", cookie: cookie, page: true, form: url.Values{"tenant": {b.tenant(café)}, "next": {path}}})
	if chosen.location != path {
		t.Errorf("the choice leads to %q", chosen.location)
	}
}

func TestAnErrorsPageDoesNotSayWhatItsButtonSays(t *testing.T) {
	b := newBench(t).opened()
	page := b.ask(ask{path: "/nothing", cookie: b.visit(), page: true})
	_, main, _ := strings.Cut(page.body, "<main")
	if strings.Count(main, "Go to the start page") != 1 {
		t.Errorf("said twice:\n%s", main)
	}
}
