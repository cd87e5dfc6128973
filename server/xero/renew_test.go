package xero_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

func TestATokenIsRenewedAheadOfItsEndWithoutAnybodyAsking(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		first := b.token()
		time.Sleep(life * 6 / 10)
		if n := b.renewals(); n != 0 {
			t.Errorf("%d renewals after 18 minutes, want none yet", n)
		}
		time.Sleep(life * 15 / 100)
		if n := b.renewals(); n != 1 {
			t.Errorf("%d renewals after 22 minutes, want 1", n)
		}
		if b.token().Token.Equal(first.Token) {
			t.Error("the token is still the first")
		}
		if got := b.notes.last(); got.Outcome != xero.OutcomeRenewed || got.Reason != xero.ReasonAhead {
			t.Errorf("reported as %+v", got)
		}
		time.Sleep(24 * time.Hour)
		b.wantState(xero.Connected, "")
		if n := b.renewals(); n < 60 || n > 80 {
			t.Errorf("%d renewals in a day, want about 72", n)
		}
	})
}

func TestTheNextRenewalIsToldAndThatChangesNothingElse(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		ctx, cancel := context.WithCancel(t.Context())
		var told atomic.Int64
		var watching sync.WaitGroup
		watching.Go(func() {
			for range b.Watch(ctx) {
				told.Add(1)
			}
		})
		at := b.Status().Connections[0].RenewsAt
		if in := time.Until(at); in < life*6/10 || in > life*75/100 {
			t.Errorf("the next renewal is told for %v from now", in)
		}
		time.Sleep(time.Until(at) - 2*time.Second)
		if n := b.renewals(); n != 0 || told.Load() != 1 || !b.Status().Connections[0].RenewsAt.Equal(at) {
			t.Errorf("just before it %d renewals, %d changes were told", n, told.Load())
		}
		time.Sleep(4 * time.Second)
		if n := b.renewals(); n != 1 || !b.Status().Connections[0].RenewsAt.After(at) {
			t.Errorf("just after it %d renewals, the next at %v", n, b.Status().Connections[0].RenewsAt)
		}
		b.far.cut(true)
		time.Sleep(life)
		if b.wantState(xero.Retrying, xero.CodeUnreachable); !b.Status().Connections[0].RenewsAt.IsZero() {
			t.Error("a renewal is planned while it is tried again and again")
		}
		cancel()
		watching.Wait()
	})
}

func TestFiftyCallersOnAnExpiredTokenCauseOneRenewal(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		session := b.session()
		b.far.cut(true)
		time.Sleep(life + time.Minute) // nothing could be renewed, the token has ended
		b.wantState(xero.Retrying, xero.CodeUnreachable)
		b.far.cut(false)
		before := b.renewals()
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if _, err := session.Token(t.Context()); err != nil {
					t.Errorf("a caller got %v", err)
				}
			})
		}
		callers.Wait()
		if n := b.renewals() - before; n != 1 {
			t.Errorf("%d renewals, want exactly 1", n)
		}
		b.wantState(xero.Connected, "")
	})
}

func TestACallerThatHangsUpDoesNotEndTheRenewal(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		release := make(chan struct{})
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			<-release
			return real()
		})
		time.Sleep(life + time.Second) // the loop's own renewal hangs, and fails after 30 s
		b.far.cut(true)
		ctx, hangUp := context.WithCancel(t.Context())
		got := make(chan error)
		session := b.session()
		go func() {
			_, err := session.Token(ctx)
			got <- err
		}()
		synctest.Wait()
		hangUp()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("the caller got %v, want its own end", err)
		}
		b.far.cut(false)
		close(release)
		time.Sleep(time.Minute)
		b.wantState(xero.Connected, "")
	})
}

