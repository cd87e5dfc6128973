package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"financial-command-center/server/store"
)

// The guard's whole behaviour: a row for each route, and what a request gets
//
//	bare    with nothing, from this OS user
//	cookie  with a browser session
//	read    with a key that may read
//	write   with a key that may write
//	locked  with a key for one organisation
//	other   from another OS user, with cookie and key
//	origin  with cookie and key, and the Origin of another site
//	cross   with cookie and key, and Sec-Fetch-Site: cross-site
//	host    with cookie and key, and another Host
//	via     with nothing, through a proxy of this OS user
//
// where "ok" is the row's own answer, and a letter an error:
var letters = map[string]string{
	"s": "401 session_required", "k": "401 key_required", "o": "403 other_user", "x": "403 cross_site",
	"h": "421 bad_host", "d": "403 debug_off", "r": "403 key_read_only",
}

var columns = []string{"bare", "cookie", "read", "write", "locked", "other", "origin", "cross", "host", "via"}

type row struct {
	route string // its pattern
	ask   ask    // a path for the pattern; the method is the pattern's unless set
	ok    string // status, and code if there is one
	want  string // by columns
}

const (
	asPage    = "ok ok ok ok ok o x ok h s"
	asPublic  = "ok ok ok ok ok ok x ok h ok"
	asProof   = "ok ok ok ok ok o x ok h ok" // a ticket, a state: the handler asks for it
	asSession = "s ok s s s o x x h s"
	asEither  = "s ok ok ok ok o x x h s"
	asKey     = "k k ok ok ok o x x h k"
	asControl = "ok ok ok ok ok o x x h ok"
	asOff     = "d d d d d o x x h d"
)

