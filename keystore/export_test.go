package keystore

import "time"

// What the tests may turn that nobody else may.

// OpenCheap is OpenFile with a key derivation that takes no time.
func OpenCheap(path string, passphrase Secret) (*File, error) {
	return openFile(path, passphrase, cost{Passes: 1, Memory: 8, Threads: 1})
}

// SetPatience shortens what a call of f waits.
func (f *File) SetPatience(d time.Duration) { f.line.patience = d }

// ImpatientOS is OS with another patience.
func ImpatientOS(service string, patience time.Duration) Store { return newOS(service, patience) }
