package xero_test

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

// revoked counts the revocations that Xero has carried out.
func (b *bench) revoked() int {
	n := 0
	for _, e := range b.sim.Journal() {
		if e.Path == "/connect/revocation" && e.Status == http.StatusOK {
			n++
		}
	}
	return n
}

// Revoking at Xero ends all connections of this person to this app: those of a
// newer sign-in too.
func TestADisconnectStillToBeToldDoesNotUndoANewSignIn(t *testing.T) {
	for name, restart := range map[string]bool{"in one run": false, "over a restart": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.signIn()
				b.far.cut(true)
				if result, err := b.Disconnect(t.Context(), "", ""); err != nil || len(result.Untold) == 0 {
					t.Fatalf("%+v, %v", result, err)
				}
				b.far.cut(false)
				b.signIn()
				if restart {
					b.restart()
				}
				time.Sleep(time.Hour)
				b.wantState(xero.Connected, "")
				if n := len(b.Status().Organisations()); n != 3 {
					t.Errorf("%d organisations are left of the new sign-in, want 3", n)
				}
				onlyID(t, b) // the old record is gone
			})
		})
	}
}

func TestAKillWhileXeroIsToldOfADisconnectDoesNotUndoIt(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.at("/connect/revocation", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
			b.keychain.cutOff()
			return nil, errNoNetwork
		})
		if _, err := b.Disconnect(t.Context(), "", ""); err != nil {
			t.Fatal(err)
		}
		b.kill()
		w.at("/connect/revocation", nil)
		b.start()
		b.wantState(xero.Disconnected, "")
		if b.revoked() != 1 {
			t.Errorf("%d revocations, want 1", b.revoked())
		}
	})
}

// A network that swallows everything uses up all the patience there is; the
// disconnect is kept all the same.
func TestADisconnectIntoSilenceIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		silence := func(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}
		for _, path := range []string{"/connect/token", "/connect/revocation", "/connections"} {
			w.at(path, silence)
		}
		begun := time.Now()
		if _, err := b.Disconnect(t.Context(), "", ""); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 40*time.Second {
			t.Errorf("it took %v", took)
		}
		b.kill()
		for _, path := range []string{"/connect/token", "/connect/revocation", "/connections"} {
			w.at(path, nil)
		}
		b.start()
		b.wantState(xero.Disconnected, "")
	})
}

func TestADisconnectWithTheKeychainShutIsNotedWhenItOpens(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.keychain.set(nil, keystore.ErrLocked)
		b.far.cut(true)
		if _, err := b.Disconnect(t.Context(), "", ""); err != nil {
			t.Fatal(err)
		}
		b.wantState(xero.Disconnected, "")
		b.keychain.set(nil, nil)
		time.Sleep(20 * time.Second)
		b.kill()
		b.far.cut(true)
		b.start()
		b.wantState(xero.Disconnected, "")
		b.far.cut(false)
		time.Sleep(10 * time.Minute)
		if b.revoked() != 1 {
			t.Errorf("%d revocations, want 1", b.revoked())
		}
		b.wantNothingKept()
	})
}

// wantNothingKept fails if a record or an id is left in the keychain.
func (b *bench) wantNothingKept() {
	b.t.Helper()
	text, err := b.keychain.Store.Get(b.t.Context(), "connections")
	if err == nil && text.Reveal() != `{"v":1,"ids":[]}` {
		b.t.Errorf("the list of connections is %s", text.Reveal())
	}
}

// A save that waits for the keychain while the sign-in is disconnected must not
// bring the record back.
func TestALateSaveDoesNotBringADisconnectedSignInBack(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		item := "connection-" + onlyID(t, b)
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			b.keychain.set(nil, keystore.ErrFailed)
			return real()
		})
		time.Sleep(life * 3 / 4) // renewed, not saved
		b.wantState(xero.Connected, xero.CodeKeystoreUnavailable)
		b.keychain.set(nil, nil)
		if _, err := b.Disconnect(t.Context(), "", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := b.keychain.Store.Get(t.Context(), item); err == nil {
			t.Error("the record is back")
		}
		b.wantNothingKept()
	})
}

