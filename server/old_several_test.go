package server_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// severalOld is a bench with two folders of the Python program.
func severalOld(t *testing.T) *bench {
	t.Helper()
	return newBench(t, func(b *bench) {
		b.cfg.OldFolders = []string{filepath.Join(b.cfg.DataDir, "one"), filepath.Join(b.cfg.DataDir, "two")}
	}).opened()
}

func (b *bench) connections() int { return len(b.cfg.Connections.Status().Connections) }

func TestTheOldSignInsOfTwoPeopleAreBothTakenOver(t *testing.T) {
	b := severalOld(t)
	b.write("one/tokens/xero_token.json", oldStore(b.oldTokenOf("aroha@example.com")))
	b.write("two/tokens/xero_token.json", oldStore(b.oldTokenOf("ben@example.com")))
	take := b.deal(b.visit(), "take")
	if take.status != http.StatusSeeOther || b.connections() != 2 {
		t.Errorf("%d connections: %d %s", b.connections(), take.status, take.body)
	}
	for _, folder := range b.cfg.OldFolders {
		if isThere(filepath.Join(folder, "tokens", "xero_token.json")) {
			t.Errorf("the file in %s is still there", folder)
		}
	}
	b.wantQuiet(take)
}

func TestAnOldSignInThatHasEndedDoesNotHideOneThatLives(t *testing.T) {
	b := severalOld(t)
	ended := b.oldTokenOf("aroha@example.com")
	ended["refresh_token"] = "SimulatedXero--refresh-of-nobody-any-more-0123"
	b.write("one/tokens/xero_token.json", oldStore(ended))
	b.write("two/tokens/xero_token.json", oldStore(b.oldTokenOf("ben@example.com")))
	cookie := b.visit()
	take := b.deal(cookie, "take")
	if take.status != http.StatusSeeOther || b.connections() != 1 {
		t.Errorf("%d connections: %d %s", b.connections(), take.status, take.body)
	}
	one, two := filepath.Join(b.cfg.OldFolders[0], "tokens", "xero_token.json"), filepath.Join(b.cfg.OldFolders[1], "tokens", "xero_token.json")
	if !isThere(one) || isThere(two) {
		t.Errorf("the ended one is there: %v; the living one: %v", isThere(one), isThere(two))
	}
	home := b.ask(ask{path: "/", cookie: cookie, page: true})
	if !strings.Contains(home.body, "60 days") {
		t.Errorf("nothing is said of the one that was not taken over: %s", home.body)
	}
	b.wantQuiet(take, home)
}

func TestConsentIsToWhatThePageShowed(t *testing.T) {
	b := severalOld(t)
	b.write("one/tokens/xero_token.json", oldStore(b.oldToken()))
	cookie := b.visit()
	shown := b.mark(cookie)
	b.write("two/tokens/xero_token.json", oldStore(b.oldTokenOf("ben@example.com")))
	there := func() (n int) {
		for _, folder := range b.cfg.OldFolders {
			if isThere(filepath.Join(folder, "tokens", "xero_token.json")) {
				n++
			}
		}
		return n
	}
	for _, mark := range []string{shown, ""} {
		for _, do := range []string{"take", "delete"} {
			if g := b.dealAs(cookie, do, mark); g.status != http.StatusBadRequest || !strings.Contains(g.body, "has changed") || there() != 2 || b.connections() != 0 {
				t.Errorf("%s with %q: %d %s", do, mark, g.status, g.body)
			}
		}
	}
	if g := b.deal(cookie, "delete"); g.status != http.StatusSeeOther || there() != 0 {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestAClientIDThatCouldNotBeSavedIsSavedTheNextTime(t *testing.T) {
	saved, full := "", true
	b := oldBench(t, func(b *bench) {
		b.xero.App.ClientID = ""
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
