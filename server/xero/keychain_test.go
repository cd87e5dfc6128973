package xero_test

import (
	"net/http"
	"testing"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

func TestAKeychainThatCannotBeReadIsNeverTakenForAnEmptyOne(t *testing.T) {
	for _, why := range []error{keystore.ErrLocked, keystore.ErrAbsent, keystore.ErrTimeout, keystore.ErrFailed} {
		t.Run(why.Error(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.signIn()
				b.stop()
				b.keychain.set(why, why)
				b.start()
				b.wantState(xero.Starting, xero.CodeKeystoreUnavailable)
				if _, err := b.Begin(t.Context(), "browser", "/"); codeOf(err) != xero.CodeKeystoreUnavailable {
					t.Errorf("a sign-in meanwhile: %v, want keystore_unavailable", err)
				}
				time.Sleep(10 * time.Minute)
				b.wantState(xero.Starting, xero.CodeKeystoreUnavailable)
				b.keychain.set(nil, nil)
				time.Sleep(40 * time.Second)
				b.wantState(xero.Connected, "")
			})
		})
	}
}

func TestAKeychainThatTakesNoWritesPutsTheRenewalOffToTheLastMinute(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.keychain.set(nil, keystore.ErrLocked)
		time.Sleep(life - 2*time.Minute)
		if n := b.renewals(); n != 0 {
			t.Errorf("%d renewals that cannot be saved", n)
		}
		b.wantState(xero.Connected, xero.CodeKeystoreUnavailable)
		time.Sleep(90 * time.Second)
		if n := b.renewals(); n != 1 {
			t.Errorf("%d renewals in the last minute, want 1", n)
		}
		b.token()
		b.wantState(xero.Connected, xero.CodeKeystoreUnavailable)
		b.keychain.set(nil, nil)
		time.Sleep(6 * time.Second)
		b.wantState(xero.Connected, "")
		b.sim.Advance(31 * time.Minute) // the grace of the older token is over
		b.restart()
		b.wantState(xero.Connected, "")
	})
}

func TestAKeychainThatOpensAgainIsNoticedWithinHalfAMinute(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.keychain.set(nil, keystore.ErrLocked)
		time.Sleep(life * 3 / 4)
		b.wantState(xero.Connected, xero.CodeKeystoreUnavailable)
		b.keychain.set(nil, nil)
		time.Sleep(35 * time.Second)
		b.wantState(xero.Connected, "")
	})
}

func TestASaveThatFailsAfterTheRenewalIsMadeUpForBeforeTheEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			b.keychain.set(nil, keystore.ErrFailed) // between the trial write and the save
			return real()
		})
		time.Sleep(life * 3 / 4)
		b.wantState(xero.Connected, xero.CodeKeystoreUnavailable)
		if got := b.notes.last(); got.Outcome != xero.OutcomeUnsaved {
			t.Errorf("reported as %+v", got)
		}
		b.token()
		w.at("/connect/token", nil)
		time.AfterFunc(3*time.Second, func() { b.keychain.set(nil, nil) })
		b.stop() // waits for the save
		b.sim.Advance(31 * time.Minute)
		b.start()
		b.wantState(xero.Connected, "")
	})
}

func TestQuittingWaitsNoLongerThanTenSecondsForASave(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.keychain.set(nil, keystore.ErrFailed)
		time.Sleep(life)
		b.wantState(xero.Connected, xero.CodeKeystoreUnavailable)
		begun := time.Now()
		b.keychain.observed = nil
		b.stop()
		if took := time.Since(begun); took > 11*time.Second {
			t.Errorf("quitting took %v", took)
		}
		b.keychain.set(nil, nil)
		time.Sleep(5 * time.Second)
		b.start()
	})
}
