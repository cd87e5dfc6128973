// Package keystore keeps small secrets: in the OS keychain, in an encrypted
// file, or in memory. It is the only package that knows how; everybody else
// holds a Store.
package keystore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// MaxSize is the largest value a Store takes, in bytes. Windows Credential
// Manager holds no more (CRED_MAX_CREDENTIAL_BLOB_SIZE, 5 * 512), and all stores
// keep to it, so that what works on one machine works on the next.
const MaxSize = 2560

// patience is how long a call waits for the keychain or the disk. A prompt may
// stay open for longer; the call that opened it then goes on by itself.
const patience = 5 * time.Second

// A Store keeps values by name. All methods are safe for concurrent use and
// return within a few seconds: a keychain may be waiting for its owner to answer
// a prompt. Calls of one Store take effect one after another, also those that
// were given up: one that ended in ErrTimeout happens later or not at all, but
// never after a call that was made later.
type Store interface {
	// Get returns the value kept under name. ErrNotFound means that the store
	// was read and holds none; every other error means that it could not be
	// read, and says nothing about what it holds.
	Get(ctx context.Context, name string) (Secret, error)

	// Set keeps value under name, replacing what is there. When it returns nil
	// the value was read back and is durable. ErrTooBig is returned before
	// anything is written. After any other error the old value or the new one
	// is there, never a mix and never nothing.
	Set(ctx context.Context, name string, value Secret) error

	// Delete removes name. A name that is not there is no error.
	Delete(ctx context.Context, name string) error

	// Clear removes every name, also those that nobody remembers, of this store
	// and of no other: FCC is leaving the computer. After an error some may be left.
	Clear(ctx context.Context) error
}

// What can go wrong. Every error of a Store wraps exactly one of these.
var (
	// ErrNotFound: the store was read and has no such name.
	ErrNotFound = errors.New("not in the keychain")
	// ErrTooBig: the value is larger than MaxSize.
	ErrTooBig = errors.New("too large for the keychain")
	// ErrLocked: there is a keychain and it is locked.
	ErrLocked = errors.New("the keychain is locked")
	// ErrAbsent: this machine or session has no keychain.
	ErrAbsent = errors.New("there is no keychain")
	// ErrPolicy: those who administer this computer have turned the keychain off.
	ErrPolicy = errors.New("a policy keeps the keychain shut")
	// ErrTimeout: the keychain did not answer in time, or the caller's context
	// ended; the keychain may be asking its owner.
	ErrTimeout = errors.New("the keychain did not answer")
	// ErrFailed: anything else the keychain or the disk said.
	ErrFailed = errors.New("the keychain failed")
	// ErrPassphrase: the passphrase does not open the file.
	ErrPassphrase = errors.New("the passphrase is wrong")
	// ErrDamaged: the file is not one of ours, or was changed or cut.
	ErrDamaged = errors.New("the secrets file is damaged")
)

// fits refuses a value that no store would take.
func fits(name string, value Secret) error {
	if value.Len() > MaxSize {
		return fmt.Errorf("%s: %w: %d bytes, at most %d", name, ErrTooBig, value.Len(), MaxSize)
	}
	return nil
}

// Service is the name under which the OS keychain keeps the secrets of one data
// folder, given by its absolute path. Folders other than the default one have
// names of their own, so that two FCCs of one person never share an item.
func Service(dataDir string, isDefault bool) string {
	const name = "Financial-Command-Center-AI"
	if isDefault {
		return name
	}
	sum := sha256.Sum256([]byte(filepath.Clean(dataDir)))
	return fmt.Sprintf("%s · %x", name, sum[:4])
}
