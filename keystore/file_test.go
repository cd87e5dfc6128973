package keystore_test

import (
	"os"
	"path/filepath"
	"testing"

	"financial-command-center/keystore"
)

var passphrase = keystore.NewSecret("correct horse")

func openFile(t *testing.T, path string) *keystore.File {
	t.Helper()
	f, err := keystore.OpenCheap(path, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestOpeningAFileCreatesNothingAndTheFirstSetDoes(t *testing.T) {
	folder := t.TempDir()
	f := openFile(t, filepath.Join(folder, "secrets"))
	wantNone(t, f, "a")
	if err := f.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if there, err := os.ReadDir(folder); err != nil || len(there) != 0 {
		t.Fatalf("before the first Set: %v, %v", there, err)
	}
	set(t, f, "a", "1")
	if info, err := os.Stat(filepath.Join(folder, "secrets")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("after the first Set: %v, %v", info.Mode(), err)
	}
	wantValue(t, openFile(t, filepath.Join(folder, "secrets")), "a", "1")
}

func TestAWrongPassphraseOpensNothingAndChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	set(t, openFile(t, path), "a", "1")
	before := read(t, path)
	for _, wrong := range []string{"", "Correct horse", "correct horse "} {
		_, err := keystore.OpenCheap(path, keystore.NewSecret(wrong))
		wantErr(t, err, keystore.ErrPassphrase)
	}
	if string(read(t, path)) != string(before) {
		t.Error("the file was changed")
	}
}
