package xero_test

import (
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

// A renewal is under way when FCC is told to quit, and its save fails at first.
func TestQuittingDuringARenewalWaitsForItsSave(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		sent := make(chan struct{})
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			close(sent)
			time.Sleep(2 * time.Second)
			resp, err := real()
			b.keychain.set(nil, keystore.ErrFailed)
			time.AfterFunc(3*time.Second, func() { b.keychain.set(nil, nil) })
			return resp, err
		})
		<-sent
		b.stop()
		w.at("/connect/token", nil)
		b.sim.Advance(31 * time.Minute) // the grace of the older token is over
		b.start()
		b.wantState(xero.Connected, "")
	})
}

// So is a sign-in.
func TestQuittingDuringASignInWaitsForItsSave(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		attempt, err := b.Begin(t.Context(), "browser", "/")
		if err != nil {
			t.Fatal(err)
		}
		back, err := b.sim.Approve(attempt.URL)
		if err != nil {
			t.Fatal(err)
		}
		sent := make(chan struct{})
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			close(sent)
			time.Sleep(2 * time.Second)
			resp, err := real()
			b.keychain.set(nil, keystore.ErrFailed)
			time.AfterFunc(3*time.Second, func() { b.keychain.set(nil, nil) })
			return resp, err
		})
		fcc, finished := b.Connections, make(chan error)
		go func() {
			_, err := fcc.Finish(t.Context(), callback(t, back))
			finished <- err
		}()
		<-sent
		b.stop()
		if err := <-finished; err != nil {
			t.Fatal(err)
		}
		w.at("/connect/token", nil)
		b.start()
		b.wantState(xero.Connected, "")
	})
}

// Callers who wait when FCC quits are answered, with a token or with an error.
func TestCallersWhoWaitWhenFCCQuitsAreAnswered(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		session := b.session()
		b.far.cut(true)
		time.Sleep(life + time.Minute)
		w.at("/connect/token", func(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		answered := make(chan error, 20)
		for range 20 {
			go func() {
				_, err := session.Token(t.Context())
				answered <- err
			}()
		}
		synctest.Wait()
		begun := time.Now()
		b.stop()
		if took := time.Since(begun); took > 11*time.Second {
			t.Errorf("quitting took %v", took)
		}
		for range 20 {
			if err := <-answered; codeOf(err) != xero.CodeUnreachable {
				t.Errorf("a caller got %v", err)
			}
		}
		if took := time.Since(begun); took > 35*time.Second {
			t.Errorf("the last caller waited %v", took)
		}
		if _, err := session.Token(t.Context()); codeOf(err) != xero.CodeUnreachable {
			t.Errorf("after the end: %v", err)
		}
	})
}

// The renewal's answer is being saved when the person signs in anew.
func TestANewSignInIsNotUndoneByTheSaveOfAnOlderRenewal(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.sim.Assume(xerosim.Unknowns{SignInEndsOlder: true})
		item := "connection-" + onlyID(t, b)
		for range 20 {
			sets := 0
			saving, release := make(chan struct{}), make(chan struct{})
			b.keychain.observe(func(op, name string) {
				if op == "set" && name == item {
					if sets++; sets == 2 { // the first is the mark
						close(saving)
						<-release
					}
				}
			})
			<-saving
			codes := b.tokenRequests("authorization_code")
			finished := make(chan error)
			go func() {
				_, err := b.trySignIn()
				finished <- err
			}()
			for codes == b.tokenRequests("authorization_code") {
				runtime.Gosched() // the sign-in will wait for a mutex, which no bubble's clock waits for
			}
			for range 1000 {
				runtime.Gosched()
			}
			close(release)
			if err := <-finished; err != nil {
				t.Fatal(err)
			}
			b.keychain.observe(nil)
			b.wantState(xero.Connected, "")
			time.Sleep(life)
			b.wantState(xero.Connected, "")
		}
	})
}

