//go:build !windows

package keystore

import "fmt"

// PassphraseOptional: OpenFile needs a passphrase here.
const PassphraseOptional = false

func ownPassphrase(string) (Secret, error) {
	return Secret{}, fmt.Errorf("%w: it is empty", ErrPassphrase)
}
