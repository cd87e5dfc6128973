package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"financial-command-center/server"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

// wizard is a bench whose settings are kept in saved.
func wizard(t *testing.T, saved *[]string, changes ...func(*bench)) *bench {
	t.Helper()
	return newBench(t, append([]func(*bench){func(b *bench) {
		b.cfg.SaveClientID = func(id string) error {
			*saved = append(*saved, id)
			return nil
		}
		b.cfg.Host.SaveScopes = func(scopes []string) error {
			*saved = append(*saved, strings.Join(scopes, " "))
			return nil
		}
	}}, changes...)...).opened()
}

func TestTheWizardGoesForthAndBackAndLosesNothing(t *testing.T) {
	var saved []string
	b := wizard(t, &saved, func(b *bench) {
		b.xero.App = xero.App{Scopes: server.ReadScopes}
		b.xero.Issuer, b.xero.API = xero.XeroIssuer, "https://api.xero.com" // nobody signs in here
	})
	cookie := b.visit()
	page := func(path string) string {
		t.Helper()
		g := b.ask(ask{path: path, cookie: cookie, page: true})
		if g.status != 200 || strings.Count(g.body, `aria-current="step"`) != 1 || !strings.Contains(g.body, `<a href="`+path+`" aria-current="step">`) {
			t.Errorf("%s: %d, its step is not marked\n%s", path, g.status, g.body)
		}
		return g.body
	}
	if g := b.ask(ask{path: "/login", cookie: cookie, page: true}); g.location != "/setup" {
		t.Errorf("/login without a client id leads to %q", g.location)
	}
	if body := page("/setup"); !strings.Contains(body, "never sees your Xero password") || strings.Contains(body, "/setup/demo") {
		t.Errorf("the first step lacks what FCC never does, or offers a demo that cannot be started:\n%s", body)
	}
	if body := page("/setup/sign-in"); !strings.Contains(body, `href="/setup/client"`) || strings.Contains(body, `href="/login`) {
		t.Errorf("one can sign in without a client id:\n%s", body)
	}
	if body := page("/setup/app"); !strings.Contains(body, "Mobile or desktop app") || !strings.Contains(body, b.xero.RedirectURI) || !strings.Contains(body, `value="look" checked`) {
		t.Errorf("the second step:\n%s", body)
	}
	g := b.ask(ask{method: "POST", path: "/setup/app", cookie: cookie, page: true, form: url.Values{"access": {"bookkeeper"}}})
	if g.location != "/setup/client" || len(saved) != 1 || saved[0] != strings.Join(server.Accesses()["bookkeeper"], " ") {
		t.Errorf("choosing goes to %q, saved %q", g.location, saved)
	}
	if body := page("/setup/app"); !strings.Contains(body, `value="bookkeeper" checked`) {
		t.Error("the choice is lost")
	}
	const id = "0123456789abcdefABCDEF0123456789"
	g = b.ask(ask{method: "POST", path: "/setup", cookie: cookie, page: true, form: url.Values{"client_id": {id}}})
	if g.location != "/setup/sign-in" || saved[len(saved)-1] != id {
		t.Errorf("the client id leads to %q, saved %q", g.location, saved)
	}
	if body := page("/setup/client"); !strings.Contains(body, `value="`+id+`"`) {
		t.Error("the client id is lost")
	}
	body := page("/setup/sign-in")
	for _, word := range []string{"Invalid redirect_uri", "Invalid scope for client", "Unknown client", "connection limit", "Two uncertified apps", "never loads", id, b.xero.RedirectURI} {
		if !strings.Contains(body, word) {
			t.Errorf("the last step has no word on %q", word)
		}
	}
	begun := b.ask(ask{path: "/login", cookie: cookie, page: true})
	if u, err := url.Parse(begun.location); err != nil || u.Query().Get("client_id") != id || u.Query().Get("scope") != saved[0] {
		t.Errorf("the sign-in asks for %s", begun.location)
	}
}

