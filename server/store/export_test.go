package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// MakeOlder makes a file as an older version left it.
func MakeOlder(path string, version int, content string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(strings.Join(migrations[:version], "\n") + content + fmt.Sprintf("; PRAGMA user_version = %d", version))
	return err
}

func (s *Store) SetVersion(ctx context.Context, version int) error {
	_, err := s.db.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
	return err
}

// LimitPages lets the file grow no further.
func (s *Store) LimitPages(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "PRAGMA max_page_count = 1")
	return err
}
