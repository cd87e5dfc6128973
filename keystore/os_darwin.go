package keystore

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// A session has nothing to remember: /usr/bin/security asks for the keychain's
// password itself, or says that it may not.
type session struct{}

func (session) reach(context.Context) error { return nil }

// explain reads the exit status of /usr/bin/security: the low byte of the
// OSStatus (SecBase.h).
func (session) explain(_ context.Context, cause error) error {
	kind := ErrFailed
	if exit, ok := errors.AsType[*exec.ExitError](cause); ok {
		switch exit.ExitCode() {
		case 0xff & -25308, 0xff & -25293, 0xff & -128: // errSecInteractionNotAllowed, errSecAuthFailed, errSecUserCanceled
			kind = ErrLocked
		case 0xff & -25307, 0xff & -25294: // errSecNoDefaultKeychain, errSecNoSuchKeychain
			kind = ErrAbsent
		}
	}
	return fmt.Errorf("%w: %w", kind, cause)
}
