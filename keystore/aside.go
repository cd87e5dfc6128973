package keystore

import (
	"context"
	"errors"
	"fmt"
)

// mostAside is how many different values are kept aside of one name.
const mostAside = 20

// KeepAside keeps value, which was found under name and cannot be used, under a
// name of its own, and returns that: "aside-" and name, with a number where that
// holds another value already. What is kept there is not kept twice. When it
// returns no error the value was read back, and name may be written over.
func KeepAside(ctx context.Context, s Store, name string, value Secret) (string, error) {
	for n := 1; n <= mostAside; n++ {
		as := asideName(name, n)
		held, err := s.Get(ctx, as)
		switch {
		case errors.Is(err, ErrNotFound):
			return as, s.Set(ctx, as, value)
		case err != nil:
			return "", err
		case held.Equal(value):
			return as, nil
		}
	}
	return "", fmt.Errorf("%s: %w: %d values are kept aside already", name, ErrFailed, mostAside)
}

// Aside lists what KeepAside kept of name.
func Aside(ctx context.Context, s Store, name string) (kept []string, err error) {
	for n := 1; n <= mostAside; n++ {
		as := asideName(name, n)
		switch _, err := s.Get(ctx, as); {
		case errors.Is(err, ErrNotFound):
			return kept, nil
		case err != nil:
			return nil, err
		}
		kept = append(kept, as)
	}
	return kept, nil
}

func asideName(name string, n int) string {
	if n == 1 {
		return "aside-" + name
	}
	return fmt.Sprintf("aside-%s-%d", name, n)
}
