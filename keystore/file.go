package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A File is a Store in one encrypted file. Every call reads the file anew and
// every change replaces it as a whole under a lock, so that several Files, also
// of several processes, may share a path.
type File struct {
	path       string
	passphrase Secret
	line       line
	key        *key // of the file as last met; only used by the call whose turn it is
}

// OpenFile opens the secrets file at path, or prepares one: nothing is created
// before the first Set. The key is derived here, once. A wrong passphrase is
// ErrPassphrase, a file that is not whole or not ours ErrDamaged, one that cannot
// be read ErrFailed; such a file is never changed. An empty passphrase is a wrong
// one, save where PassphraseOptional.
func OpenFile(path string, passphrase Secret) (*File, error) {
	return openFile(path, passphrase, standard)
}

func openFile(path string, passphrase Secret, c cost) (*File, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	if passphrase.IsZero() {
		if passphrase, err = ownPassphrase(path); err != nil {
			return nil, err
		}
	}
	f := &File{path: path, passphrase: passphrase, line: newLine(patience)}
	if _, err := f.load(); err != nil {
		return nil, err
	}
	if f.key == nil {
		if f.key, err = derive(passphrase, newRecipe(c)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFailed, err)
		}
	}
	return f, nil
}

// Get implements Store.
func (f *File) Get(ctx context.Context, name string) (Secret, error) {
	return wait(ctx, f.line, func(context.Context) (Secret, error) {
		values, err := f.load()
		if err != nil {
			return Secret{}, err
		}
		value, ok := values[name]
		if !ok {
			return Secret{}, fmt.Errorf("%s: %w", name, ErrNotFound)
		}
		return NewSecret(string(value)), nil
	})
}

// Set implements Store.
func (f *File) Set(ctx context.Context, name string, value Secret) error {
	if err := fits(name, value); err != nil {
		return err
	}
	return f.change(ctx, func(values map[string][]byte) bool {
		values[name] = []byte(value.Reveal())
		return true
	})
}

// Delete implements Store.
func (f *File) Delete(ctx context.Context, name string) error {
	if _, err := f.Get(ctx, name); err != nil { // not there: no lock, no file
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	}
	return f.change(ctx, func(values map[string][]byte) bool {
		_, there := values[name]
		delete(values, name)
		return there
	})
}

// Clear implements Store. The file stays, and holds nothing.
func (f *File) Clear(ctx context.Context) error {
	if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
		return ended(ctx) // no lock, no file
	}
	return f.change(ctx, func(values map[string][]byte) bool {
		held := len(values)
		clear(values)
		return held > 0
	})
}

// change replaces the file by one with the values as edit leaves them. edit
// returns false for nothing to do.
func (f *File) change(ctx context.Context, edit func(map[string][]byte) bool) error {
	_, err := wait(ctx, f.line, func(ctx context.Context) (struct{}, error) {
		unlock, err := lockFile(ctx, f.path+".lock")
		if err != nil {
			return struct{}{}, err
		}
		defer unlock()
		values, err := f.load()
		if err != nil {
			return struct{}{}, err
		}
		if !edit(values) {
			return struct{}{}, nil
		}
		return struct{}{}, f.save(values)
	})
	return err
}

// load reads the file. A file that is not there holds nothing; a folder that is
// not there may be a drive that is not connected, and says nothing.
func (f *File) load() (map[string][]byte, error) {
	data, err := readFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(f.path)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFailed, err)
		}
		return map[string][]byte{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	s, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	k := f.key
	if k == nil || k.recipe != s.recipe { // the first time, or another file than the last time
		if k, err = derive(f.passphrase, s.recipe); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFailed, err)
		}
	}
	values, err := s.open(k)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	f.key = k
	return values, nil
}

// readFile reads a regular file; opening a pipe would wait for its writer.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFile+1)) // one more fails the checksum
}

// save replaces the file in one step that a crash cannot split, and reads it
// back. The name of the new file is fixed: one that a crash left is used again.
func (f *File) save(values map[string][]byte) error {
	data, err := f.key.seal(values)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	if len(data) > maxFile {
		return fmt.Errorf("%w: %s would have %d bytes, at most %d", ErrTooBig, f.path, len(data), maxFile)
	}
	next := f.path + ".new"
	if err := writeFile(next, data); err != nil {
		return fmt.Errorf("%w: %w", ErrFailed, errors.Join(err, removeIfThere(next)))
	}
	if err := replaceFile(next, f.path); err != nil {
		return fmt.Errorf("%w: %w", ErrFailed, errors.Join(err, removeIfThere(next)))
	}
	if back, err := readFile(f.path); err != nil {
		return fmt.Errorf("%w: read back: %w", ErrFailed, err)
	} else if !bytes.Equal(back, data) {
		return fmt.Errorf("%w: %s holds something else than was written", ErrFailed, f.path)
	}
	return nil
}

// writeFile makes a new file, readable by its owner alone, and waits until the
// disk has it.
func writeFile(path string, data []byte) error {
	if err := removeIfThere(path); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// lockFile waits until this process alone holds the lock file, which stays.
// The system gives the lock up when its holder dies.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	for {
		free, err := tryLock(file)
		if free {
			return func() { _ = file.Close() }, nil // closing unlocks
		}
		if err == nil {
			err = ended(ctx)
		} else {
			err = fmt.Errorf("%w: %w", ErrFailed, err)
		}
		if err != nil {
			_ = file.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}
