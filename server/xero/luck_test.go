package xero_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

// Whatever happens in whatever order, a person who has signed in once stays signed
// in, as long as Xero and the keychain come back within the half hour of grace.
func TestNoStringOfBadLuckCostsASignIn(t *testing.T) {
	events := []string{"wait", "long wait", "no network", "answer lost", "keychain shut", "kill", "kill at the answer", "restart", "tokens refused", "Xero in trouble", "callers"}
	rapid.Check(t, func(rt *rapid.T) {
		luck := rapid.SliceOfN(rapid.SampledFrom(events), 1, 12).Draw(rt, "luck")
		var wrong error
		inBubble(t, func(t *testing.T, b *bench) {
			w := b.withBetween()
			b.signIn()
			for _, event := range luck {
				b.suffer(w, event)
				w.at("/connect/token", nil)
				b.far.cut(false)
				b.keychain.set(nil, nil)
				time.Sleep(time.Minute)
				if st := b.Status(); st.State != xero.Connected || st.Problem != nil {
					wrong = fmt.Errorf("after %q: %s, %+v", event, st.State, st.Problem)
					return
				}
			}
			if n := b.tokenRequests("authorization_code"); n != 1 {
				wrong = fmt.Errorf("%d sign-ins", n)
			}
		})
		if wrong != nil {
			rt.Fatal(wrong)
		}
	})
}

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
		time.Sleep(life)
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
	case "callers":
		for range 20 {
			b.token()
		}
	}
}
