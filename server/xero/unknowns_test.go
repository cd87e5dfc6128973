package xero_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

// Where no source says what Xero does, FCC does not depend on it.
func TestThePersonStaysSignedInWhateverXeroDoes(t *testing.T) {
	for name, u := range map[string]xerosim.Unknowns{
		"the likeliest":        {},
		"siblings die":         {SiblingsDie: true},
		"sign-in ends older":   {SignInEndsOlder: true},
		"refresh ends access":  {RefreshEndsAccess: true},
		"revoke ends access":   {RevokeEndsAccess: true},
		"no id token":          {RefreshOmitsIDToken: true},
		"cancel without state": {CancelOmitsState: true},
		"all of them":          {SiblingsDie: true, SignInEndsOlder: true, RefreshEndsAccess: true, RevokeEndsAccess: true, RefreshOmitsIDToken: true, CancelOmitsState: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubbleWith(t, xerosim.Options{Unknowns: u}, func(t *testing.T, b *bench) {
				w := b.withBetween()
				first := b.signIn()
				well := func(when string) {
					t.Helper()
					b.wantState(xero.Connected, "")
					if resp := b.get("/api.xro/2.0/Organisation"); resp.StatusCode != http.StatusOK {
						t.Fatalf("%s: status %d", when, resp.StatusCode)
					}
				}
				well("after the sign-in")
				time.Sleep(3 * life)
				well("after three lives")

				lose := 2 // answers in a row
				w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
					resp, err := real()
					if lose--; lose >= 0 && err == nil {
						resp.Body.Close()
						return nil, errNoNetwork
					}
					return resp, err
				})
				time.Sleep(life)
				well("after two lost answers")

				cut := make(chan struct{}, 10)
				w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
					resp, err := real()
					b.keychain.cutOff()
					cut <- struct{}{}
					return resp, err
				})
				<-cut
				b.kill()
				w.at("/connect/token", nil)
				b.start()
				well("after a kill between answer and save")

				attempt, err := b.Begin(t.Context(), "browser", "/")
				if err != nil {
					t.Fatal(err)
				}
				back, err := b.sim.Deny(attempt.URL)
				if err != nil {
					t.Fatal(err)
				}
				want := xero.CodeLoginFailed
				if u.CancelOmitsState {
					want = xero.CodeBadState
				}
				if _, err := b.Finish(t.Context(), callback(t, back)); codeOf(err) != want {
					t.Errorf("a cancelled sign-in: %v, want %s", err, want)
				}
				time.Sleep(11 * time.Minute)
				if b.Status().SigningIn {
					t.Error("still signing in")
				}

				if again := b.signIn(); again.New || again.Connection != first.Connection {
					t.Errorf("signed in again: %+v", again)
				}
				well("after another sign-in")
				time.Sleep(2 * life)
				b.restart()
				well("at the end")

				b.sim.Advance(31 * time.Minute)
				time.Sleep(time.Second)
				result, err := b.Disconnect(t.Context(), "", "")
				if err != nil || len(result.Untold) > 0 || b.revoked() != 1 {
					t.Errorf("disconnect: %+v, %v, %d revocations", result, err, b.revoked())
				}
				b.wantState(xero.Disconnected, "")
				b.wantNothingKept()
			})
		})
	}
}

func TestASignInWithoutANonceIsRefused(t *testing.T) {
	inBubbleWith(t, xerosim.Options{Unknowns: xerosim.Unknowns{OmitNonce: true}}, func(t *testing.T, b *bench) {
		if _, err := b.trySignIn(); codeOf(err) != xero.CodeLoginFailed {
			t.Errorf("%v, want login_failed", err)
		}
		b.wantState(xero.Disconnected, xero.CodeLoginFailed)
		b.wantNothingKept()
	})
}

func TestAHundredAttemptsLeaveNothingBehind(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		for i := range 100 {
			if _, err := b.Begin(t.Context(), fmt.Sprint("browser ", i), "/"); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10*time.Minute + time.Second)
		if b.Status().SigningIn {
			t.Error("attempts are left")
		}
	})
}