func TestTheOldTokenServesWhileXeroIsAway(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		first := b.token()
		time.Sleep(life / 2)
		b.far.cut(true)
		time.Sleep(life/4 + time.Minute)
		b.wantState(xero.Retrying, xero.CodeUnreachable)
		if got := b.token(); !got.Token.Equal(first.Token) {
			t.Error("another token while Xero is away")
		}
		next := b.Status().Connections[0].NextTry
		if next == nil || time.Until(*next) > 40*time.Second {
			t.Errorf("next try %v, want within 40 s", next)
		}
		time.Sleep(life)
		if _, err := b.session().Token(t.Context()); codeOf(err) != xero.CodeUnreachable {
			t.Errorf("with no token left: %v, want xero_unreachable", err)
		}
		b.far.cut(false)
		b.token()
		b.wantState(xero.Connected, "")
	})
}

func TestADayWithoutXeroNamesTheDateByWhichItMustSucceed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.far.cut(true)
		time.Sleep(26 * time.Hour)
		b.wantState(xero.Retrying, xero.CodeUnreachable)
		by := b.Status().Connections[0].RenewBy.Local().Format("2 January 2006")
		if got := b.Status().Problem.Message; !strings.Contains(got, by) || !strings.Contains(got, "has gone on since") {
			t.Errorf("%q does not name %s", got, by)
		}
	})
}

// Every kind of trouble at the token endpoint: the grant survives, and renews when
// the trouble is over.
func TestTroubleAtTheTokenEndpointNeverEndsAGrant(t *testing.T) {
	for name, spoil := range tokenTroubles {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				w := b.withBetween()
				b.signIn()
				w.at("/connect/token", spoil)
				time.Sleep(life*3/4 + time.Minute)
				b.wantState(xero.Retrying, xero.CodeUnreachable)
				w.at("/connect/token", nil)
				time.Sleep(time.Minute + 5*time.Second)
				b.wantState(xero.Connected, "")
				time.Sleep(2 * life)
				b.wantState(xero.Connected, "")
			})
		})
	}
}

func TestAnAnswerThatWasLostIsAskedForAgainWithinTheGrace(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		lost := 0
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			resp, err := real() // Xero has replaced the refresh token
			if lost++; lost == 1 && err == nil {
				resp.Body.Close()
				return nil, errNoNetwork
			}
			return resp, err
		})
		time.Sleep(life * 9 / 10)
		synctest.Wait()
		if lost != 2 {
			t.Errorf("%d token requests, want the lost one and one more", lost)
		}
		b.wantState(xero.Connected, "")
		time.Sleep(3 * life)
		b.wantState(xero.Connected, "")
	})
}

func TestAnEndedGrantNeedsASignInAndItsRecordStaysUntilThen(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		id := onlyID(t, b)
		b.stop()
		time.Sleep(61 * 24 * time.Hour) // unused for 61 days
		b.start()
		b.wantState(xero.NeedsLogin, xero.CodeNeedsLogin)
		if got := b.Status().Problem.Message; !strings.Contains(got, "60 days") {
			t.Errorf("%q does not say why", got)
		}
		if _, err := b.keychain.Store.Get(t.Context(), "connection-"+id); err != nil {
			t.Errorf("the record is gone: %v", err)
		}
		n := b.renewals()
		if _, err := b.session().Token(t.Context()); codeOf(err) != xero.CodeNeedsLogin {
			t.Errorf("token: %v, want needs_login", err)
		}
		time.Sleep(time.Hour)
		if b.renewals() != n {
			t.Error("an ended grant was tried again and again")
		}
		done := b.signIn()
		if done.New || done.Connection != id {
			t.Errorf("%+v: want the same connection %s renewed", done, id)
		}
		b.wantState(xero.Connected, "")
	})
}

