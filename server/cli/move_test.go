package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

const (
	idOne, idTwo = "0123456789abcdef", "fedcba9876543210"
	movedApp     = "OTHERAPP"
)

// secretsOf is what a keystore with two sign-ins, one of them damaged, may hold.
func secretsOf(generation string) map[string]string {
	return map[string]string{
		"connections":               `{"v":1,"ids":["` + idOne + `","` + idTwo + `"]}`,
		"connection-" + idOne:       `{"v":1,"issuer":"https://x","client_id":"` + movedApp + `","subject":"s","refresh_token":"` + generation + `"}`,
		"connection-" + idTwo:       "damaged " + generation,
		"client-secret-otherapp":    "secret of an app that somebody signed in through",
		"client-secret-newapp":      "secret of the app of the settings",
		"session-secret":            "session " + generation,
		"session-secret-previous":   "before " + generation,
		"books-key":                 "books " + generation,
		"aside-session-secret":      "aside 1",
		"aside-session-secret-2":    "aside 2",
		"aside-connection-" + idTwo: "damaged " + generation,
	}
}

func fill(t *testing.T, store keystore.Store, secrets map[string]string) {
	t.Helper()
	for name, value := range secrets {
		if err := store.Set(t.Context(), name, keystore.NewSecret(value)); err != nil {
			t.Fatal(err)
		}
	}
}

// holds says what the store has of names.
func holds(t *testing.T, store keystore.Store, names ...string) map[string]string {
	t.Helper()
	held := map[string]string{}
	for _, name := range names {
		value, err := store.Get(t.Context(), name)
		if err == nil {
			held[name] = value.Reveal()
		} else if !errors.Is(err, keystore.ErrNotFound) {
			t.Fatal(err)
		}
	}
	return held
}

// A fuse counts steps, and fails: every one from the last on, as a process that was
// killed, or that one alone.
type fuse struct {
	steps, last int // last 0: never
	alone       bool
}

var errBlown = fmt.Errorf("%w: blown", keystore.ErrFailed)

func (f *fuse) step() error {
	f.steps++
	if f.last > 0 && (f.steps == f.last || f.steps > f.last && !f.alone) {
		return errBlown
	}
	return nil
}

type fused struct {
	keystore.Store
	*fuse
}

func (s fused) Get(ctx context.Context, name string) (keystore.Secret, error) {
	if err := s.step(); err != nil {
		return keystore.Secret{}, err
	}
	return s.Store.Get(ctx, name)
}

func (s fused) Set(ctx context.Context, name string, value keystore.Secret) error {
	if err := s.step(); err != nil {
		return err
	}
	return s.Store.Set(ctx, name, value)
}

func (s fused) Delete(ctx context.Context, name string) error {
	if err := s.step(); err != nil {
		return err
	}
	return s.Store.Delete(ctx, name)
}

// A move is tried with a failure at each of its steps. Whatever was cut off, the
// store that the settings name has everything, and what the next start deletes is
// all that the other has.
func TestAMoveThatIsCutOffAtAnyStepLosesNothing(t *testing.T) {
	want, old := secretsOf("now"), secretsOf("of an earlier time")
	delete(old, "aside-session-secret-2")
	names := slices.Collect(maps.Keys(want))
	for _, alone := range []bool{false, true} {
		for last := 1; ; last++ {
			s := settings{dataDir: t.TempDir()}
			if err := s.save("another", "setting"); err != nil {
				t.Fatal(err)
			}
			stores := map[string]keystore.Store{"os": keystore.Memory(), "file": keystore.Memory()}
			fill(t, stores["os"], want)
			fill(t, stores["file"], old)
			f := &fuse{last: last, alone: alone}
			moved, err := removal{
				from: fused{stores["os"], f}, to: fused{stores["file"], f}, fromKind: "os", toKind: "file", clientIDs: []string{"newapp"},
				save: func(values map[string]any) error {
					if err := f.step(); err != nil {
						return err
					}
					if err := s.saveAll(values); err != nil {
						return err
					}
					return f.step() // saved, and then an error: see writeFile
				},
				saved: s.saved,
				said:  func(string, error) {},
			}.run(t.Context())
			done := f.steps < last
			if done && (err != nil || !moved) {
				t.Fatalf("a whole move: %t, %v", moved, err)
			}
			if !done && err == nil {
				t.Fatalf("step %d failed, and nothing is said", last)
			}

			// The next start.
			next, err := readSettings(settingFlags{DataDir: &s.dataDir}, func(string) string { return "" })
			if err != nil {
				t.Fatal(err)
			}
			file, err := readSettingsFile(s.settingsFile())
			if err != nil || file["another"] != "setting" {
				t.Errorf("step %d: other settings are %v, %v", last, file, err)
			}
			left := file[keystoreLeft]
			inUse, other := next.keystore, map[string]string{"os": "file", "file": "os"}[next.keystore]
			if moved != (inUse == "file") {
				t.Errorf("step %d: FCC goes on with the file is %t, and the settings say %s", last, moved, inUse)
			}
			if got := holds(t, stores[inUse], names...); !maps.Equal(got, want) {
				t.Fatalf("step %d: %s is in use and holds %v", last, inUse, got)
			}
			if left != "" {
				if left != other {
					t.Fatalf("step %d: %s is in use, and %s is to be emptied", last, inUse, left)
				}
				if err := empty(t.Context(), stores[other], []string{"newapp"}); err != nil {
					t.Fatal(err)
				}
			}
			got := holds(t, stores[other], names...)
			if untouched := other == "file" && maps.Equal(got, old); len(got) > 0 && !untouched {
				t.Errorf("step %d (%t): %s is not in use and still holds %v", last, alone, other, slices.Collect(maps.Keys(got)))
			}
			if done {
				if left != "" || inUse != "file" {
					t.Errorf("at the end %s is in use and %q left", inUse, left)
				}
				break
			}
		}
	}
}

