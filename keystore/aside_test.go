package keystore_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"financial-command-center/keystore"
)

func TestWhatCannotBeUsedIsKeptAsideOnceAndNothingIsWrittenOver(t *testing.T) {
	for name, s := range map[string]keystore.Store{
		"memory":                 keystore.Memory(),
		"file":                   openFile(t, filepath.Join(t.TempDir(), "secrets")),
		"this system's keychain": onSystem(t, keystore.Service(t.TempDir(), false)),
	} {
		t.Run(name, func(t *testing.T) {
			set(t, s, "connections", "in use")
			for _, c := range []struct{ text, as string }{
				{"{", "aside-connections"}, {"{", "aside-connections"}, {"[", "aside-connections-2"}, {"{", "aside-connections"},
				{strings.Repeat("x", keystore.MaxSize), "aside-connections-3"}, {"\xff\x00", "aside-connections-4"}, {"[", "aside-connections-2"},
			} {
				as, err := keystore.KeepAside(t.Context(), s, "connections", keystore.NewSecret(c.text))
				if err != nil || as != c.as {
					t.Fatalf("%.10q is kept as %q, %v; want %q", c.text, as, err, c.as)
				}
				wantValue(t, s, as, c.text)
			}
			wantValue(t, s, "connections", "in use")
		})
	}
}

func TestKeepingAsideEndsSomewhere(t *testing.T) {
	s := keystore.Memory()
	var err error
	for n := range 50 {
		if _, err = keystore.KeepAside(t.Context(), s, "a", keystore.NewSecret(fmt.Sprint(n))); err != nil {
			break
		}
	}
	wantErr(t, err, keystore.ErrFailed)
	wantValue(t, s, "aside-a", "0")
}
