package store

import (
	"context"
	"fmt"
)

func (s *Store) SetVersion(ctx context.Context, version int) error {
	_, err := s.db.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
	return err
}

// LimitPages lets the file grow no further.
func (s *Store) LimitPages(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "PRAGMA max_page_count = 1")
	return err
}