// forgetful loses what it is told, as a keychain does that somebody empties.
type forgetful struct{ keystore.Store }

func (f forgetful) Set(ctx context.Context, name string, value keystore.Secret) error {
	if name == "books-key" {
		value = keystore.NewSecret("changed by somebody")
	}
	return f.Store.Set(ctx, name, value)
}

func TestACopyThatReadsBackOtherwiseIsNotMovedTo(t *testing.T) {
	s := settings{dataDir: t.TempDir()}
	from, to := keystore.Memory(), keystore.Memory()
	want := secretsOf("now")
	fill(t, from, want)
	names := slices.Collect(maps.Keys(want))
	moved, err := removal{from: from, to: forgetful{to}, fromKind: "os", toKind: "file", clientIDs: []string{"newapp"}, save: s.saveAll, saved: s.saved, said: func(string, error) {}}.run(t.Context())
	if moved || err == nil || !strings.Contains(err.Error(), "books-key") || strings.Contains(err.Error(), "changed by somebody") {
		t.Errorf("moved %t, %v", moved, err)
	}
	if !maps.Equal(holds(t, from, names...), want) || len(holds(t, to, names...)) > 0 {
		t.Error("the secrets are not where they were, or copies are left")
	}
	if file, err := readSettingsFile(s.settingsFile()); err != nil || len(file) > 0 {
		t.Errorf("the settings say %v, %v", file, err)
	}
}

func TestCallsDuringAMoveWaitAndReachTheNewStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := keystore.Memory(), keystore.Memory()
		m := &movableStore{kind: "os", store: from}
		proceed := make(chan struct{})
		var moving sync.WaitGroup
		moving.Go(func() {
			m.move(func(string, keystore.Store) (string, keystore.Store) {
				<-proceed
				return "file", to
			})
		})
		synctest.Wait()
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := m.Get(gone, "a"); !errors.Is(err, keystore.ErrTimeout) {
			t.Errorf("who has left is told %v", err)
		}
		begun := time.Now()
		if err := m.Set(t.Context(), "a", keystore.NewSecret("never")); !errors.Is(err, keystore.ErrTimeout) || time.Since(begun) != movePatience {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if err := m.Set(t.Context(), "a", keystore.NewSecret("saved meanwhile")); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		close(proceed)
		moving.Wait()
		waiting.Wait()
		if got := holds(t, to, "a"); got["a"] != "saved meanwhile" || len(holds(t, from, "a")) > 0 || m.inUse() != "file" {
			t.Errorf("the new store has %v, and %s is in use", got, m.inUse())
		}
	})
}

