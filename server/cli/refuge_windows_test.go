package cli

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/xero"
)

func TestASecretsFileThatWindowsOpensNoMoreIsPutAsideAndFCCBeginsAnew(t *testing.T) {
	for _, broken := range []string{"keystore.enc", "keystore.enc.dpapi"} {
		s := settings{dataDir: t.TempDir(), keystore: "file"}
		var said bytes.Buffer
		c := &call{Program: Program{Stderr: &said}}
		log := slog.New(slog.DiscardHandler)
		store, lost, err := c.openStore(s, keystore.Secret{}, log)
		if err != nil || lost != nil || said.Len() > 0 {
			t.Fatalf("a first start: %v, %v, %q", lost, err, &said)
		}
		if err := store.Set(t.Context(), "session-secret", keystore.NewSecret("before")); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(s.dataDir, broken)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := append(bytes.Clone(good[:len(good)-1]), good[len(good)-1]^1)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if check := c.withContext(t).checkKeystore(s); check.Status != server.FoundBad || !strings.Contains(check.Action, "puts that file aside") {
			t.Errorf("the doctor says %+v", check)
		}
		store, lost, err = c.openStore(s, keystore.Secret{}, log)
		if err != nil || lost == nil || lost.Code != xero.CodeNeedsLogin || !strings.Contains(said.String(), "kept aside as keystore.enc") {
			t.Fatalf("%s: %+v, %v, said %q", broken, lost, err, &said)
		}
		if _, err := store.Get(t.Context(), "session-secret"); err == nil {
			t.Error("it still holds something")
		}
		if err := store.Set(t.Context(), "session-secret", keystore.NewSecret("after")); err != nil {
			t.Fatal(err)
		}
		kept, err := filepath.Glob(path + ".damaged-*")
		if err != nil || len(kept) != 1 {
			t.Fatalf("%s: kept %v, %v", broken, kept, err)
		}
		if data, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(data, bad) {
			t.Errorf("%s: what is kept is not what was there: %v", broken, err)
		}
		if _, lost, err := c.openStore(s, keystore.Secret{}, log); lost != nil || err != nil {
			t.Errorf("the next start: %v, %v", lost, err)
		}
		// With a passphrase nothing is put aside: a copy may be put back.
		if err := os.WriteFile(s.keystoreFile(), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.openStore(s, keystore.NewSecret("x"), log); err == nil {
			t.Error("with a passphrase it went on")
		}
	}
}

// A virus scanner holds the secrets file, or the computer goes down between the two
// renames: the next start heals what is left, whichever half that is.
func TestAFileThatCouldOnlyHalfBePutAsideIsPutAsideAtTheNextStart(t *testing.T) {
	s := settings{dataDir: t.TempDir(), keystore: "file"}
	c := &call{Program: Program{Stderr: new(bytes.Buffer)}}
	log := slog.New(slog.DiscardHandler)
	store, _, err := c.openStore(s, keystore.Secret{}, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Set(t.Context(), "session-secret", keystore.NewSecret("before")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.keystoreFile()+".dpapi", []byte("no blob"), 0o600); err != nil {
		t.Fatal(err)
	}
	held, err := os.Open(s.keystoreFile())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.openStore(s, keystore.Secret{}, log); err == nil || !strings.Contains(err.Error(), "cannot be put aside") {
		t.Errorf("while it is held: %v", err)
	}
	held.Close()
	if _, lost, err := c.openStore(s, keystore.Secret{}, log); err != nil || lost == nil {
		t.Errorf("afterwards: %v, %v", lost, err)
	}
	if _, lost, err := c.openStore(s, keystore.Secret{}, log); err != nil || lost != nil {
		t.Errorf("the start after that: %v, %v", lost, err)
	}
}

func TestAStartWithOnlyOneOfTheTwoFiles(t *testing.T) {
	for _, gone := range []string{"keystore.enc", "keystore.enc.dpapi"} {
		s := settings{dataDir: t.TempDir(), keystore: "file"}
		c := &call{Program: Program{Stderr: new(bytes.Buffer)}}
		log := slog.New(slog.DiscardHandler)
		store, _, err := c.openStore(s, keystore.Secret{}, log)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Set(t.Context(), "session-secret", keystore.NewSecret("before")); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(s.dataDir, gone)); err != nil {
			t.Fatal(err)
		}
		_, lost, err := c.openStore(s, keystore.Secret{}, log)
		if gone == "keystore.enc" {
			if err != nil || lost != nil {
				t.Errorf("without %s: %v, %v", gone, lost, err)
			}
			continue
		}
		// It may be one that was made with a passphrase: it is not put aside.
		for _, want := range []string{"FCC_KEYSTORE_PASSPHRASE", s.keystoreFile() + ".dpapi", "away"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("without %s: %v, want %q in it", gone, err, want)
			}
		}
		if _, err := os.Stat(s.keystoreFile()); err != nil {
			t.Error(err)
		}
	}
}

func (c *call) withContext(t *testing.T) *call {
	return &call{Program: Program{Stderr: c.Stderr, Env: func(string) string { return "" }}, ctx: t.Context()}
}