func TestAnAppsSecretGoesIntoTheKeychainAndNowhereElse(t *testing.T) {
	var saved []string
	b := wizard(t, &saved)
	cookie := b.visit()
	g := b.ask(ask{method: "POST", path: "/setup", cookie: cookie, page: true, form: url.Values{"client_id": {oldClientID}, "client_secret": {"a b"}}})
	if g.status != http.StatusBadRequest || !strings.Contains(g.body, `id="secret_help"`) || strings.Contains(g.body, `value="a b"`) || len(saved) != 0 {
		t.Errorf("a secret with a space: %d\n%s", g.status, g.body)
	}
	const secret = xerosim.DemoClientSecret
	b.ask(ask{method: "POST", path: "/setup", cookie: cookie, page: true, form: url.Values{"client_id": {oldClientID}, "client_secret": {" " + secret + " "}}})
	kept, err := b.keychain.Get(t.Context(), "client-secret-"+strings.ToLower(oldClientID))
	if err != nil || kept.Reveal() != secret {
		t.Errorf("the keychain has %d characters, %v", kept.Len(), err)
	}
	page := b.ask(ask{path: "/setup/client", cookie: cookie, page: true})
	for where, text := range map[string]string{"the page": page.body, "the log": b.log.String(), "the settings": strings.Join(saved, " ")} {
		if strings.Contains(text, secret) {
			t.Errorf("%s has the secret", where)
		}
	}
	b.ask(ask{method: "POST", path: "/setup", cookie: cookie, page: true, form: url.Values{"client_id": {oldClientID}}})
	if kept, err := b.keychain.Get(t.Context(), "client-secret-"+strings.ToLower(oldClientID)); err != nil || kept.Reveal() != secret {
		t.Error("saving without a secret takes away the one that is kept")
	}
}

func TestAWebAppWithoutItsSecretIsSaidAndLeadsToTheClientID(t *testing.T) {
	b := newBench(t, func(b *bench) {
		b.xero.App.ClientID, b.xero.RedirectURI = oldClientID, oldRedirect
	}).opened()
	cookie := b.visit()
	back, err := b.sim.Approve(b.ask(ask{path: "/login", cookie: cookie}).location)
	if err != nil {
		t.Fatal(err)
	}
	g := b.ask(ask{path: pathOf(t, back), cookie: cookie, page: true, site: "cross-site"})
	if g.status != http.StatusBadGateway || !strings.Contains(g.body, "looks like a Web app") || !strings.Contains(g.body, `href="/setup/client"`) {
		t.Errorf("%d\n%s", g.status, g.body)
	}
	if page := b.ask(ask{path: "/setup/sign-in", cookie: cookie, page: true}); !strings.Contains(page.body, "looks like a Web app") {
		t.Error("the other tab does not hear of it")
	}
}

func TestWhatWasGivenAtTheStartIsNotChosenOnThePage(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	page := b.ask(ask{path: "/setup/app", cookie: cookie, page: true})
	if !strings.Contains(page.body, "XERO_SCOPES") || strings.Contains(page.body, `type="radio"`) {
		t.Errorf("the page offers a choice:\n%s", page.body)
	}
	if g := b.ask(ask{method: "POST", path: "/setup/app", cookie: cookie, form: url.Values{"access": {"look"}}}); g.code != "bad_request" {
		t.Errorf("and takes it: %d %s", g.status, g.code)
	}
}

func TestScopesOfOnesOwnStayUntilAnAccessIsChosen(t *testing.T) {
	var saved []string
	b := wizard(t, &saved)
	cookie := b.visit()
	own := b.cfg.Connections.App().Scopes
	if page := b.ask(ask{path: "/setup/app", cookie: cookie, page: true}); !strings.Contains(page.body, `value="own" checked`) {
		t.Errorf("the page does not show them:\n%s", page.body)
	}
	choose := func(access string) got {
		return b.ask(ask{method: "POST", path: "/setup/app", cookie: cookie, form: url.Values{"access": {access}}})
	}
	if g := choose("own"); g.location != "/setup/client" || len(saved) != 0 || !slices.Equal(b.cfg.Connections.App().Scopes, own) {
		t.Errorf("keeping them: %d, saved %q", g.status, saved)
	}
	if g := choose("everything"); g.code != "bad_request" {
		t.Errorf("an access that there is not: %d %s", g.status, g.code)
	}
	if choose("reports"); len(saved) != 1 || server.AccessOf(b.cfg.Connections.App().Scopes) != "reports" {
		t.Errorf("saved %q", saved)
	}
	if g := choose("own"); g.code != "bad_request" {
		t.Errorf("there are none of one's own any more: %d %s", g.status, g.code)
	}
}

