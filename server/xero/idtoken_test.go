package xero_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"financial-command-center/server/xero"
)

// Each changes one thing about a true id token.
func TestAnIDTokenThatProvesNothingIsNotUsed(t *testing.T) {
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	resign := func(raw string, change func(map[string]any)) string {
		parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			t.Fatal(err)
		}
		claims := map[string]any{}
		if err := parsed.UnsafeClaimsWithoutVerification(&claims); err != nil {
			t.Fatal(err)
		}
		change(claims)
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: stranger, KeyID: "stranger"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &stranger.PublicKey, KeyID: "stranger", Algorithm: "RS256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		spoil     func(raw string) string
		ownKeys   bool // the issuer's keys are taken to be the stranger's: only the claim is wrong
		wantGood  bool
		dropToken bool
	}{
		"as it came, with the stranger's keys": {spoil: func(raw string) string { return resign(raw, func(map[string]any) {}) }, ownKeys: true, wantGood: true},
		"signature":                            {spoil: func(raw string) string { return resign(raw, func(map[string]any) {}) }},
		"signature cut":                        {spoil: func(raw string) string { return raw[:len(raw)-8] }},
		"no signature": {spoil: func(raw string) string {
			parts := strings.Split(raw, ".")
			return "eyJhbGciOiJub25lIn0." + parts[1] + "."
		}},
		"issuer":   {spoil: func(raw string) string { return resign(raw, set("iss", "https://identity.example.com")) }, ownKeys: true},
		"audience": {spoil: func(raw string) string { return resign(raw, set("aud", otherApp)) }, ownKeys: true},
		"nonce":    {spoil: func(raw string) string { return resign(raw, set("nonce", "another")) }, ownKeys: true},
		"no nonce": {spoil: func(raw string) string { return resign(raw, func(c map[string]any) { delete(c, "nonce") }) }, ownKeys: true},
		"expired": {spoil: func(raw string) string {
			return resign(raw, func(c map[string]any) { shift(c, "exp", -20*time.Minute) })
		}, ownKeys: true},
		"of future": {spoil: func(raw string) string {
			return resign(raw, func(c map[string]any) { shift(c, "iat", 20*time.Minute) })
		}, ownKeys: true},
		"nobody": {spoil: func(raw string) string {
			return resign(raw, func(c map[string]any) { delete(c, "sub"); delete(c, "xero_userid") })
		}, ownKeys: true},
		"missing": {spoil: func(string) string { return "" }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				w := b.withBetween()
				if c.ownKeys {
					w.at("/.well-known/openid-configuration/jwks", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
						return answer(200, "application/json", string(keys)), nil
					})
				}
				w.rewrite("/connect/token", func(body []byte) []byte {
					var fields map[string]any
					if err := json.Unmarshal(body, &fields); err != nil {
						t.Fatal(err)
					}
					fields["id_token"] = c.spoil(fields["id_token"].(string))
					out, err := json.Marshal(fields)
					if err != nil {
						t.Fatal(err)
					}
					return out
				})
				_, err := b.trySignIn()
				if c.wantGood {
					if err != nil {
						t.Fatalf("the bench itself is wrong: %v", err)
					}
					return
				}
				if codeOf(err) != xero.CodeLoginFailed {
					t.Fatalf("%v, want login_failed", err)
				}
				b.wantState(xero.Disconnected, xero.CodeLoginFailed)
				if _, err := b.keychain.Store.Get(t.Context(), "connections"); err == nil {
					t.Error("something was kept of a sign-in that proves nothing")
				}
			})
		})
	}
}

func set(name string, value any) func(map[string]any) {
	return func(c map[string]any) { c[name] = value }
}

func shift(c map[string]any, name string, by time.Duration) {
	c[name] = int64(c[name].(float64)) + int64(by/time.Second)
}
