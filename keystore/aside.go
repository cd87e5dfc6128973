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
		as := "aside-" + name
		if n > 1 {
			as = fmt.Sprintf("%s-%d", as, n)
		}
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
