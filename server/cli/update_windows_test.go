package cli_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/update"
)

const installerName = "FCC-Setup-1.3.0.exe"

func init() {
	// This test program is the installer too, by its name; all it does is say so.
	if self, err := os.Executable(); err == nil && strings.EqualFold(filepath.Base(self), installerName) {
		_ = os.WriteFile(filepath.Join(os.Getenv("TMP"), "installed"), []byte(strings.Join(os.Args[1:], " ")), 0o600)
		os.Exit(0)
	}
}

func TestAnUpdatesInstallerIsFetchedAndStarted(t *testing.T) {
	m := newMachine(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	installer, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(installer)
	published, err := update.Sign(key, update.Manifest{Version: "1.3.0", Files: map[string]update.File{
		"windows/" + runtime.GOARCH: {Name: installerName, Size: int64(len(installer)), SHA256: hex.EncodeToString(sum[:])},
	}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/fcc/"+installerName {
			t.Errorf("asked for %s", r.URL)
		}
		_, _ = w.Write(installer)
	}))
	defer web.Close()
	m.write("updates/manifest", string(published))
	m.write("updates/seen.json", `{"looked":"`+time.Now().UTC().Format(time.RFC3339)+`","newest":"1.3.0","told":"1.3.0"}`)
	m.write("state.db", "")
	m.set(looksForUpdates, web.URL+"/fcc/update "+base64.StdEncoding.EncodeToString(public))
	m.set(takesOffers, "1")
	m.start("--port", freePort(t))
	installed := filepath.Join(m.home, "installed")
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if args, err := os.ReadFile(installed); err == nil {
			if len(args) > 0 {
				t.Errorf("it was started with %q: a silent installer is none that a person sees", args)
			}
			break
		}
		if time.Since(start) > 20*time.Second {
			t.Fatal("no installer was started")
		}
	}
	m.must("stop")
}
