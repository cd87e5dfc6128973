package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/store"
)

func TestTheCookieIsSignedSecureAndHoldsNothingButAnID(t *testing.T) {
	b := newBench(t).opened()
	g := b.ask(ask{path: "/", page: true})
	c, err := http.ParseSetCookie(g.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != fmt.Sprintf("fcc_session_%d", b.cfg.Port) || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 7*24*3600 || c.Domain != "" {
		t.Errorf("cookie %+v", c)
	}
	if len(c.Value) > 200 {
		t.Errorf("the cookie is %d long: it holds more than an id", len(c.Value))
	}
	for name, cookie := range map[string]string{
		"changed":          c.Name + "=" + flip(c.Value, len(c.Value)/2),
		"cut":              c.Name + "=" + c.Value[:len(c.Value)-4],
		"empty":            c.Name + "=",
		"another's name":   "fcc_session=" + c.Value,
		"not base64":       c.Name + "=%%%",
		"very long":        c.Name + "=" + strings.Repeat("A", 8000),
		"a path (gorilla)": c.Name + "=../../../etc/passwd",
	} {
		if g := b.ask(ask{path: "/", cookie: cookie, via: true}); g.status != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401", name, g.status)
		}
	}
	// Another program on this host can set a cookie of our name for some path.
	if g := b.ask(ask{path: "/", cookie: c.Name + "=planted; " + c.Name + "=" + c.Value, via: true}); g.status != http.StatusOK {
		t.Errorf("beside a planted one: %d, want 200", g.status)
	}
}

func flip(text string, at int) string {
	swapped := byte('A')
	if text[at] == swapped {
		swapped = 'B'
	}
	return text[:at] + string(swapped) + text[at+1:]
}

func TestTheIDIsNowhereOnTheDisk(t *testing.T) {
	b := newBench(t).opened()
	_, value, _ := strings.Cut(b.visit(), "=")
	b.stop()
	data, err := os.ReadFile(b.cfg.StatePath)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), value) {
		t.Error("the state database holds a cookie")
	}
}

func TestASessionEndsWithLogoutAlsoOnTheDisk(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	g := b.ask(ask{method: "POST", path: "/logout", cookie: cookie, page: true, form: url.Values{}})
	if g.status != http.StatusOK || !strings.HasSuffix(g.cookie, "=") || !strings.Contains(g.body, "may simply visit FCC again") {
		t.Errorf("%d, cookie %q\n%s", g.status, g.cookie, g.body)
	}
	for range 2 {
		if g := b.ask(ask{path: "/", cookie: cookie, via: true}); g.status != http.StatusUnauthorized {
			t.Errorf("the ended session gets %d", g.status)
		}
		b.stop()
		b.start()
		b.opened()
	}
}

func TestARotatedSecretKeepsRunningSessionsAlsoOverARestart(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	if err := b.RotateSecret(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"at once", "after a restart"} {
		g := b.ask(ask{path: "/", cookie: cookie, via: true})
		if g.status != http.StatusOK || g.cookie == "" || g.cookie == cookie {
			t.Errorf("%s: %d, and the new cookie is %q", when, g.status, g.cookie)
		}
		if g := b.ask(ask{path: "/", cookie: g.cookie, via: true}); g.status != http.StatusOK || g.cookie != "" {
			t.Errorf("%s, with the new cookie: %d, and again a new one %q", when, g.status, g.cookie)
		}
		b.stop()
		b.start()
		b.opened()
	}
	// A second rotation ends what the first one made old.
	if err := b.RotateSecret(t.Context()); err != nil {
		t.Fatal(err)
	}
	if g := b.ask(ask{path: "/", cookie: cookie, via: true}); g.status != http.StatusUnauthorized {
		t.Errorf("a cookie two rotations old gets %d", g.status)
	}
}

