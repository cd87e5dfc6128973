//go:build !windows

package keystore_test

import (
	"path/filepath"
	"testing"

	"financial-command-center/keystore"
)

func TestAnEmptyPassphraseOpensNothing(t *testing.T) {
	for _, path := range []string{fileWith(t, "1", "2"), filepath.Join(t.TempDir(), "secrets")} {
		_, err := keystore.OpenFile(path, keystore.Secret{})
		wantErr(t, err, keystore.ErrPassphrase)
	}
}
