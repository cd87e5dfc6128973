package cli_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"financial-command-center/server"
	"financial-command-center/server/update"
)

// A whole FCC has found a newer version, and somebody at the tray takes the offer.
func TestAnUpdateWithoutAnInstallerOpensItsPage(t *testing.T) {
	m := newMachine(t)
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	published, err := update.Sign(key, update.Manifest{Version: "1.3.0", Page: "https://example.com/download"})
	if err != nil {
		t.Fatal(err)
	}
	m.write("updates/manifest", string(published))
	m.write("updates/seen.json", `{"looked":"2026-11-25T10:00:00Z","newest":"1.3.0"}`)
	m.set(looksForUpdates, "http://localhost:1/fcc/update "+base64.StdEncoding.EncodeToString(public))
	m.set(takesOffers, "1")
	m.write("state.db", "") // no first start, which opens the browser too
	opened := m.browser()
	m.start("--port", freePort(t))
	if got := opened(); got != "https://example.com/download" {
		t.Errorf("opened %q", got)
	}
	d, _ := m.diagnose()
	if check := d.check(t, "Version"); check.Status != server.FoundWell || !strings.Contains(check.Found, "1.2.3; the newest is 1.3.0") {
		t.Errorf("%+v", check)
	}
	m.must("stop")
	m.set(looksForUpdates, "")
	if d, _ := m.diagnose(); !strings.Contains(d.check(t, "Version").Found, "does not look for updates") {
		t.Errorf("%+v", d.check(t, "Version"))
	}
}