func TestAnOpenTicketLetsInOnceAndKeepsASessionThatIsThere(t *testing.T) {
	b := newBench(t).opened()
	first := b.Ticket()
	if g := b.ask(ask{method: "HEAD", path: "/open?ticket=" + first}); g.status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD gets %d", g.status)
	}
	if g := b.ask(ask{path: "/open?ticket=" + first, header: map[string]string{"Sec-Purpose": "prefetch"}}); g.code != "bad_request" {
		t.Errorf("a prefetch gets %d %s", g.status, g.code)
	}
	g := b.ask(ask{path: "/open?next=/profile&ticket=" + first, via: true})
	if g.status != http.StatusSeeOther || g.location != "/profile" || g.cookie == "" {
		t.Fatalf("%d to %q, cookie %q", g.status, g.location, g.cookie)
	}
	if again := b.ask(ask{path: "/open?ticket=" + first}); again.code != "ticket_invalid" || again.cookie != "" {
		t.Errorf("the second time: %d %s, cookie %q", again.status, again.code, again.cookie)
	}
	b.ask(ask{path: "/profile", cookie: g.cookie})
	if kept := b.ask(ask{path: "/open?ticket=" + b.Ticket(), cookie: g.cookie}); kept.status != http.StatusSeeOther || kept.cookie != "" {
		t.Errorf("with a session: %d, and another cookie %q", kept.status, kept.cookie)
	}
	for _, bad := range []string{"", "x", strings.Repeat("A", 22), first[:21]} {
		if g := b.ask(ask{path: "/open?ticket=" + url.QueryEscape(bad)}); g.code != "ticket_invalid" {
			t.Errorf("ticket %q: %d %s", bad, g.status, g.code)
		}
	}
}

func TestOfManyRacersOneSpendsTheTicket(t *testing.T) {
	b := newBench(t).opened()
	path := "/open?ticket=" + b.Ticket()
	var in, racing sync.WaitGroup
	won := make(chan string, racers)
	in.Add(1)
	for range racers {
		racing.Go(func() {
			in.Wait()
			if g := b.ask(ask{path: path}); g.cookie != "" {
				won <- g.cookie
			}
		})
	}
	in.Done()
	racing.Wait()
	if len(won) != 1 {
		t.Errorf("%d got in", len(won))
	}
}

// shut is a keychain that opens when told to.
type shut struct {
	keystore.Store
	mu   sync.Mutex
	open bool
}

func (s *shut) Get(ctx context.Context, name string) (keystore.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return keystore.Secret{}, fmt.Errorf("test: %w", keystore.ErrLocked)
	}
	return s.Store.Get(ctx, name)
}

func (s *shut) lock(shut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = !shut
}

func TestWhileTheKeychainIsLockedNobodyGetsInAndNoTicketIsSpent(t *testing.T) {
	keychain := &shut{Store: keystore.Memory()}
	b := newBench(t, func(b *bench) { b.cfg.Keystore, b.xero.Keystore = keychain, keychain })
	path := "/open?ticket=" + b.Ticket()
	b.until("the locked keychain is noticed", func() bool { return strings.Contains(b.ask(ask{path: path}).body, "locked") })
	for _, a := range []ask{{path: path}, {path: "/"}, {path: "/callback?state=x"}, {method: "POST", path: "/logout"}} {
		if g := b.ask(a); g.status != http.StatusServiceUnavailable || g.code != "keystore_unavailable" || g.cookie != "" {
			t.Errorf("%s: %d %s, cookie %q", a.path, g.status, g.code, g.cookie)
		}
	}
	if g := b.ask(ask{path: "/assets/style.css"}); g.status != http.StatusOK {
		t.Errorf("style sheet: %d", g.status)
	}
	if err := b.RotateSecret(t.Context()); err == nil {
		t.Error("a secret that was never read was rotated")
	}
	keychain.lock(false)
	if g := b.opened().ask(ask{path: path}); g.status != http.StatusSeeOther {
		t.Errorf("after unlocking, the ticket gets %d %s", g.status, g.code)
	}
}

func TestADamagedDatabaseIsLeftAloneAndSessionsGoOn(t *testing.T) {
	b := newBench(t, func(b *bench) {
		if err := os.WriteFile(b.cfg.StatePath, []byte("this was a database once, and is not now"), 0o600); err != nil {
			t.Fatal(err)
		}
	}).opened()
	cookie := b.signIn(b.visit())
	g := b.ask(ask{path: "/", cookie: cookie, page: true, via: true})
	if g.status != http.StatusOK || !strings.Contains(g.body, "is damaged") {
		t.Errorf("%d, and the page says nothing of it\n%s", g.status, g.body)
	}
	b.stop()
	left, err := os.ReadFile(b.cfg.StatePath)
	if err != nil || string(left) != "this was a database once, and is not now" {
		t.Errorf("the file is now %q, %v", left, err)
	}
}

