package xero_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

// In a bubble two looks at the clock are the same; outside the second is later, and
// a renewal that was due at the second look was never due at the first.
func TestAStartRenewsByItselfAlsoByARealClock(t *testing.T) {
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(far.Addr().String())
	host := "http://localhost:" + port
	sim, err := xerosim.New(xerosim.Options{
		Issuer: host, Login: "http://127.0.0.1:" + port,
		Clients: []xerosim.Client{{ID: xerosim.DemoClientID, Redirects: []string{redirect}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: far, Config: &http.Server{Handler: sim.Handler()}}
	server.Start()
	defer server.Close()
	kept, dir := keystore.Memory(), t.TempDir()
	start := func() (*xero.Connections, func()) {
		c, err := xero.New(xero.Config{
			App: xero.App{ClientID: xerosim.DemoClientID, Scopes: scopes}, Issuer: host, API: host, RedirectURI: redirect,
			Keystore: kept, DataDir: dir, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = c.Run(ctx)
		}()
		return c, func() {
			cancel()
			<-ended
		}
	}
	wait := func(c *xero.Connections, what string, done func(xero.Status) bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for s := range c.Watch(ctx) {
			if done(s) {
				return
			}
		}
		t.Fatalf("twenty seconds went by before %s", what)
	}
	c, stop := start()
	wait(c, "the keychain was read", func(s xero.Status) bool { return s.State != xero.Starting })
	attempt, err := c.Begin(t.Context(), "browser", "/")
	if err != nil {
		t.Fatal(err)
	}
	back, err := sim.Approve(attempt.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Finish(t.Context(), callback(t, back)); err != nil {
		t.Fatal(err)
	}
	stop()
	c, stop = start()
	defer stop()
	wait(c, "the grant was renewed", func(s xero.Status) bool {
		return s.State == xero.Connected && s.Connections[0].AccessTokenExpiresAt != nil
	})
}
