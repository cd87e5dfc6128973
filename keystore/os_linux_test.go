package keystore_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"financial-command-center/keystore"
)

// onKeychain is the keychain as a process on d sees it.
func onKeychain(t *testing.T, d *desk, patience time.Duration) *remote {
	t.Helper()
	return startChild(t, "os "+patience.String()+" FCC test", d.env())
}

const unhurried = 5 * time.Second

func TestTheKeychainStillHoldsItsValuesAfterARestart(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	first := newDesk(t, home, false).unlocked(t)
	onKeychain(t, first, unhurried).wantOK("", "set", "session-secret", "86 characters")
	first.close()
	second := newDesk(t, home, false).unlocked(t)
	onKeychain(t, second, unhurried).wantOK("86 characters", "get", "session-secret")
}

func TestTwoServicesOnOneKeychainShareNothing(t *testing.T) {
	t.Parallel()
	one, other := keystore.OS(keystore.Service(t.TempDir(), false)), keystore.OS(keystore.Service(t.TempDir(), false))
	set(t, one, "session-secret", "1")
	wantNone(t, other, "session-secret")
	set(t, other, "session-secret", "2")
	if err := other.Delete(t.Context(), "session-secret"); err != nil {
		t.Fatal(err)
	}
	wantValue(t, one, "session-secret", "1")
}

func wantEvery(t *testing.T, r *remote, want error) {
	t.Helper()
	r.want(want, "get", "a")
	r.want(want, "set", "a", "1")
	r.want(want, "delete", "a")
}

func TestASessionWithoutABusHasNoKeychainAndIsGivenNone(t *testing.T) {
	t.Parallel()
	bin, started := t.TempDir(), filepath.Join(t.TempDir(), "started")
	launcher := "#!/bin/sh\n: >" + started + "\n" // what a D-Bus library starts to get a bus of its own
	if err := os.WriteFile(filepath.Join(bin, "dbus-launch"), []byte(launcher), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{"none": "", "autolaunch": "autolaunch:", "one that is gone": "unix:path=/nonexistent"} {
		t.Run(name, func(t *testing.T) {
			r := startChild(t, "os 5s FCC test", []string{"DBUS_SESSION_BUS_ADDRESS=" + address, "PATH=" + bin}, inNamespace)
			r.wantOK("", "mount", "/run") // where a bus would be found
			wantEvery(t, r, keystore.ErrAbsent)
		})
	}
	if _, err := os.Stat(started); err == nil {
		t.Error("a bus was started")
	}
}

func TestABusWithoutASecretServiceHasNoKeychain(t *testing.T) {
	t.Parallel()
	wantEvery(t, onKeychain(t, newDesk(t, t.TempDir(), false), unhurried), keystore.ErrAbsent)
}

func TestASecretServiceWithoutAKeyringIsNoKeychain(t *testing.T) {
	t.Parallel()
	// As the bus starts it for somebody who never had one.
	wantEvery(t, onKeychain(t, newDesk(t, t.TempDir(), true), unhurried), keystore.ErrAbsent)
}

// lockedHome is a home with a keyring that holds a, of which the password is not
// typed in yet.
func lockedHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	d := newDesk(t, home, false).unlocked(t)
	onKeychain(t, d, unhurried).wantOK("", "set", "a", "old")
	d.close()
	return home
}

func TestALockedKeychainIsLocked(t *testing.T) {
	t.Parallel()
	home := lockedHome(t)
	t.Run("started by the session", func(t *testing.T) {
		wantEvery(t, onKeychain(t, newDesk(t, home, false).locked(t), unhurried), keystore.ErrLocked)
	})
	t.Run("started by the bus", func(t *testing.T) {
		wantEvery(t, onKeychain(t, newDesk(t, home, true), unhurried), keystore.ErrLocked)
	})
}

func TestAKeychainIsUsedAsSoonAsItIsUnlocked(t *testing.T) {
	t.Parallel()
	d := newDesk(t, lockedHome(t), false).locked(t)
	r := onKeychain(t, d, unhurried)
	r.want(keystore.ErrLocked, "get", "a")
	d.unlock(t)
	r.wantOK("old", "get", "a")
	r.wantOK("", "set", "a", "new")
	r.wantOK("new", "get", "a")
}

func TestAnUnansweredPromptEndsInATimeoutAndIsShownOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, lockedHome(t), false)
	p := newPrompter(t, d, false)
	r := onKeychain(t, d.locked(t), time.Second)
	r.want(keystore.ErrTimeout, "get", "a")
	<-p.began
	r.want(keystore.ErrTimeout, "set", "a", "never")
	r.want(keystore.ErrTimeout, "delete", "a")
	if n := len(p.began); n != 0 {
		t.Errorf("%d more prompts opened", n)
	}
	// The bus goes away under the open prompt: an error, not a crash.
	d.close()
	r.want(keystore.ErrAbsent, "get", "a")
}

func TestAPromptThatWasDismissedIsNotShownAgainAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, lockedHome(t), false)
	p := newPrompter(t, d, true)
	r := onKeychain(t, d.locked(t), unhurried)
	wantEvery(t, r, keystore.ErrLocked)
	<-p.began
	if n := len(p.began); n != 0 {
		t.Errorf("%d more prompts opened", n)
	}
	d.unlock(t)
	r.wantOK("old", "get", "a")
}

func TestAKeychainThatHangsEndsInATimeout(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir(), false).unlocked(t)
	r := onKeychain(t, d, time.Second)
	r.wantOK("", "set", "a", "old")
	d.signal(t, syscall.SIGSTOP)
	begun := time.Now()
	wantEvery(t, r, keystore.ErrTimeout)
	if took := time.Since(begun); took > 6*time.Second {
		t.Errorf("three calls of 1 s took %v", took)
	}
	d.signal(t, syscall.SIGCONT)
	r.wantOK("", "set", "a", "new")
	r.wantOK("new", "get", "a")
}

func TestAWriteThatWasGivenUpIsFollowedAndNeverOvertaken(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir(), false)
	c := newClerk(t, d)
	r := onKeychain(t, d, time.Second)
	r.wantOK("", "set", "a", "first")

	c.hold.Lock()
	r.want(keystore.ErrTimeout, "set", "a", "stuck")
	r.want(keystore.ErrTimeout, "set", "a", "never begun")
	c.hold.Unlock()
	r.wantOK("", "set", "a", "last")
	r.wantOK("last", "get", "a")
	if got, want := strings.Join(c.writes(), ", "), "first, stuck, last"; got != want {
		t.Errorf("the keychain got %s; want %s", got, want)
	}
}

func TestAKeychainThatRefusesAWriteFails(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir(), false)
	c := newClerk(t, d)
	r := onKeychain(t, d, unhurried)
	r.wantOK("", "set", "a", "old")
	c.onWrite(func(string) (string, error) { return "", errNoRoom })
	_, err := r.ask("set", "a", "new")
	wantErr(t, err, keystore.ErrFailed)
	if !strings.Contains(err.Error(), "no space left") {
		t.Errorf("%v does not say why", err)
	}
	r.wantOK("old", "get", "a")
}

func TestAKeychainThatKeepsSomethingElseIsNoticed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir(), false)
	c := newClerk(t, d)
	r := onKeychain(t, d, unhurried)
	c.onWrite(func(value string) (string, error) { return value[:4], nil })
	r.want(keystore.ErrFailed, "set", "a", "cut off")
	c.onWrite(func(string) (string, error) { return "", errLost })
	r.want(keystore.ErrFailed, "set", "a", "lost")
}
