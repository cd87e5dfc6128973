package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
)

// Call is one request that reached for Xero's API: who asked, when and how it went,
// never what was in it.
type Call struct {
	At       time.Time
	Caller   string // its kind
	Name     string // of a key; "" for the others
	Tenant   string // "" where no organisation was meant
	Method   string
	Resource string
	Status   int    // of the answer; 0: none came
	Code     string // why none came
	Took     time.Duration
	Waited   time.Duration // before it was sent, or given up
}

// callsAtOnce are written by one statement: that takes a third of the time.
const callsAtOnce = 50

// AddCalls keeps calls, all or none.
func (s *Store) AddCalls(ctx context.Context, calls []Call) error {
	return s.in(ctx, "keep calls", func(tx *sql.Tx) error {
		for len(calls) > 0 {
			n := min(len(calls), callsAtOnce)
			add, err := tx.PrepareContext(ctx, `INSERT INTO calls (at, caller, name, tenant, method, resource, status, code, took, waited)
				VALUES `+strings.Repeat("(?, ?, ?, ?, ?, ?, ?, ?, ?, ?), ", n-1)+"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
			if err != nil {
				return err
			}
			for ; err == nil && len(calls) >= n; calls = calls[n:] {
				var args []any
				for _, c := range calls[:n] {
					args = append(args, millis(c.At), c.Caller, c.Name, c.Tenant, c.Method, c.Resource, c.Status, c.Code, c.Took.Milliseconds(), c.Waited.Milliseconds())
				}
				_, err = add.ExecContext(ctx, args...)
			}
			if err = errors.Join(err, add.Close()); err != nil {
				return err
			}
		}
		return nil
	})
}

// An Outcome is how a call went, as calls are looked for.
type Outcome string

// The outcomes. The empty one is any.
const (
	Answered Outcome = "answered" // with what was asked for
	Refused  Outcome = "refused"  // with a status of 400 or more
	NoAnswer Outcome = "none"
	Reached  Outcome = "reached" // answered or refused: what Xero counts
)

// Which says which calls are meant; its zero value means all.
type Which struct {
	From, To     time.Time // from From on, before To; zero: no such bound
	Caller, Name string    // the kind of caller, "" for any, and the key's name
	Tenant       string    // "" for any
	Outcome      Outcome
	Sent         bool // leave out those that never reached Xero
}

// where is w in SQL.
func (w Which) where() (text string, args []any) {
	terms := []string{"at >= ?"}
	args = append(args, millis(w.From))
	add := func(meant bool, term string, arg ...any) {
		if meant {
			terms, args = append(terms, term), append(args, arg...)
		}
	}
	add(!w.To.IsZero(), "at < ?", millis(w.To))
	add(w.Caller != "", "caller = ? AND name = ?", w.Caller, w.Name)
	add(w.Tenant != "", "tenant = ?", w.Tenant)
	// Of a caller that left it is not known.
	add(w.Sent, "(status > 0 OR code IN ('', 'xero_unreachable'))")
	switch w.Outcome {
	case Answered:
		add(true, "status BETWEEN 1 AND 399")
	case Refused:
		add(true, "status >= 400")
	case Reached:
		add(true, "status > 0")
	case NoAnswer:
		add(true, "status = 0")
	}
	return " WHERE " + strings.Join(terms, " AND "), args
}

// Calls lists most calls after the first skip of those that are meant, the newest
// first, and says how many are meant in all.
func (s *Store) Calls(ctx context.Context, which Which, skip, most int) (calls []Call, all int, err error) {
	where, args := which.where()
	if err := s.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM calls"+where, args...).Scan(&all); err != nil {
		return nil, 0, explain("count calls", err)
	}
	rows, err := s.db.QueryContext(ctx, `SELECT at, caller, name, tenant, method, resource, status, code, took, waited FROM calls`+
		where+" ORDER BY at DESC, rowid DESC LIMIT ? OFFSET ?", append(args, most, skip)...)
	calls, err = list(rows, err, func(scan func(...any) error, c *Call) error {
		var at, took, waited int64
		err := scan(&at, &c.Caller, &c.Name, &c.Tenant, &c.Method, &c.Resource, &c.Status, &c.Code, &took, &waited)
		c.At, c.Took, c.Waited = moment(at), time.Duration(took)*time.Millisecond, time.Duration(waited)*time.Millisecond
		return err
	})
	return calls, all, explain("list calls", err)
}

// CallCount is how many calls one caller made for one organisation.
type CallCount struct {
	Caller, Name, Tenant string
	Count                int
}

// CountCalls counts the calls that are meant by caller and organisation.
func (s *Store) CountCalls(ctx context.Context, which Which) ([]CallCount, error) {
	where, args := which.where()
	rows, err := s.db.QueryContext(ctx, "SELECT caller, name, tenant, COUNT(*) FROM calls"+where+
		" GROUP BY caller, name, tenant ORDER BY caller, name, tenant", args...)
	counts, err := list(rows, err, func(scan func(...any) error, c *CallCount) error {
		return scan(&c.Caller, &c.Name, &c.Tenant, &c.Count)
	})
	return counts, explain("count calls", err)
}

// SweepCalls drops the calls before then.
func (s *Store) SweepCalls(ctx context.Context, then time.Time) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM calls WHERE at < ?", millis(then))
	return explain("sweep calls", err)
}
