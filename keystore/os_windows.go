package keystore

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
)

// A session has nothing to remember: Credential Manager is open while its owner
// is signed in, and asks nobody.
type session struct{}

func (session) reach(context.Context) error { return nil }

// explain: somebody who is signed in over the network alone (a service, ssh with
// a key) has no credential set.
func (session) explain(_ context.Context, cause error) error {
	if errors.Is(cause, windows.ERROR_NO_SUCH_LOGON_SESSION) {
		return fmt.Errorf("%w: %w", ErrAbsent, cause)
	}
	return fmt.Errorf("%w: %w", ErrFailed, cause)
}
