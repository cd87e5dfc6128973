package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"financial-command-center/server/store"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

func TestAPersonVisitsSignsInChoosesAndIsStillSignedInAfterARestart(t *testing.T) {
	b := newBench(t).opened()
	visited := b.visit()
	cookie := b.signIn(visited)
	if cookie == visited {
		t.Error("the session's id is the same before and after the sign-in")
	}
	if g := b.ask(ask{path: "/disconnect", cookie: visited, via: true}); g.status != http.StatusUnauthorized {
		t.Errorf("the session from before the sign-in gets %d, want 401", g.status)
	}
	asked := b.ask(ask{path: "/profile", cookie: cookie, page: true})
	if asked.status != http.StatusOK || !strings.Contains(asked.body, joinery) || !strings.Contains(asked.body, "Signed in to Xero for ") {
		t.Errorf("the page after the sign-in: %d\n%s", asked.status, asked.body)
	}
	chosen := b.ask(ask{method: "POST", path: "/profile", cookie: cookie, page: true, form: url.Values{"tenant": {strings.ToUpper(b.tenant(café))}}})
	if chosen.status != http.StatusSeeOther || chosen.location != "/" {
		t.Errorf("choosing gets %d and goes to %q", chosen.status, chosen.location)
	}
	b.stop()
	b.start()
	b.opened()
	home := b.ask(ask{path: "/", cookie: cookie, page: true, via: true}) // via: no new session by a visit
	if home.status != http.StatusOK || !strings.Contains(home.body, "<strong>"+café+"</strong>") {
		t.Errorf("the start page after a restart: %d\n%s", home.status, home.body)
	}
}

func TestACallbackWithAStateOfNobodysEndsNothing(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit())
	b.ask(ask{path: "/", cookie: cookie}) // the first return slides the session
	calls := len(b.sim.Journal())
	for name, query := range map[string]string{
		"missing": "", "wrong": "?state=AAAA&code=c", "denied": "?error=access_denied&state=AAAA",
		"twice": "?state=a&state=b&code=c", "no state": "?code=c",
	} {
		g := b.ask(ask{path: "/callback" + query, cookie: cookie})
		if g.status != http.StatusBadRequest || g.code != "bad_state" || g.cookie != "" {
			t.Errorf("%s: %d %s, cookie %q", name, g.status, g.code, g.cookie)
		}
		if got := g.header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("%s: Referrer-Policy %q: a code could leak", name, got)
		}
	}
	page := b.ask(ask{path: "/callback?state=x", page: true})
	if !strings.Contains(page.body, "signed in to Xero already") {
		t.Errorf("the page does not say that FCC is connected:\n%s", page.body)
	}
	if strings.Contains(page.body, joinery) {
		t.Error("the page names an organisation to a browser without a session")
	}
	if now := len(b.sim.Journal()); now != calls {
		t.Errorf("Xero was called %d times", now-calls)
	}
	if st := b.cfg.Connections.Status(); st.State != xero.Connected {
		t.Errorf("state %s", st.State)
	}
}

func TestACallbackWorksOnceAndWithoutACookie(t *testing.T) {
	b := newBench(t).opened()
	begun := b.ask(ask{path: "/login?next=/profile", cookie: b.visit()})
	back, err := b.sim.Approve(begun.location)
	if err != nil {
		t.Fatal(err)
	}
	path := pathOf(t, back)
	if g := b.ask(ask{method: "HEAD", path: path}); g.status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD gets %d", g.status)
	}
	if g := b.ask(ask{path: path, header: map[string]string{"Sec-Purpose": "prefetch;prerender"}}); g.code != "bad_request" {
		t.Errorf("a prefetch gets %d %s", g.status, g.code)
	}
	g := b.ask(ask{path: path, page: true, site: "cross-site"})
	if g.status != http.StatusSeeOther || g.location != "/profile" || g.cookie != "" {
		t.Errorf("%d to %q with cookie %q", g.status, g.location, g.cookie)
	}
	if got := g.header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy %q: the code could leak", got)
	}
	if g := b.ask(ask{path: path}); g.code != "bad_state" {
		t.Errorf("the second time: %d %s", g.status, g.code)
	}
}

func TestACancelledSignInIsASentenceAndAWayOn(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	begun := b.ask(ask{path: "/login", cookie: cookie})
	back, err := b.sim.Deny(begun.location)
	if err != nil {
		t.Fatal(err)
	}
	g := b.ask(ask{path: pathOf(t, back), cookie: cookie, page: true, site: "cross-site"})
	if g.status != http.StatusBadGateway || !strings.Contains(g.body, "cancelled at Xero") || !strings.Contains(g.body, `href="/login?next=%2f"`) && !strings.Contains(g.body, `href="/login?next=%2F"`) {
		t.Errorf("%d\n%s", g.status, g.body)
	}
	if policy, frames := g.header.Get("Referrer-Policy"), g.header.Get("X-Frame-Options"); policy != "no-referrer" || frames != "DENY" {
		t.Errorf("Referrer-Policy %q, X-Frame-Options %q", policy, frames)
	}
}

func TestALoginFromAnotherSiteIsAButtonAndBeginsNothing(t *testing.T) {
	b := newBench(t).opened()
	for name, a := range map[string]ask{
		"with a session":    {cookie: b.visit()},
		"without a session": {},
	} {
		for _, site := range []string{"cross-site", "same-site"} {
			a.path, a.page, a.site = "/login?next=/profile", true, site
			g := b.ask(a)
			if g.status != http.StatusForbidden || !strings.Contains(g.body, `href="/login?next=/profile"`) || g.location != "" {
				t.Errorf("%s, %s: %d to %q\n%s", name, site, g.status, g.location, g.body)
			}
		}
	}
	if b.cfg.Connections.Status().SigningIn {
		t.Error("a sign-in has begun")
	}
}

