package store

import (
	"context"
	"database/sql"
	"time"
)

// budgetsKept is how long what was learnt of limits is kept without having been saved
// again: a Xero app, or an organisation, that nobody uses any more.
const budgetsKept = 30 * 24 * time.Hour

// Budget is what was learnt of Xero's limits for an app and an organisation.
type Budget struct {
	Client, Tenant string
	Data           []byte
}

// SaveBudgets keeps budgets, each in place of what was kept for the same app and
// organisation, all or none; and drops those that were saved 30 days before now.
func (s *Store) SaveBudgets(ctx context.Context, budgets []Budget, now time.Time) error {
	return s.in(ctx, "keep budgets", func(tx *sql.Tx) error {
		for _, b := range budgets {
			_, err := tx.ExecContext(ctx, `INSERT INTO budgets (client, tenant, data, saved) VALUES (?, ?, ?, ?)
				ON CONFLICT (client, tenant) DO UPDATE SET data = excluded.data, saved = excluded.saved`, b.Client, b.Tenant, nonNil(b.Data), millis(now))
			if err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM budgets WHERE saved < ?", millis(now.Add(-budgetsKept)))
		return err
	})
}

// Budgets lists all, by app and organisation.
func (s *Store) Budgets(ctx context.Context) ([]Budget, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT client, tenant, data FROM budgets ORDER BY client, tenant")
	budgets, err := list(rows, err, func(scan func(...any) error, b *Budget) error { return scan(&b.Client, &b.Tenant, &b.Data) })
	return budgets, explain("list budgets", err)
}
