package xero_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

func TestDisconnectingAllEndsEverySignInAndTellsWhatWasLeftToTell(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		ben, err := b.signInAs("ben@example.com")
		if err != nil {
			t.Fatal(err)
		}
		w := b.withBetween()
		w.at("/connect/revocation", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) { return nil, errNoNetwork })
		if result, err := b.Disconnect(t.Context(), ben.Connection, ""); err != nil || len(result.Untold) == 0 {
			t.Fatalf("a disconnect that Xero is not told of: %+v, %v", result, err)
		}
		b.restart()
		w.at("/connect/revocation", nil)
		results, err := b.DisconnectAll(t.Context())
		if err != nil || len(results) != 2 {
			t.Fatalf("%+v, %v; want both sign-ins", results, err)
		}
		for _, result := range results {
			if len(result.Untold) > 0 {
				t.Errorf("not told: %+v", result)
			}
		}
		if b.revoked() != 2 {
			t.Errorf("%d revocations, want one for each", b.revoked())
		}
		b.wantState(xero.Disconnected, "")
		text, err := b.keychain.Store.Get(t.Context(), "connections")
		if err != nil || strings.Contains(text.Reveal(), ben.Connection) {
			t.Errorf("the list of connections still has one: %v", err)
		}
		if results, err := b.DisconnectAll(t.Context()); err != nil || len(results) != 0 {
			t.Errorf("again: %+v, %v", results, err)
		}
	})
}

func TestDisconnectingAllWithoutANetworkSaysWhatXeroWasNotTold(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.far.cut(true)
		results, err := b.DisconnectAll(t.Context())
		if err != nil || len(results) != 1 || len(results[0].Untold) != 1 || !strings.Contains(results[0].Untold[0], "reached") {
			t.Errorf("%+v, %v", results, err)
		}
		b.far.cut(false)
	})
}

func TestDisconnectingAllNamesASignInOfAnotherIssuer(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		record := keystore.NewSecret(`{"v":1,"issuer":"https://identity.example.com","client_id":"x","subject":"s","refresh_token":"r"}`)
		for name, value := range map[string]keystore.Secret{
			"connections": keystore.NewSecret(`{"v":1,"ids":["0011223344556677"]}`), "connection-0011223344556677": record,
		} {
			if err := b.keychain.Store.Set(t.Context(), name, value); err != nil {
				t.Fatal(err)
			}
		}
		b.restart()
		results, err := b.DisconnectAll(t.Context())
		if err != nil || len(results) != 1 || !strings.Contains(strings.Join(results[0].Untold, ""), "https://identity.example.com") {
			t.Errorf("%+v, %v", results, err)
		}
	})
}

func TestDisconnectingAllWaitsForTheKeychainAndSaysWhyItIsShut(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.stop()
		b.keychain.set(keystore.ErrLocked, keystore.ErrLocked)
		b.start()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if _, err := b.DisconnectAll(ctx); codeOf(err) != xero.CodeKeystoreUnavailable || !strings.Contains(err.Error(), "keystore") {
			t.Errorf("while it is locked: %v", err)
		}
		time.AfterFunc(10*time.Second, func() { b.keychain.set(nil, nil) })
		if results, err := b.DisconnectAll(t.Context()); err != nil || len(results) != 1 || len(results[0].Untold) > 0 {
			t.Errorf("once it opens: %+v, %v", results, err)
		}
	})
}
