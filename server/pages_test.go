package server_test

import (
	"html"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"financial-command-center/assets"
	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/xero"
)

func TestAnOrganisationsNameIsTextOnEveryPage(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit())
	id := b.tenant(kauri)
	const escaped = "&lt;b&gt;Kauri&lt;/b&gt; &amp; &#34;Sons&#34;"
	shows := func(what string, g got) {
		t.Helper()
		if !strings.Contains(g.body, escaped) || strings.Contains(g.body, "<b>Kauri") || strings.Contains(g.body, kauri) {
			t.Errorf("%s: %d, the name is missing or no text\n%s", what, g.status, g.body)
		}
	}
	shows("the notice after the sign-in", b.ask(ask{path: "/profile", cookie: cookie, page: true}))
	shows("the start page before a choice", b.ask(ask{path: "/", cookie: cookie, page: true}))
	shows("a look at one", b.ask(ask{path: "/?tenant=" + id, cookie: cookie, page: true}))
	shows("an unknown one", b.ask(ask{path: "/?tenant=none", cookie: cookie, page: true}))
	shows("a wrong choice", b.ask(ask{method: "POST", path: "/profile", cookie: cookie, page: true, form: url.Values{"tenant": {"none"}}}))
	shows("disconnect", b.ask(ask{path: "/disconnect", cookie: cookie, page: true}))
	shows("health", b.ask(ask{path: "/health", cookie: cookie, page: true}))
	b.ask(ask{method: "POST", path: "/profile", cookie: cookie, form: url.Values{"tenant": {id}}})
	shows("the start page after the choice", b.ask(ask{path: "/", cookie: cookie, page: true}))
	shows("the side bar", b.ask(ask{path: "/setup", cookie: cookie, page: true}))
}

func TestLookingAtAnOrganisationChoosesNothing(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	cookie := b.signIn(b.visit())
	b.ask(ask{method: "POST", path: "/profile", cookie: cookie, form: url.Values{"tenant": {b.tenant(café)}}})
	if g := b.ask(ask{path: "/?tenant=" + strings.ToUpper(b.tenant(joinery)), cookie: cookie, page: true}); !strings.Contains(g.body, "You look at "+joinery) || !strings.Contains(g.body, `<p class="printed">`+joinery) {
		t.Errorf("the look shows another: %s", g.body)
	}
	// Every page of it says so, and leads to others of it.
	looked := "?tenant=" + b.tenant(joinery)
	b.ask(ask{path: "/api/xero/invoices" + looked, cookie: cookie}) // waits until they are read
	b.ask(ask{path: "/xero/contacts" + looked + "&format=csv", cookie: cookie})
	for _, path := range []string{"/", "/xero/contacts", "/xero/invoices", "/export", "/settings"} {
		g := b.ask(ask{path: path + looked, cookie: cookie, page: true})
		for _, want := range []string{"You look at " + joinery + ". You work in " + café, "<strong>" + joinery + "</strong>", `href="/` + looked + `"`, `href="/xero/invoices` + looked + `"`, `href="` + path + `">Go back`} {
			if !strings.Contains(g.body, want) {
				t.Errorf("%s lacks %q", path, want)
			}
		}
		for _, link := range regexp.MustCompile(`href="(/xero/[^"]*)"`).FindAllStringSubmatch(g.body, -1) {
			if !strings.Contains(link[1], "tenant="+b.tenant(joinery)) && !strings.HasSuffix(link[0]+">Go back", path+`">Go back`) {
				t.Errorf("%s leads to another organisation: %s", path, link[1])
			}
		}
	}
	contacts := b.ask(ask{path: "/xero/contacts" + looked + "&sort=-owed", cookie: cookie, page: true})
	if !regexp.MustCompile(`href="/xero/invoices\?contact=[^"]*tenant=` + b.tenant(joinery)).MatchString(contacts.body) {
		t.Error("what a contact owes leads to another organisation")
	}
	if g := b.ask(ask{path: "/", cookie: cookie, page: true}); strings.Contains(g.body, "You look at") || !strings.Contains(g.body, "<strong>"+café+"</strong>") || !strings.Contains(g.body, `<p class="printed">`+café) {
		t.Errorf("the choice is gone: %s", g.body)
	}
}

