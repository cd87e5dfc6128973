package server_test

import (
	"context"
	"errors"
	"html"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"financial-command-center/server"
	"financial-command-center/server/xero"
)

// hosted is a bench whose host does what the pages ask, and notes it.
type hosted struct {
	*bench
	cookie     string
	start      atomic.Bool
	port       atomic.Int64
	kind       atomic.Pointer[string]
	restarts   atomic.Int64
	mayNotMove atomic.Pointer[xero.Error]
}

func newHosted(t *testing.T, changes ...func(*bench)) *hosted {
	h := &hosted{}
	h.kind.Store(new("os"))
	h.bench = newBench(t, append([]func(*bench){func(b *bench) {
		b.cfg.Host = server.Host{
			StartAtSignIn: &server.Switch{Now: h.start.Load, Set: func(on bool) error { h.start.Store(on); return nil }},
			Notifications: &server.Switch{Now: func() bool { return true }, Set: func(bool) error { return errors.New("read-only file system") }},
			SavePort:      func(port int) error { h.port.Store(int64(port)); return nil },
			NextPort:      func() int { return int(h.port.Load()) },
			Restart:       func() { h.restarts.Add(1) },
			Keystore:      func() string { return *h.kind.Load() },
			MoveSecrets:   func(_ context.Context, to string) error { h.kind.Store(&to); return nil },
			MayMoveSecrets: func(string) error {
				if err := h.mayNotMove.Load(); err != nil {
					return err
				}
				return nil
			},
			Places: []server.Place{{Name: "Data folder", Path: "/home/aroha & co/fcc"}},
		}
	}}, changes...)...).opened()
	h.cookie = h.visit()
	return h
}

func (h *hosted) page(path string) string {
	h.t.Helper()
	g := h.ask(ask{path: path, cookie: h.cookie, page: true})
	if g.status != 200 {
		h.t.Fatalf("%s answers %d\n%s", path, g.status, g.body)
	}
	return g.body
}

// post sends a form of a page and returns the page that follows.
func (h *hosted) post(path string, form url.Values) (got, string) {
	h.t.Helper()
	g := h.ask(ask{method: "POST", path: path, cookie: h.cookie, page: true, form: form})
	if g.status != 303 {
		return g, g.body
	}
	if g.cookie != "" {
		h.cookie = g.cookie
	}
	next, _, _ := strings.Cut(g.location, "#")
	return g, h.page(next)
}

