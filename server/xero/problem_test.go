package xero_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

// While Xero is away and the keychain is shut, nothing can be done: the wait is
// that of a renewal put off, not a try every second.
func TestARenewalPutOffWhileXeroIsAwayIsNotTriedEverySecond(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.far.cut(true)
		time.Sleep(life * 3 / 4)
		b.wantState(xero.Retrying, xero.CodeUnreachable)
		b.keychain.set(nil, keystore.ErrLocked)
		time.Sleep(time.Minute) // past a try that was due
		before := b.notes.count()
		time.Sleep(2 * time.Minute)
		if n := b.notes.count() - before; n > 6 {
			t.Errorf("%d tries in two minutes", n)
		}
		if next := b.Status().Connections[0].NextTry; next != nil && next.Before(time.Now().Add(-2*time.Second)) {
			t.Errorf("the next try is in the past: %v, now %v", next, time.Now().UTC())
		}
		b.keychain.set(nil, nil)
		b.far.cut(false)
		time.Sleep(time.Minute)
		b.wantState(xero.Connected, "")
	})
}

// A grant that could not be saved, then Xero away: each trouble is said, and each
// goes with its cause.
func TestNoTroubleHidesAnotherThatOutlivesIt(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			b.keychain.set(nil, keystore.ErrFailed)
			return real()
		})
		time.Sleep(life * 3 / 4)
		b.wantState(xero.Connected, xero.CodeKeystoreUnavailable)
		w.at("/connect/token", nil)
		b.far.cut(true)
		time.Sleep(life + time.Minute)
		b.wantState(xero.Retrying, xero.CodeUnreachable)
		b.keychain.set(nil, nil) // the save is made up for; Xero is still away
		for range 40 {
			time.Sleep(time.Second)
			b.wantState(xero.Retrying, xero.CodeUnreachable)
		}
		b.far.cut(false)
		time.Sleep(time.Minute)
		b.wantState(xero.Connected, "")
	})
}

func TestNoOrganisationIsSaidAgainWhenTheKeychainIsWell(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.say("/connections", 200, "application/json", "[]")
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			b.keychain.set(nil, keystore.ErrFailed)
			time.AfterFunc(12*time.Second, func() { b.keychain.set(nil, nil) })
			return real()
		})
		time.Sleep(life * 7 / 10)
		w.at("/connect/token", nil)
		time.Sleep(30 * time.Second)
		b.wantState(xero.Connected, xero.CodeTenantRequired)
		w.at("/connections", nil)
		time.Sleep(life)
		b.wantState(xero.Connected, "")
	})
}

// Nothing is repainted without a change: a sign-in that reaches no organisation is
// renewed without a flicker.
func TestARenewalWithoutOrganisationsDoesNotFlicker(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		w.say("/connections", 200, "application/json", "[]")
		b.signIn()
		codes := map[xero.Code]int{}
		ended := make(chan struct{})
		fcc := b.Connections
		go func() {
			defer close(ended)
			for st := range fcc.Watch(t.Context()) {
				code := xero.Code("none")
				if st.Problem != nil {
					code = st.Problem.Code
				}
				if codes[code]++; codes["end"] > 0 || len(st.Connections) == 0 {
					return
				}
			}
		}()
		// The answers of /connections take their time, so that a watcher sees what is between.
		w.at("/connections", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
			time.Sleep(time.Second)
			return answer(200, "application/json", "[]"), nil
		})
		time.Sleep(2 * life)
		synctest.Wait()
		if codes["none"] > 0 {
			t.Errorf("the problem went and came back: %v", codes)
		}
		w.at("/connections", nil)
		if _, err := b.Disconnect(t.Context(), "", ""); err != nil {
			t.Fatal(err)
		}
		<-ended
	})
}