func TestAnOrganisationThatVanishedIsToBeChosenAgainAndNeverSwitched(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit(), café, joinery)
	b.ask(ask{method: "POST", path: "/profile", cookie: cookie, form: url.Values{"tenant": {b.tenant(café)}}})
	if _, err := b.cfg.Connections.Disconnect(t.Context(), "", b.tenant(café)); err != nil {
		t.Fatal(err)
	}
	home := b.ask(ask{path: "/", cookie: cookie, page: true})
	if !strings.Contains(home.body, "Which organisation do you work in now?") || strings.Contains(home.body, `class="figures"`) {
		t.Errorf("the start page does not ask, or has switched:\n%s", home.body)
	}
	g := b.ask(ask{path: "/api/xero/contacts", cookie: cookie})
	var said struct {
		Error struct{ Organisations []xero.Organisation }
	}
	decode(t, g.body, &said)
	if g.code != "tenant_required" || len(said.Error.Organisations) != 1 || said.Error.Organisations[0].Name != joinery {
		t.Errorf("a script of the session gets %d %s", g.status, g.body)
	}
}

func TestPagesHaveNothingThatTheirPolicyForbids(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>\s*[^<\s]|<style|\sstyle=|\son[a-z]+=|javascript:|https?://(?:fonts|cdn)`)
	files, err := fs.Glob(assets.Pages, "pages/*.html")
	if err != nil || len(files) < 6 {
		t.Fatalf("pages %v, %v", files, err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(assets.Pages, file)
		if err != nil {
			t.Fatal(err)
		}
		if found := inline.Find(text); found != nil {
			t.Errorf("%s has %q", file, found)
		}
	}
	b := newBench(t).opened()
	policy := b.ask(ask{path: "/", page: true}).header.Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "form-action 'self'") {
		t.Errorf("policy %s", policy)
	}
}

func TestStrangersPagesNameNobody(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit())
	for _, a := range []ask{
		{path: "/", via: true}, {path: "/", site: "cross-site"}, {path: "/nothing", via: true}, {path: "/health", via: true},
		{path: "/callback?state=x"}, {path: "/open?ticket=x"}, {path: "/", host: "evil.example"},
	} {
		a.page = true
		g := b.ask(a)
		for _, name := range []string{joinery, "Kauri", "Aroha", "aroha@"} {
			if strings.Contains(g.body, name) {
				t.Errorf("%s (%d) names %s", a.path, g.status, name)
			}
		}
		if !strings.Contains(g.header.Get("Content-Type"), "text/html") || !strings.Contains(g.body, "</html>") {
			t.Errorf("%s is no page: %s", a.path, g.body)
		}
	}
}

func TestTheWizardChecksTheClientIDAndKeepsIt(t *testing.T) {
	var saved []string
	b := newBench(t, func(b *bench) {
		b.xero.App.ClientID = ""
		b.xero.Issuer, b.xero.API = xero.XeroIssuer, "https://api.xero.com" // nobody signs in here
		b.cfg.SaveClientID = func(id string) error {
			saved = append(saved, id)
			return nil
		}
	}).opened()
	cookie := b.visit()
	for _, wrong := range []string{"", "short", strings.Repeat("G", 32), strings.Repeat("A", 31) + " B", `"><script>alert(1)</script>`} {
		g := b.ask(ask{method: "POST", path: "/setup", cookie: cookie, page: true, form: url.Values{"client_id": {wrong}}})
		if g.status != http.StatusBadRequest || !strings.Contains(g.body, `class="wrong"`) || strings.Contains(g.body, "<script>alert") {
			t.Errorf("%q: %d\n%s", wrong, g.status, g.body)
		}
	}
	const id = "0123456789abcdefABCDEF0123456789"
	g := b.ask(ask{method: "POST", path: "/setup", cookie: cookie, page: true, form: url.Values{"client_id": {"  " + id + " \n"}}})
	if g.status != http.StatusSeeOther || len(saved) != 1 || saved[0] != id || b.cfg.Connections.App().ClientID != id {
		t.Errorf("%d, saved %q, in use %q", g.status, saved, b.cfg.Connections.App().ClientID)
	}
	page := b.ask(ask{path: g.location, cookie: cookie, page: true})
	if !strings.Contains(page.body, `href="/login?next=/setup/sign-in"`) || !strings.Contains(page.body, b.xero.RedirectURI) {
		t.Errorf("the page has no way on, or lacks the redirect URI:\n%s", page.body)
	}
}

func TestTheDemoSaysSoOnEveryPageAndAnswer(t *testing.T) {
	b := newBench(t, func(b *bench) { b.cfg.Mode = server.Demo }).opened()
	cookie := b.visit()
	for _, a := range []ask{{path: "/"}, {path: "/setup"}, {path: "/nothing"}, {path: "/health"}, {path: "/", host: "evil"}} {
		a.cookie = cookie
		if g := b.ask(a); g.header.Get("X-FCC-Mode") != "demo" {
			t.Errorf("%s lacks X-FCC-Mode", a.path)
		}
		a.page = true
		if g := b.ask(a); !strings.Contains(g.body, "these books are invented") {
			t.Errorf("the page %s does not say so", a.path)
		}
	}
}

