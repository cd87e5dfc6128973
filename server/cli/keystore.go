package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

func (s settings) keystoreFile() string { return filepath.Join(s.dataDir, "keystore.enc") }

// openKeystore opens the store that the settings name, and changes nothing.
func (s settings) openKeystore(passphrase keystore.Secret) (keystore.Store, error) {
	switch s.keystore {
	case "os":
		return keystore.OS(s.service), nil
	case "memory":
		return keystore.Memory(), nil
	}
	store, err := keystore.OpenFile(s.keystoreFile(), passphrase)
	if err != nil { // a nil *File is no nil Store
		return nil, err
	}
	return store, nil
}

// keystoreFailure says why openKeystore failed. A file that DPAPI sealed and of which
// the .dpapi is gone cannot be told from one that was made with a passphrase.
func (s settings) keystoreFailure(err error, passphrase keystore.Secret) error {
	path := s.keystoreFile()
	switch {
	case errors.Is(err, keystore.ErrPassphrase) && passphrase.IsZero():
		return failf(exitFailed, "%s was made with a passphrase, or what Windows opens it with (%[1]s.dpapi) is gone. If you have a passphrase, set FCC_KEYSTORE_PASSPHRASE_FILE to a file that holds it, or FCC_KEYSTORE_PASSPHRASE. If you never had one, move %[1]s away, start FCC again and sign in to Xero.", path)
	case errors.Is(err, keystore.ErrPassphrase):
		return failf(exitFailed, "The passphrase does not open %s. The file was left as it is; start again with the right one.", path)
	case errors.Is(err, keystore.ErrDamaged):
		return failf(exitFailed, "%s is damaged. It was left as it is; put a copy of it back, or move it away and sign in again.", path)
	}
	return failf(exitFailed, "%s cannot be used: %v.", path, err)
}

// openStore is openKeystore for a start. A file that DPAPI sealed has no passphrase
// that somebody could still find: when it opens no more, as after an administrator's
// reset of the password, it is put aside, FCC begins with an empty one, and the
// problem says so until somebody signs in.
func (c *call) openStore(s settings, passphrase keystore.Secret, log *slog.Logger) (keystore.Store, *xero.Problem, error) {
	store, err := s.openKeystore(passphrase)
	if err == nil {
		return store, nil, nil
	}
	if !errors.Is(err, keystore.ErrDamaged) || !passphrase.IsZero() || !keystore.PassphraseOptional {
		return nil, nil, s.keystoreFailure(err, passphrase)
	}
	log.Error("the secrets file does not open any more and is put aside", "err", err)
	aside, asideErr := s.spareKeystoreFile(time.Now())
	if asideErr != nil {
		return nil, nil, failf(exitFailed, "%s is damaged and cannot be put aside: %v.", s.keystoreFile(), asideErr)
	}
	if store, err = s.openKeystore(passphrase); err != nil {
		return nil, nil, s.keystoreFailure(err, passphrase)
	}
	lost := &xero.Problem{
		Code:    xero.CodeNeedsLogin,
		Message: fmt.Sprintf("Windows opens FCC's encrypted file no more, as happens when a password was reset. It is kept aside as %s.", filepath.Base(aside)),
		Action:  "Sign in to Xero again.",
	}
	c.say("%s %s", lost.Message, lost.Action)
	return store, lost, nil
}

// spareKeystoreFile puts the secrets file aside, and then what DPAPI keeps for it:
// cut off between the two, the next start finds a .dpapi alone, which it opens or
// puts aside as well, and never a file that nothing opens.
func (s settings) spareKeystoreFile(now time.Time) (aside string, err error) {
	for _, path := range []string{s.keystoreFile(), s.keystoreFile() + ".dpapi"} {
		as, err := setAside(path, now)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err == nil && aside == "" {
			aside = as
		}
	}
	return aside, nil
}
