package cli

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"financial-command-center/server"
	"financial-command-center/server/desktop"
	"financial-command-center/server/update"
)

// An updatable is an FCC 1.2.0 with a tray, and a place where 1.3.0 is published;
// it was found by a look before this start.
type updatable struct {
	*app
	t      *testing.T
	said   bytes.Buffer
	offers chan []desktop.Offer
	gate   chan struct{} // what is asked for is answered when it is closed, with 404
}

func newUpdatable(t *testing.T, page string, installer []byte) *updatable {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := update.Manifest{Version: "1.3.0", Notes: "Reports open twice as fast.", Page: page}
	if installer != nil {
		sum := sha256.Sum256(installer)
		m.Files = map[string]update.File{
			runtime.GOOS + "/" + runtime.GOARCH: {Name: "FCC-Setup-1.3.0.exe", Size: int64(len(installer)), SHA256: hex.EncodeToString(sum[:])},
		}
	}
	published, err := update.Sign(key, m)
	if err != nil {
		t.Fatal(err)
	}
	u := &updatable{t: t, offers: make(chan []desktop.Offer), gate: make(chan struct{})}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-u.gate
		http.NotFound(w, r)
	}))
	t.Cleanup(web.Close)
	u.app = &app{
		call: &call{ctx: t.Context(), Program: Program{
			Stdout: &u.said, Stderr: &u.said, Version: Version{Version: "1.2.0"}, Env: os.Getenv,
			Update: Update{Address: web.URL + "/fcc/update", Key: base64.StdEncoding.EncodeToString(public)},
			Tray:   func(context.Context, Desk) error { return nil },
		}},
		settings: settings{dataDir: t.TempDir(), updates: true}, mode: server.Live, desktop: true, log: slog.New(slog.DiscardHandler),
	}
	if err := os.MkdirAll(u.updateFolder(), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"manifest":  string(published),
		"seen.json": `{"looked":"` + time.Now().UTC().Format(time.RFC3339) + `","newest":"1.3.0"}`,
	} {
		if err := os.WriteFile(filepath.Join(u.updateFolder(), name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return u
}

// start runs the parts.
func (u *updatable) start() {
	u.t.Helper()
	parts := u.offerUpdates()
	if len(parts) != 1 || u.updateSwitch.Watch == nil {
		u.t.Fatalf("%d parts, and the switch %q", len(parts), u.updateSwitch.Label)
	}
	ctx, cancel := context.WithCancel(u.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := parts[0](ctx); err != nil {
			u.t.Error(err)
		}
	}()
	go func() {
		defer close(u.offers)
		for now := range u.app.offers.Watch(ctx) {
			select {
			case u.offers <- now:
			case <-ctx.Done():
				return
			}
		}
	}()
	u.t.Cleanup(func() {
		cancel()
		<-ended
		for range u.offers {
		}
	})
}

// offered waits for an offer whose label begins so, or with "" for none.
func (u *updatable) offered(label string) desktop.Offer {
	u.t.Helper()
	late := time.After(10 * time.Second)
	var last []desktop.Offer
	for {
		select {
		case now, ok := <-u.offers:
			if last = now; !ok {
				u.t.Fatal("the end")
			}
			if label == "" && len(now) == 0 {
				return desktop.Offer{}
			}
			for _, offer := range now {
				if label != "" && strings.HasPrefix(offer.Label, label) {
					return offer
				}
			}
		case <-late:
			u.t.Fatalf("offered is %+v, wanted %q", last, label)
		}
	}
}

func TestAnUpdateIsOfferedByNameAndItsSwitchTakesItAway(t *testing.T) {
	u := newUpdatable(t, "https://example.com/download", nil)
	u.start()
	if offer := u.offered("Update to 1.3.0…"); !strings.Contains(offer.Title, "1.3.0") || offer.Text != "Reports open twice as fast." {
		t.Errorf("%+v", offer)
	}
	if u.updateSwitch.Label != "Look for updates" {
		t.Errorf("the switch is %q", u.updateSwitch.Label)
	}
	for _, on := range []bool{false, true} {
		if err := u.updateSwitch.Set(on); err != nil {
			t.Fatal(err)
		}
		if on {
			if offer := u.offered("Update to 1.3.0…"); offer.Title != "" {
				t.Errorf("the person is told twice: %+v", offer)
			}
		} else {
			u.offered("")
		}
		read, err := readSettings(settingFlags{DataDir: &u.dataDir}, func(string) string { return "" })
		if err != nil || read.updates != on {
			t.Errorf("settings.json says %v, %v", read.updates, err)
		}
	}
}

func TestAnInstallerThatDoesNotComeIsSaidAndOfferedAgain(t *testing.T) {
	u := newUpdatable(t, "", []byte("MZ"))
	u.start()
	offer := u.offered("Update to")
	go offer.Take()
	u.offered("Fetching version 1.3.0…")
	close(u.gate)
	if again := u.offered("Try to update to 1.3.0 again…"); again.Title == "" || !strings.Contains(again.Text, "later") {
		t.Errorf("%+v", again)
	}
	entries, err := os.ReadDir(u.updateFolder())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "FCC") {
			t.Errorf("%s is left behind", entry.Name())
		}
	}
}

