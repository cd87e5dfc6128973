package xero_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

func (b *bench) plant(name, text string) {
	b.t.Helper()
	if err := b.keychain.Store.Set(b.t.Context(), name, keystore.NewSecret(text)); err != nil {
		b.t.Fatal(err)
	}
}

// kept is what the keychain holds under name, "" for nothing.
func (b *bench) kept(name string) string {
	b.t.Helper()
	text, err := b.keychain.Store.Get(b.t.Context(), name)
	if err != nil && !errors.Is(err, keystore.ErrNotFound) {
		b.t.Fatal(err)
	}
	return text.Reveal()
}

// spoiled are records that this FCC cannot use.
func spoiled(good string) map[string]string {
	return map[string]string{
		"empty":           "",
		"not ours":        "hunter2",
		"cut off":         good[:len(good)/2],
		"another's JSON":  `{"token":"x"}`,
		"without a token": `{"v":1,"issuer":"x","client_id":"y","subject":"z"}`,
		"a newer version": strings.Replace(good, `"v":1`, `"v":2`, 1),
		"bytes":           "\xff\xfe\x00\x01",
	}
}

// After a damaged record a person signs in again, and all is well.
func TestASignInAgainTakesThePlaceOfARecordThatIsKeptAside(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(spoiled("{}"))) {
		for _, known := range []bool{true, false} {
			inBubble(t, func(t *testing.T, b *bench) {
				id := b.signIn().Connection
				b.stop()
				item, bad := "connection-"+id, spoiled(b.kept("connection-" + id))[name]
				b.plant(item, bad)
				if !known {
					b.notes.forget(t.Context(), id)
				}
				b.start()
				b.wantState(xero.NeedsLogin, xero.CodeNeedsLogin)
				if said := b.Status().Problem.Message; strings.Contains(said, "newer version") != (name == "a newer version") {
					t.Errorf("%s: said %q", name, said)
				}
				if b.kept(item) != bad {
					t.Errorf("%s: the record was touched before anybody signed in", name)
				}
				b.restart() // keeps nothing aside twice
				if done := b.signIn(); done.New || done.Connection != id {
					t.Errorf("%s: %+v: want the damaged connection renewed", name, done)
				}
				b.wantState(xero.Connected, "")
				b.restart()
				b.wantState(xero.Connected, "")
				if bad != "" && b.kept("aside-"+item) != bad || b.kept("aside-"+item+"-2") != "" {
					t.Errorf("%s: kept aside: %q, %q", name, b.kept("aside-"+item), b.kept("aside-"+item+"-2"))
				}
			})
		}
	}
}

func TestAnotherPersonsSignInLeavesADamagedRecordAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		id := b.signIn().Connection
		b.stop()
		b.plant("connection-"+id, "{")
		b.start()
		ben, err := b.signInAs("ben@example.com")
		if err != nil || !ben.New {
			t.Fatalf("%+v, %v", ben, err)
		}
		b.wantState(xero.NeedsLogin, xero.CodeNeedsLogin)
		result, err := b.Disconnect(t.Context(), id, "")
		if err != nil || len(result.Untold) != 1 || !strings.Contains(result.Untold[0], "Xero could not be told") {
			t.Fatalf("%+v, %v", result, err)
		}
		b.wantState(xero.Connected, "")
		if b.kept("connection-"+id) != "" || b.kept("aside-connection-"+id) != "{" {
			t.Errorf("%q is there, %q aside", b.kept("connection-"+id), b.kept("aside-connection-"+id))
		}
		b.restart()
		b.wantState(xero.Connected, "")
	})
}

