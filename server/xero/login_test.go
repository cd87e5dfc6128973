package xero_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

func TestASignInConnectsAndIsKeptBeforeItsTokenIsUsed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.wantState(xero.Disconnected, "")
		w := b.withBetween()
		w.at("/connections", func(req *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			id := onlyID(t, b)
			if _, err := b.keychain.Store.Get(t.Context(), "connection-"+id); err != nil {
				t.Errorf("the access token is used before the grant is kept: %v", err)
			}
			return real()
		})
		var order []string
		b.keychain.observed = func(op, name string) {
			if op == "set" {
				order = append(order, strings.SplitN(name, "-", 2)[0])
			}
		}
		done := b.signIn()
		if len(order) < 2 || order[0] != "connections" || order[1] != "connection" {
			t.Errorf("written in the order %v, want the list of connections first", order)
		}
		b.wantState(xero.Connected, "")
		st := b.Status()
		if !done.New || done.Next != "/" || done.Owner != "browser" || len(done.Organisations) != 3 {
			t.Errorf("sign-in says %+v", done)
		}
		c := st.Connections[0]
		if c.Person == nil || c.Person.Email != "aroha@example.com" || len(c.Organisations) != 3 || c.AccessTokenExpiresAt == nil {
			t.Errorf("connection says %+v", c)
		}
		if got := time.Until(c.RenewBy); got < 59*24*time.Hour || got > 60*24*time.Hour {
			t.Errorf("to be renewed within %v, want 60 days", got)
		}
	})
}

// onlyID reads the index in the keychain.
func onlyID(t *testing.T, b *bench) string {
	t.Helper()
	text, err := b.keychain.Store.Get(t.Context(), "connections")
	if err != nil {
		t.Fatalf("the list of connections: %v", err)
	}
	var x struct {
		IDs []string `json:"ids"`
	}
	if err := json.Unmarshal([]byte(text.Reveal()), &x); err != nil || len(x.IDs) != 1 {
		t.Fatalf("the list of connections is %v, %v", x.IDs, err)
	}
	return x.IDs[0]
}

func TestTheAuthorizeAddressHoldsAllThatProtectsASignIn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		seen := map[string]bool{}
		for range 3 {
			attempt, err := b.Begin(t.Context(), "browser", "/")
			if err != nil {
				t.Fatal(err)
			}
			u, _ := url.Parse(attempt.URL)
			q := u.Query()
			for _, name := range []string{"state", "nonce", "code_challenge"} {
				if v := q.Get(name); len(v) < 26 || seen[v] {
					t.Errorf("%s is %q: too short, or used before", name, v)
				} else {
					seen[v] = true
				}
			}
			if q.Get("code_challenge_method") != "S256" || q.Get("redirect_uri") != redirect || q.Get("response_type") != "code" {
				t.Errorf("address %s", u)
			}
			if got := q.Get("scope"); got != strings.Join(scopes, " ") {
				t.Errorf("scope %q", got)
			}
			if u.Scheme+"://"+u.Host != loginHost {
				t.Errorf("the browser goes to %s, want %s", u.Host, loginHost)
			}
		}
	})
}

func TestACallbackWithAStateThatIsNotWaitedForCallsNobodyAndEndsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		attempt, err := b.Begin(t.Context(), "browser", "/")
		if err != nil {
			t.Fatal(err)
		}
		back, err := b.sim.Approve(attempt.URL)
		if err != nil {
			t.Fatal(err)
		}
		good := callback(t, back)
		before, calls := b.Status(), len(b.sim.Journal())
		for name, cb := range map[string]xero.Callback{
			"wrong":   {State: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Code: good.Code},
			"missing": {Code: good.Code},
			"denied":  {State: "BBBB", Error: "access_denied"},
		} {
			if _, err := b.Finish(t.Context(), cb); codeOf(err) != xero.CodeBadState {
				t.Errorf("%s state: %v, want bad_state", name, err)
			}
		}
		if got := len(b.sim.Journal()); got != calls {
			t.Errorf("%d calls were made", got-calls)
		}
		if after := b.Status(); after.State != before.State || after.Problem != nil || !after.SigningIn {
			t.Errorf("status changed to %+v", after)
		}
		if _, err := b.Finish(t.Context(), good); err != nil {
			t.Fatalf("the true callback: %v", err)
		}
		if _, err := b.Finish(t.Context(), good); codeOf(err) != xero.CodeBadState {
			t.Errorf("the same callback again: %v, want bad_state", err)
		}

		late, err := b.Begin(t.Context(), "browser", "/")
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(late.URL)
		time.Sleep(10*time.Minute + time.Second)
		if b.Status().SigningIn {
			t.Error("still signing in after ten minutes")
		}
		calls = len(b.sim.Journal())
		if _, err := b.Finish(t.Context(), xero.Callback{State: u.Query().Get("state"), Code: "x"}); codeOf(err) != xero.CodeBadState {
			t.Errorf("late: %v, want bad_state", err)
		}
		if len(b.sim.Journal()) != calls {
			t.Error("a late callback called Xero")
		}
		b.wantState(xero.Connected, "")
	})
}

