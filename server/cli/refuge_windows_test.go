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

func (c *call) withContext(t *testing.T) *call {
	return &call{Program: Program{Stderr: c.Stderr, Env: func(string) string { return "" }}, ctx: t.Context()}
}
