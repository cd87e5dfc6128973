package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
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
		log := slog.New(slog.DiscardHandler)
		connections, err := xero.New(xero.Config{
			Issuer: xero.XeroIssuer, API: "https://api.xero.com", RedirectURI: "http://localhost:8000/callback",
			Keystore: keychain, DataDir: t.TempDir(), Log: log,
		})
		if err != nil {
			t.Fatal(err)
		}
		s, err := server.New(server.Config{
			Version: "test", Mode: server.Live, Port: 8000, DataDir: t.TempDir(), Connections: connections,
			Keystore: keychain, Log: log,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		synctest.Wait()
		do(t, s, keychain)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
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
	withClock(t, func(t *testing.T, s *server.Server, _ keystore.Store) {
		cookie := enter(t, s)
		time.Sleep(59 * time.Minute)
		if g := handled(s, "/", cookie); g.status != http.StatusOK || g.cookie != "" {
			t.Errorf("within the hour: %d, and the cookie again: %q", g.status, g.cookie)
		}
		for range 2 {
			time.Sleep(6 * 24 * time.Hour)
			g := handled(s, "/", cookie)
			if g.status != http.StatusOK || g.cookie == "" {
				t.Fatalf("used every six days: %d, cookie %q", g.status, g.cookie)
			}
			cookie = g.cookie
		}
		time.Sleep(7*24*time.Hour + time.Second)
		if g := handled(s, "/", cookie); g.status != http.StatusUnauthorized {
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
	withClock(t, func(t *testing.T, s *server.Server, keychain keystore.Store) {
		cookie := enter(t, s)
		time.Sleep(2 * time.Hour)
		if err := s.RotateSecret(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * 24 * time.Hour)
		if g := handled(s, "/", cookie); g.status != http.StatusOK {
			t.Errorf("after six days: %d", g.status)
		}
		time.Sleep(24*time.Hour + 2*time.Hour)
		if _, err := keychain.Get(t.Context(), "session-secret-previous"); !errors.Is(err, keystore.ErrNotFound) {
			t.Errorf("after seven days and a sweep: %v", err)
		}
		if g := handled(s, "/", cookie); g.status != http.StatusUnauthorized {
			t.Errorf("the old cookie after seven days: %d", g.status)
		}
	})
}
