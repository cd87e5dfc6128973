package xero_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

// Whatever happens in whatever order, a person who has signed in stays signed in,
// and needs no sign-in more than those made of their own will, as long as Xero and the keychain come back within the half hour of grace.
func TestNoStringOfBadLuckCostsASignIn(t *testing.T) {
	events := []string{"wait", "long wait", "no network", "answer lost", "keychain shut", "kill", "kill at the answer", "restart", "tokens refused", "Xero in trouble", "callers",
		"sign in again", "sign in with the keychain shut", "disconnect offline, sign in"}
	rapid.Check(t, func(rt *rapid.T) {
		luck := rapid.SliceOfN(rapid.SampledFrom(events), 1, 12).Draw(rt, "luck")
		unknowns := xerosim.Unknowns{
			SiblingsDie: rapid.Bool().Draw(rt, "siblings die"), SignInEndsOlder: rapid.Bool().Draw(rt, "sign-in ends older"),
			RefreshEndsAccess: rapid.Bool().Draw(rt, "refresh ends access"), RefreshOmitsIDToken: rapid.Bool().Draw(rt, "no id token"),
		}
		var wrong error
		inBubbleWith(t, xerosim.Options{Unknowns: unknowns}, func(t *testing.T, b *bench) {
			w := b.withBetween()
			b.signIn()
			signIns := 1
			for _, event := range luck {
				if strings.Contains(event, "sign in") {
					signIns++
				}
				b.suffer(w, event)
				w.at("/connect/token", nil)
				b.far.cut(false)
				b.keychain.set(nil, nil)
				time.Sleep(time.Minute)
				if st := b.Status(); st.State != xero.Connected || st.Problem != nil || len(st.Connections) != 1 || len(st.Organisations()) != 3 {
					wrong = fmt.Errorf("after %q: %+v", event, st)
					return
				}
			}
			if n := b.tokenRequests("authorization_code"); n != signIns {
				wrong = fmt.Errorf("%d sign-ins, want %d", n, signIns)
			}
		})
		if wrong != nil {
			rt.Fatal(wrong)
		}
	})
}

// grace is how long Xero takes a refresh token after its first use.
const grace = 30 * time.Minute

func (b *bench) suffer(w *between, event string) {
	switch event {
	case "wait":
		time.Sleep(life / 3)
	case "long wait":
		time.Sleep(5 * life)
	case "no network":
		b.far.cut(true)
		time.Sleep(7 * time.Hour)
	case "answer lost":
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			if resp, err := real(); err == nil {
				resp.Body.Close()
			}
			return nil, errNoNetwork
		})
		time.Sleep(grace - 2*time.Minute) // the first may be lost at once
	case "keychain shut":
		b.keychain.set(keystore.ErrLocked, keystore.ErrLocked)
		time.Sleep(life - time.Minute)
	case "kill":
		b.kill()
		b.start()
	case "kill at the answer":
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			resp, err := real()
			b.keychain.cutOff()
			return resp, err
		})
		time.Sleep(life * 3 / 4)
		w.at("/connect/token", nil)
		b.kill()
		b.start()
	case "restart":
		b.restart()
	case "tokens refused":
		b.sim.ExpireAccessTokens()
		b.get("/connections").Body.Close()
	case "Xero in trouble":
		w.at("/connect/token", instead(503, "text/plain", "offline"))
		time.Sleep(3 * life)
	case "sign in again":
		b.signIn()
	case "sign in with the keychain shut":
		b.keychain.set(nil, keystore.ErrLocked)
		b.signIn()
		time.Sleep(life)
	case "disconnect offline, sign in":
		b.far.cut(true)
		if _, err := b.Disconnect(b.t.Context(), "", ""); err != nil {
			b.t.Error(err)
		}
		b.far.cut(false)
		b.signIn()
	case "callers":
		for range 20 {
			b.token()
		}
	}
}

// Callers, sign-ins, disconnects, views and a network that comes and goes, all at
// once: nobody waits for ever, and in the end memory, keychain and Xero agree.
func TestEverythingAtOnceEndsInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		over := time.Now().Add(3 * time.Hour)
		var all sync.WaitGroup
		again := func(pause time.Duration, do func()) {
			all.Go(func() {
				for time.Now().Before(over) {
					do()
					time.Sleep(rand.N(pause))
				}
			})
		}
		for range 4 {
			again(time.Minute, func() {
				for _, c := range b.Status().Connections {
					if s, ok := b.Get(c.ID); ok {
						_, _ = s.Token(t.Context())
					}
				}
			})
		}
		for _, person := range []string{"aroha@example.com", "ben@example.com"} {
			again(10*time.Minute, func() { _, _ = b.signInAs(person) })
		}
		again(20*time.Minute, func() {
			for _, c := range b.Status().Connections {
				_, _ = b.Disconnect(t.Context(), c.ID, "")
			}
		})
		again(15*time.Minute, func() {
			for _, o := range b.Status().Organisations() {
				_, _ = b.Disconnect(t.Context(), "", o.TenantID)
			}
		})
		again(5*time.Minute, func() {
			b.far.cut(true)
			time.Sleep(rand.N(3 * time.Minute))
			b.far.cut(false)
		})
		again(30*time.Minute, func() {
			b.keychain.set(nil, keystore.ErrFailed)
			time.Sleep(rand.N(2 * time.Minute))
			b.keychain.set(nil, nil)
		})
		watching, stop := context.WithCancel(t.Context())
		seen := make(chan xero.Status, 1)
		go func() {
			var last xero.Status
			for last = range b.Watch(watching) {
			}
			seen <- last
		}()
		all.Wait()

		b.signIn()
		if _, err := b.signInAs("ben@example.com"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Minute) // time for what Xero is still to be told
		b.wantState(xero.Connected, "")
		ids := []string{}
		for _, c := range b.Status().Connections {
			ids = append(ids, c.ID)
		}
		text, err := b.keychain.Store.Get(t.Context(), "connections")
		if err != nil {
			t.Fatal(err)
		}
		var kept struct{ IDs []string }
		if err := json.Unmarshal([]byte(text.Reveal()), &kept); err != nil {
			t.Fatal(err)
		}
		slices.Sort(kept.IDs)
		if !slices.Equal(ids, kept.IDs) {
			t.Errorf("connections %v, in the keychain %v", ids, kept.IDs)
		}
		stop()
		if last := <-seen; !reflect.DeepEqual(last, b.Status()) {
			t.Errorf("a watcher last saw %+v, the status is %+v", last, b.Status())
		}
		b.restart()
		b.wantState(xero.Connected, "")
	})
}