func TestEachAccessHasOldNamesAndNewOnesThatMeanTheSame(t *testing.T) {
	for key, scopes := range server.Accesses() {
		old := server.OtherNames(scopes)
		if server.AccessOf(scopes) != key || server.AccessOf(old) != key || slices.Equal(old, scopes) || !slices.Equal(server.OtherNames(old), scopes) {
			t.Errorf("%s: %q by old names, and back %q", key, old, server.OtherNames(old))
		}
		for _, scope := range append(old, scopes...) {
			if !slices.Contains(server.KnownScopes, scope) {
				t.Errorf("%s asks for %s, which is not known", key, scope)
			}
		}
	}
	if n := len(server.ReadScopes); n != 14 {
		t.Errorf("%d scopes to look, want 14", n)
	}
	mine := []string{"openid", "accounting.transactions", "accounting.reports.read"}
	if to := server.OtherNames(mine); slices.ContainsFunc(mine[1:], func(s string) bool { return slices.Contains(to, s) }) || !slices.Contains(to, "accounting.payments") || !slices.Contains(to, "accounting.reports.aged.read") {
		t.Errorf("a list of one's own by new names: %q", to)
	}
}

func TestAnAppThatTakesOnlyNewNamesIsAskedByThem(t *testing.T) {
	var saved []string
	b := wizard(t, &saved, func(b *bench) { b.xero.App.Scopes = server.OtherNames(server.ReadScopes) })
	cookie := b.visit()
	if _, err := b.sim.Approve(b.ask(ask{path: "/login", cookie: cookie}).location); err == nil {
		t.Fatal("the simulated app takes the old names")
	}
	if page := b.ask(ask{path: "/setup/sign-in", cookie: cookie, page: true}); !strings.Contains(page.body, "Ask by the new names") {
		t.Errorf("the waiting page does not offer the new names:\n%s", page.body)
	}
	g := b.ask(ask{method: "POST", path: "/setup/app", cookie: cookie, form: url.Values{"names": {"other"}}})
	if g.location != "/setup/sign-in" || len(saved) != 1 || saved[0] != strings.Join(server.ReadScopes, " ") {
		t.Errorf("to %q, saved %q", g.location, saved)
	}
	b.signIn(cookie)
}

func TestASignInIsCancelledAndALateAnswerSaysSo(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	begun := b.ask(ask{path: "/login", cookie: cookie})
	if page := b.ask(ask{path: "/setup/sign-in", cookie: cookie, page: true}); !strings.Contains(page.body, "Waiting for Xero") {
		t.Errorf("the page does not wait:\n%s", page.body)
	}
	if page := b.ask(ask{path: "/setup/sign-in", cookie: b.visit(), page: true}); strings.Contains(page.body, "Waiting for Xero") {
		t.Error("another browser waits too")
	}
	back, err := b.sim.Approve(begun.location)
	if err != nil {
		t.Fatal(err)
	}
	if g := b.ask(ask{method: "POST", path: "/setup/cancel", cookie: cookie, form: url.Values{}}); g.location != "/setup/sign-in" {
		t.Errorf("cancelling goes to %q", g.location)
	}
	if page := b.ask(ask{path: "/setup/sign-in", cookie: cookie, page: true}); strings.Contains(page.body, "Waiting for Xero") || !strings.Contains(page.body, "is cancelled") {
		t.Errorf("the page still waits:\n%s", page.body)
	}
	calls := len(b.sim.Journal())
	g := b.ask(ask{path: pathOf(t, back), cookie: cookie, page: true, site: "cross-site"})
	if g.status != http.StatusBadRequest || !strings.Contains(g.body, "cancelled in FCC") || !strings.Contains(g.body, `href="/login"`) || len(b.sim.Journal()) != calls {
		t.Errorf("the late answer: %d, %d calls\n%s", g.status, len(b.sim.Journal())-calls, g.body)
	}
	if st := b.cfg.Connections.Status(); st.State != xero.Disconnected || st.Problem != nil {
		t.Errorf("it changed something: %+v", st)
	}
}

func TestALinkMayAskXeroForMoreAndForNothingUnknown(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	g := b.ask(ask{path: "/login?scope=accounting.payments.read&scope=accounting.reports.aged.read&next=/profile", cookie: cookie})
	u, err := url.Parse(g.location)
	want := strings.Join(b.xero.App.Scopes, " ") + " accounting.payments.read accounting.reports.aged.read"
	if err != nil || u.Query().Get("scope") != want {
		t.Errorf("asked for %q, want %q", u.Query().Get("scope"), want)
	}
	for _, scope := range []string{"everything", "", "accounting.payments.read%20files", "practicemanager"} {
		if g := b.ask(ask{path: "/login?scope=" + scope, cookie: cookie}); g.code != "bad_request" {
			t.Errorf("scope %q: %d %s", scope, g.status, g.code)
		}
	}
	if g := b.ask(ask{path: "/login?scope=files", cookie: cookie, page: true, site: "cross-site"}); g.status != http.StatusForbidden || !strings.Contains(g.body, "/login?scope=files") {
		t.Errorf("from another site: %d\n%s", g.status, g.body)
	}
}

