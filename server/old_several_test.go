package server_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
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