// The list of connections is written, the record is not, and FCC is killed: the
// sign-in is lost, and nothing else.
func TestAKillBetweenListAndRecordLosesThatSignInOnly(t *testing.T) {
	for _, why := range []error{keystore.ErrFailed, keystore.ErrTooBig} {
		t.Run(why.Error(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				aroha := b.signIn().Connection
				b.keychain.observe(func(op, name string) {
					if op == "set" && name == "connections" {
						b.keychain.set(nil, why)
					}
				})
				if _, err := b.signInAs("ben@example.com"); err != nil {
					t.Fatal(err)
				}
				b.wantState(xero.Connected, xero.CodeKeystoreUnavailable)
				b.keychain.observe(nil)
				b.kill()
				b.start()
				b.wantState(xero.Connected, "")
				if got := b.Status().Connections; len(got) != 1 || got[0].ID != aroha {
					t.Fatalf("%+v", got)
				}
				if _, err := b.signInAs("ben@example.com"); err != nil {
					t.Fatal(err)
				}
				b.restart()
				b.wantState(xero.Connected, "")
				text, err := b.keychain.Store.Get(t.Context(), "connections")
				if n := strings.Count(text.Reveal(), `","`) + 1; err != nil || n != 2 {
					t.Errorf("the list names %d connections, want 2: %s, %v", n, text.Reveal(), err)
				}
			})
		})
	}
}

// Who signed in is said in the id token of the sign-in and never again.
func TestWhoSignedInIsKnownAfterARestart(t *testing.T) {
	for name, spoil := range map[string]func(*http.Request, func() (*http.Response, error)) (*http.Response, error){
		"without organisations":        instead(200, "application/json", "[]"),
		"without an answer about them": instead(503, "text/plain", "offline"),
		"with three of them":           nil,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				w := b.withBetween()
				w.at("/connections", spoil)
				b.signIn()
				b.restart()
				w.at("/connections", nil)
				time.Sleep(2 * time.Minute)
				if p := b.Status().Connections[0].Person; p == nil || p.Email != "aroha@example.com" {
					t.Errorf("person %+v", p)
				}
			})
		})
	}
}

func TestTwoSessionsOfOneOrganisationStandInForEachOther(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		if _, err := b.signInAs("ben@example.com"); err != nil {
			t.Fatal(err)
		}
		shared := 0
		for _, o := range b.Status().Organisations() {
			reach := 0
			for _, c := range b.Status().Connections {
				for _, other := range c.Organisations {
					if other.TenantID == o.TenantID {
						reach++
					}
				}
			}
			if reach < 2 {
				continue
			}
			shared++
			if _, err := b.Disconnect(t.Context(), "", o.TenantID); codeOf(err) != xero.CodeBadRequest {
				t.Errorf("which of two was disconnected? %v", err)
			}
		}
		if shared == 0 {
			t.Fatal("the two people share no organisation")
		}
		if err := b.sim.RevokeGrant("aroha@example.com"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(life)
		b.wantState(xero.NeedsLogin, xero.CodeNeedsLogin)
		for _, c := range b.Status().Connections {
			if c.State == xero.NeedsLogin {
				continue
			}
			for _, o := range c.Organisations {
				if s, ok := b.Find(o.TenantID); !ok || s.ID() != c.ID {
					t.Errorf("%s is not served by the sign-in that works", o.Name)
				}
			}
		}
	})
}

func TestARetryAfterIsKeptToAtMostFiveMinutes(t *testing.T) {
	for header, want := range map[string][2]time.Duration{
		"45":    {45 * time.Second, 46 * time.Second},
		"66975": {5 * time.Minute, 5*time.Minute + time.Second},
		"soon":  {time.Second / 2, 2 * time.Second},
		"-3":    {time.Second / 2, 2 * time.Second},
	} {
		t.Run(header, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				w := b.withBetween()
				b.signIn()
				asked := make(chan time.Time, 1000)
				w.at("/connect/token", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
					asked <- time.Now()
					resp := answer(429, "", "")
					resp.Header.Set("Retry-After", header)
					return resp, nil
				})
				first, second := <-asked, <-asked
				if pause := second.Sub(first); pause < want[0] || pause > want[1] {
					t.Errorf("asked again after %v, want %v", pause, want)
				}
				w.at("/connect/token", nil)
			})
		})
	}
}
