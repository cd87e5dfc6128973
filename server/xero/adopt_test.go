package xero_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

// oldGrant signs a person in as the Python program did: through a Web app with a
// secret, without PKCE.
func (b *bench) oldGrant(email string) xero.OldGrant {
	b.t.Helper()
	query := url.Values{
		"response_type": {"code"}, "client_id": {otherApp}, "redirect_uri": {redirect}, "state": {"s"},
		"scope": {"openid profile email offline_access accounting.contacts.read"}, "login_hint": {email},
	}
	back, err := b.sim.Approve(loginHost + "/identity/connect/authorize?" + query.Encode())
	if err != nil {
		b.t.Fatal(err)
	}
	status, answer := b.askForTokens(url.Values{
		"grant_type": {"authorization_code"}, "code": {callback(b.t, back).Code}, "redirect_uri": {redirect},
		"client_id": {otherApp}, "client_secret": {xerosim.DemoClientSecret},
	})
	if status != http.StatusOK || answer["refresh_token"] == "" {
		b.t.Fatalf("the old sign-in: %d", status)
	}
	return xero.OldGrant{
		Issuer: xeroHost, ClientID: otherApp, Secret: keystore.NewSecret(xerosim.DemoClientSecret),
		RefreshToken: keystore.NewSecret(answer["refresh_token"]), IDToken: keystore.NewSecret(answer["id_token"]),
	}
}

// askForTokens posts to the token endpoint past FCC.
func (b *bench) askForTokens(form url.Values) (status int, answer map[string]string) {
	b.t.Helper()
	transport := &http.Transport{DialContext: b.far.dial}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).PostForm(xeroHost+"/connect/token", form)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		b.t.Fatal(err)
	}
	answer = map[string]string{}
	for name, value := range fields {
		answer[name], _ = value.(string)
	}
	return resp.StatusCode, answer
}

func TestAnOldSignInIsTakenOverAndKeptBeforeItIsUsed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		old := b.oldGrant("ben@example.com")
		w := b.withBetween()
		w.at("/connections", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			if _, err := b.keychain.Store.Get(t.Context(), "connection-"+onlyID(t, b)); err != nil {
				t.Errorf("the access token is used before the grant is kept: %v", err)
			}
			return real()
		})
		done, err := b.Adopt(t.Context(), old)
		if err != nil || !done.New || len(done.Organisations) == 0 {
			t.Fatalf("%+v, %v", done, err)
		}
		b.wantState(xero.Connected, "")
		if p := b.Status().Connections[0].Person; p == nil || p.Email != "ben@example.com" {
			t.Errorf("it is %+v's", p)
		}
		if n := b.renewals(); n != 1 {
			t.Errorf("%d renewals, want 1: the old token is used once", n)
		}
		if secret, err := b.keychain.Store.Get(t.Context(), "client-secret-"+strings.ToLower(otherApp)); err != nil || !secret.Equal(old.Secret) {
			t.Errorf("the app's secret is not kept: %v", err)
		}
		w.at("/connections", nil)
		for range 3 {
			time.Sleep(life)
			b.restart()
			b.token()
		}
		b.wantState(xero.Connected, "")
	})
}

func TestSigningInAgainReplacesWhatWasTakenOver(t *testing.T) {
	for name, u := range map[string]xerosim.Unknowns{"with an id token": {}, "without": {RefreshOmitsIDToken: true}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.sim.Assume(u)
				old := b.oldGrant("ben@example.com")
				adopted, err := b.Adopt(t.Context(), old)
				if err != nil {
					t.Fatal(err)
				}
				if err := b.SetApp(t.Context(), xero.App{ClientID: otherApp, Scopes: scopes}); err != nil {
					t.Fatal(err)
				}
				again, err := b.signInAs("ben@example.com")
				if err != nil || again.New || again.Connection != adopted.Connection {
					t.Errorf("Ben again: %+v, %v", again, err)
				}
				if p := b.Status().Connections[0].Person; p == nil || p.Email != "ben@example.com" || p.Name == "" {
					t.Errorf("it is %+v's", p)
				}
				if other := b.signIn(); !other.New {
					t.Errorf("somebody else: %+v", other)
				}
			})
		})
	}
}

