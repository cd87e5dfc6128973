package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"
)

// Key is a local API key: what it may do, and the hash it is known by.
type Key struct {
	Name     string
	Hash     [32]byte
	Write    bool
	Ask      bool          // each write waits for a person's consent
	Tenants  []string      // ids of the organisations it reaches; none: all, also those to come
	Families []string      // of Xero's APIs, as "accounting"; none: all
	AnyUser  bool          // good for other users of this machine
	Expires  time.Time     // UTC; zero: never
	Daily    int           // calls to Xero a day of this computer; 0: no limit
	MaxAge   time.Duration // it takes answers that are so old; 0: only live ones
	Stale    bool          // it takes the last known answer while Xero cannot be reached
	Created  time.Time
	LastUsed time.Time // zero: never
	Program  string    // what used it last, as its User-Agent says
}

// Reaches reports whether the key is good for an organisation. Ids are told apart
// without case.
func (k Key) Reaches(tenantID string) bool {
	return len(k.Tenants) == 0 || slices.ContainsFunc(k.Tenants, func(own string) bool { return strings.EqualFold(own, tenantID) })
}

// Covers reports whether the key is good for one of Xero's APIs.
func (k Key) Covers(family string) bool {
	return len(k.Families) == 0 || slices.Contains(k.Families, family)
}

// Ended reports whether the key's time is over.
func (k Key) Ended(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// AddKey keeps a new key. ErrExists when its name, or its hash, is there.
func (s *Store) AddKey(ctx context.Context, key Key) error {
	result, err := s.db.ExecContext(ctx, `INSERT INTO keys (name, hash, writes, ask, tenant, families, any_user, expires, daily, max_age, stale, created, last_used, program)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		key.Name, key.Hash[:], key.Write, key.Ask, strings.Join(key.Tenants, " "), strings.Join(key.Families, " "), key.AnyUser,
		millis(key.Expires), key.Daily, key.MaxAge.Milliseconds(), key.Stale, millis(key.Created), millis(key.LastUsed), key.Program)
	return one(result, err, "add a key", ErrExists)
}

// Keys lists all keys by name.
func (s *Store) Keys(ctx context.Context) ([]Key, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, hash, writes, ask, tenant, families, any_user, expires, daily, max_age, stale, created, last_used, program
		FROM keys ORDER BY name`)
	keys, err := list(rows, err, func(scan func(...any) error, key *Key) error {
		var (
			hash                           []byte
			tenants, families              string
			expires, maxAge, created, used int64
		)
		err := scan(&key.Name, &hash, &key.Write, &key.Ask, &tenants, &families, &key.AnyUser, &expires, &key.Daily, &maxAge, &key.Stale, &created, &used, &key.Program)
		copy(key.Hash[:], hash)
		key.Tenants, key.Families = strings.Fields(tenants), strings.Fields(families)
		key.Expires, key.MaxAge = moment(expires), time.Duration(maxAge)*time.Millisecond
		key.Created, key.LastUsed = moment(created), moment(used)
		return err
	})
	return keys, explain("list keys", err)
}

// ChangeKey gives the key of this name other rights and limits. Its hash, and what
// became of it, stay. ErrNotFound when there is none of this name.
func (s *Store) ChangeKey(ctx context.Context, key Key) error {
	result, err := s.db.ExecContext(ctx, `UPDATE keys SET writes = ?, ask = ?, tenant = ?, families = ?, any_user = ?, expires = ?, daily = ?, max_age = ?, stale = ?
		WHERE name = ?`,
		key.Write, key.Ask, strings.Join(key.Tenants, " "), strings.Join(key.Families, " "), key.AnyUser,
		millis(key.Expires), key.Daily, key.MaxAge.Milliseconds(), key.Stale, key.Name)
	return one(result, err, "change a key", ErrNotFound)
}

// FirstUse reports whether it was never asked for this name before. A key that is made
// when it is first wanted is so not made again once somebody has revoked it.
func (s *Store) FirstUse(ctx context.Context, name string) (bool, error) {
	result, err := s.db.ExecContext(ctx, "INSERT INTO first_uses (name) VALUES (?) ON CONFLICT DO NOTHING", name)
	if err != nil {
		return false, explain("note a first use", err)
	}
	n, err := result.RowsAffected()
	return n > 0, explain("note a first use", err)
}

// RevokeKey removes a key. ErrNotFound when there is none of this name.
func (s *Store) RevokeKey(ctx context.Context, name string) error {
	result, err := s.db.ExecContext(ctx, "DELETE FROM keys WHERE name = ?", name)
	return one(result, err, "revoke a key", ErrNotFound)
}

// Use is one use of a key: when, and what program used it, as that says itself.
type Use struct {
	At      time.Time
	Program string
}

// TouchKeys notes how keys were last used, by name. A time before the one that
// is kept, and a name that is not there, change nothing.
func (s *Store) TouchKeys(ctx context.Context, used map[string]Use) error {
	return s.in(ctx, "note the use of keys", func(tx *sql.Tx) error {
		for name, use := range used {
			_, err := tx.ExecContext(ctx, "UPDATE keys SET last_used = ?1, program = ?2 WHERE name = ?3 AND last_used < ?1",
				millis(use.At), use.Program, name)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// one turns a change of no row into the error none.
func one(result sql.Result, err error, what string, none error) error {
	if err != nil {
		return explain(what, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return explain(what, none)
	}
	return nil
}