func TestWithoutAClientIDLoginIsTheWizardOrTheOriginalsAnswer(t *testing.T) {
	b := newBench(t, func(b *bench) { b.xero.App.ClientID = "" }).opened()
	if g := b.ask(ask{path: "/login", page: true}); g.status != http.StatusSeeOther || g.location != "/setup" {
		t.Errorf("a browser gets %d to %q", g.status, g.location)
	}
	g := b.ask(ask{path: "/login"})
	var said struct {
		Error    string
		Message  string
		SetupURL string `json:"setup_url"`
	}
	decode(t, g.body, &said)
	if g.status != http.StatusBadRequest || said.Error == "" || said.Message == "" || !strings.HasSuffix(said.SetupURL, "/setup") {
		t.Errorf("a script gets %d %+v", g.status, said)
	}
}

func TestTheNinthOpenSignInIsRefusedAndOthersBrowsersAreNot(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	for range 8 {
		if g := b.ask(ask{path: "/login", cookie: cookie}); g.status != http.StatusFound {
			t.Fatalf("%d %s", g.status, g.body)
		}
	}
	if g := b.ask(ask{path: "/login", cookie: cookie}); g.status != http.StatusConflict || g.code != "attempts_full" {
		t.Errorf("the ninth: %d %s", g.status, g.code)
	}
	if g := b.ask(ask{path: "/login", cookie: b.visit()}); g.status != http.StatusFound {
		t.Errorf("another browser: %d %s", g.status, g.code)
	}
}

func TestDisconnectSaysWhatEndsAndEndsIt(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit())
	page := b.ask(ask{path: "/disconnect", cookie: cookie, page: true})
	for _, want := range []string{joinery, "&lt;b&gt;Kauri&lt;/b&gt; &amp; &#34;Sons&#34;", "revoked", "aroha@example.com"} {
		if !strings.Contains(page.body, want) && !(want == "aroha@example.com" && strings.Contains(page.body, "Aroha")) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if st := b.cfg.Connections.Status(); st.State != xero.Connected {
		t.Fatalf("looking at the page made it %s", st.State)
	}
	one := b.ask(ask{method: "POST", path: "/disconnect", cookie: cookie, form: url.Values{"organisation": {b.tenant(café)}}})
	var said struct{ Organisations []xero.Organisation }
	decode(t, one.body, &said)
	if one.status != http.StatusOK || len(said.Organisations) != 1 || said.Organisations[0].Name != café {
		t.Errorf("one organisation: %d %s", one.status, one.body)
	}
	if st := b.cfg.Connections.Status(); st.State != xero.Connected || len(st.Organisations()) != 2 {
		t.Errorf("%s with %d organisations, want the other two", st.State, len(st.Organisations()))
	}
	all := b.ask(ask{method: "POST", path: "/disconnect", cookie: cookie, page: true, form: url.Values{}})
	if all.status != http.StatusSeeOther || all.location != "/" {
		t.Errorf("all: %d\n%s", all.status, all.body)
	}
	if st := b.cfg.Connections.Status(); st.State != xero.Disconnected {
		t.Errorf("state %s", st.State)
	}
	home := b.ask(ask{path: "/", cookie: cookie, page: true, via: true})
	if home.status != http.StatusOK || !strings.Contains(home.body, "Disconnected from Xero: ") {
		t.Errorf("the browser's session is gone, or nothing is said: %d\n%s", home.status, home.body)
	}
	if g := b.ask(ask{method: "POST", path: "/disconnect", cookie: cookie, form: url.Values{"connection": {"nobody"}}}); g.status != http.StatusNotFound {
		t.Errorf("a connection that is not there: %d %s", g.status, g.code)
	}
}

func TestADisconnectDeletesTheBooksAtOnce(t *testing.T) {
	b := newBench(t, everyFigure).opened()
	cookie := b.worksIn(café)
	b.dashboard(cookie, "/")
	b.choose(cookie, joinery)
	b.dashboard(cookie, "/")
	// Of another sign-in it is not known what it reaches: that keeps nobody's books.
	b.sim.Fault(xerosim.Fault{At: xerosim.PointConnections, Do: xerosim.Fail, Status: 500, Times: -1})
	back, err := b.sim.Approve(b.ask(ask{path: "/login", cookie: cookie}).location + "&login_hint=" + url.QueryEscape(b.sim.People()[1].Email))
	if err != nil {
		t.Fatal(err)
	}
	if g := b.ask(ask{path: pathOf(t, back), cookie: cookie, page: true, site: "cross-site"}); g.cookie != "" {
		cookie = g.cookie
	}
	b.sim.ClearFaults()
	kept := func() []string {
		state, err := store.Open(t.Context(), b.cfg.StatePath)
		if err != nil {
			t.Fatal(err)
		}
		defer state.Close()
		all, err := state.Tenants(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	b.until("both are kept", func() bool { return len(kept()) == 2 })
	if g := b.ask(ask{method: "POST", path: "/disconnect", cookie: cookie, form: url.Values{"organisation": {b.tenant(café)}}}); g.status != http.StatusOK && g.status != http.StatusSeeOther {
		t.Fatalf("%d %s", g.status, g.body)
	}
	if all := kept(); len(all) != 1 || !strings.EqualFold(all[0], b.tenant(joinery)) {
		t.Errorf("books of %v are kept, want those of %s", all, b.tenant(joinery))
	}
}
