package store

import (
	"context"
	"database/sql"
	"time"
)

// history is how long renewals are kept.
const history = 90 * 24 * time.Hour

// Renewal is one attempt to renew a connection's grant.
type Renewal struct {
	Connection string
	At         time.Time
	Outcome    string
	Reason     string
}

// AddRenewal keeps renewal, and drops those that are 90 days older.
func (s *Store) AddRenewal(ctx context.Context, renewal Renewal) error {
	return s.in(ctx, "keep a renewal", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO renewals (connection, at, outcome, reason) VALUES (?, ?, ?, ?)",
			renewal.Connection, millis(renewal.At), renewal.Outcome, renewal.Reason)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM renewals WHERE at < ?", millis(renewal.At.Add(-history)))
		return err
	})
}

// Renewals lists the attempts from since on, the oldest first.
func (s *Store) Renewals(ctx context.Context, since time.Time) ([]Renewal, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT connection, at, outcome, reason FROM renewals
		WHERE at >= ? ORDER BY at, rowid`, millis(since))
	renewals, err := list(rows, err, func(scan func(...any) error, r *Renewal) error {
		var at int64
		err := scan(&r.Connection, &at, &r.Outcome, &r.Reason)
		r.At = moment(at)
		return err
	})
	return renewals, explain("list renewals", err)
}

// SaveProfile keeps what is known of a connection, replacing what was.
func (s *Store) SaveProfile(ctx context.Context, connection string, data []byte) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO profiles (connection, data) VALUES (?, ?)
		ON CONFLICT (connection) DO UPDATE SET data = excluded.data`, connection, nonNil(data))
	return explain("save a profile", err)
}

// DeleteProfile forgets a connection. One that is not known is no error.
func (s *Store) DeleteProfile(ctx context.Context, connection string) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM profiles WHERE connection = ?", connection)
	return explain("delete a profile", err)
}

// Profile returns what SaveProfile kept. ErrNotFound when there is none.
func (s *Store) Profile(ctx context.Context, connection string) ([]byte, error) {
	var data []byte
	err := s.db.QueryRowContext(ctx, "SELECT data FROM profiles WHERE connection = ?", connection).Scan(&data)
	return data, explain("read a profile", notFound(err))
}