func TestTheSettingsSayHowThingsStandAndTheirButtonsWork(t *testing.T) {
	h := newHosted(t)
	h.cookie = h.signIn(h.cookie)
	page := h.page("/settings")
	for _, want := range []string{
		"Aroha", joinery, "read contacts and invoices and bills", "ends in <code>" + clientID[len(clientID)-4:], "/home/aroha &amp; co/fcc", "the keychain of this computer",
		"No program has a key", "Disconnect…", "Add another sign-in",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, clientID) {
		t.Error("the page shows the whole client id")
	}
	if strings.Contains(page, "Look for updates") {
		t.Error("the page has a switch that this FCC has not")
	}

	if _, page := h.post("/settings/start-at-sign-in", url.Values{"turn": {"on"}}); !h.start.Load() || !strings.Contains(page, "FCC starts when you sign in to this computer.") || !strings.Contains(page, `aria-label="Turn off: Start at sign-in"`) {
		t.Errorf("turned on: %t\n%s", h.start.Load(), page)
	}
	if _, page := h.post("/settings/start-at-sign-in", url.Values{"turn": {"off"}}); h.start.Load() || !strings.Contains(page, `aria-label="Turn on: Start at sign-in"`) {
		t.Errorf("turned off: %t", !h.start.Load())
	}
	if g, page := h.post("/settings/notifications", url.Values{"turn": {"off"}}); g.status != 503 || !strings.Contains(page, "could not be turned") {
		t.Errorf("a switch that cannot be turned: %d\n%s", g.status, page)
	}
	if g, _ := h.post("/settings/start-at-sign-in", url.Values{"turn": {"perhaps"}}); g.status != 400 || h.start.Load() {
		t.Errorf("neither on nor off: %d", g.status)
	}

	for value, want := range map[string]int64{"18000": 18000, " 9001 ": 9001, "65535": 65535, "1024": 1024, "0": 0, "": 0} {
		if g, _ := h.post("/settings/port", url.Values{"port": {value}}); g.status != 303 || h.port.Load() != want {
			t.Errorf("port %q: %d, kept %d", value, g.status, h.port.Load())
		}
	}
	for _, value := range []string{"80", "1023", "65536", "-1", "eight", "8000.0", "99999999999999999999"} {
		h.port.Store(7)
		if g, page := h.post("/settings/port", url.Values{"port": {value}}); g.status != 400 || h.port.Load() != 7 || !strings.Contains(page, "1024 to 65535") {
			t.Errorf("port %q: %d, kept %d", value, g.status, h.port.Load())
		}
	}
	h.port.Store(28000)
	if page := h.page("/settings"); !strings.Contains(page, `value="http://localhost:28000/callback"`) {
		t.Error("the redirect URI of the next port is not there to copy")
	}

	g, page := h.post("/settings/restart", url.Values{})
	if g.status != 200 || h.restarts.Load() != 1 || g.header.Get("Refresh") != "4; url=http://localhost:28000/settings" || !strings.Contains(page, "FCC starts again") {
		t.Errorf("restart: %d, %d restarts, Refresh %q", g.status, h.restarts.Load(), g.header.Get("Refresh"))
	}
}

func TestADemoOffersNothingThatReachesTheComputer(t *testing.T) {
	b := newBench(t, func(b *bench) { b.cfg.Mode = server.Demo }).opened()
	page := b.ask(ask{path: "/settings", cookie: b.visit(), page: true}).body
	for _, action := range []string{"/settings/start-at-sign-in", "/settings/port", "/settings/move", "/settings/restart"} {
		if strings.Contains(page, action) {
			t.Errorf("the page has %s", action)
		}
	}
	if !strings.Contains(page, "/settings/rotate") || !strings.Contains(page, "/settings/look") {
		t.Error("the page lacks what a demo can do")
	}
}

func TestSecretsAreMovedAfterAQuestion(t *testing.T) {
	h := newHosted(t)
	if page := h.page("/settings"); !strings.Contains(page, `href="/settings/move?to=file"`) || strings.Contains(page, "to=os") {
		t.Errorf("the page offers\n%s", page)
	}
	h.mayNotMove.Store(&xero.Error{Problem: xero.Problem{Code: xero.CodeBadRequest, Message: "No passphrase.", Action: "Set one."}})
	if page := h.page("/settings/move?to=file"); !strings.Contains(page, "No passphrase.") || strings.Contains(page, "<button class=\"danger\">") {
		t.Errorf("a move that cannot be is offered\n%s", page)
	}
	h.mayNotMove.Store(nil)
	if page := h.page("/settings/move?to=file"); !strings.Contains(page, "Move the secrets</button>") {
		t.Errorf("the question has no button\n%s", page)
	}
	for _, to := range []string{"memory", "os", "", "FILE"} {
		if g, _ := h.post("/settings/move", url.Values{"to": {to}}); g.status != 404 || *h.kind.Load() != "os" {
			t.Errorf("to %q: %d, in %s", to, g.status, *h.kind.Load())
		}
	}
	if g, page := h.post("/settings/move", url.Values{"to": {"file"}}); g.status != 303 || *h.kind.Load() != "file" || !strings.Contains(page, "The secrets are in an encrypted file in the data folder now.") {
		t.Errorf("moved: %d, in %s\n%s", g.status, *h.kind.Load(), page)
	}
	h.kind.Store(new("memory"))
	if page := h.page("/settings"); strings.Contains(page, "/settings/move") {
		t.Error("what is in memory is offered a move")
	}
}