func TestTwoTabsDoNotDisturbEachOther(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		first, err := b.Begin(t.Context(), "browser", "/first")
		if err != nil {
			t.Fatal(err)
		}
		second, err := b.Begin(t.Context(), "browser", "/second")
		if err != nil {
			t.Fatal(err)
		}
		for _, tab := range []struct {
			attempt xero.Attempt
			next    string
		}{{second, "/second"}, {first, "/first"}} {
			back, err := b.sim.Approve(tab.attempt.URL)
			if err != nil {
				t.Fatal(err)
			}
			done, err := b.Finish(t.Context(), callback(t, back))
			if err != nil || done.Next != tab.next {
				t.Errorf("tab: %+v, %v; want %s", done, err, tab.next)
			}
		}
		if n := len(b.Status().Connections); n != 1 {
			t.Errorf("%d connections, want 1: it is one person", n)
		}
		b.wantState(xero.Connected, "")
	})
}

func TestNoMoreThanEightSignInsAreOpenForOneOwner(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		for range 8 {
			if _, err := b.Begin(t.Context(), "flood", "/"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Begin(t.Context(), "flood", "/"); codeOf(err) != xero.CodeAttemptsFull {
			t.Errorf("the ninth: %v, want attempts_full", err)
		}
		if _, err := b.Begin(t.Context(), "somebody else", "/"); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		b.Abandon("flood")
		if _, err := b.Begin(t.Context(), "flood", "/"); err != nil {
			t.Errorf("after the attempts were abandoned: %v", err)
		}
		time.Sleep(10*time.Minute + time.Second)
		if b.Status().SigningIn {
			t.Error("attempts outlived their ten minutes")
		}
	})
}

func TestACancelledSignInChangesNothingAndIsSaid(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		attempt, err := b.Begin(t.Context(), "browser", "/profile")
		if err != nil {
			t.Fatal(err)
		}
		back, err := b.sim.Deny(attempt.URL)
		if err != nil {
			t.Fatal(err)
		}
		done, err := b.Finish(t.Context(), callback(t, back))
		if codeOf(err) != xero.CodeLoginFailed || done.Next != "/profile" || done.Connection != "" {
			t.Errorf("%+v, %v; want login_failed and the way back", done, err)
		}
		b.wantState(xero.Connected, xero.CodeLoginFailed)
		b.token()
		b.signIn()
		b.wantState(xero.Connected, "")
	})
}

func TestARefusedCodeSpendsTheAttemptAndLeavesTheGrant(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		attempt, err := b.Begin(t.Context(), "browser", "/")
		if err != nil {
			t.Fatal(err)
		}
		back, err := b.sim.Approve(attempt.URL)
		if err != nil {
			t.Fatal(err)
		}
		b.sim.Advance(6 * time.Minute) // a code lives five
		if _, err := b.Finish(t.Context(), callback(t, back)); codeOf(err) != xero.CodeLoginFailed {
			t.Errorf("%v, want login_failed", err)
		}
		b.wantState(xero.Connected, xero.CodeLoginFailed)
	})
}

