package server_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// listed are the calls that the page shows: what, who asked, which organisation, how
// it went.
func listed(page string) (rows []string) {
	_, list, _ := strings.Cut(page, `<table class="stack calls">`)
	for _, row := range regexp.MustCompile(`(?s)<tr>(.*?)</tr>`).FindAllStringSubmatch(list, -1)[min(1, strings.Count(list, "<tr>")):] {
		var cells []string
		for _, cell := range regexp.MustCompile(`(?s)<t[hd][^>]*>(.*?)</t[hd]>`).FindAllStringSubmatch(row[1], -1)[1:5] {
			cells = append(cells, strings.TrimSpace(html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(cell[1], ""))))
		}
		rows = append(rows, strings.Join(cells, " | "))
	}
	return rows
}

func TestTheActivityListsWhoAskedXeroForWhatAndHowItWent(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit())
	key := b.addKey(store.Key{Name: "budget sheet"})
	ofCafé := map[string]string{"xero-tenant-id": strings.ToUpper(b.tenant(café))}
	b.ask(ask{path: "/api/xero/contacts?tenant=" + b.tenant(joinery), cookie: cookie})
	b.ask(ask{path: "/api.xro/2.0/Invoices?note=Secret", key: key, header: ofCafé})
	b.ask(ask{path: "/api.xro/2.0/Invoices/11111111-2222-3333-4444-555555555555", key: key, header: ofCafé})

	page := b.ask(ask{path: "/activity", cookie: cookie, page: true})
	if page.status != 200 {
		t.Fatalf("%d\n%s", page.status, page.body)
	}
	rows := listed(page.body)
	want := []string{
		"Read invoices | budget sheet | " + café + " | Refused: not there",
		"Read invoices | budget sheet | " + café + " | Answered",
		"Read contacts | Pages | " + joinery + " | Answered",
	}
	for i, row := range want {
		if i >= len(rows) || rows[i] != row {
			t.Fatalf("row %d of %q, want %q", i, rows, row)
		}
	}
	for _, content := range []string{"Secret", "11111111", "note="} {
		if strings.Contains(page.body, content) {
			t.Errorf("the page tells %q of a call", content)
		}
	}

	left := regexp.MustCompile(`(?s)<th scope="row">` + joinery + `</th><td class="figure">1</td>\s*<td class="figure">\d+</td>`)
	if !left.MatchString(page.body) {
		t.Errorf("what is left today is not said as Xero told it\n%s", page.body)
	}

	// What is looked for stands in the address.
	for query, want := range map[string]int{
		"who=key%3Abudget+sheet": 2, "who=key%3Anobody": 0, "outcome=refused": 1, "organisation=" + b.tenant(joinery): 1,
		"who=key%3Abudget+sheet&outcome=answered": 1, "day=" + time.Now().Format(time.DateOnly) + "&who=page": len(rows) - 2, "day=2001-01-01": 0,
	} {
		found := b.ask(ask{path: "/activity?" + query, cookie: cookie, page: true})
		var got int
		for _, row := range listed(found.body) {
			if !strings.Contains(row, "organisations of the sign-in") || strings.HasPrefix(query, "day") {
				got++
			}
		}
		if found.status != 200 || got != want {
			t.Errorf("%s: %d, %d rows, want %d", query, found.status, got, want)
		}
	}
	for _, query := range []string{"day=yesterday", "page=0", "page=x", "page=99999999999999999999"} {
		if g := b.ask(ask{path: "/activity?" + query, cookie: cookie}); g.status != 400 {
			t.Errorf("%s: %d", query, g.status)
		}
	}

	// It is there after a restart, and after the sign-in has gone.
	b.stop()
	b.start()
	b.opened()
	b.ask(ask{method: "POST", path: "/disconnect", cookie: cookie, form: url.Values{"organisation": {b.tenant(café)}}})
	after := listed(b.ask(ask{path: "/activity?who=key%3Abudget+sheet", cookie: cookie, page: true}).body)
	if len(after) != 2 || !strings.Contains(after[1], "Disconnected ("+strings.ToLower(b.tenant(café)[:8])+"…)") {
		t.Errorf("afterwards %q", after)
	}
}