func TestAKeyIsShownOnceAndRevokedAfterAQuestion(t *testing.T) {
	h := newHosted(t)
	h.cookie = h.signIn(h.cookie)
	name := `sheet "A" & <b>co</b>`
	g, page := h.post("/settings/programs", url.Values{"name": {name}, "may": {"write"}, "organisations": {"some"}, "organisation": {h.tenant(café)}, "any_user": {"1"}})
	found := regexp.MustCompile(`id="key" readonly[^>]*>(fcc_[0-9A-Za-z]{49})<`).FindStringSubmatch(page)
	if g.status != 200 || found == nil || g.header.Get("Cache-Control") != "no-store" || g.location != "" {
		t.Fatalf("the key: %d %v\n%s", g.status, g.header, page)
	}
	key := found[1]
	if !strings.Contains(page, "may read and not write") {
		t.Error("it is not said that the sign-in may not write")
	}
	if a := h.ask(ask{path: "/api.xro/2.0/Invoices", key: key}); a.status != 200 {
		t.Errorf("the key opens %d %s", a.status, a.body)
	}
	keys, err := h.ListKeys(t.Context())
	if err != nil || len(keys) != 1 || keys[0].Name != name || !keys[0].Write || !keys[0].AnyUser || !strings.EqualFold(strings.Join(keys[0].Tenants, " "), h.tenant(café)) {
		t.Errorf("kept %+v, %v", keys, err)
	}
	list := h.page("/settings/programs")
	if strings.Contains(list, key) || strings.Contains(h.log.String(), key) {
		t.Error("the key is shown a second time, or logged")
	}
	if !strings.Contains(list, html.EscapeString(name)) || strings.Contains(list, "<b>co</b>") || !strings.Contains(list, "read and write") || !strings.Contains(list, "any user") {
		t.Errorf("the list\n%s", list)
	}
	if _, page := h.post("/settings/programs", url.Values{"name": {name}, "organisations": {"some"}, "organisation": {h.tenant(joinery)}}); !strings.Contains(page, "There is a key named") || !strings.Contains(page, `value="`+html.EscapeString(name)+`"`) || !strings.Contains(page, `name="organisation" value="`+h.tenant(joinery)+`" checked>`) {
		t.Errorf("a name in use: what was filled in is lost\n%s", page)
	}

	ofIt := "/settings/programs/revoke?name=" + url.QueryEscape(name)
	question := h.page(ofIt)
	if !strings.Contains(question, "Revoke</button>") || h.ask(ask{path: "/connections", key: key}).status != 200 {
		t.Error("the question revokes, or has no button")
	}
	if _, page := h.post("/settings/programs/revoke", url.Values{"name": {name}}); !strings.Contains(page, "is revoked.") || strings.Contains(page, "read and write") {
		t.Errorf("revoked\n%s", page)
	}
	if g := h.ask(ask{path: ofIt, cookie: h.cookie, page: true}); g.status != 303 || g.location != "/settings/programs" {
		t.Errorf("the question, asked once more, answers %d %s", g.status, g.location)
	}
	if a := h.ask(ask{path: "/connections", key: key}); a.status != 401 {
		t.Errorf("the revoked key opens %d", a.status)
	}
}