func TestASignInWithoutAClientIDSaysWhatToDo(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.app = xero.App{Scopes: scopes}
		b.restart()
		if _, err := b.Begin(t.Context(), "browser", "/"); codeOf(err) != xero.CodeLoginFailed {
			t.Errorf("%v, want login_failed", err)
		}
		if err := b.SetApp(t.Context(), xero.App{ClientID: xerosim.DemoClientID, Scopes: scopes}); err != nil {
			t.Fatal(err)
		}
		b.signIn()
		b.wantState(xero.Connected, "")
	})
}

func TestASignInWithoutOrganisationsIsKeptAndSaid(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		w.say("/connections", 200, "application/json", "[]")
		b.signIn()
		b.wantState(xero.Connected, xero.CodeTenantRequired)
		w.at("/connections", nil)
		b.signIn()
		b.wantState(xero.Connected, "")
	})
}

// What the token endpoint may say instead of tokens, at a sign-in: nothing is kept,
// the person is told, and the next sign-in works.
func TestATokenAnswerThatIsNoneFailsTheSignInOnly(t *testing.T) {
	for name, spoil := range tokenTroubles {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				w := b.withBetween()
				w.at("/connect/token", spoil)
				if _, err := b.trySignIn(); codeOf(err) != xero.CodeLoginFailed {
					t.Fatalf("%v, want login_failed", err)
				}
				b.wantState(xero.Disconnected, xero.CodeLoginFailed)
				w.at("/connect/token", nil)
				b.signIn()
				b.wantState(xero.Connected, "")
			})
		})
	}
}

var tokenTroubles = map[string]func(*http.Request, func() (*http.Response, error)) (*http.Response, error){
	"without access_token": instead(200, "application/json", `{"token_type":"Bearer","expires_in":1800}`),
	"without token_type":   instead(200, "application/json", `{"access_token":"x","expires_in":1800}`),
	"another token_type":   instead(200, "application/json", `{"access_token":"x","token_type":"mac","expires_in":1800}`),
	"null":                 instead(200, "application/json", `null`),
	"HTML":                 instead(200, "text/html", `<html><body>Welcome to our hotel's network</body></html>`),
	"1 MB":                 instead(200, "application/json", `{"access_token":"`+strings.Repeat("x", 1<<20)+`","token_type":"Bearer"}`),
	"403 HTML":             instead(403, "text/html", `<html>Access Denied. Reference #18</html>`),
	"500":                  instead(500, "text/html", `<html>oops</html>`),
	"503 text":             instead(503, "text/plain", `The resource is offline for maintenance`),
	"429":                  instead(429, "", ``),
	"redirect":             instead(302, "text/html", ``),
	"after 30 s": func(req *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	},
	"cut off": func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
		resp, err := real()
		if err == nil {
			resp.Body = cutBody{resp.Body}
		}
		return resp, err
	},
}

func instead(status int, contentType, body string) func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
		return answer(status, contentType, body), nil
	}
}

// A clock that is an hour off, a token that is valid only in 90 seconds: neither is
// a reason to turn a person away.
func TestClocksThatDifferAreAllowedFor(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"an hour behind Xero": time.Hour, "an hour ahead of Xero": -time.Hour, "days behind": 72 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.sim.Advance(ahead)
				b.signIn()
				b.wantState(xero.Connected, "")
				skew, known := b.Skew()
				if !known || (skew-ahead).Abs() > 2*time.Second {
					t.Errorf("skew %v (%v), want %v", skew, known, ahead)
				}
				if left := time.Until(b.token().Expires); left < life-time.Minute || left > life {
					t.Errorf("the token is held good for %v, want %v", left, life)
				}
			})
		})
	}
}

func TestNothingOfATokenAnswerIsTakenBeyondTheContract(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		w.rewrite("/connect/token", func(body []byte) []byte {
			return bytes.Replace(body, []byte("{"), []byte(`{"surprise":"SURPRISE",`), 1)
		})
		b.signIn()
		text, err := b.keychain.Store.Get(t.Context(), "connection-"+onlyID(t, b))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text.Reveal(), "SURPRISE") {
			t.Error("an unknown field reached the keychain")
		}
		if text.Len() > 1000 {
			t.Errorf("a record of %d bytes, want a small one", text.Len())
		}
	})
}