func TestSessionsBeyondTheLimitEndThoseFirstThatNeverCameBack(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	b.ask(ask{path: "/", cookie: cookie}) // it comes back
	state, err := store.Open(t.Context(), b.cfg.StatePath)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	// As many visits as it takes, most of them written straight into the state.
	now := time.Now()
	for i := range server.MostSessions {
		hash := [32]byte{1, byte(i), byte(i >> 8)}
		if err := state.SaveSession(t.Context(), store.Session{Hash: hash, Data: []byte("{}"), Created: now, Expires: now.Add(24 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		b.visit()
	}
	for _, when := range []string{"at once", "after a restart"} {
		if g := b.ask(ask{path: "/", cookie: cookie, via: true}); g.status != http.StatusOK {
			t.Errorf("%s the browser's session gets %d", when, g.status)
		}
		b.stop()
		b.start()
		b.opened()
	}
	first := [32]byte{1}
	swept := 0
	for i := range server.MostSessions {
		first[1], first[2] = byte(i), byte(i>>8)
		if _, err := state.Session(t.Context(), first); err != nil {
			swept++
		}
	}
	if swept < 100 {
		t.Errorf("%d sessions were swept, want at least 100", swept)
	}
}

func TestADiskThatFailsCostsNobodyASessionAndIsSaid(t *testing.T) {
	broken, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := broken.Close(); err != nil {
		t.Fatal(err)
	}
	var failing atomic.Bool
	b := newBench(t, func(b *bench) {
		b.prepare = func(s *server.Server) { s.DiskFails(&failing, broken) }
	}).opened()
	failing.Store(true)
	cookie := b.visit()
	g := b.ask(ask{path: "/", cookie: cookie, page: true, via: true})
	if g.status != http.StatusOK || !strings.Contains(g.body, "cannot write to its data folder") {
		t.Errorf("%d, and the page says nothing of it\n%s", g.status, g.body)
	}
	ended := b.visit()
	b.ask(ask{method: "POST", path: "/logout", cookie: ended, form: url.Values{}})
	if g := b.ask(ask{path: "/", cookie: ended, via: true}); g.status != http.StatusUnauthorized {
		t.Errorf("a session that ended meanwhile gets %d", g.status)
	}

	failing.Store(false)
	b.visit() // the next write succeeds
	if g := b.ask(ask{path: "/", cookie: cookie, page: true, via: true}); strings.Contains(g.body, "cannot write") {
		t.Error("the page still says that the disk fails")
	}
	b.stop()
	b.start()
	b.opened()
	if g := b.ask(ask{path: "/", cookie: cookie, via: true}); g.status != http.StatusOK {
		t.Errorf("the session from then gets %d after a restart", g.status)
	}
	if g := b.ask(ask{path: "/", cookie: ended, via: true}); g.status != http.StatusUnauthorized {
		t.Errorf("the session that ended then gets %d after a restart", g.status)
	}
}

func TestTwoRequestsOfOneBrowserDoNotUndoEachOthersChanges(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	store, name := b.Sessions()
	load := func() (*sessions.Session, *http.Request) {
		r := b.request(ask{path: "/", cookie: cookie})
		session, err := store.Get(r, name)
		if err != nil || session.IsNew {
			t.Fatalf("new: %t, %v", session.IsNew, err)
		}
		return session, r
	}
	save := func(session *sessions.Session, r *http.Request) {
		if err := session.Save(r, httptest.NewRecorder()); err != nil {
			t.Fatal(err)
		}
	}
	first, r := load()
	first.Values["kept"], first.Values["gone"], first.Values["number"] = "k", "g", 1
	save(first, r)
	one, r1 := load()
	two, r2 := load()
	one.Values["one"] = "1"
	delete(one.Values, "gone")
	two.Values["two"] = "2"
	save(one, r1)
	save(two, r2)
	end, _ := load()
	for name, want := range map[string]any{"kept": "k", "one": "1", "two": "2", "gone": nil, "number": 1.0} {
		if got := end.Values[name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}