// A command without the folder would reach the user's own FCC.
func TestTheCommandsOnTheDemosPagesReachTheDemo(t *testing.T) {
	b := newBench(t, func(b *bench) {
		b.cfg.Mode = server.Demo
		b.cfg.DataDir = filepath.Join(t.TempDir(), "Ana Müller & co")
		if err := os.Mkdir(b.cfg.DataDir, 0o700); err != nil {
			t.Fatal(err)
		}
	}).opened()
	cookie := b.visit()
	command := regexp.MustCompile(`fcc (?:--data-dir (\S.*?) )?(--debug|open|status|doctor|login|token|keys|disconnect|erase|secret|stop)\b`)
	named := html.EscapeString(`"` + b.cfg.DataDir + `"`)
	for _, test := range []struct {
		ask
		folder   string
		commands int // at least
	}{
		{ask{path: "/help", cookie: cookie}, named, 10},
		{ask{path: "/health", cookie: cookie}, named, 1},
		{ask{path: "/connections", cookie: cookie}, "FOLDER", 1}, // its page knows no session
		{ask{path: "/open?ticket=AAAAAAAAAAAAAAAAAAAAAA"}, "FOLDER", 2},
	} {
		test.page = true
		page := b.ask(test.ask).body
		found := command.FindAllStringSubmatch(page, -1)
		if len(found) < test.commands {
			t.Errorf("%s has %d commands", test.path, len(found))
		}
		for _, f := range found {
			if f[1] != test.folder {
				t.Errorf("%s says %q", test.path, f[0])
			}
		}
		if test.folder != named && strings.Contains(page, "Ana M") {
			t.Errorf("%s names the folder to somebody without a session", test.path)
		}
	}
	// What a person typed stays as it is.
	if page := b.ask(ask{path: "/help?q=fcc+stop", cookie: cookie, page: true}).body; !strings.Contains(page, `value="fcc stop"`) {
		t.Errorf("a search is changed\n%s", page)
	}
	if page := b.ask(ask{path: "/api/session/debug", cookie: cookie, page: true}).body; !strings.Contains(page, "fcc demo --debug") || strings.Contains(page, "fcc --debug") {
		t.Errorf("with --debug another would start\n%s", page)
	}
}

func TestBrowsersKeepStaticFilesAndAskWhetherTheyAreFresh(t *testing.T) {
	b := newBench(t)
	g := b.ask(ask{path: "/assets/style.css"})
	if g.header.Get("Cache-Control") != "no-cache" || !strings.HasPrefix(g.header.Get("Content-Type"), "text/css") {
		t.Errorf("%v", g.header)
	}
	again := b.ask(ask{path: "/assets/style.css", header: map[string]string{"If-None-Match": g.header.Get("ETag")}})
	if again.status != http.StatusNotModified || again.body != "" {
		t.Errorf("asked again: %d with %d bytes", again.status, len(again.body))
	}
}

func TestTheErrorPageOfALockedKeychainGoesOnByItself(t *testing.T) {
	b := newBench(t, func(b *bench) {
		shut := &shut{Store: b.keychain}
		b.cfg.Keystore, b.xero.Keystore = shut, shut
	})
	if g := b.ask(ask{path: "/", page: true}); g.status != http.StatusServiceUnavailable || g.header.Get("Refresh") == "" {
		t.Errorf("%d, Refresh %q", g.status, g.header.Get("Refresh"))
	}
}

func TestAClientIDIsNotKeptWhileTheKeychainIsLocked(t *testing.T) {
	var saved []string
	keychain := &shut{Store: keystore.Memory(), open: true}
	b := newBench(t, func(b *bench) {
		b.cfg.Keystore, b.xero.Keystore = keychain, keychain
		b.cfg.SaveClientID = func(id string) error {
			saved = append(saved, id)
			return nil
		}
	}).opened()
	before := b.cfg.Connections.App().ClientID
	setup := ask{method: "POST", path: "/setup", cookie: b.visit(), page: true, form: url.Values{"client_id": {"another"}}}
	keychain.lock(true)
	if g := b.ask(setup); g.status != http.StatusServiceUnavailable || len(saved) != 0 || b.cfg.Connections.App().ClientID != before {
		t.Errorf("%d, saved %q, in use %q", g.status, saved, b.cfg.Connections.App().ClientID)
	}
	keychain.lock(false)
	if g := b.ask(setup); g.status != http.StatusSeeOther || len(saved) != 1 {
		t.Errorf("with the keychain open: %d, saved %q", g.status, saved)
	}
}