// The keys that id tokens are signed with come half, and then nothing.
func TestAStalledKeySetDoesNotStopEverySignInToCome(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.sim.Fault(xerosim.Fault{At: "keys", Do: xerosim.Stall, Delay: 1000 * time.Hour})
		begun := time.Now()
		if _, err := b.trySignIn(); codeOf(err) != xero.CodeLoginFailed {
			t.Fatalf("%v, want login_failed", err)
		}
		if took := time.Since(begun); took > 35*time.Second {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Second)
		b.signIn()
		b.wantState(xero.Connected, "")
	})
}

func TestARefusedGrantIsNotGivenUpWhileTheKeychainCannotBeRead(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.say("/connect/token", 400, "application/json", `{"error":"invalid_grant"}`)
		b.keychain.set(keystore.ErrLocked, nil)
		time.Sleep(life * 3 / 4)
		b.wantState(xero.Retrying, xero.CodeKeystoreUnavailable)
		b.keychain.set(nil, nil)
		time.Sleep(time.Minute)
		b.wantState(xero.NeedsLogin, xero.CodeNeedsLogin)
	})
}

func TestAChangedAppKeepsItsSecretWhileTheKeychainIsShut(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		if err := b.SetApp(t.Context(), xero.App{ClientID: otherApp, Secret: keystore.NewSecret(xerosim.DemoClientSecret), Scopes: scopes}); err != nil {
			t.Fatal(err)
		}
		b.signIn()
		b.keychain.set(keystore.ErrLocked, nil)
		err := b.SetApp(t.Context(), xero.App{ClientID: otherApp, Scopes: append(scopes, "accounting.payments.read")})
		if err != nil && codeOf(err) != xero.CodeKeystoreUnavailable {
			t.Errorf("%v", err)
		}
		b.keychain.set(nil, nil)
		time.Sleep(life)
		b.wantState(xero.Connected, "")
		var e *xero.Error
		if err := b.SetApp(t.Context(), xero.App{ClientID: otherApp, Scopes: scopes}); errors.As(err, &e) {
			t.Errorf("%v", err)
		}
	})
}

func TestQuittingDuringADisconnectWaitsForIt(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		sent := make(chan struct{})
		w.at("/connect/revocation", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			close(sent)
			time.Sleep(3 * time.Second)
			return real()
		})
		fcc, finished := b.Connections, make(chan error, 1)
		go func() {
			_, err := fcc.Disconnect(t.Context(), "", "")
			finished <- err
		}()
		<-sent
		b.stop()
		select {
		case err := <-finished:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("FCC has ended before the disconnect")
		}
		b.wantNothingKept()
	})
}

// The loop stands still for two minutes, as in a sleep of the machine, while the
// next try is minutes away.
func TestAWakeTriesAtOnceWhatWasWaiting(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		var asked atomic.Int64
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			if asked.Add(1) == 1 {
				b.keychain.set(nil, keystore.ErrFailed) // renewed, not saved: the loop saves every 5 s
				return real()
			}
			return answer(400, "application/json", `{"error":"invalid_client"}`), nil
		})
		for asked.Load() < 2 { // refused: to be tried again in five minutes
			time.Sleep(time.Second)
		}
		var once atomic.Bool
		b.keychain.observe(func(op, _ string) {
			if op == "set" && !once.Swap(true) {
				time.Sleep(2 * time.Minute)
			}
		})
		time.Sleep(2*time.Minute + 30*time.Second)
		if n := asked.Load(); n != 3 {
			t.Errorf("%d token requests, want the third after the wake", n)
		}
		b.keychain.set(nil, nil)
	})
}

func TestKeysThatCannotBeReadAreNotTakenForAForgery(t *testing.T) {
	for _, do := range []xerosim.Trouble{xerosim.Drop, xerosim.WAF, xerosim.HTML} {
		t.Run(string(do), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.sim.Fault(xerosim.Fault{At: xerosim.PointKeys, Do: do, Times: -1})
				_, err := b.trySignIn()
				e, ok := errors.AsType[*xero.Error](err)
				if !ok || e.Code != xero.CodeLoginFailed || !strings.Contains(e.Message, "could not be finished") {
					t.Errorf("%+v", err)
				}
				synctest.Wait() // as in TestNoTroubleTellsASecret
				b.sim.ClearFaults()
				b.signIn()
			})
		})
	}
}