func TestWhatWasCancelledHereSaysSoWhenXeroAnswersAllTheSame(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		begin := func() xero.Callback {
			t.Helper()
			attempt, err := b.Begin(t.Context(), "browser", "/")
			if err != nil {
				t.Fatal(err)
			}
			back, err := b.sim.Approve(attempt.URL)
			if err != nil {
				t.Fatal(err)
			}
			return callback(t, back)
		}
		began := time.Now()
		first := begin()
		time.Sleep(time.Minute)
		other := begin()
		if since := b.Waiting("browser"); !since.Equal(began) {
			t.Errorf("it waits since %v, want %v", since, began)
		}
		b.Abandon("browser")
		if st := b.Status(); st.SigningIn || !b.Waiting("browser").IsZero() {
			t.Error("a sign-in still counts as open")
		}
		calls := len(b.sim.Journal())
		_, err := b.Finish(t.Context(), first)
		if e, ok := errors.AsType[*xero.Error](err); !ok || e.Code != xero.CodeBadState || !strings.Contains(e.Message, "cancelled in FCC") {
			t.Errorf("a late callback: %v", err)
		}
		if _, err := b.Finish(t.Context(), first); err == nil || strings.Contains(err.(*xero.Error).Message, "cancelled") {
			t.Errorf("the same again: %v", err)
		}
		b.Begin(t.Context(), "browser", "/")
		b.Abandon("browser")
		if _, err := b.Finish(t.Context(), other); codeOf(err) != xero.CodeBadState || strings.Contains(err.(*xero.Error).Message, "cancelled") {
			t.Errorf("one that was cancelled before the last time is remembered: %v", err)
		}
		if len(b.sim.Journal()) != calls || b.Status().State != xero.Disconnected {
			t.Error("a callback of a cancelled sign-in did something")
		}
		b.signIn()
	})
}

func TestASignInMayAskForMoreAndTheNextAsksForTheAppsOwnAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		attempt, err := b.Begin(t.Context(), "browser", "/", "accounting.payments.read", scopes[0])
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(attempt.URL)
		if got := u.Query().Get("scope"); got != strings.Join(scopes, " ")+" accounting.payments.read" {
			t.Errorf("asked for %q", got)
		}
		back, err := b.sim.Approve(attempt.URL)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Finish(t.Context(), callback(t, back)); err != nil {
			t.Fatal(err)
		}
		if st := b.Status(); len(st.Connections) != 1 || !slices.Contains(st.Connections[0].Scopes, "accounting.payments.read") {
			t.Errorf("the sign-in may %v", st.Connections[0].Scopes)
		}
		attempt, err = b.Begin(t.Context(), "browser", "/")
		if err != nil || strings.Contains(attempt.URL, "payments") {
			t.Errorf("the next asks for more too: %v", err)
		}
	})
}

func TestEachWayThatASignInFailsHasItsSentence(t *testing.T) {
	for name, c := range map[string]struct {
		spoil   func(*http.Request, func() (*http.Response, error)) (*http.Response, error)
		skew    time.Duration
		message string
	}{
		"a web app without its secret": {spoil: instead(400, "application/json", `{"error":"invalid_client"}`), message: "looks like a Web app"},
		"too many scopes":              {spoil: instead(400, "application/json", `{"error":"invalid_scope"}`), message: "may not do all"},
		"a code that is spent":         {spoil: instead(400, "application/json", `{"error":"invalid_grant"}`), message: "did not take the code"},
		"a clock that is wrong":        {skew: 20 * time.Minute, message: "differ too much"},
		"Xero in trouble":              {spoil: instead(503, "text/plain", "offline"), message: "answers with error 503"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				w := b.withBetween()
				if c.spoil != nil {
					w.at("/connect/token", c.spoil)
				}
				b.sim.Skew(c.skew, 0)
				_, err := b.trySignIn()
				e, ok := errors.AsType[*xero.Error](err)
				if !ok || e.Code != xero.CodeLoginFailed || !strings.Contains(e.Message, c.message) || e.Action == "" {
					t.Errorf("%v says %+v", err, e)
				}
			})
		})
	}
}