// goesStale stops b, and has its keychain hold a grant that was replaced some renewals ago.
func (b *bench) goesStale(t *testing.T) (item string, newest keystore.Secret) {
	t.Helper()
	item = "connection-" + onlyID(t, b)
	stale, err := b.keychain.Store.Get(t.Context(), item)
	if err == nil {
		time.Sleep(3 * life)
		newest, err = b.keychain.Store.Get(t.Context(), item)
	}
	b.stop()
	if err == nil {
		err = b.keychain.Store.Set(t.Context(), item, stale)
	}
	if err != nil {
		t.Fatal(err)
	}
	return item, newest
}

func TestARefusedGrantIsReadAgainBeforeItIsGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		item, newest := b.goesStale(t)
		// Another process puts the newer record there after FCC has read the stale one.
		reads := 0
		b.keychain.observed = func(op, name string) {
			if op == "get" && name == item {
				if reads++; reads == 2 {
					if err := b.keychain.Store.Set(t.Context(), item, newest); err != nil {
						t.Error(err)
					}
				}
			}
		}
		b.start()
		b.wantState(xero.Connected, "")
		if reads < 2 {
			t.Error("the keychain was not read again")
		}
	})
}

func TestAWrongClientSettingEndsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.say("/connect/token", 400, "application/json", `{"error":"invalid_client"}`)
		time.Sleep(life)
		b.wantState(xero.Retrying, xero.CodeLoginFailed)
		w.at("/connect/token", nil)
		b.token()
		b.wantState(xero.Connected, "")
	})
}

func TestARestartGoesOnWithTheKeptGrant(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		for range 5 {
			time.Sleep(life)
			b.restart()
			b.wantState(xero.Connected, "")
			b.token()
		}
		if n := b.tokenRequests("authorization_code"); n != 1 {
			t.Errorf("%d sign-ins, want 1", n)
		}
	})
}

func TestAStartWithoutANetworkKnowsTheOrganisations(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.stop()
		b.far.cut(true)
		b.start()
		time.Sleep(5 * time.Second)
		b.wantState(xero.Retrying, xero.CodeUnreachable)
		if n := len(b.Status().Organisations()); n != 3 {
			t.Errorf("%d organisations are remembered, want 3", n)
		}
		b.far.cut(false)
		time.Sleep(35 * time.Second)
		b.wantState(xero.Connected, "")
	})
}

// kill -9 at any moment of a renewal costs at most one use of the grace.
func TestAKillBetweenAnswerAndSaveHealsAtTheNextStart(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			resp, err := real()
			b.keychain.cutOff() // nothing after Xero's answer reaches the keychain
			return resp, err
		})
		time.Sleep(life * 3 / 4)
		b.kill()
		w.at("/connect/token", nil)
		b.start()
		b.wantState(xero.Connected, "")
		b.sim.Advance(31 * time.Minute)
		b.restart()
		b.wantState(xero.Connected, "")
	})
}

func TestAGrantIsRenewedAtLeastDailyWhateverItsTokensLife(t *testing.T) {
	inBubbleWith(t, xerosim.Options{TokenLife: 30 * 24 * time.Hour}, func(t *testing.T, b *bench) {
		b.signIn()
		time.Sleep(24*time.Hour + time.Minute)
		if got := b.notes.last(); b.renewals() != 1 || got.Reason != xero.ReasonKeepAlive {
			t.Errorf("%d renewals after a day, the last %+v", b.renewals(), got)
		}
	})
}

func TestANewSignInIsNotUndoneByARenewalUnderWay(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		b.sim.Assume(xerosim.Unknowns{SignInEndsOlder: true})
		release := make(chan struct{})
		w.at("/connect/token", func(req *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			body, _ := req.GetBody()
			form := make([]byte, 40)
			n, _ := body.Read(form)
			if strings.Contains(string(form[:n]), "client_id") && req.ContentLength < 200 { // a renewal: no code, no verifier
				<-release
			}
			return real()
		})
		time.Sleep(life * 3 / 4)
		b.signIn()
		close(release)
		time.Sleep(time.Minute)
		b.wantState(xero.Connected, "")
		w.at("/connect/token", nil)
		time.Sleep(2 * life)
		b.wantState(xero.Connected, "")
	})
}