func matrix(b *bench) []row {
	ofCafé := func(path string) ask {
		return ask{path: path + "?tenant=" + b.tenant(café), header: map[string]string{"xero-tenant-id": b.tenant(café)}}
	}
	rows := []row{
		{"GET /{$}", ask{path: "/"}, "200", asPage},
		{"GET /profile", ask{}, "200", asPage},
		{"POST /profile", ask{form: url.Values{"tenant": {"none"}}}, "400 tenant_required", asSession},
		{"POST /refresh", ask{path: "/refresh?tenant=none", form: url.Values{}}, "400 tenant_required", asSession},
		{"GET /setup", ask{}, "200", asPage},
		{"POST /setup", ask{form: url.Values{"client_id": {""}}}, "400 bad_request", asSession},
		{"GET /setup/app", ask{}, "200", asPage},
		{"GET /setup/client", ask{}, "200", asPage},
		{"GET /setup/sign-in", ask{}, "200", asPage},
		{"POST /setup/app", ask{form: url.Values{}}, "400 bad_request", asSession},
		{"POST /setup/demo", ask{form: url.Values{}}, "404 not_found", asSession},
		{"POST /setup/cancel", ask{form: url.Values{}}, "303", asSession},
		{"GET /help", ask{}, "200", asPage},
		{"GET /developers", ask{}, "200", asPage},
		{"POST /developers", ask{form: url.Values{"tenant": {"none"}}}, "400 tenant_required", asSession},

		{"GET /settings", ask{}, "200", asPage},
		{"POST /settings/look", ask{form: url.Values{"look": {"none"}}}, "400 bad_request", asSession},
		{"POST /settings/start-at-sign-in", ask{form: url.Values{"turn": {"on"}}}, "404 not_found", asSession},
		{"POST /settings/notifications", ask{form: url.Values{"turn": {"on"}}}, "404 not_found", asSession},
		{"POST /settings/updates", ask{form: url.Values{"turn": {"on"}}}, "404 not_found", asSession},
		{"POST /settings/port", ask{form: url.Values{"port": {"8000"}}}, "404 not_found", asSession},
		{"POST /settings/restart", ask{form: url.Values{}}, "404 not_found", asSession},
		{"GET /settings/move", ask{path: "/settings/move?to=file"}, "404 not_found", asPage},
		{"POST /settings/move", ask{form: url.Values{"to": {"file"}}}, "404 not_found", asSession},
		{"POST /settings/rotate", ask{form: url.Values{}}, "303", asSession},
		{"GET /settings/sign-out", ask{}, "200", asPage},
		{"POST /settings/sign-out", ask{form: url.Values{}}, "303", asSession},
		{"GET /settings/programs", ask{}, "200", asPage},
		{"POST /settings/programs", ask{form: url.Values{"name": {""}}}, "400 bad_request", asSession},
		{"GET /settings/programs/change", ask{path: "/settings/programs/change?name=none"}, "303", asPage},
		{"POST /settings/programs/change", ask{form: url.Values{"name": {"none"}}}, "404 not_found", asSession},
		{"GET /settings/programs/revoke", ask{path: "/settings/programs/revoke?name=none"}, "303", asPage},
		{"POST /settings/programs/revoke", ask{form: url.Values{"name": {"none"}}}, "404 not_found", asSession},
		{"GET /settings/excel", ask{}, "200", asPage},
		{"POST /settings/excel", ask{form: url.Values{"tenant": {"none"}}}, "400 tenant_required", asSession},
		{"GET /settings/assistant", ask{}, "200", asPage},
		{"GET /settings/assistant/change", ask{path: "/settings/assistant/change?client=none"}, "404 not_found", asPage},
		{"POST /settings/assistant/change", ask{form: url.Values{"client": {"none"}}}, "404 not_found", asSession},
		{"GET /activity", ask{}, "200", asPage},
		{"GET /activity/changes", ask{}, "200", asPage},
		{"GET /approvals", ask{}, "200", asPage},
		{"GET /approvals/request", ask{path: "/approvals/request?id=none"}, "303", asPage},
		{"POST /approvals/refuse", ask{form: url.Values{"id": {"none"}}}, "303", asSession},
		{"POST /approvals/allow", ask{form: url.Values{"id": {"none"}}}, "303", asSession},

		{"POST /icon", ask{form: url.Values{}}, "303", asSession},

		{"GET /open", ask{path: "/open?ticket=AAAAAAAAAAAAAAAAAAAAAA"}, "403 ticket_invalid", asProof},
		{"GET /login", ask{}, "302", "ok ok ok ok ok o x x h s"},
		{"GET /callback", ask{path: "/callback?state=AAAA&code=c"}, "400 bad_state", asProof},
		{"POST /logout", ask{form: url.Values{}}, "200", asSession},
		{"GET /disconnect", ask{}, "200", asPage},
		{"POST /disconnect", ask{form: url.Values{"connection": {"none"}}}, "404 not_found", asSession},
		{"POST /old-sign-in", ask{form: url.Values{"do": {"delete"}}}, "404 not_found", asSession},

		{"GET /favicon.ico", ask{}, "200", asPublic},
		{"GET /assets/style.css", ask{}, "200", asPublic},
		{"GET /assets/app.js", ask{}, "200", asPublic},
		{"GET /assets/taskbar-dark.svg", ask{}, "200", asPublic},
		{"GET /assets/taskbar-light.svg", ask{}, "200", asPublic},

		{"GET /health", ask{}, "200", asPublic},
		{"GET /events", ask{}, "200", asSession},
		{"GET /api/status", ask{}, "200", asEither},
		{"GET /api/xero/contacts", ofCafé("/api/xero/contacts"), "200", asEither},
		{"GET /api/xero/invoices", ofCafé("/api/xero/invoices"), "200", asEither},
		{"GET /xero/invoices", ofCafé("/xero/invoices"), "200", asPage},
		{"GET /xero/contacts", ofCafé("/xero/contacts"), "200", asPage},
		{"GET /export", ofCafé("/export"), "200", asPage},
		{"POST /export", ofCafé("/export"), "303", asSession},
		{"POST /export/cancel", ask{form: url.Values{}}, "303", asSession},
		{"GET /export/file", ask{}, "400 tenant_required", asSession},
		{"GET /api/export/excel", ofCafé("/api/export/excel"), "200", asEither},
		{"GET /openapi.json", ask{}, "200", asEither},
		{"GET /metrics", ask{}, "200", asKey},
		{"GET /api/dashboard", ofCafé("/api/dashboard"), "200", asEither},
		{"GET /api/cash-flow", ofCafé("/api/cash-flow"), "200", asEither},
		{"GET /api/table/invoices", ofCafé("/api/table/invoices"), "200", asEither},
		{"GET /api/table/contacts", ofCafé("/api/table/contacts"), "200", asEither},
		{"GET /api/table/aged", ofCafé("/api/table/aged"), "200", asEither},
		{"GET /api/table/profit-and-loss", ofCafé("/api/table/profit-and-loss"), "503 needs_login", asEither}, // the sign-in may not read these
		{"GET /api/table/bank", ofCafé("/api/table/bank"), "503 needs_login", asEither},
		{"GET /api/table/bank-transactions", ofCafé("/api/table/bank-transactions"), "503 needs_login", asEither},
		{"GET /api/table/payments", ofCafé("/api/table/payments"), "503 needs_login", asEither},
		{"GET /api/session/debug", ask{}, "403 debug_off", asOff},
		{"POST /api/session/test-persistence", ask{}, "403 debug_off", asOff},
		{"GET /api/session/test-persistence", ask{}, "403 debug_off", asOff},
		{"GET /api/oauth/test-flow", ask{}, "403 debug_off", asOff},
		{"GET /connections", ask{}, "200", asKey},
		{"POST /mcp", ask{}, "415", asKey}, // it wants JSON
		{"/api.xro/", ofCafé("/api.xro/2.0/Invoices"), "200", asKey},
		{"/assets.xro/", ofCafé("/assets.xro/1.0/Nothing"), "404", asKey}, // this and the next are Xero's
		{"/files.xro/", ofCafé("/files.xro/1.0/Nothing"), "404", asKey},
		{"/payroll.xro/", ofCafé("/payroll.xro/2.0/Nothing"), "404", asKey},
		{"/projects.xro/", ofCafé("/projects.xro/2.0/Nothing"), "404", asKey},
		{"POST /api.xro/", ofCafé("/api.xro/2.0/Contacts"), "403 write_refused", "k k r ok r o x x h k"}, // the sign-in may not write

		// No rows of the table, and still nobody else's.
		{"404", ask{path: "/nothing/here"}, "404 not_found", asProof},
		{"405", ask{method: "DELETE", path: "/profile"}, "405 method_not_allowed", "ok ok ok ok ok o x x h ok"},
	}
	rows = append(rows, row{"POST /control/hello", ask{}, "400 bad_request", asControl}, row{"/control/", ask{method: "POST", path: "/control/other"}, "401 key_required", asControl})
	for _, command := range []string{
		"status", "open", "login-begin", "login-wait", "login-finish", "token", "disconnect",
		"key-make", "key-list", "key-revoke", "assistant", "assistant-entry", "health", "secret-rotate", "stop",
	} {
		rows = append(rows, row{"POST /control/" + command, ask{}, "401 key_required", asControl})
	}
	return rows
}

