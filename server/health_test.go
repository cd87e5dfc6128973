package server_test

import (
	"strings"
	"testing"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

type healthAnswer struct {
	Status, Version, Mode string
	Timestamp             time.Time
	Checks                []server.Check
	SessionConfig         struct {
		Status   string
		Checks   map[string]bool
		Lifetime string `json:"session_lifetime"`
	} `json:"session_config"`
	Integrations struct {
		Xero map[string]bool
	}
}

func (b *bench) health(a ask) (got, healthAnswer) {
	b.t.Helper()
	a.path = "/health"
	g := b.ask(a)
	var h healthAnswer
	decode(b.t, g.body, &h)
	return g, h
}

func TestHealthHasTheOriginalsNamesAndTellsStrangersNoNames(t *testing.T) {
	b := newBench(t).opened()
	g, h := b.health(ask{})
	if g.status != 200 || g.cookie != "" || h.Status != "degraded" || h.Version != "test" || h.Mode != "live" || time.Since(h.Timestamp) > time.Minute {
		t.Errorf("before the sign-in: %d %+v", g.status, h)
	}
	for _, name := range []string{"available", "configured", "connected"} {
		if value, ok := h.Integrations.Xero[name]; !ok || value != (name != "connected") {
			t.Errorf("integrations.xero.%s is %t, there: %t", name, value, ok)
		}
	}
	for _, c := range h.Checks {
		if known := c.Since != nil; known != (c.Name != "Browser sessions" && c.Name != "Renewal") || known && time.Since(*c.Since) > time.Minute {
			t.Errorf("%s is so since %v", c.Name, c.Since)
		}
	}
	cookie := b.signIn(b.visit())
	key := b.addKey(store.Key{Name: "all"})
	locked := b.addKey(store.Key{Name: "locked", Tenants: []string{b.tenant(café)}})
	g, h = b.health(ask{})
	if g.status != 200 || g.cookie != "" || h.Status != "healthy" || !h.Integrations.Xero["connected"] {
		t.Errorf("%d %s", g.status, g.body)
	}
	want := []string{
		"secret_key_configured", "secret_key_secure", "session_security_enabled", "session_httponly_enabled",
		"session_permanent_enabled", "config_directory_writable", "secret_key_stored",
	}
	for _, name := range want {
		if value, ok := h.SessionConfig.Checks[name]; !ok || !value {
			t.Errorf("session_config.checks.%s is %t, there: %t", name, value, ok)
		}
	}
	if h.SessionConfig.Status != "healthy" || h.SessionConfig.Lifetime != "7 days, 0:00:00" || len(h.SessionConfig.Checks) != len(want) {
		t.Errorf("session_config %+v", h.SessionConfig)
	}
	names := []string{"Aroha", "example.com", "Harbour", "Café", "Kauri"}
	for name, c := range map[string]struct {
		ask   ask
		known string // how many of the names are told: none, all, or the café's
	}{
		"nothing":               {ask{}, "none"},
		"a page without cookie": {ask{page: true}, "none"},
		"a wrong key":           {ask{key: server.NewKey()}, "none"},
		"a cookie":              {ask{cookie: cookie}, "all"},
		"a page with a cookie":  {ask{cookie: cookie, page: true}, "all"},
		"a key":                 {ask{key: key}, "all"},
		"a locked key":          {ask{key: locked}, "café"},
	} {
		c.ask.path = "/health"
		g := b.ask(c.ask)
		body := g.body
		if g.status != 200 {
			t.Errorf("%s: %d", name, g.status)
		}
		for _, n := range names {
			told := c.known == "all" || c.known == "café" && n != "Harbour" && n != "Kauri"
			if strings.Contains(body, n) != told {
				t.Errorf("%s: %s is told: %t", name, n, !told)
			}
		}
	}
}

func TestWithAShutKeychainHealthIs503AndMendsItself(t *testing.T) {
	keychain := &shut{Store: keystore.Memory()}
	b := newBench(t, func(b *bench) { b.cfg.Keystore, b.xero.Keystore = keychain, keychain })
	b.until("the keychain was tried", func() bool { _, h := b.health(ask{}); return strings.Contains(h.Checks[1].Found, "locked") })
	g, h := b.health(ask{})
	if g.status != 503 || h.Status != "unhealthy" || h.SessionConfig.Status != "warning" || h.SessionConfig.Checks["secret_key_configured"] {
		t.Errorf("%d %s", g.status, g.body)
	}
	if page := b.ask(ask{path: "/health", page: true}); page.status != 503 || !strings.Contains(page.body, "locked") {
		t.Errorf("the page: %d\n%s", page.status, page.body)
	}
	if g := b.ask(ask{path: "/api/status", key: server.NewKey()}); g.status != 503 || g.code != "keystore_unavailable" {
		t.Errorf("a key: %d %s", g.status, g.code)
	}
	keychain.lock(false)
	b.until("health is 200", func() bool { g, _ := b.health(ask{}); return g.status == 200 })
}

func TestKeysInMemoryAreAWarningOfTheOriginals(t *testing.T) {
	b := newBench(t, func(b *bench) { b.cfg.KeysStored = false }).opened()
	if _, h := b.health(ask{}); h.SessionConfig.Status != "warning" || h.SessionConfig.Checks["secret_key_stored"] {
		t.Errorf("%+v", h.SessionConfig)
	}
}

func TestALifetimeIsWrittenAsPythonDoes(t *testing.T) {
	for d, want := range map[time.Duration]string{
		7 * 24 * time.Hour: "7 days, 0:00:00", 24*time.Hour + 90*time.Second: "1 day, 0:01:30", 11*time.Hour + 5*time.Minute: "11:05:00", 0: "0:00:00",
	} {
		if got := server.AsTimedelta(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestTheHealthPageIsWorstFirstWithAButtonAndAReport(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit(), joinery)
	if page := b.ask(ask{path: "/health", cookie: cookie, page: true}); strings.Count(page.body, "<li title=") != 14 || !strings.Contains(page.body, "<p>Nothing renewed yet.</p>") {
		t.Errorf("there is no strip before anything was renewed:\n%s", page.body)
	}
	id := b.cfg.Connections.Status().Connections[0].ID
	now := time.Now()
	for _, r := range []xero.Renewal{
		{At: now, Outcome: xero.OutcomeRenewed}, {At: now.AddDate(0, 0, -3), Outcome: xero.OutcomeRenewed}, {At: now.AddDate(0, 0, -3), Outcome: xero.OutcomeRetrying, Reason: "xero_unreachable"},
		{At: now.AddDate(0, 0, -5), Outcome: xero.OutcomeEnded}, {At: now.AddDate(0, 0, -13), Outcome: xero.OutcomePutOff}, {At: now.AddDate(0, 0, -14), Outcome: xero.OutcomeEnded},
	} {
		r.Connection = id
		b.Renewed(r)
	}
	const sum = "2 renewed, 2 had to be tried again, 1 failed"
	var page got
	b.until("the renewals are there", func() bool {
		page = b.ask(ask{path: "/health", cookie: cookie, page: true})
		return strings.Contains(page.body, sum)
	})
	for _, said := range []string{
		now.Format("Mon 2 Jan") + ": 1 renewed<", now.AddDate(0, 0, -3).Format("Mon 2 Jan") + ": 1 renewed, 1 tried again<", now.AddDate(0, 0, -5).Format("Mon 2 Jan") + ": 0 renewed, 1 failed<",
		now.AddDate(0, 0, -4).Format("Mon 2 Jan") + ": nothing renewed<",
	} {
		if !strings.Contains(page.body, said) {
			t.Errorf("the strip lacks %q", said)
		}
	}
	if n := strings.Count(page.body, "<li title="); n != 14 {
		t.Errorf("the strip has %d days", n)
	}
	report := page.body[strings.Index(page.body, "<textarea"):]
	report = report[:strings.Index(report, "</textarea>")]
	if !strings.Contains(report, joinery) || !strings.Contains(report, "Aroha") || !strings.Contains(report, sum) || strings.Contains(report, "aroha@") || !strings.Contains(report, "e-mail left out") {
		t.Errorf("the report:\n%s", report)
	}

	if !strings.Contains(page.body, `<span class="who">Aroha Ngata aroha@example.com</span>Signed in, `) || !strings.Contains(page.body, "<p>All is well.") {
		t.Errorf("whose sign-in it is stands in its name, or the verdict is another:\n%s", page.body)
	}

	if err := b.sim.RevokeGrant("aroha@example.com"); err != nil {
		t.Fatal(err)
	}
	b.sim.ExpireAccessTokens()
	key := b.addKey(store.Key{Name: "script"})
	b.ask(ask{path: "/api.xro/2.0/Organisation", key: key, header: map[string]string{"xero-tenant-id": b.tenant(joinery)}})
	page = b.ask(ask{path: "/health", cookie: cookie, page: true})
	_, main, _ := strings.Cut(page.body, "<main")
	worst, well := strings.Index(main, `<th scope="row">Sign-in to Xero <span class="tag late">`), strings.Index(main, "Keychain")
	if worst < 0 || well < worst || !strings.Contains(main, `<a class="button main" href="/login?next=/health">Sign in again</a>`) {
		t.Errorf("what is bad is not first, or has no button:\n%s", main)
	}
	stranger := b.ask(ask{path: "/health", page: true, via: true})
	_, main, _ = strings.Cut(stranger.body, "<main")
	if !strings.Contains(main, "Sign-in to Xero") || !strings.Contains(main, "Not working") || strings.Contains(main, "ended the sign-in") || strings.Contains(main, "<textarea") || strings.Count(main, "<a ") != 1 || !strings.Contains(main, "Sign this browser in") {
		t.Errorf("a browser without a session is told more than names and states:\n%s", main)
	}
}
