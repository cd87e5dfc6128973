package store

import (
	"context"
	"database/sql"
)

// A Record is one record of an organisation's books, as the caller sealed it.
type Record struct {
	ID   string
	Data []byte
}

// Records lists an organisation's records of one kind, and what was noted of their
// last reading, nil when nothing was.
func (s *Store) Records(ctx context.Context, tenant, kind string) (records []Record, reading []byte, err error) {
	err = s.in(ctx, "read records", func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT data FROM readings WHERE tenant = ? AND kind = ?", tenant, kind).Scan(&reading)
		if err == sql.ErrNoRows {
			return nil
		}
		if err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, "SELECT id, data FROM records WHERE tenant = ? AND kind = ?", tenant, kind)
		records, err = list(rows, err, func(scan func(...any) error, r *Record) error { return scan(&r.ID, &r.Data) })
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return records, reading, nil
}

// SaveRecords notes a reading, keeps the records that came with it, replacing those
// with the same id, and drops others. With all set, put are all there are: every
// other record of the kind goes.
func (s *Store) SaveRecords(ctx context.Context, tenant, kind string, reading []byte, all bool, put []Record, drop []string) error {
	return s.in(ctx, "keep records", func(tx *sql.Tx) error {
		if all {
			if _, err := tx.ExecContext(ctx, "DELETE FROM records WHERE tenant = ? AND kind = ?", tenant, kind); err != nil {
				return err
			}
		}
		if len(put) > 0 {
			insert, err := tx.PrepareContext(ctx, `INSERT INTO records (tenant, kind, id, data) VALUES (?, ?, ?, ?)
				ON CONFLICT (tenant, kind, id) DO UPDATE SET data = excluded.data`)
			if err != nil {
				return err
			}
			defer insert.Close()
			for _, r := range put {
				if _, err := insert.ExecContext(ctx, tenant, kind, r.ID, nonNil(r.Data)); err != nil {
					return err
				}
			}
		}
		for _, id := range drop {
			if _, err := tx.ExecContext(ctx, "DELETE FROM records WHERE tenant = ? AND kind = ? AND id = ?", tenant, kind, id); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO readings (tenant, kind, data) VALUES (?, ?, ?)
			ON CONFLICT (tenant, kind) DO UPDATE SET data = excluded.data`, tenant, kind, nonNil(reading))
		return err
	})
}

// Tenants lists the organisations of which anything is kept.
func (s *Store) Tenants(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT tenant FROM readings UNION SELECT tenant FROM answers ORDER BY tenant")
	tenants, err := list(rows, err, func(scan func(...any) error, tenant *string) error { return scan(tenant) })
	return tenants, explain("list organisations", err)
}

// DeleteBooks forgets all that is kept of an organisation's books, and leaves nothing
// of it in the files unless another process reads them just then. None is no error.
func (s *Store) DeleteBooks(ctx context.Context, tenant string) error {
	err := s.in(ctx, "delete books", func(tx *sql.Tx) error {
		for _, table := range []string{"records", "readings", "answers"} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE tenant = ?", tenant); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	// The log of writes holds pages as they were before (sqlite.org/wal.html, 3).
	_, err = s.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return explain("delete books", err)
}
