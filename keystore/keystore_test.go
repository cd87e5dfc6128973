package keystore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"financial-command-center/keystore"
)

// all are the errors of which each error of a Store wraps exactly one.
var all = []error{
	keystore.ErrNotFound, keystore.ErrTooBig, keystore.ErrLocked, keystore.ErrAbsent, keystore.ErrPolicy,
	keystore.ErrTimeout, keystore.ErrFailed, keystore.ErrPassphrase, keystore.ErrDamaged,
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	var kinds []error
	for _, kind := range all {
		if errors.Is(got, kind) {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) != 1 || kinds[0] != want {
		t.Fatalf("got %q, which is %q; want %q alone", got, kinds, want)
	}
}

func set(t *testing.T, s keystore.Store, name, text string) {
	t.Helper()
	if err := s.Set(t.Context(), name, keystore.NewSecret(text)); err != nil {
		t.Fatalf("set %s: %v", name, err)
	}
}

func wantValue(t *testing.T, s keystore.Store, name, text string) {
	t.Helper()
	got, err := s.Get(t.Context(), name)
	if err != nil {
		t.Fatalf("get %s: %v", name, err)
	}
	if got.Reveal() != text {
		t.Fatalf("get %s: %d bytes, %.40q…; want %d bytes, %.40q…", name, got.Len(), got.Reveal(), len(text), text)
	}
}

func wantNone(t *testing.T, s keystore.Store, name string) {
	t.Helper()
	_, err := s.Get(t.Context(), name)
	wantErr(t, err, keystore.ErrNotFound)
}

func TestTheKeychainOfThisSystemKeepsTheContract(t *testing.T) {
	contract(t, onSystem(t, keystore.Service(t.TempDir(), false)))
}

// onSystem is this system's keychain, which is left as it was.
func onSystem(t *testing.T, service string) keystore.Store {
	t.Helper()
	s := keystore.OS(service)
	t.Cleanup(func() {
		if err := s.Clear(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestClearingOneServiceLeavesThoseThatBeginLikeIt(t *testing.T) {
	other := keystore.Service(t.TempDir(), false)
	services := []string{other[:len(other)-1], other, other + "0", other + " · 1"}
	var stores []keystore.Store
	for _, service := range services {
		s := onSystem(t, service)
		set(t, s, "session-secret", service)
		set(t, s, "connections", service)
		stores = append(stores, s)
	}
	for i, s := range stores {
		if err := s.Clear(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantNone(t, s, "session-secret")
		wantNone(t, s, "connections")
		for at, later := range stores[i+1:] {
			wantValue(t, later, "session-secret", services[i+1+at])
			wantValue(t, later, "connections", services[i+1+at])
		}
	}
}

func TestClearingTheFileLeavesOneThatHoldsNothing(t *testing.T) {
	path := fileWith(t, "1", "2")
	first := openFile(t, path)
	if err := first.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantNone(t, openFile(t, path), "a")
	if values, err := keystore.Unseal(read(t, path), passphrase); err != nil || len(values) != 0 {
		t.Errorf("%v, %v", values, err)
	}
	folder := t.TempDir()
	if err := openFile(t, filepath.Join(folder, "secrets")).Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if there, err := os.ReadDir(folder); err != nil || len(there) != 0 {
		t.Errorf("clearing made %v, %v", there, err)
	}
}

func TestMemoryKeepsTheContract(t *testing.T) {
	contract(t, keystore.Memory())
}

func TestTheFileKeepsTheContract(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	contract(t, openFile(t, path))
}

// contract is what Store promises, whatever is behind it. s begins empty.
func contract(t *testing.T, s keystore.Store) {
	t.Run("a name that was never set is not found", func(t *testing.T) {
		wantNone(t, s, "never")
	})
	t.Run("what was set comes back, and replaces what was there", func(t *testing.T) {
		set(t, s, "one", "first")
		set(t, s, "two", "other")
		wantValue(t, s, "one", "first")
		set(t, s, "one", "second")
		wantValue(t, s, "one", "second")
		wantValue(t, s, "two", "other")
	})
	t.Run("a name that begins like another is another", func(t *testing.T) {
		set(t, s, "connection", "long")
		wantNone(t, s, "connectio")
		wantNone(t, s, "connection-1")
	})
	t.Run("deleted is not found, and deleting again is no error", func(t *testing.T) {
		set(t, s, "gone", "x")
		for range 2 {
			if err := s.Delete(t.Context(), "gone"); err != nil {
				t.Fatal(err)
			}
			wantNone(t, s, "gone")
		}
		wantValue(t, s, "one", "second")
	})
	t.Run("every text survives", func(t *testing.T) {
		for name, text := range map[string]string{
			"empty": "", "space": "  a b\t", "line ends": "\r\n\n", "nul": "a\x00b", "not utf-8": "\xff\xfe\x80",
			"quotes": `'"\$(id)`, "json": `{"version":1,"token":"ü€😀"}`, "prefix": "go-keyring-base64:aGk=",
			"full": strings.Repeat("\xf0\x9f\x98\x80", keystore.MaxSize/4),
		} {
			set(t, s, "text", text)
			if got, err := s.Get(t.Context(), "text"); err != nil || got.Reveal() != text {
				t.Errorf("%s: got %q, %v; want %q", name, got.Reveal(), err, text)
			}
		}
	})
	t.Run("too big is refused and changes nothing", func(t *testing.T) {
		set(t, s, "big", "small")
		wantErr(t, s.Set(t.Context(), "big", keystore.NewSecret(strings.Repeat("x", keystore.MaxSize+1))), keystore.ErrTooBig)
		wantValue(t, s, "big", "small")
		wantErr(t, s.Set(t.Context(), "bigger", keystore.NewSecret(strings.Repeat("x", keystore.MaxSize+1))), keystore.ErrTooBig)
		wantNone(t, s, "bigger")
	})
	t.Run("a context that has ended changes nothing", func(t *testing.T) {
		set(t, s, "kept", "old")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Get(ctx, "kept")
		wantErr(t, err, keystore.ErrTimeout)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v does not say that the caller cancelled", err)
		}
		wantErr(t, s.Set(ctx, "kept", keystore.NewSecret("new")), keystore.ErrTimeout)
		wantErr(t, s.Delete(ctx, "kept"), keystore.ErrTimeout)
		wantErr(t, s.Clear(ctx), keystore.ErrTimeout)
		wantValue(t, s, "kept", "old")
	})
	t.Run("many at once lose nothing and mix nothing", func(t *testing.T) {
		var all sync.WaitGroup
		for worker := range 8 {
			all.Go(func() {
				own := fmt.Sprintf("worker-%d", worker)
				for round := range 5 {
					text := strings.Repeat(fmt.Sprint(worker), 100+round)
					if err := s.Set(t.Context(), own, keystore.NewSecret(text)); err != nil {
						t.Errorf("set %s: %v", own, err)
					}
					if got, err := s.Get(t.Context(), own); err != nil || got.Reveal() != text {
						t.Errorf("%s: got %q, %v; want %q", own, got.Reveal(), err, text)
					}
					if err := s.Set(t.Context(), "shared", keystore.NewSecret(text)); err != nil {
						t.Errorf("set shared: %v", err)
					}
				}
			})
		}
		all.Wait()
		got, err := s.Get(t.Context(), "shared")
		if text := got.Reveal(); err != nil || len(text) != 104 || strings.Trim(text, text[:1]) != "" {
			t.Errorf("shared: %q, %v; want one worker's last value", text, err)
		}
	})
	t.Run("cleared it holds nothing, and takes values again", func(t *testing.T) {
		set(t, s, "one", "1")
		for range 2 {
			if err := s.Clear(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"one", "two", "connection", "kept", "shared", "worker-3"} {
				wantNone(t, s, name)
			}
		}
		set(t, s, "one", "again")
		wantValue(t, s, "one", "again")
	})
	t.Run("errors do not show values", func(t *testing.T) {
		const marker = "MARKER-in-a-value"
		big := keystore.NewSecret(strings.Repeat(marker, keystore.MaxSize/len(marker)+1))
		if err := s.Set(t.Context(), "big", big); err == nil || strings.Contains(err.Error(), marker) {
			t.Errorf("got %v", err)
		}
	})
}

func TestEveryDataFolderHasItsOwnService(t *testing.T) {
	const name = "Financial-Command-Center-AI"
	if got := keystore.Service("/home/a/.local/share/fcc", true); got != name {
		t.Errorf("default folder: %q", got)
	}
	// printf %s /tmp/a | sha256sum, and the same of \tmp\a
	sum := map[rune]string{'/': "d9b741ea", '\\': "03436433"}[filepath.Separator]
	if got, want := keystore.Service("/tmp/a", false), name+" · "+sum; got != want {
		t.Errorf("other folder: got %q, want %q", got, want)
	}
	if keystore.Service("/tmp/a/", false) != keystore.Service("/tmp/a", false) {
		t.Error("a slash at the end makes another service")
	}
	if keystore.Service("/tmp/a", false) == keystore.Service("/tmp/b", false) {
		t.Error("two folders share a service")
	}
}

func BenchmarkKeychainGet(b *testing.B) {
	s := keystore.OS(keystore.Service(b.TempDir(), false))
	if err := s.Set(b.Context(), "a", keystore.NewSecret("1")); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Get(b.Context(), "a"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKeychainSet(b *testing.B) {
	s := keystore.OS(keystore.Service(b.TempDir(), false))
	for b.Loop() {
		if err := s.Set(b.Context(), "a", keystore.NewSecret("1")); err != nil {
			b.Fatal(err)
		}
	}
}