// connected is a way to Xero on which GET /connections says body.
type connected string

func (body connected) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/connections" || r.Method != http.MethodGet {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(body))), Request: r,
	}, nil
}

func TestASignInWithoutAnOrganisationSaysWhatToTick(t *testing.T) {
	b := newBench(t, func(b *bench) { b.xero.HTTP = connected("[]") }).opened()
	cookie := b.visit()
	back, err := b.sim.Approve(b.ask(ask{path: "/login", cookie: cookie}).location)
	if err != nil {
		t.Fatal(err)
	}
	g := b.ask(ask{path: pathOf(t, back), cookie: cookie, page: true, site: "cross-site"})
	if g.location != "/setup/sign-in" {
		t.Errorf("the sign-in leads to %q", g.location)
	}
	if page := b.ask(ask{path: "/setup/sign-in", cookie: g.cookie, page: true}); !strings.Contains(page.body, "no organisation was ticked") || !strings.Contains(page.body, `href="/login?next=/setup/sign-in"`) {
		t.Errorf("the page has no way on:\n%s", page.body)
	}
}

func TestTheDemoOpensFromThePageByALink(t *testing.T) {
	var broken error
	b := newBench(t, func(b *bench) {
		b.cfg.Host.StartDemo = func(context.Context) (string, error) { return "http://localhost:8787/open?ticket=T", broken }
	}).opened()
	cookie := b.visit()
	if page := b.ask(ask{path: "/setup", cookie: cookie, page: true}); !strings.Contains(page.body, `action="/setup/demo"`) {
		t.Errorf("no button:\n%s", page.body)
	}
	open := ask{method: "POST", path: "/setup/demo", cookie: cookie, page: true, form: url.Values{}}
	if g := b.ask(open); g.status != 200 || !strings.Contains(g.body, `href="http://localhost:8787/open?ticket=T"`) {
		t.Errorf("%d\n%s", g.status, g.body)
	}
	broken = errors.New("no such program")
	if g := b.ask(open); g.status != 500 || !strings.Contains(g.body, "fcc demo") || strings.Contains(g.body, "no such program") || !strings.Contains(b.log.String(), "no such program") {
		t.Errorf("when it does not start: %d\n%s", g.status, g.body)
	}
}

func TestASignInThatIsCancelledAtXeroEndsWhereItBegan(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	cancel := func(login string) got {
		t.Helper()
		begun, err := url.Parse(b.ask(ask{path: login, cookie: cookie}).location)
		if err != nil {
			t.Fatal(err)
		}
		return b.ask(ask{path: "/callback?error=access_denied&state=" + begun.Query().Get("state"), cookie: cookie, page: true, site: "cross-site"})
	}
	if g := cancel("/login?next=/setup/sign-in"); g.location != "/setup/sign-in" {
		t.Errorf("from the set-up it leads to %d %q", g.status, g.location)
	}
	page := b.ask(ask{path: "/setup/sign-in", cookie: cookie, page: true})
	_, main, _ := strings.Cut(page.body, "<main")
	if !strings.Contains(main, "<h2>The sign-in was cancelled at Xero.</h2>") || strings.Count(main, "button main") != 1 {
		t.Errorf("the last step does not say so, or has no one thing to do:\n%s", main)
	}
	if g := cancel("/login?next=/activity"); g.status != http.StatusBadGateway || !strings.Contains(g.body, "was cancelled at Xero") {
		t.Errorf("from elsewhere: %d %q", g.status, g.location)
	}
	b.ask(ask{path: "/login?next=/setup/sign-in", cookie: cookie})
	page = b.ask(ask{path: "/setup/sign-in", cookie: cookie, page: true})
	if _, main, _ := strings.Cut(page.body, "<main"); !strings.Contains(main, "Waiting for Xero") || strings.Contains(main, "was cancelled at Xero") || strings.Contains(main, "<h2>Sign in at Xero") {
		t.Errorf("while it waits there is more than one card:\n%s", main)
	}
	back, err := b.sim.Approve(b.ask(ask{path: "/login?next=/setup/sign-in", cookie: cookie}).location)
	if err != nil {
		t.Fatal(err)
	}
	if g := b.ask(ask{path: pathOf(t, back), cookie: cookie, page: true, site: "cross-site"}); g.location != "/profile?next=%2F" {
		t.Errorf("the end of the set-up leads to %q", g.location)
	}
}