// command runs an fcc command as the program does.
func (b *bench) command(name, question string) got {
	b.t.Helper()
	p := server.ControlProver{Key: b.cfg.ControlKey, Client: server.NewControlNonce()}
	var hello server.ControlHello
	decode(b.t, b.ask(ask{method: "POST", path: "/control/hello", body: strings.NewReader(`{"nonce":"` + p.Client.String() + `"}`)}).body, &hello)
	var err error
	if p.Server, err = server.ParseControlNonce(hello.Nonce); err != nil {
		b.t.Fatal(err)
	}
	path := "/control/" + name
	return b.ask(ask{method: "POST", path: path, body: strings.NewReader(question), header: map[string]string{
		server.ControlHeader: fmt.Sprintf("%s.%s.%s", p.Client, p.Server, p.Command(http.MethodPost, path, []byte(question))),
	}})
}

// What is not understood of a command of another version may be what it lets a key do.
func TestACommandOfAnotherVersionMakesNoKey(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit(), café)
	for _, c := range []struct {
		name, question string
		status         int
	}{
		{"key-add", `{"name":"sheet","write":true,"tenant":"` + b.tenant(café) + `","any_user":false}`, 404}, // as version 1 had it
		{"key-make", `{"name":"sheet","write":true,"tenant":"` + b.tenant(café) + `"}`, 400},
		{"key-make", `{"name":"sheet","hours":"office"}`, 400},
		{"no-such", `{}`, 404},
	} {
		g := b.command(c.name, c.question)
		if g.status != c.status || !strings.Contains(g.body, "another version") || !strings.Contains(g.body, "Start FCC again") || g.header.Get(server.ControlHeader) == "" {
			t.Errorf("%s %s: %d %s", c.name, c.question, g.status, g.body)
		}
	}
	if g := b.command("key-list", `{}`); strings.Contains(g.body, "sheet") {
		t.Errorf("there are keys: %s", g.body)
	}
	if g := b.command("key-make", `{"name":"sheet","tenants":["`+b.tenant(café)+`"]}`); g.status != 200 {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestWhatACommandAsksXeroIsTheCommands(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit())
	if g := b.command("disconnect", `{"organisation":"`+b.tenant(café)+`"}`); g.status != http.StatusOK {
		t.Fatalf("%d %s", g.status, g.body)
	}
	rows := listed(b.ask(ask{path: "/activity?who=command", cookie: cookie, page: true}).body)
	if len(rows) == 0 || !strings.HasPrefix(rows[len(rows)-1], "Read organisations of the sign-in | Commands") || !slices.ContainsFunc(rows, func(row string) bool { return strings.HasPrefix(row, "Delete organisations of the sign-in | Commands") }) {
		t.Errorf("by commands %q", rows)
	}
	if rows := listed(b.ask(ask{path: "/activity?who=page", cookie: cookie, page: true}).body); len(rows) != 1 { // the sign-in's
		t.Errorf("by pages %q", rows)
	}
}

func TestTheActivityHasPages(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	for i := range 120 {
		b.Called(xero.Call{At: time.Now().Add(time.Duration(i) * time.Millisecond), Caller: xero.Caller{Kind: xero.ByCommand}, Method: "GET", Resource: fmt.Sprintf("/api.xro/2.0/Thing%d", i), Status: 200})
	}
	next, seen := "/activity?who=command", map[string]bool{}
	for range 3 {
		page := b.ask(ask{path: next, cookie: cookie, page: true})
		for _, row := range listed(page.body) {
			seen[row] = true
		}
		older := regexp.MustCompile(`href="([^"]*)" rel="next"`).FindStringSubmatch(page.body)
		if older == nil {
			next = ""
			break
		}
		next = html.UnescapeString(older[1])
	}
	if len(seen) != 120 || next != "" {
		t.Errorf("%d rows, and on to %q", len(seen), next)
	}
	beyond := b.ask(ask{path: "/activity?page=9", cookie: cookie, page: true})
	if beyond.status != http.StatusOK || !strings.Contains(beyond.body, "There is no such page of the list") {
		t.Errorf("a page that is not there: %d\n%s", beyond.status, beyond.body)
	}
}