func TestAConnectionThatStandsGoesOnAndNoneIsAdded(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.app.ClientID, b.app.Secret = otherApp, keystore.NewSecret(xerosim.DemoClientSecret)
		b.restart()
		first, err := b.signInAs("ben@example.com")
		if err != nil {
			t.Fatal(err)
		}
		before := b.token()
		done, err := b.Adopt(t.Context(), b.oldGrant("ben@example.com"))
		if err != nil || done.New || done.Connection != first.Connection {
			t.Fatalf("%+v, %v", done, err)
		}
		if !b.token().Token.Equal(before.Token) {
			t.Error("its grant was replaced")
		}
		time.Sleep(life)
		b.token()
		b.wantState(xero.Connected, "")
	})
}

func TestARefusedOldSignInLeavesNothing(t *testing.T) {
	for name, spoil := range map[string]func(*bench, *xero.OldGrant) xero.Code{
		"60 days over": func(b *bench, _ *xero.OldGrant) xero.Code {
			b.sim.Advance(61 * 24 * time.Hour)
			return xero.CodeNeedsLogin
		},
		"renewed by the old program since": func(b *bench, old *xero.OldGrant) xero.Code {
			b.askForTokens(url.Values{
				"grant_type": {"refresh_token"}, "refresh_token": {old.RefreshToken.Reveal()},
				"client_id": {otherApp}, "client_secret": {xerosim.DemoClientSecret},
			})
			time.Sleep(time.Hour)
			return xero.CodeNeedsLogin
		},
		"another secret": func(_ *bench, old *xero.OldGrant) xero.Code {
			old.Secret = keystore.NewSecret("not the secret")
			return xero.CodeLoginFailed
		},
		"no secret": func(_ *bench, old *xero.OldGrant) xero.Code {
			old.Secret = keystore.Secret{}
			return xero.CodeLoginFailed
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				old := b.oldGrant("")
				want := spoil(b, &old)
				_, err := b.Adopt(t.Context(), old)
				if codeOf(err) != want {
					t.Errorf("%v, want %s", err, want)
				}
				b.wantState(xero.Disconnected, "")
				if _, err := b.keychain.Store.Get(t.Context(), "client-secret-"+strings.ToLower(otherApp)); !errors.Is(err, keystore.ErrNotFound) {
					t.Errorf("a secret is left: %v", err)
				}
				b.signIn() // through FCC's own app
			})
		})
	}
}

func TestAnOldSignInSurvivesANetworkThatIsDown(t *testing.T) {
	for name, spoil := range tokenTroubles {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				old := b.oldGrant("")
				w := b.withBetween()
				w.at("/connect/token", spoil)
				_, err := b.Adopt(t.Context(), old)
				if e, ok := errors.AsType[*xero.Error](err); !ok || e.Code != xero.CodeUnreachable || !strings.Contains(e.Action, "within half an hour") {
					t.Fatalf("%v, want xero_unreachable, and how long there is", err)
				}
				b.wantState(xero.Disconnected, "")
				w.at("/connect/token", nil)
				if done, err := b.Adopt(t.Context(), old); err != nil || !done.New {
					t.Errorf("later: %+v, %v", done, err)
				}
			})
		})
	}
}

func TestAnOldSignInThatXeroHasNotSeenIsNotLost(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		old := b.oldGrant("")
		b.far.cut(true)
		_, err := b.Adopt(t.Context(), old)
		if e, ok := errors.AsType[*xero.Error](err); !ok || e.Code != xero.CodeUnreachable || !strings.Contains(e.Action, "Nothing is lost") {
			t.Errorf("%#v", err)
		}
		b.far.cut(false)
		time.Sleep(time.Hour)
		if _, err := b.Adopt(t.Context(), old); err != nil {
			t.Error(err)
		}
	})
}

func TestAnOldSignInIsSentToItsOwnIssuerOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		for _, issuer := range []string{"", xero.XeroIssuer, "http://localhost:1"} {
			old := b.oldGrant("")
			asked := len(b.sim.Journal())
			old.Issuer = issuer
			if _, err := b.Adopt(t.Context(), old); codeOf(err) != xero.CodeLoginFailed || len(b.sim.Journal()) != asked {
				t.Errorf("of %q: %v, %d requests", issuer, err, len(b.sim.Journal())-asked)
			}
		}
	})
}

func TestAShutKeychainCostsTheOldTokenNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		old := b.oldGrant("")
		for _, secret := range []keystore.Secret{old.Secret, {}} {
			try := old
			try.Secret = secret
			b.keychain.set(nil, keystore.ErrLocked)
			if _, err := b.Adopt(t.Context(), try); codeOf(err) != xero.CodeKeystoreUnavailable {
				t.Errorf("%v, want keystore_unavailable", err)
			}
			b.keychain.set(nil, nil)
		}
		if n := b.renewals(); n != 0 {
			t.Errorf("%d renewals were sent", n)
		}
		if _, err := b.Adopt(t.Context(), old); err != nil {
			t.Error(err)
		}
	})
}