func TestWhatIsSwitchedOffWhileItIsFetchedIsNotInstalled(t *testing.T) {
	u := newUpdatable(t, "", []byte("MZ"))
	u.start()
	offer := u.offered("Update to")
	go offer.Take()
	u.offered("Fetching version 1.3.0…")
	offer.Take() // a second click, which has to return at once
	if err := u.updateSwitch.Set(false); err != nil {
		t.Fatal(err)
	}
	close(u.gate)
	u.offered("")
}

func TestABuildThatDoesNotLookHasNoSwitchAndSaysSo(t *testing.T) {
	for name, change := range map[string]func(*app){
		"without address and key": func(a *app) { a.Update = Update{} },
		"of a checkout":           func(a *app) { a.Version.Version = "devel" },
		"fcc serve":               func(a *app) { a.desktop = false },
		"without a tray":          func(a *app) { a.Tray = nil },
		"linked wrongly":          func(a *app) { a.Update.Key = "key" },
	} {
		u := newUpdatable(t, "https://example.com/download", nil)
		change(u.app)
		if parts := u.offerUpdates(); len(parts) > 0 || u.updateSwitch.Watch != nil {
			t.Errorf("%s: %d parts, and the switch %q", name, len(parts), u.updateSwitch.Label)
		}
	}
}

func TestDoctorSaysWhichVersionIsTheNewest(t *testing.T) {
	u := newUpdatable(t, "", nil)
	seen := func(s string) {
		if err := os.WriteFile(filepath.Join(u.updateFolder(), "seen.json"), []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for says, c := range map[string]struct {
		prepare func()
		status  server.Finding
	}{
		"1.2.0; the newest is 1.3.0, as of":  {func() {}, server.FoundWell},
		"this build does not look":           {func() { u.Update = Update{} }, server.FoundWell},
		"switched off":                       {func() { u.updates = false }, server.FoundWell},
		"not looked for an update yet":       {func() { seen("{}") }, server.FoundWell},
		"not found: answer 503":              {func() { seen(`{"looked":"2026-11-25T10:00:00Z","newest":"1.3.0","wrong":"answer 503"}`) }, server.FoundWarning},
		"what was seen of updates is damage": {func() { seen("x") }, server.FoundWarning},
	} {
		u = newUpdatable(t, "", nil)
		c.prepare()
		check := u.checkUpdates(u.settings)
		if !strings.Contains(check.Found, says) || check.Status != c.status || (check.Action == "") != (c.status == server.FoundWell) {
			t.Errorf("%+v, wanted %q", check, says)
		}
	}
}
