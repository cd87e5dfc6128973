package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/xero"
)

// withClock runs do on a server whose time is the test's. Nobody listens: requests
// go straight to the handler, and nothing is known of who sends them.
func withClock(t *testing.T, do func(t *testing.T, s *server.Server, keychain keystore.Store)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		keychain := keystore.Memory()
		s, stop := underClock(t, keychain, t.TempDir(), "")
		do(t, s, keychain)
		stop()
	})
}

// withWeeks is withClock for what takes weeks. A month is forty thousand ticks of a
// server that runs, so FCC is not running for most of it: off is for how long. What
// the disk and the keychain hold is found again, and the first tick has come.
func withWeeks(t *testing.T, do func(t *testing.T, on func() *server.Server, keychain keystore.Store, off func(time.Duration))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		keychain, dir := keystore.Memory(), t.TempDir()
		state := filepath.Join(dir, "state.db")
		s, stop := underClock(t, keychain, dir, state)
		do(t, func() *server.Server { return s }, keychain, func(d time.Duration) {
			t.Helper()
			stop()
			time.Sleep(d - firstTick)
			s, stop = underClock(t, keychain, dir, state)
			time.Sleep(firstTick)
			synctest.Wait()
		})
		stop()
	})
}

// firstTick is when a server that was started has written and swept for the first time.
const firstTick = time.Minute

// underClock starts a server, and waits until it lets sessions in.
func underClock(t *testing.T, keychain keystore.Store, dir, state string) (s *server.Server, stop func()) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	connections, err := xero.New(xero.Config{
		Issuer: xero.XeroIssuer, API: "https://api.xero.com", RedirectURI: "http://localhost:8000/callback",
		Keystore: keychain, DataDir: dir, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err = server.New(server.Config{
		Version: "test", Mode: server.Live, Port: 8000, DataDir: dir, StatePath: state, Connections: connections,
		Keystore: keychain, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	synctest.Wait()
	return s, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// handled is the answer of the handler itself.
func handled(s *server.Server, path, cookie string) got {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "localhost:8000"
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return read(w.Code, w.Header(), w.Body.String())
}

// enter is a session by ticket whose cookie has come back once.
func enter(t *testing.T, s *server.Server) string {
	t.Helper()
	cookie := handled(s, "/open?ticket="+s.Ticket(), "").cookie
	if g := handled(s, "/", cookie); g.status != http.StatusOK || g.cookie == "" {
		t.Fatalf("the first return gets %d and the cookie %q", g.status, g.cookie)
	} else {
		cookie = g.cookie
	}
	if !strings.HasPrefix(cookie, "fcc_session=") {
		t.Errorf("on port 8000 the cookie is %s", cookie)
	}
	return cookie
}

func TestATicketLivesTenMinutes(t *testing.T) {
	withClock(t, func(t *testing.T, s *server.Server, _ keystore.Store) {
		early, late := s.Ticket(), s.Ticket()
		time.Sleep(10*time.Minute - time.Second)
		if g := handled(s, "/open?ticket="+early, ""); g.status != http.StatusSeeOther {
			t.Errorf("just in time: %d %s", g.status, g.code)
		}
		time.Sleep(time.Second)
		if g := handled(s, "/open?ticket="+late, ""); g.code != "ticket_invalid" {
			t.Errorf("too late: %d %s", g.status, g.code)
		}
	})
}

func TestASessionLivesSevenDaysAfterItsLastUse(t *testing.T) {
	withWeeks(t, func(t *testing.T, on func() *server.Server, _ keystore.Store, off func(time.Duration)) {
		cookie := enter(t, on())
		time.Sleep(59 * time.Minute)
		if g := handled(on(), "/", cookie); g.status != http.StatusOK || g.cookie != "" {
			t.Errorf("within the hour: %d, and the cookie again: %q", g.status, g.cookie)
		}
		for range 2 {
			off(6 * 24 * time.Hour)
			g := handled(on(), "/", cookie)
			if g.status != http.StatusOK || g.cookie == "" {
				t.Fatalf("used every six days: %d, cookie %q", g.status, g.cookie)
			}
			cookie = g.cookie
		}
		off(7*24*time.Hour + time.Second)
		if g := handled(on(), "/", cookie); g.status != http.StatusUnauthorized {
			t.Errorf("after seven days without use: %d", g.status)
		}
	})
}

func TestASessionThatNeverCameBackLivesADay(t *testing.T) {
	withClock(t, func(t *testing.T, s *server.Server, _ keystore.Store) {
		cookie := handled(s, "/open?ticket="+s.Ticket(), "").cookie
		time.Sleep(24*time.Hour + time.Second)
		if g := handled(s, "/", cookie); g.status != http.StatusUnauthorized {
			t.Errorf("after a day: %d", g.status)
		}
	})
}

func TestARotatedSecretLeavesTheKeychainAfterSevenDays(t *testing.T) {
	withWeeks(t, func(t *testing.T, on func() *server.Server, keychain keystore.Store, off func(time.Duration)) {
		cookie := enter(t, on())
		time.Sleep(2 * time.Hour)
		if err := on().RotateSecret(t.Context()); err != nil {
			t.Fatal(err)
		}
		off(6 * 24 * time.Hour)
		if g := handled(on(), "/", cookie); g.status != http.StatusOK {
			t.Errorf("after six days: %d", g.status)
		}
		off(23 * time.Hour)
		if _, err := keychain.Get(t.Context(), "session-secret-previous"); err != nil {
			t.Errorf("an hour before seven days: %v", err)
		}
		time.Sleep(3 * time.Hour)
		if _, err := keychain.Get(t.Context(), "session-secret-previous"); !errors.Is(err, keystore.ErrNotFound) {
			t.Errorf("after seven days and a sweep: %v", err)
		}
		if g := handled(on(), "/", cookie); g.status != http.StatusUnauthorized {
			t.Errorf("the old cookie after seven days: %d", g.status)
		}
	})
}