func TestCallsAreWrittenInBatchesAndKeptThirtyDays(t *testing.T) {
	withWeeks(t, func(t *testing.T, on func() *server.Server, _ keystore.Store, off func(time.Duration)) {
		s, cookie := on(), enter(t, on())
		count := func() (n int) {
			for _, row := range listed(handled(s, "/activity?who=command", cookie).body) {
				if strings.HasPrefix(row, "Read invoices") {
					n++
				}
			}
			return n
		}
		call := xero.Call{At: time.Now(), Caller: xero.Caller{Kind: xero.ByCommand}, Method: "GET", Resource: "/api.xro/2.0/Invoices", Status: 200}
		s.Called(call)
		if n := s.CallsWaiting(); n != 1 {
			t.Errorf("%d wait, want 1: nobody waits for the disk", n)
		}
		time.Sleep(61 * time.Second)
		if n := s.CallsWaiting(); n != 0 {
			t.Errorf("%d wait after a minute", n)
		}
		for range 1000 {
			s.Called(call)
		}
		time.Sleep(time.Millisecond)
		if n := s.CallsWaiting(); n != 0 {
			t.Errorf("%d wait after a thousand", n)
		}
		if n := count(); n != 50 {
			t.Errorf("the page shows %d", n)
		}
		off(30*24*time.Hour - 3*time.Hour)
		s = on()
		cookie = enter(t, s)
		if n := count(); n != 50 {
			t.Errorf("hours before thirty days the page shows %d", n)
		}
		time.Sleep(5 * time.Hour)
		if n := count(); n != 0 {
			t.Errorf("after thirty days the page shows %d", n)
		}
		if n := s.CallsKept(t.Context()); n != 0 {
			t.Errorf("after thirty days %d are kept", n)
		}
	})
}

func TestOutcomesAreSaidInWords(t *testing.T) {
	for _, test := range []struct {
		method, resource string
		status           int
		code             xero.Code
		want             string
	}{
		{"GET", "/api.xro/2.0/BankTransactions", 200, "", "Read bank transactions: Answered"},
		{"POST", "/api.xro/2.0/Contacts", 200, "", "Write contacts: Answered"},
		{"DELETE", "/connections", 204, "", "Delete organisations of the sign-in: Answered"},
		{"GET", "/api.xro/2.0/Reports/ProfitAndLoss", 304, "", "Read profit and loss: Answered: nothing new"},
		{"GET", "/api.xro/2.0/Invoices", 429, "", "Read invoices: Refused: too many calls"},
		{"GET", "/api.xro/2.0/Invoices", 403, "", "Read invoices: Refused: the sign-in may not"},
		{"GET", "/api.xro/2.0/Invoices", 400, "", "Read invoices: Refused (400)"},
		{"GET", "/api.xro/2.0/Invoices", 503, "", "Read invoices: Refused: Xero is in trouble (503)"},
		{"GET", "/api.xro/2.0/Invoices", 0, "xero_unreachable", "Read invoices: No answer"},
		{"GET", "/api.xro/2.0/Invoices", 0, "rate_limited", "Read invoices: No answer: not sent, too many calls"},
		{"GET", "/api.xro/2.0/Invoices", 0, "needs_login", "Read invoices: No answer: not sent, nobody was signed in"},
		{"GET", "", 200, "", "Read something of Xero: Answered"},
	} {
		if got := server.InWords(store.Call{Method: test.method, Resource: test.resource, Status: test.status, Code: string(test.code)}); got != test.want {
			t.Errorf("%s %s %d %s: %q, want %q", test.method, test.resource, test.status, test.code, got, test.want)
		}
	}
}
