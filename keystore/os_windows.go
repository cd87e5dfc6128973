package keystore

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// A session has nothing to remember: Credential Manager is open while its owner
// is signed in, and asks nobody.
type session struct{}

func (session) reach(context.Context) error { return nil }

func (session) explain(_ context.Context, cause error) error {
	return explain(cause, turnedOff(registry.LOCAL_MACHINE, lsaKey))
}

// explain tells two cases apart that Windows gives one error for, "a specified
// logon session does not exist": somebody who is signed in over the network alone
// (a service, ssh with a key) has no credential set
// (learn.microsoft.com/windows/win32/api/wincred/nf-wincred-credwritew), and where
// a policy turns Credential Manager off nobody has.
func explain(cause error, off bool) error {
	switch {
	case !errors.Is(cause, windows.ERROR_NO_SUCH_LOGON_SESSION):
		return fmt.Errorf("%w: %w", ErrFailed, cause)
	case off:
		return fmt.Errorf("%w: DisableDomainCreds is set: %w", ErrPolicy, cause)
	}
	return fmt.Errorf("%w: %w", ErrAbsent, cause)
}

// turnedOff reads the policy "Network access: Do not allow storage of passwords
// and credentials for network authentication"
// (learn.microsoft.com/previous-versions/windows/it-pro/windows-10/security/threat-protection/security-policy-settings/network-access-do-not-allow-storage-of-passwords-and-credentials-for-network-authentication).
func turnedOff(root registry.Key, path string) bool {
	key, err := registry.OpenKey(root, path, registry.QUERY_VALUE)
	if err != nil {
		return false
	}
	defer key.Close()
	value, _, err := key.GetIntegerValue("DisableDomainCreds")
	return err == nil && value != 0
}

const lsaKey = `SYSTEM\CurrentControlSet\Control\Lsa`
