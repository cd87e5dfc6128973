// Package store keeps what must outlive a restart and is no secret: browser
// sessions, API keys (their hashes), the history of renewals, and what is known
// of each connection without a network. It is the only package that knows SQL.
//
// Nothing in the contract assumes that one process owns the data: every method
// is one atomic step, several Stores may be open on the same state at once, and
// what one has written the next call of another sees. Times are kept to the
// millisecond and come back in UTC.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What can go wrong and has its own remedy. Every other error means that the
// state could not be reached, and says why in its text.
var (
	// ErrDamaged: the file is no database of ours, or was cut or changed. It is
	// left as it is.
	ErrDamaged = errors.New("the state database is damaged")
	// ErrNewer: a newer version of the program wrote the file. It is left as it is.
	ErrNewer = errors.New("the state database belongs to a newer version")
	// ErrFull: there is no room left on the disk; nothing of this call was kept.
	ErrFull = errors.New("the disk is full")
	// ErrExists: the name is in use.
	ErrExists = errors.New("already there")
	// ErrNotFound: the state was read and holds no such thing.
	ErrNotFound = errors.New("not there")
)

// wait is how long a call waits for another process's write to end.
const wait = 5 * time.Second

// Store is safe for concurrent use.
type Store struct {
	db *sql.DB
}

// Open opens the database at path, making it (mode 0600; the folder must exist)
// or bringing it to this version's form. A damaged or newer file is refused
// before anything is written to it.
func Open(ctx context.Context, path string) (*Store, error) {
	// SQLite would make the file readable by all. O_EXCL, because opening and
	// closing a file that this process has open elsewhere drops SQLite's locks
	// on it (POSIX locks belong to process and inode, sqlite.org/howtocorrupt.html 2.2).
	switch f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); {
	case err == nil:
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("state database: %w", err)
		}
	case !errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("state database: %w", err)
	default:
		if err := os.Chmod(path, 0o600); err != nil {
			return nil, fmt.Errorf("state database: %w", err)
		}
	}
	if err := inspect(ctx, path); err != nil {
		return nil, err
	}
	// FULL: a commit is on the disk when it returns. With NORMAL a power cut could
	// take back a key's revocation. What is deleted is overwritten.
	s, err := open(address(path), "_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_pragma=secure_delete(1)")
	if err != nil {
		return nil, err
	}
	// Turning a new file to WAL does not wait for another process that is doing
	// the same, whatever the busy timeout.
	for until := time.Now().Add(wait); ; time.Sleep(10 * time.Millisecond) {
		err = s.migrate(ctx)
		if !busy(err) || time.Now().After(until) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		s.db.Close()
		return nil, err
	}
	return s, nil
}

// OpenMemory makes an empty Store that ends with the process: for when there is
// no state to be had and the program must go on.
func OpenMemory(ctx context.Context) (*Store, error) {
	s, err := open("file::memory:", "_txlock=immediate")
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		s.db.Close()
		return nil, err
	}
	return s, nil
}

// Close ends all use. What was written stays.
func (s *Store) Close() error { return s.db.Close() }

// open makes a Store with a single connection: writes are few and short, a
// second one would only meet SQLITE_BUSY, and in memory the connection is the
// database. Parameters are part of the address so that a connection which
// replaces a broken one has them too.
func open(address, parameters string) (*Store, error) {
	db, err := sql.Open("sqlite", fmt.Sprintf("%s?_busy_timeout=%d&%s", address, wait.Milliseconds(), parameters))
	if err != nil {
		return nil, explain("open", err)
	}
	db.SetMaxOpenConns(1)
	return &Store{db}, nil
}

// inspect reads the file without the right to write.
func inspect(ctx context.Context, path string) error {
	s, err := open(address(path), "mode=ro")
	if err != nil {
		return err
	}
	defer s.db.Close()
	var version int
	if err := s.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return explain("read its version", err)
	}
	if version > len(migrations) {
		return fmt.Errorf("%w: version %d, and this program knows %d", ErrNewer, version, len(migrations))
	}
	var verdict string
	if err := s.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return explain("check", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, verdict)
	}
	return nil
}

// address is path as a file: URI, which SQLite takes on every system
// (sqlite.org/uri.html) and in which a path may hold any character.
func address(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		if filepath.IsAbs(path) { // C:/…
			path = "/" + path
		} else {
			return "file:" + (&url.URL{Path: path}).EscapedPath()
		}
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// in runs do in one transaction.
func (s *Store) in(ctx context.Context, what string, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return explain(what, err)
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return explain(what, err)
	}
	return explain(what, tx.Commit())
}

// list is each row of a query's answer, as read takes it from Scan.
func list[T any](rows *sql.Rows, err error, read func(scan func(...any) error, row *T) error) (all []T, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var row T
		if err := read(rows.Scan, &row); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// explain adds what was tried, and which of the errors above it is.
func explain(what string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch {
		case e.Code()&0xff == sqlite3.SQLITE_FULL, e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE:
			err = fmt.Errorf("%w: %w", ErrFull, err)
		case e.Code()&0xff == sqlite3.SQLITE_CORRUPT, e.Code()&0xff == sqlite3.SQLITE_NOTADB:
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	return fmt.Errorf("state database: %s: %w", what, err)
}

func busy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// millis and moment turn times to numbers and back; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
