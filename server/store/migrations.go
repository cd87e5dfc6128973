package store

import (
	"context"
	"database/sql"
	"fmt"
)

// migrations brings a database from the version of its index to the next; its
// version is PRAGMA user_version. What has been released is never changed, only
// added to.
var migrations = []string{
	`CREATE TABLE sessions (
		hash    BLOB PRIMARY KEY,
		data    BLOB NOT NULL,
		created BIGINT NOT NULL,
		expires BIGINT NOT NULL
	);
	CREATE INDEX sessions_expires ON sessions (expires);
	CREATE TABLE keys (
		name      TEXT PRIMARY KEY,
		hash      BLOB NOT NULL UNIQUE,
		writes    BOOLEAN NOT NULL,
		tenant    TEXT NOT NULL,
		any_user  BOOLEAN NOT NULL,
		created   BIGINT NOT NULL,
		last_used BIGINT NOT NULL
	);
	CREATE TABLE renewals (
		connection TEXT NOT NULL,
		at         BIGINT NOT NULL,
		outcome    TEXT NOT NULL,
		reason     TEXT NOT NULL
	);
	CREATE INDEX renewals_at ON renewals (at);
	CREATE TABLE profiles (
		connection TEXT PRIMARY KEY,
		data       BLOB NOT NULL
	);`,
	`CREATE TABLE records (
		tenant TEXT NOT NULL,
		kind   TEXT NOT NULL,
		id     TEXT NOT NULL,
		data   BLOB NOT NULL,
		PRIMARY KEY (tenant, kind, id)
	) WITHOUT ROWID;
	CREATE TABLE readings (
		tenant TEXT NOT NULL,
		kind   TEXT NOT NULL,
		data   BLOB NOT NULL,
		PRIMARY KEY (tenant, kind)
	) WITHOUT ROWID;
	CREATE TABLE calls (
		at       BIGINT NOT NULL,
		caller   TEXT NOT NULL,
		name     TEXT NOT NULL,
		tenant   TEXT NOT NULL,
		method   TEXT NOT NULL,
		resource TEXT NOT NULL,
		status   INTEGER NOT NULL,
		code     TEXT NOT NULL,
		took     BIGINT NOT NULL
	);
	CREATE INDEX calls_at ON calls (at);`,
	`ALTER TABLE keys ADD COLUMN ask      BOOLEAN NOT NULL DEFAULT FALSE;
	ALTER TABLE keys ADD COLUMN families TEXT    NOT NULL DEFAULT '';
	ALTER TABLE keys ADD COLUMN expires  BIGINT  NOT NULL DEFAULT 0;
	ALTER TABLE keys ADD COLUMN daily    INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE keys ADD COLUMN max_age  BIGINT  NOT NULL DEFAULT 0;
	ALTER TABLE keys ADD COLUMN stale    BOOLEAN NOT NULL DEFAULT FALSE;
	ALTER TABLE keys ADD COLUMN program  TEXT    NOT NULL DEFAULT '';
	ALTER TABLE calls ADD COLUMN waited BIGINT NOT NULL DEFAULT 0;
	CREATE TABLE budgets (
		client TEXT NOT NULL,
		tenant TEXT NOT NULL,
		data   BLOB NOT NULL,
		saved  BIGINT NOT NULL,
		PRIMARY KEY (client, tenant)
	) WITHOUT ROWID;`,
}

// migrate brings the database to this version, all or nothing. The version is
// looked at inside the transaction: another process may be doing the same.
func (s *Store) migrate(ctx context.Context) error {
	return s.in(ctx, "migrate", func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if version > len(migrations) {
			return ErrNewer
		}
		if version == len(migrations) {
			return nil
		}
		for _, step := range migrations[version:] {
			if _, err := tx.ExecContext(ctx, step); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(migrations)))
		return err
	})
}
