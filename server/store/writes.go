package store

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// Write is one request of a program that would change the books: who sent it, when,
// what for and what became of it, and of what was in it nothing but the ids of records
// and a number.
type Write struct {
	ID      string
	At      time.Time
	Name    string   // of the key
	Key     [32]byte // its hash
	Tenant  string
	What    string        // the kind of record and what was to happen to it, as "invoice-void"
	Path    string        // of the resource, without what may name a record
	Many    int           // records in the request, 0: not known
	Records []string      // their ids as far as they are known
	Number  string        // Xero's, where it is about one record that has one
	Asked   bool          // a person was asked
	Known   time.Duration // how long the browser was known in which they answered, 0: nobody did
	Outcome string
	Status  int // of Xero's answer; 0: none came
}

// AddWrites keeps writes, all or none. One that is there already stays as it is.
func (s *Store) AddWrites(ctx context.Context, writes []Write) error {
	return s.in(ctx, "keep writes", func(tx *sql.Tx) error {
		for _, w := range writes {
			_, err := tx.ExecContext(ctx, `INSERT INTO writes (id, at, name, hash, tenant, what, path, many, records, number, asked, known, outcome, status)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				w.ID, millis(w.At), w.Name, w.Key[:], w.Tenant, w.What, w.Path, w.Many, strings.Join(w.Records, " "), w.Number, w.Asked, int64(w.Known), w.Outcome, w.Status)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

const writeColumns = "SELECT id, at, name, hash, tenant, what, path, many, records, number, asked, known, outcome, status FROM writes"

// Writes lists most writes after the first skip, the newest first, and says how many
// there are in all.
func (s *Store) Writes(ctx context.Context, skip, most int) (writes []Write, all int, err error) {
	if err := s.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM writes").Scan(&all); err != nil {
		return nil, 0, explain("count writes", err)
	}
	rows, err := s.db.QueryContext(ctx, writeColumns+" ORDER BY at DESC, id LIMIT ? OFFSET ?", most, skip)
	writes, err = list(rows, err, readWrite)
	return writes, all, explain("list writes", err)
}

// Write is the one with this id. ErrNotFound when there is none.
func (s *Store) Write(ctx context.Context, id string) (w Write, err error) {
	err = readWrite(s.db.QueryRowContext(ctx, writeColumns+" WHERE id = ?", id).Scan, &w)
	return w, explain("look for a write", notFound(err))
}

func readWrite(scan func(...any) error, w *Write) error {
	var (
		at      int64
		hash    []byte
		records string
	)
	err := scan(&w.ID, &at, &w.Name, &hash, &w.Tenant, &w.What, &w.Path, &w.Many, &records, &w.Number, &w.Asked, &w.Known, &w.Outcome, &w.Status)
	copy(w.Key[:], hash)
	w.At, w.Records = moment(at), strings.Fields(records)
	return err
}

// SweepWrites drops the writes before then.
func (s *Store) SweepWrites(ctx context.Context, then time.Time) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM writes WHERE at < ?", millis(then))
	return explain("sweep writes", err)
}
