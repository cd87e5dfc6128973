package cli_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// Windows has a tray and a browser.
func TestWithoutTrayAndBrowserFCCSaysSoAndGoesOn(t *testing.T) {
	m := newMachine(t)
	r := m.start("--port", freePort(t))
	deadline := time.Now().Add(10 * time.Second)
	for !strings.Contains(r.words(), "No browser opens here") || !strings.Contains(r.words(), "no system tray") {
		if time.Now().After(deadline) {
			t.Fatalf("said only %q", r.words())
		}
		time.Sleep(10 * time.Millisecond)
	}
	if mode := health(t, r.base); mode != "live" {
		t.Errorf("mode %q", mode)
	}
}

// Windows seals the file for its user, without a passphrase.
func TestAKeystoreFileWithoutAPassphraseStopsTheStartBeforeAnythingIsOpened(t *testing.T) {
	m := newMachine(t)
	got := m.fcc("serve", "--keystore", "file")
	if got.code != 64 || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("%+v", got)
	}
	if entries, _ := os.ReadDir(m.home); len(entries) != 0 {
		t.Errorf("made %v", entries)
	}
}