// movingApp is an FCC with secrets in a store of its memory, which stands for the
// keychain.
func movingApp(t *testing.T) (*app, keystore.Store) {
	t.Helper()
	keychain := keystore.Memory()
	fill(t, keychain, secretsOf("now"))
	secretsIn, log := &movableStore{kind: "os", store: keychain}, slog.New(slog.DiscardHandler)
	connections, err := xero.New(xero.Config{
		App: xero.App{ClientID: "newapp"}, Issuer: xero.XeroIssuer, API: xeroAPI, RedirectURI: "http://localhost:8000/callback", Keystore: secretsIn, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	a := &app{
		call: &call{ctx: t.Context()}, log: log,
		settings:    settings{dataDir: t.TempDir(), keystore: "os"},
		connections: connections,
		secretsIn:   secretsIn,
		passphrase:  keystore.NewSecret("correct horse"),
	}
	return a, keychain
}

func TestSecretsMoveIntoARealFile(t *testing.T) {
	a, keychain := movingApp(t)
	want := secretsOf("now")
	names := slices.Collect(maps.Keys(want))
	if err := a.moveSecrets(t.Context(), "file"); err != nil {
		t.Fatal(err)
	}
	file, err := keystore.OpenFile(a.keystoreFile(), a.passphrase)
	if err != nil {
		t.Fatal(err)
	}
	if got := holds(t, file, names...); !maps.Equal(got, want) {
		t.Errorf("the file holds %v", got)
	}
	if got := holds(t, keychain, names...); len(got) > 0 {
		t.Errorf("the keychain still holds %v", got)
	}
	if err := a.secretsIn.Set(t.Context(), "books-key", keystore.NewSecret("later")); err != nil || holds(t, file, "books-key")["books-key"] != "later" {
		t.Errorf("what is kept later is not in the file: %v", err)
	}
	next, err := readSettings(settingFlags{DataDir: &a.dataDir}, func(string) string { return "" })
	if err != nil || next.keystore != "file" {
		t.Errorf("the next start uses %s: %v", next.keystore, err)
	}
}

func TestWhatAMoveLeftIsDeletedAtTheNextStart(t *testing.T) {
	a, _ := movingApp(t)
	file, err := keystore.OpenFile(a.keystoreFile(), a.passphrase)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, file, secretsOf("copy"))
	names := slices.Collect(maps.Keys(secretsOf("copy")))
	if err := a.saveAll(map[string]any{keystoreLeft: "file"}); err != nil {
		t.Fatal(err)
	}
	left := func() string {
		values, err := readSettingsFile(a.settingsFile())
		if err != nil {
			t.Fatal(err)
		}
		return values[keystoreLeft]
	}

	a.passphraseErr = errors.New("there is none")
	if err := a.emptyLeft(t.Context()); err != nil || left() != "file" || len(holds(t, file, names...)) == 0 {
		t.Errorf("without a passphrase: %v, %q is left", err, left())
	}
	a.passphraseErr = nil
	if err := a.emptyLeft(t.Context()); err != nil || left() != "" || len(holds(t, file, names...)) > 0 {
		t.Errorf("%v, %q is left, and the file holds %v", err, left(), holds(t, file, names...))
	}

	// One that was chosen by hand meanwhile is not emptied.
	fill(t, file, secretsOf("in use"))
	if err := a.saveAll(map[string]any{keystoreLeft: "file"}); err != nil {
		t.Fatal(err)
	}
	a.secretsIn = &movableStore{kind: "file", store: file}
	if err := a.emptyLeft(t.Context()); err != nil || left() != "" || len(holds(t, file, names...)) != len(names) {
		t.Errorf("%v, %q is left, and the file holds %v", err, left(), holds(t, file, names...))
	}
}

func TestAMoveThatTheNextStartWouldNotFindIsRefusedBefore(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*testing.T, *app)
		want   string
		before bool // the page says it
	}{
		"chosen by hand": {func(_ *testing.T, a *app) { a.keystoreFixed = "FCC_KEYSTORE" }, "FCC was started with FCC_KEYSTORE", true},
		"no passphrase": {func(_ *testing.T, a *app) {
			a.passphrase, a.passphraseErr = readPassphrase(func(string) string { return "" })
			if a.passphraseErr == nil {
				a.passphraseErr = errors.New("as elsewhere than on Windows")
			}
		}, "started without a passphrase", true},
		"another passphrase": {func(t *testing.T, a *app) {
			file, err := keystore.OpenFile(a.keystoreFile(), keystore.NewSecret("battery staple"))
			if err != nil {
				t.Fatal(err)
			}
			fill(t, file, map[string]string{"session-secret": "x"})
		}, "does not open", false},
		"a damaged file": {func(t *testing.T, a *app) {
			if err := os.WriteFile(a.keystoreFile(), []byte("damaged"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "is damaged", false},
	} {
		a, keychain := movingApp(t)
		test.change(t, a)
		before, _ := os.ReadFile(a.keystoreFile())
		asked := a.mayMove("file")
		if (asked != nil) != test.before {
			t.Errorf("%s, asked: %v", name, asked)
		}
		told := a.moveSecrets(t.Context(), "file")
		if e, ok := errors.AsType[*xero.Error](told); !ok || !strings.Contains(e.Message, test.want) || e.Action == "" {
			t.Errorf("%s, told: %v", name, told)
		}
		if asked != nil && asked.Error() != told.Error() {
			t.Errorf("%s: %v, and then %v", name, asked, told)
		}
		want := secretsOf("now")
		if got := holds(t, keychain, slices.Collect(maps.Keys(want))...); !maps.Equal(got, want) || a.secretsIn.inUse() != "os" {
			t.Errorf("%s: the keychain holds %v", name, got)
		}
		if after, _ := os.ReadFile(a.keystoreFile()); string(after) != string(before) {
			t.Errorf("%s: the file was changed", name)
		}
		if _, err := os.Stat(filepath.Join(a.dataDir, "settings.json")); err == nil {
			t.Errorf("%s: the settings were changed", name)
		}
	}
}
