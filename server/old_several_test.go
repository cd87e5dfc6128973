package server_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

// severalBench is an oldBench with two more folders, of other checkouts.
func severalBench(t *testing.T) *bench {
	t.Helper()
	return newBench(t, func(b *bench) {
		b.cfg.OldFolders = []string{b.cfg.DataDir, b.in("second"), b.in("third")}
	}).opened()
}

const secondFile = "second/tokens/xero_token.json"

func (b *bench) in(path string) string { return filepath.Join(b.cfg.DataDir, filepath.FromSlash(path)) }

func TestTheOldSignInsOfTwoPeopleAreBothTakenOver(t *testing.T) {
	b := severalBench(t)
	anna := oldStore(b.oldToken())
	b.write("tokens/xero_token.json", anna)
	b.write("third/tokens/xero_token.json", anna) // a copy
	b.write(secondFile, oldStore(b.oldTokenOf("ben@example.com")))
	cookie := b.visit()
	done := b.deal(cookie, "take")
	if done.status != http.StatusSeeOther {
		t.Fatalf("%d %s", done.status, done.body)
	}
	status := b.cfg.Connections.Status()
	if len(status.Connections) != 2 || status.State != xero.Connected {
		t.Errorf("%d connections, %s", len(status.Connections), status.State)
	}
	for _, file := range []string{"tokens/xero_token.json", secondFile, "third/tokens/xero_token.json"} {
		if isThere(b.in(file)) {
			t.Errorf("%s is left", file)
		}
	}
	b.wantQuiet(done)
}

func TestADeadOldSignInDoesNotCostTheLivingOneBesideIt(t *testing.T) {
	b := severalBench(t)
	dead := oldStore(b.oldToken())
	dead["token"].(map[string]any)["refresh_token"] = "ended"
	b.write("tokens/xero_token.json", dead)
	b.write(secondFile, oldStore(b.oldTokenOf("ben@example.com")))
	cookie := b.visit()
	if done := b.deal(cookie, "take"); done.status != http.StatusSeeOther || isThere(b.in(secondFile)) {
		t.Fatalf("%d %s", done.status, done.body)
	}
	home := b.ask(ask{path: "/", cookie: cookie, page: true})
	if !isThere(b.tokenFile()) || !strings.Contains(home.body, "still there") || !strings.Contains(home.body, oldTitle) || strings.Contains(home.body, "second") {
		t.Errorf("the dead one: %s", home.body)
	}
	if n := len(b.cfg.Connections.Status().Connections); n != 1 {
		t.Errorf("%d connections", n)
	}
	if done := b.deal(cookie, "delete"); done.status != http.StatusSeeOther || isThere(b.tokenFile()) {
		t.Errorf("%d %s", done.status, done.body)
	}
	b.wantQuiet(home)
}

func TestConsentIsToWhatThePageShowed(t *testing.T) {
	b := severalBench(t)
	b.write("tokens/xero_token.json", oldStore(b.oldToken()))
	cookie := b.visit()
	shown := b.mark(cookie)
	b.write(secondFile, oldStore(b.oldTokenOf("ben@example.com")))
	for _, mark := range []string{shown, ""} {
		for _, do := range []string{"take", "delete"} {
			if g := b.dealAs(cookie, do, mark); g.status != http.StatusBadRequest || !strings.Contains(g.body, "has changed") || !isThere(b.tokenFile()) || !isThere(b.in(secondFile)) {
				t.Errorf("%s with %q: %d %s", do, mark, g.status, g.body)
			}
		}
	}
	if n := len(b.cfg.Connections.Status().Connections); n != 0 {
		t.Errorf("%d connections", n)
	}
	if g := b.deal(cookie, "delete"); g.status != http.StatusSeeOther || isThere(b.tokenFile()) || isThere(b.in(secondFile)) {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestAClientIDThatCouldNotBeSavedIsSavedTheNextTime(t *testing.T) {
	saved, full := "", true
	b := oldBench(t, func(b *bench) {
		b.xero.App = xero.App{Scopes: b.xero.App.Scopes, Secret: keystore.Secret{}}
		b.cfg.SaveClientID = func(id string) error {
			if full {
				return errors.New("the disk is full")
			}
			saved = id
			return nil
		}
	})
	b.write("tokens/xero_token.json", oldStore(b.oldToken()))
	cookie := b.visit()
	if g := b.deal(cookie, "take"); g.status != http.StatusServiceUnavailable || !isThere(b.tokenFile()) {
		t.Errorf("%d %s", g.status, g.body)
	}
	full = false
	if g := b.deal(cookie, "take"); g.status != http.StatusSeeOther || isThere(b.tokenFile()) {
		t.Errorf("once more: %d %s", g.status, g.body)
	}
	if saved != oldClientID || b.cfg.Connections.App().ClientID != oldClientID {
		t.Errorf("the client id kept is %q, the one used %q", saved, b.cfg.Connections.App().ClientID)
	}
}

// A look reads some twenty folders and the registry, and every page wants it.
func TestWhatAnOlderProgramLeftIsLookedForOnceAMinute(t *testing.T) {
	looks := 0
	b := oldBench(t, func(b *bench) {
		b.cfg.OldStartup = func() []string { looks++; return nil }
	})
	cookie := b.visit()
	b.LookAnew()
	looks = 0
	start := time.Now()
	for range 20 {
		b.ask(ask{path: "/", cookie: cookie, page: true})
		b.Checks()
	}
	if looks != 1 && time.Since(start) < time.Minute {
		t.Errorf("%d looks", looks)
	}
}