// A record that cannot be kept aside is not written over: the sign-in goes on, and
// is saved when the keychain takes both.
func TestADamagedRecordIsTouchedOnlyWhenItIsKeptAside(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		id := b.signIn().Connection
		b.stop()
		b.plant("connection-"+id, "{")
		b.keychain.set(nil, keystore.ErrFailed)
		b.start()
		b.wantState(xero.NeedsLogin, xero.CodeNeedsLogin)
		b.signIn()
		b.wantState(xero.Connected, xero.CodeKeystoreUnavailable)
		if b.kept("connection-"+id) != "{" {
			t.Error("the record was written over")
		}
		b.keychain.set(nil, nil)
		time.Sleep(6 * time.Second)
		b.wantState(xero.Connected, "")
		if b.kept("aside-connection-"+id) != "{" {
			t.Error("it is not kept aside")
		}
		b.restart()
		b.wantState(xero.Connected, "")
	})
}

func TestADamagedListIsKeptAsideAndWhatItStillNamesIsFound(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		aroha := b.signIn().Connection
		done, err := b.signInAs("ben@example.com")
		if err != nil {
			t.Fatal(err)
		}
		good := b.kept("connections")
		for name, bad := range map[string]string{
			"cut off":         good[:strings.LastIndex(good, "]")],
			"a newer version": `{"v":2,"connections":[{"id":"` + aroha + `"},{"id":"` + done.Connection + `"}]}`,
			"lines":           aroha + "\r\n" + done.Connection + "\r\n" + aroha + "\r\n0123456789abcdef0",
		} {
			b.stop()
			b.plant("connections", bad)
			b.start()
			b.wantState(xero.Connected, xero.CodeNeedsLogin)
			if n := len(b.Status().Connections); n != 2 {
				t.Errorf("%s: %d connections are found", name, n)
			}
			b.restart() // the list is whole again
			b.wantState(xero.Connected, "")
			if n := len(b.Status().Connections); n != 2 {
				t.Errorf("%s: %d connections after a restart", name, n)
			}
		}
	})
}

func TestAListThatNamesNothingAnyMoreIsSaidUntilSomebodySignsIn(t *testing.T) {
	for name, bad := range map[string]string{
		"empty": "", "not ours": "hunter2", "an array": "[]", "ids that nobody has": `{"v":1,"ids":["0123456789abcdef"`,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				lost := b.signIn().Connection
				record := b.kept("connection-" + lost)
				for range 2 {
					b.stop()
					b.plant("connections", bad)
					b.start()
					b.wantState(xero.Disconnected, xero.CodeNeedsLogin)
					if said := b.Status().Problem.Message; !strings.Contains(said, "aside-connections") {
						t.Errorf("said %q", said)
					}
				}
				b.restart()
				b.wantState(xero.Disconnected, xero.CodeNeedsLogin)
				if done := b.signIn(); !done.New {
					t.Errorf("%+v", done)
				}
				b.restart()
				b.wantState(xero.Connected, "")
				if bad != "" && b.kept("aside-connections") != bad || b.kept("connection-"+lost) != record {
					t.Errorf("%q is aside", b.kept("aside-connections"))
				}
			})
		})
	}
}

func TestAListThatCannotBeKeptAsideIsNotReplaced(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.stop()
		b.plant("connections", "{")
		b.keychain.set(nil, keystore.ErrFailed)
		b.start()
		b.wantState(xero.Starting, xero.CodeKeystoreUnavailable)
		if b.kept("connections") != "{" {
			t.Error("the list was written over")
		}
		b.keychain.set(nil, nil)
		time.Sleep(40 * time.Second)
		b.wantState(xero.Disconnected, xero.CodeNeedsLogin)
	})
}

// What was lost before this start, as a secrets file that opens no more, is said
// until somebody signs in.
func TestALossBeforeTheStartIsSaidUntilSomebodySignsIn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.stop()
		b.lost = &xero.Problem{Code: xero.CodeNeedsLogin, Message: "The file is gone.", Action: "Sign in again."}
		b.start()
		b.wantState(xero.Disconnected, xero.CodeNeedsLogin)
		b.signIn()
		b.wantState(xero.Connected, "")
	})
}
