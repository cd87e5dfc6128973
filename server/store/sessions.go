package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Session is a browser session. Its id is not kept, only the id's hash, so that
// who reads the file cannot use it.
type Session struct {
	Hash    [32]byte
	Data    []byte
	Created time.Time
	Expires time.Time
}

// SaveSession keeps session, replacing the one with its hash.
func (s *Store) SaveSession(ctx context.Context, session Session) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO sessions (hash, data, created, expires) VALUES (?, ?, ?, ?)
		ON CONFLICT (hash) DO UPDATE SET data = excluded.data, created = excluded.created, expires = excluded.expires`,
		session.Hash[:], nonNil(session.Data), millis(session.Created), millis(session.Expires))
	return explain("save a session", err)
}

// Session returns the session with this hash, also one that has expired and was
// not swept yet. ErrNotFound when there is none.
func (s *Store) Session(ctx context.Context, hash [32]byte) (Session, error) {
	var created, expires int64
	session := Session{Hash: hash}
	err := s.db.QueryRowContext(ctx, "SELECT data, created, expires FROM sessions WHERE hash = ?", hash[:]).
		Scan(&session.Data, &created, &expires)
	if err != nil {
		return Session{}, explain("read a session", notFound(err))
	}
	session.Created, session.Expires = moment(created), moment(expires)
	return session, nil
}

// DeleteSession ends a session. One that is not there is no error.
func (s *Store) DeleteSession(ctx context.Context, hash [32]byte) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM sessions WHERE hash = ?", hash[:])
	return explain("end a session", err)
}

// DeleteOtherSessions ends every session but the one with this hash.
func (s *Store) DeleteOtherSessions(ctx context.Context, hash [32]byte) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM sessions WHERE hash <> ?", hash[:])
	return explain("end sessions", err)
}

// SweepSessions ends the sessions that have expired by now and, of the others,
// all but the most that expire last. It returns how many it ended.
func (s *Store) SweepSessions(ctx context.Context, now time.Time, most int) (ended int64, err error) {
	result, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE expires <= ?
		OR hash NOT IN (SELECT hash FROM sessions ORDER BY expires DESC LIMIT ?)`, millis(now), most)
	if err != nil {
		return 0, explain("sweep sessions", err)
	}
	return result.RowsAffected()
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

func nonNil(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}