// panicsAt panics at the nth of what is asked of the keychain, and from then on.
func panicsAt(what string, n int) func(op, name string) {
	return func(op, _ string) {
		if op != what {
			return
		}
		if n--; n <= 0 {
			panic("a mistake")
		}
	}
}

// wantPanic fails the test unless the log says that there was one, and where.
func (b *bench) wantPanic() {
	b.t.Helper()
	if log := b.log.String(); !strings.Contains(log, `"msg":"panic","part":"xero","value":"a mistake"`) || !strings.Contains(log, "renew_test.go") {
		b.t.Errorf("the log does not say where: %s", log)
	}
}

func TestAPanicOverTheTrialWritePutsTheRenewalOff(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.keychain.observe(panicsAt("set", 1))
		time.Sleep(life - 2*time.Minute)
		b.wantState(xero.Connected, xero.CodeKeystoreUnavailable)
		if got := b.notes.last(); got.Outcome != xero.OutcomePutOff || b.renewals() != 0 {
			t.Errorf("%d renewals that cannot be saved, reported as %+v", b.renewals(), got)
		}
		b.wantPanic()
		b.keychain.observe(nil)
		time.Sleep(35 * time.Second)
		b.wantState(xero.Connected, "")
		b.token()
	})
}

// What Xero has answered is all that is left of the sign-in: it serves, and is saved once
// it can be, at the end of FCC at the latest.
func TestAPanicOverTheSaveLosesNoSignIn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.keychain.observe(panicsAt("set", 2)) // the first is the trial write
		time.Sleep(life * 3 / 4)
		b.wantState(xero.Connected, xero.CodeKeystoreUnavailable)
		if got := b.notes.last(); got.Outcome != xero.OutcomeUnsaved {
			t.Errorf("reported as %+v", got)
		}
		b.wantPanic()
		for range 5 { // it is saved again meanwhile, in vain
			b.token()
			time.Sleep(7 * time.Second)
		}
		if n := b.renewals(); n != 1 {
			t.Errorf("%d renewals, want 1", n)
		}
		time.AfterFunc(3*time.Second, func() { b.keychain.observe(nil) })
		b.stop() // waits for the save
		b.sim.Advance(31 * time.Minute)
		b.start()
		b.wantState(xero.Connected, "")
	})
}

func TestAPanicOnTheWayToXeroIsAnOutage(t *testing.T) {
	for name, answered := range map[string]bool{"on the way there": false, "on the way back": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				w := b.withBetween()
				b.signIn()
				w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
					if answered {
						if resp, err := real(); err == nil {
							resp.Body.Close()
						}
					}
					panic("a mistake")
				})
				time.Sleep(life * 9 / 10)
				b.wantState(xero.Retrying, xero.CodeUnreachable)
				if got := b.notes.last(); got.Outcome != xero.OutcomeRetrying {
					t.Errorf("reported as %+v", got)
				}
				b.wantPanic()
				w.at("/connect/token", nil)
				time.Sleep(life / 2)
				b.wantState(xero.Connected, "")
				b.token()
			})
		})
	}
}

// A keychain that panics has not said that it holds no newer grant.
func TestAPanicOverTheSecondReadEndsNoGrant(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		item, newest := b.goesStale(t)
		reads := 0
		b.keychain.observe(func(op, name string) {
			if op != "get" || name != item {
				return
			}
			switch reads++; reads {
			case 2:
				panic("a mistake")
			case 3: // from another process, after the stale one was read
				if err := b.keychain.Store.Set(t.Context(), item, newest); err != nil {
					t.Error(err)
				}
			}
		})
		b.start()
		b.wantState(xero.Retrying, xero.CodeUnreachable)
		b.wantPanic()
		time.Sleep(30 * time.Second)
		b.wantState(xero.Connected, "")
	})
}