func TestTheGuardLetsInWhomEachRouteNames(t *testing.T) {
	b := newBench(t).opened()
	rows := matrix(b)
	var without []string
	for _, pattern := range b.Patterns() {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.route == pattern }) {
			without = append(without, pattern)
		}
	}
	if len(without) > 0 {
		t.Errorf("routes without a row: %s", strings.Join(without, ", "))
	}
	walk(t, b, false, rows)
	walk(t, b, true, some(rows))
}

func TestTheDebugRoutesAreForSessionsAndThisUserWithDebugOnly(t *testing.T) {
	b := newBench(t, func(b *bench) { b.cfg.Debug = true }).opened()
	const onlyHere = "ok ok ok ok ok o x x h s"
	rows := []row{
		{"GET /api/session/debug", ask{}, "200", onlyHere},
		{"POST /api/session/test-persistence", ask{}, "200", onlyHere},
		{"GET /api/session/test-persistence", ask{}, "200", onlyHere},
		{"GET /api/oauth/test-flow", ask{}, "200", onlyHere},
	}
	walk(t, b, false, rows)
	walk(t, b, true, rows)
}

// some are the first rows of each audience and method: the stacks differ in how the
// peer is found, which no route changes.
func some(rows []row) (first []row) {
	seen := map[string]bool{}
	for _, r := range rows {
		method, _, _ := strings.Cut(r.route, " ")
		if kind := method + " " + r.want; !seen[kind] {
			seen[kind] = true
			first = append(first, r)
		}
	}
	return first
}

