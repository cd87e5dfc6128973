package keystore

import (
	"context"
	"time"
)

// What the tests may turn that nobody else may.

// OpenCheap is OpenFile with a key derivation that takes no time.
func OpenCheap(path string, passphrase Secret) (*File, error) {
	return openFile(path, passphrase, cost{Passes: 1, Memory: 8, Threads: 1})
}

// SetPatience shortens what a call of f waits.
func (f *File) SetPatience(d time.Duration) { f.line.patience = d }

// ImpatientOS is OS with another patience.
func ImpatientOS(service string, patience time.Duration) Store { return newOS(service, patience) }

// A Cost is what a file asks for to derive its key.
type Cost struct{ Passes, Memory, Threads uint32 }

// CostOf reads the cost from a file's bytes.
func CostOf(data []byte) (Cost, error) {
	s, err := parse(data)
	return Cost(s.recipe.cost), err
}

// Unseal opens a file's bytes.
func Unseal(data []byte, passphrase Secret) (map[string][]byte, error) {
	s, err := parse(data)
	if err != nil {
		return nil, err
	}
	k, err := derive(passphrase, s.recipe)
	if err != nil {
		return nil, err
	}
	return s.open(k)
}

// Seal makes a file's bytes with a derivation that takes no time.
func Seal(values map[string][]byte, passphrase Secret) ([]byte, error) {
	k, err := derive(passphrase, newRecipe(cost{Passes: 1, Memory: 8, Threads: 1}))
	if err != nil {
		return nil, err
	}
	return k.seal(values)
}

// LockFile is what a change holds.
func LockFile(ctx context.Context, path string) (unlock func(), err error) {
	return lockFile(ctx, path)
}
