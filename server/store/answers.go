package store

import (
	"context"
	"database/sql"
	"time"
)

// An Answer is an answer of Xero's, as the caller sealed it.
type Answer struct {
	ID   []byte
	At   time.Time // what is swept first; of all else that was sealed says more
	Data []byte
}

// Answer returns what is kept of an organisation under an id, nil when nothing is.
func (s *Store) Answer(ctx context.Context, tenant string, id []byte) ([]byte, error) {
	var data []byte
	err := s.db.QueryRowContext(ctx, "SELECT data FROM answers WHERE tenant = ? AND id = ?", tenant, id).Scan(&data)
	if err == sql.ErrNoRows {
		return nil, nil
	}
	return data, explain("read an answer", err)
}

// SaveAnswer keeps an answer in the place of the one with its id. Of all that are kept
// of the organisation only the newest stay: so many, of so many bytes together.
func (s *Store) SaveAnswer(ctx context.Context, tenant string, answer Answer, most int, mostBytes int64) error {
	return s.in(ctx, "keep an answer", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO answers (tenant, id, at, data) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant, id) DO UPDATE SET at = excluded.at, data = excluded.data`,
			tenant, answer.ID, millis(answer.At), nonNil(answer.Data))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM answers WHERE tenant = ?1 AND id IN (
			SELECT id FROM (
				SELECT id, ROW_NUMBER() OVER newest AS place, SUM(LENGTH(data)) OVER newest AS bytes
				FROM answers WHERE tenant = ?1 WINDOW newest AS (ORDER BY at DESC, id ROWS UNBOUNDED PRECEDING)
			) AS ranked WHERE place > ?2 OR bytes > ?3)`, tenant, most, mostBytes)
		return err
	})
}

// DropAnswers drops all answers of an organisation.
func (s *Store) DropAnswers(ctx context.Context, tenant string) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM answers WHERE tenant = ?", tenant)
	return explain("drop answers", err)
}

// SweepAnswers drops the answers before then.
func (s *Store) SweepAnswers(ctx context.Context, then time.Time) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM answers WHERE at < ?", millis(then))
	return explain("sweep answers", err)
}