// The keychain shuts between Xero's answer and the save: what was bought is kept in
// memory, is not called taken over, and is no second time bought.
func TestAnOldSignInThatCouldNotBeSavedIsNotCalledTakenOver(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		old := b.oldGrant("")
		w := b.withBetween()
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			b.keychain.set(nil, keystore.ErrLocked)
			return real()
		})
		if _, err := b.Adopt(t.Context(), old); codeOf(err) != xero.CodeKeystoreUnavailable {
			t.Fatalf("%v, want keystore_unavailable", err)
		}
		b.wantState(xero.Connected, xero.CodeKeystoreUnavailable)
		w.at("/connect/token", nil)
		b.keychain.set(nil, nil)
		done, err := b.Adopt(t.Context(), old)
		if err != nil || done.Connection != onlyID(t, b) || b.renewals() != 1 {
			t.Errorf("again: %+v, %v, %d renewals", done, err, b.renewals())
		}
		b.restart()
		time.Sleep(time.Hour) // no grace is left of the old token
		if done, err := b.Adopt(t.Context(), old); err != nil || done.New {
			t.Errorf("after a restart: %+v, %v", done, err)
		}
		b.wantState(xero.Connected, "")
	})
}

func TestAKillBetweenXerosAnswerAndTheSaveCostsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		old := b.oldGrant("")
		w := b.withBetween()
		w.at("/connect/token", func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			b.keychain.cutOff()
			return real()
		})
		_, _ = b.Adopt(t.Context(), old)
		b.kill()
		w.at("/connect/token", nil)
		b.start()
		if done, err := b.Adopt(t.Context(), old); err != nil || !done.New {
			t.Errorf("%+v, %v", done, err)
		}
		b.wantState(xero.Connected, "")
	})
}

func TestTwoClicksTakeAnOldSignInOverOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		old := b.oldGrant("")
		var clicks sync.WaitGroup
		for range 5 {
			clicks.Go(func() {
				if _, err := b.Adopt(context.WithoutCancel(t.Context()), old); err != nil {
					t.Error(err)
				}
			})
		}
		clicks.Wait()
		if n := len(b.Status().Connections); n != 1 || b.renewals() != 1 {
			t.Errorf("%d connections, %d renewals", n, b.renewals())
		}
	})
}

func TestAGrantOfNobodyIsNotTakenOver(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		old := b.oldGrant("")
		w := b.withBetween()
		opaque := func(body []byte) []byte {
			var fields map[string]any
			if err := json.Unmarshal(body, &fields); err != nil {
				t.Error(err)
			}
			delete(fields, "id_token")
			fields["access_token"] = "opaque"
			body, _ = json.Marshal(fields)
			return body
		}
		w.rewrite("/connect/token", opaque)
		nobody := old
		nobody.IDToken = keystore.Secret{}
		if _, err := b.Adopt(t.Context(), nobody); codeOf(err) != xero.CodeLoginFailed {
			t.Errorf("%v, want login_failed", err)
		}
		b.wantState(xero.Disconnected, "")
		if _, err := b.Adopt(t.Context(), old); err != nil { // what was kept with it says
			t.Error(err)
		}
	})
}

func TestARenewalsIDTokenThatProvesNothingIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		old := b.oldGrant("")
		w := b.withBetween()
		w.rewrite("/connect/token", func(body []byte) []byte {
			var fields map[string]any
			if err := json.Unmarshal(body, &fields); err != nil {
				t.Error(err)
			}
			raw, _ := fields["id_token"].(string)
			fields["id_token"] = raw[:len(raw)-8]
			body, _ = json.Marshal(fields)
			return body
		})
		if _, err := b.Adopt(t.Context(), old); codeOf(err) != xero.CodeLoginFailed {
			t.Errorf("%v, want login_failed", err)
		}
		w.at("/connect/token", nil)
		asked := false
		w.at("/.well-known/openid-configuration/jwks", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
			asked = true
			return answer(503, "text/html", "oops"), nil
		})
		b.restart()                                                       // it had the keys
		if done, err := b.Adopt(t.Context(), old); err != nil || !asked { // it came over TLS from the token endpoint itself
			t.Errorf("without the issuer's keys: %+v, %v, asked for them: %v", done, err, asked)
		}
	})
}
