package server_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"financial-command-center/keystore"
)

// kept is what the keychain holds as the session secret.
func kept(t *testing.T, b *bench) string {
	t.Helper()
	secret, err := b.cfg.Keystore.Get(t.Context(), "session-secret")
	if err != nil {
		t.Fatal(err)
	}
	return secret.Reveal()
}

func TestANewSessionSecretIs64RandomBytes(t *testing.T) {
	one, two := kept(t, newBench(t).opened()), kept(t, newBench(t).opened())
	raw, err := base64.RawURLEncoding.DecodeString(one)
	if err != nil || len(raw) != 64 || len(one) != 86 || one == two {
		t.Errorf("%d characters, %d bytes, %v, same again: %t", len(one), len(raw), err, one == two)
	}
}

// old is a secret as the Python original wrote it.
var old = strings.Repeat("Ab3-", 21) + "_9"

func flaskKey(t *testing.T, b *bench, text string) string {
	t.Helper()
	path := filepath.Join(b.cfg.DataDir, "config", "flask_secret.key")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheOriginalsSecretIsTakenOverAndThenItsFileRemoved(t *testing.T) {
	var path string
	b := newBench(t, func(b *bench) { path = flaskKey(t, b, old+"\n") }).opened()
	if got := kept(t, b); got != old {
		t.Errorf("the keychain holds %q", got)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	if strings.Contains(b.log.String(), old) {
		t.Error("the secret is in the log")
	}
}

func TestTheEnvironmentsSecretIsTakenOver(t *testing.T) {
	b := newBench(t, func(b *bench) { b.cfg.FlaskSecret = keystore.NewSecret(old) }).opened()
	if got := kept(t, b); got != old {
		t.Errorf("the keychain holds %q", got)
	}
}

func TestAFileThatIsNotTakenOverIsNotRemoved(t *testing.T) {
	for name, change := range map[string]func(*bench) string{
		"too short": func(b *bench) string { return flaskKey(t, b, "short") },
		"another secret is in use": func(b *bench) string {
			if err := b.keychain.Set(t.Context(), "session-secret", keystore.NewSecret(strings.Repeat("x", 86))); err != nil {
				t.Fatal(err)
			}
			return flaskKey(t, b, old)
		},
		"keys in memory": func(b *bench) string {
			b.cfg.KeysStored = false
			return flaskKey(t, b, old)
		},
	} {
		var path string
		newBench(t, func(b *bench) { path = change(b) }).opened()
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAKeychainThatDoesNotKeepTheSecretLeavesTheFile(t *testing.T) {
	var path string
	b := newBench(t, func(b *bench) {
		path = flaskKey(t, b, old)
		b.cfg.Keystore = refusing{b.keychain}
	})
	b.until("the failure is noticed", func() bool { return strings.Contains(b.log.String(), "session secret not read") })
	if text, err := os.ReadFile(path); err != nil || string(text) != old {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

func TestAPreviousSecretThatHasEndedIsForgotten(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	if err := b.RotateSecret(t.Context()); err != nil {
		t.Fatal(err)
	}
	previous, err := b.keychain.Get(t.Context(), "session-secret-previous")
	if err != nil {
		t.Fatal(err)
	}
	secret, until, _ := strings.Cut(previous.Reveal(), " ")
	ends, err := time.Parse(time.RFC3339, until)
	if err != nil || time.Until(ends) < 167*time.Hour || time.Until(ends) > 168*time.Hour {
		t.Errorf("the previous secret counts until %s, %v", until, err)
	}
	b.stop()
	past := secret + " " + time.Now().Add(-time.Second).UTC().Format(time.RFC3339)
	if err := b.keychain.Set(t.Context(), "session-secret-previous", keystore.NewSecret(past)); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.opened()
	if g := b.ask(ask{path: "/", cookie: cookie, via: true}); g.status != http.StatusUnauthorized {
		t.Errorf("its cookie gets %d", g.status)
	}
	if _, err := b.keychain.Get(t.Context(), "session-secret-previous"); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("it is still in the keychain: %v", err)
	}
}

// FLASK_SECRET_KEY is whatever a person chose.
func TestAPreviousSecretWithSpacesCountsForItsWeek(t *testing.T) {
	b := newBench(t, func(b *bench) {
		b.cfg.FlaskSecret = keystore.NewSecret("one may choose a whole sentence here")
	}).opened()
	cookie := b.visit()
	if err := b.RotateSecret(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.stop()
	b.start()
	b.opened()
	if g := b.ask(ask{path: "/", cookie: cookie, via: true}); g.status != http.StatusOK {
		t.Errorf("its cookie gets %d", g.status)
	}
	if _, err := b.keychain.Get(t.Context(), "session-secret-previous"); err != nil {
		t.Error(err)
	}
}

func TestADamagedSessionSecretIsKeptAsideAndBrowsersBeginAnew(t *testing.T) {
	for name, bad := range map[string]string{
		"too short": strings.Repeat("x", 31), "bytes": strings.Repeat("\xff\xfe", 43), "zeros": strings.Repeat("\x00", 86),
	} {
		b := newBench(t).opened()
		cookie := b.visit()
		b.stop()
		if err := b.keychain.Set(t.Context(), "session-secret", keystore.NewSecret(bad)); err != nil {
			t.Fatal(err)
		}
		if err := b.keychain.Set(t.Context(), "session-secret-previous", keystore.NewSecret("no time in it")); err != nil {
			t.Fatal(err)
		}
		b.start()
		b.opened()
		if got := kept(t, b); len(got) != 86 || got == bad {
			t.Errorf("%s: the keychain holds %q", name, got)
		}
		for item, want := range map[string]string{"aside-session-secret": bad, "aside-session-secret-previous": "no time in it"} {
			if aside, err := b.keychain.Get(t.Context(), item); err != nil || aside.Reveal() != want {
				t.Errorf("%s: %s: %q, %v", name, item, aside.Reveal(), err)
			}
		}
		if g := b.ask(ask{path: "/", cookie: cookie, via: true}); g.status != http.StatusUnauthorized {
			t.Errorf("%s: the old cookie gets %d", name, g.status)
		}
		b.visit()
		if bad == strings.Repeat("x", 31) && strings.Contains(b.log.String(), bad) {
			t.Errorf("%s: it is in the log", name)
		}
	}
}

func TestADamagedSessionSecretThatCannotBeKeptAsideIsNotReplaced(t *testing.T) {
	b := newBench(t, func(b *bench) {
		if err := b.keychain.Set(t.Context(), "session-secret", keystore.NewSecret("short")); err != nil {
			t.Fatal(err)
		}
		b.cfg.Keystore = refusing{b.keychain}
	})
	b.until("the failure is noticed", func() bool { return strings.Contains(b.log.String(), "session secret not read") })
	if got, err := b.keychain.Get(t.Context(), "session-secret"); err != nil || got.Reveal() != "short" {
		t.Errorf("the keychain holds %q, %v", got.Reveal(), err)
	}
}

// refusing is a keychain that reads and does not write.
type refusing struct{ keystore.Store }

func (refusing) Set(context.Context, string, keystore.Secret) error { return keystore.ErrFailed }