// An answer that was asked for before the disconnect comes after it.
func TestALateAnswerDoesNotRememberADisconnectedSignIn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		id := onlyID(t, b)
		gone := b.Status().Organisations()[0]
		release := make(chan struct{})
		var held atomic.Bool
		w.at("/connections", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			resp, err := real()
			if !held.Swap(true) {
				<-release
			}
			return resp, err
		})
		if err := b.sim.Disconnect(gone.TenantID); err != nil { // so that there is news to remember
			t.Fatal(err)
		}
		time.Sleep(life * 3 / 4) // a renewal's look at the organisations hangs
		if _, err := b.Disconnect(t.Context(), "", ""); err != nil {
			t.Fatal(err)
		}
		close(release)
		synctest.Wait()
		if _, kept := b.notes.recall(t.Context(), id); kept {
			t.Error("who it was is remembered again")
		}
	})
}

// The list that a slow look brings is older than what a disconnect has changed.
func TestALateAnswerDoesNotBringAnOrganisationBack(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		release := make(chan struct{})
		var held atomic.Bool
		w.at("/connections", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			resp, err := real()
			if !held.Swap(true) {
				<-release
			}
			return resp, err
		})
		time.Sleep(life*2/3 + time.Minute)
		gone := b.Status().Organisations()[0]
		if _, err := b.Disconnect(t.Context(), "", gone.TenantID); err != nil {
			t.Fatal(err)
		}
		close(release)
		synctest.Wait()
		if _, found := b.Find(gone.TenantID); found {
			t.Error("the organisation is in the list again")
		}
	})
}

func TestAXeroThatLetsNoAppRevokeIsAskedUntilTheGrantIsDead(t *testing.T) {
	inBubbleWith(t, xerosim.Options{Unknowns: xerosim.Unknowns{RevocationNeedsSecret: true}}, func(t *testing.T, b *bench) {
		b.signIn()
		result, err := b.Disconnect(t.Context(), "", "")
		if err != nil || len(result.Untold) != 1 || len(result.Organisations) != 3 {
			t.Fatalf("%+v, %v", result, err)
		}
		b.wantState(xero.Disconnected, "")
		deleted := 0
		for _, e := range b.sim.Journal() {
			if e.Method == http.MethodDelete && e.Status == http.StatusNoContent {
				deleted++
			}
		}
		if deleted != 3 {
			t.Errorf("%d organisations were disconnected, want 3", deleted)
		}
		time.Sleep(24 * time.Hour)
		asked := slices.DeleteFunc(b.sim.Journal(), func(e xerosim.Entry) bool { return e.Path != "/connect/revocation" })
		if len(asked) > 300 {
			t.Errorf("asked %d times in a day", len(asked))
		}
		b.stop()
		time.Sleep(60 * 24 * time.Hour)
		b.start()
		time.Sleep(time.Minute)
		b.wantNothingKept()
	})
}

func TestADisconnectOfAnotherIssuersSignInIsLeftAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		id := onlyID(t, b)
		const foreign = `{"v":1,"issuer":"https://id.example.com","client_id":"c","subject":"s","refresh_token":"r","issued":"2026-01-01T00:00:00Z","leaving":true}`
		b.stop()
		if err := b.keychain.Store.Set(t.Context(), "connection-"+id, keystore.NewSecret(foreign)); err != nil {
			t.Fatal(err)
		}
		b.start()
		b.wantState(xero.Disconnected, "")
		b.signIn()
		time.Sleep(time.Hour)
		b.wantState(xero.Connected, "")
		if kept, _ := b.keychain.Store.Get(t.Context(), "connection-"+id); kept.Reveal() != foreign {
			t.Errorf("the record was changed to %s", kept.Reveal())
		}
		for _, e := range b.sim.Journal() {
			if e.Path == "/connect/revocation" {
				t.Error("another issuer's token was shown to this one")
			}
		}
	})
}
