package keystore

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

func TestCredentialManagerTurnedOffByAPolicyIsToldFromASignInOverTheNetwork(t *testing.T) {
	for _, c := range []struct {
		cause error
		off   bool
		want  error
	}{
		{windows.ERROR_NO_SUCH_LOGON_SESSION, true, ErrPolicy},
		{windows.ERROR_NO_SUCH_LOGON_SESSION, false, ErrAbsent},
		{fmt.Errorf("write: %w", windows.ERROR_NO_SUCH_LOGON_SESSION), true, ErrPolicy},
		{windows.ERROR_BAD_USERNAME, true, ErrFailed},
		{errors.New("it holds something else than was written"), false, ErrFailed},
	} {
		got := explain(c.cause, c.off)
		for _, kind := range []error{ErrPolicy, ErrAbsent, ErrFailed} {
			if errors.Is(got, kind) != (kind == c.want) {
				t.Errorf("%v, policy %v: %v, want %v", c.cause, c.off, got, c.want)
			}
		}
		if !errors.Is(got, c.cause) {
			t.Errorf("%v does not say why", got)
		}
	}
}

func TestThePolicyIsReadFromTheRegistry(t *testing.T) {
	const path = `Software\FCC-test-of-a-policy`
	if turnedOff(registry.CURRENT_USER, path) {
		t.Error("a key that is not there counts")
	}
	key, _, err := registry.CreateKey(registry.CURRENT_USER, path, registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		key.Close()
		if err := registry.DeleteKey(registry.CURRENT_USER, path); err != nil {
			t.Error(err)
		}
	})
	if turnedOff(registry.CURRENT_USER, path) {
		t.Error("a value that is not there counts")
	}
	for _, value := range []uint32{0, 1, 0} {
		if err := key.SetDWordValue("DisableDomainCreds", value); err != nil {
			t.Fatal(err)
		}
		if got := turnedOff(registry.CURRENT_USER, path); got != (value == 1) {
			t.Errorf("%d is read as %v", value, got)
		}
	}
}