// walk asks every route in every way, on one stack. Over IPv4 the requests of a row
// come over one connection where they can, as a browser's do, over IPv6 each over its own.
func walk(t *testing.T, b *bench, six bool, rows []row) {
	shared := b.signIn(b.visit())
	b.ask(ask{path: "/profile", cookie: shared})
	stack := map[bool]string{false: " over IPv4", true: " over IPv6"}[six]
	read := b.addKey(store.Key{Name: "read" + stack})
	write := b.addKey(store.Key{Name: "write" + stack, Write: true})
	locked := b.addKey(store.Key{Name: "locked" + stack, Tenants: []string{b.tenant(café)}})
	var others []ask
	keeping := b.client
	defer func() { b.client = keeping }()
	if six {
		b.client = client
	}
	for _, r := range rows {
		fromTable := r.ask
		method, path, ok := strings.Cut(r.route, " ")
		if !ok {
			method, path = "", r.route
		}
		if fromTable.method == "" {
			fromTable.method = method
		}
		if fromTable.path == "" {
			fromTable.path = path
		}
		wanted := strings.Fields(r.want)
		for i, column := range columns {
			a := fromTable
			a.six = six
			if column == "cookie" || i >= 5 && column != "via" {
				if a.cookie = shared; r.route == "POST /logout" {
					a.cookie = b.visit() // it ends with the request
				}
			}
			switch column {
			case "read":
				a.key = read
			case "locked":
				a.key = locked
			case "write", "other", "origin", "cross", "host":
				a.key = write
			}
			switch column {
			case "origin":
				a.origin = "https://evil.example"
			case "cross":
				a.site = "cross-site"
			case "host":
				a.host = fmt.Sprintf("evil.example:%d", b.cfg.Port)
			case "via":
				a.via = true
			case "other":
				others = append(others, a)
				continue
			}
			g := b.ask(a)
			check(t, r, wanted[i], column, six, g)
			if r.route == "POST /settings/sign-out" && g.cookie != "" {
				shared = g.cookie // the one before is good for nothing now
			}
		}
		b.client.CloseIdleConnections()
	}
	for i, g := range b.askAsOther(others...) {
		check(t, rows[i], strings.Fields(rows[i].want)[5], "other", six, g)
	}
}

func check(t *testing.T, r row, want, column string, six bool, g got) {
	t.Helper()
	if want == "ok" {
		want = r.ok
	} else {
		want = letters[want]
	}
	result := strings.TrimSpace(fmt.Sprint(g.status, " ", g.code))
	if result != want {
		t.Errorf("%s %s, %s, IPv6 %t: %s, want %s", r.route, r.ask.path, column, six, result, want)
	}
	for name := range g.header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s, %s: the answer has %s", r.route, column, name)
		}
	}
	rules := []string{"X-Content-Type-Options", "Cache-Control", "Cross-Origin-Resource-Policy"}
	if xeros := strings.Contains(r.route, ".xro/") && want == r.ok; !xeros { // what only a key fetches is no document
		rules = append(rules, "Content-Security-Policy", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy")
	}
	for _, name := range rules {
		if g.header.Get(name) == "" {
			t.Errorf("%s, %s: the answer has no %s", r.route, column, name)
		}
	}
}

func TestAnotherOSUserGetsNothingWithoutAKeyMadeForThem(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit())
	ticket := "/open?ticket=" + b.Ticket()
	answers := b.askAsOther(
		ask{path: "/", page: true},
		ask{path: "/", cookie: cookie, page: true, six: true},
		ask{path: ticket},
	)
	for i, g := range answers {
		if g.status != http.StatusForbidden || g.cookie != "" || strings.Contains(g.body, joinery) {
			t.Errorf("request %d: %d, cookie %q\n%s", i, g.status, g.cookie, g.body)
		}
	}
	if g := b.ask(ask{path: ticket}); g.status != http.StatusSeeOther {
		t.Errorf("the other user has spent the ticket: %d %s", g.status, g.code)
	}
}