func TestSignOutEverywhereLeavesThisBrowserAloneWithANewCookie(t *testing.T) {
	h := newHosted(t)
	h.ask(ask{path: "/settings", cookie: h.cookie, page: true})
	other, idle := h.visit(), h.visit()
	for _, cookie := range []string{other, idle} {
		if g := h.ask(ask{path: "/api/status", cookie: cookie}); g.status != 200 {
			t.Fatalf("another browser gets %d", g.status)
		}
	}
	// One that is on the disk alone, as after a restart.
	h.stop()
	h.bench.start()
	h.opened()
	next := h.stream(other)
	next()
	before := h.cookie
	if h.page("/settings/sign-out"); h.ask(ask{path: "/api/status", cookie: other}).status != 200 {
		t.Error("the question signs out")
	}
	if _, page := h.post("/settings/sign-out", url.Values{}); h.cookie == before || !strings.Contains(page, "Every other browser is signed out.") {
		t.Errorf("the cookie is the old one, or nothing is said\n%s", page)
	}
	for name, cookie := range map[string]string{"another browser": other, "one that is idle": idle, "the cookie before": before} {
		if g := h.ask(ask{path: "/api/status", cookie: cookie}); g.status != 401 {
			t.Errorf("%s gets %d", name, g.status)
		}
	}
	if last := next(); last != "" {
		t.Errorf("the other's stream goes on: %q", last)
	}
	h.stop()
	h.bench.start()
	h.opened()
	for cookie, want := range map[string]int{h.cookie: 200, other: 401, idle: 401, before: 401} {
		if g := h.ask(ask{path: "/api/status", cookie: cookie}); g.status != want {
			t.Errorf("after a restart: %d, want %d", g.status, want)
		}
	}
}

func TestARenewedSessionSecretSignsNobodyOut(t *testing.T) {
	h := newHosted(t)
	other := h.visit()
	if _, page := h.post("/settings/rotate", url.Values{}); !strings.Contains(page, "There is a new session secret.") {
		t.Errorf("not said\n%s", page)
	}
	if _, err := h.keychain.Get(t.Context(), "session-secret-previous"); err != nil {
		t.Errorf("the one before: %v", err)
	}
	if g := h.ask(ask{path: "/settings", cookie: other, page: true}); g.status != 200 || g.cookie == "" || g.cookie == other {
		t.Errorf("another browser gets %d and the cookie %q", g.status, g.cookie)
	}
}

func TestTheLookIsKeptWithTheBrowserAndMarked(t *testing.T) {
	h := newHosted(t)
	for _, look := range []string{"dark", "light", "system"} {
		_, page := h.post("/settings/look", url.Values{"look": {look}, "next": {"/settings"}})
		if !strings.Contains(page, `value="`+look+`" aria-pressed="true"`) || strings.Count(page, `aria-pressed="true"`) != 1 || strings.Contains(page, `data-look="`+look+`"`) != (look != "system") {
			t.Errorf("%s\n%s", look, page)
		}
	}
}

func TestScopesAreSaidInTheWordsOfBookkeeping(t *testing.T) {
	for scopes, want := range map[string][]string{
		"openid profile email offline_access":                                                nil,
		"openid accounting.reports.aged.read accounting.reports.banksummary.read":            {"read reports"},
		"accounting.transactions accounting.settings.read accounting.contacts.read":          {"read the organisation and its accounts and contacts", "read and change invoices, bills, payments and bank transactions"},
		"payroll.employees.read files.read projects assets.read":                             {"read payroll, files and fixed assets", "read and change projects"},
		"accounting.contacts.read accounting.settings.read accounting.contacts":              {"read the organisation and its accounts", "read and change contacts"},
		"finance.statements.read accounting.attachments":                                     {"read finance.statements", "read and change attachments"},
		"accounting.invoices.read accounting.payments.read accounting.banktransactions.read": {"read invoices and bills, payments and bank transactions"},
	} {
		if got := server.ScopeWords(strings.Fields(scopes)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", scopes, got, want)
		}
	}
}

func TestWithADamagedStateTheProgramsSayWhy(t *testing.T) {
	b := newBench(t, func(b *bench) {
		if err := os.WriteFile(b.cfg.StatePath, []byte("no database"), 0o600); err != nil {
			t.Fatal(err)
		}
	}).opened()
	g := b.ask(ask{path: "/settings/programs", cookie: b.visit(), page: true})
	if g.status != 503 || !strings.Contains(g.body, "damaged") {
		t.Errorf("%d\n%s", g.status, g.body)
	}
	if g := b.ask(ask{path: "/settings", cookie: b.visit(), page: true}); g.status != 200 {
		t.Errorf("the settings: %d", g.status)
	}
}
