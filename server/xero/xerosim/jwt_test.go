package xerosim_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"financial-command-center/server/xero/xerosim"
)

// keySet fetches the published keys.
func (s *site) keySet() jose.JSONWebKeySet {
	s.t.Helper()
	_, body := s.get(s.base + "/.well-known/openid-configuration/jwks")
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(body), &set); err != nil {
		s.t.Fatal(err)
	}
	return set
}

// checked verifies a JWT with the published key that its header names.
func (s *site) checked(jwt string) jose.Header {
	s.t.Helper()
	jws, err := jose.ParseSignedCompact(jwt, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		s.t.Fatal(err)
	}
	header := jws.Signatures[0].Header
	set := s.keySet()
	found := set.Key(header.KeyID)
	if len(found) != 1 {
		s.t.Fatalf("%d keys have the id %s", len(found), header.KeyID)
	}
	if _, err := jws.Verify(found[0]); err != nil {
		s.t.Error(err)
	}
	return header
}

func TestTokensAreSignedLikeXeros(t *testing.T) {
	s := newSite(t)
	got := s.signIn()
	for _, jwt := range []string{got.AccessToken, got.IDToken} {
		header := s.checked(jwt)
		x5t, _ := header.ExtraHeaders["x5t"].(string)
		if !regexp.MustCompile(`^[0-9A-F]{40}$`).MatchString(header.KeyID) || len(x5t) != 27 ||
			header.ExtraHeaders["typ"] != "JWT" {
			t.Errorf("header %+v", header)
		}
		signature := jwt[strings.LastIndex(jwt, ".")+1:]
		if b, err := base64.RawURLEncoding.DecodeString(signature); err != nil || len(b) != 256 {
			t.Errorf("a signature of %d bytes: %v", len(b), err)
		}
	}
}

// shape checks claims against the form each must have, and that there are no
// others.
func shape(t *testing.T, got map[string]any, want map[string]string) {
	t.Helper()
	for name, form := range want {
		value := got[name]
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^` + form + `$`).Match(text) {
			t.Errorf("%s is %s, want %s", name, text, form)
		}
	}
	if names := slices.Sorted(maps.Keys(got)); len(names) != len(want) {
		t.Errorf("%d claims, want %d: %v", len(names), len(want), names)
	}
}

const (
	guidForm = `"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"`
	hexForm  = `"[0-9A-Fa-f]{32}"`
	timeForm = `[0-9]{10}`
)

func TestAnAccessTokenHasTheRealClaimsAndSize(t *testing.T) {
	s := newSite(t)
	got := s.signIn()
	access := claims(t, got.AccessToken)
	shape(t, access, map[string]string{
		"nbf": timeForm, "exp": timeForm, "auth_time": timeForm, "iss": `"http://.*"`, "aud": `"http://.*/resources"`,
		"client_id": `"` + xerosim.DemoClientID + `"`, "sub": hexForm, "xero_userid": guidForm, "global_session_id": hexForm,
		"jti": hexForm, "authentication_event_id": guidForm, "scope": `\["openid",.*\]`, "amr": `\[.*\]`,
	})
	if life := access["exp"].(float64) - access["nbf"].(float64); life != 1800 {
		t.Errorf("it lives %v seconds", life)
	}
	// Measured at Xero: 1,209 bytes with 5 scopes, 1,553 with 20 broad ones.
	if n := len(got.AccessToken); n < 1500 || n > 1800 {
		t.Errorf("%d bytes with 14 scopes", n)
	}
	v := verifier()
	few := newSite(t)
	small := few.given(few.ask(codeForm(few.approve(
		few.authorizeURL(v, "scope", "openid profile email accounting.contacts.read offline_access")).Get("code"), v)))
	if n := len(small.AccessToken); n < 1100 || n > 1300 {
		t.Errorf("%d bytes with 5 scopes", n)
	}
}

func TestAnIDTokenHasTheRealClaimsAndNoEventID(t *testing.T) {
	s := newSite(t)
	got := s.signIn()
	id := claims(t, got.IDToken)
	want := map[string]string{
		"nbf": timeForm, "exp": timeForm, "iat": timeForm, "auth_time": timeForm, "iss": `"http://.*"`,
		"aud": `"` + xerosim.DemoClientID + `"`, "sub": hexForm, "xero_userid": guidForm, "sid": hexForm, "global_session_id": hexForm,
		"at_hash": `"[A-Za-z0-9_-]{22}"`, "nonce": `"nonce-1"`, "preferred_username": `"aroha@example.com"`,
		"email": `"aroha@example.com"`, "given_name": `"Aroha"`, "family_name": `"Ngata"`, "amr": `\[.*\]`,
	}
	shape(t, id, want)
	if life := id["exp"].(float64) - id["nbf"].(float64); life != 300 {
		t.Errorf("it lives %v seconds", life)
	}
	sum := sha256.Sum256([]byte(got.AccessToken))
	if id["at_hash"] != base64.RawURLEncoding.EncodeToString(sum[:16]) {
		t.Error("at_hash is not the access token's")
	}
	access := claims(t, got.AccessToken)
	for _, name := range []string{"sub", "xero_userid", "global_session_id", "auth_time"} {
		if id[name] != access[name] {
			t.Errorf("%s: %v in the id token, %v in the access token", name, id[name], access[name])
		}
	}
	delete(want, "nonce") // belongs to the sign-in
	shape(t, claims(t, s.refresh(got.RefreshToken).IDToken), want)

	s.Assume(xerosim.Unknowns{OmitNonce: true})
	shape(t, claims(t, s.signIn().IDToken), want)
}

func TestTheTokensClockMayBeWrong(t *testing.T) {
	s := newSite(t)
	for _, skew := range []time.Duration{90 * time.Second, -90 * time.Second} {
		s.Skew(skew, 0)
		got := s.signIn()
		for _, jwt := range []string{got.AccessToken, got.IDToken} {
			c := claims(t, jwt)
			nbf := time.Unix(int64(c["nbf"].(float64)), 0)
			if off := nbf.Sub(s.Now()) - skew; off.Abs() > 5*time.Second {
				t.Errorf("nbf is %v off", off+skew)
			}
		}
		if status := s.userinfo(got.AccessToken); status != 200 {
			t.Errorf("Xero refuses its own token: %d", status)
		}
	}
}

func TestTheSigningKeyRotates(t *testing.T) {
	s := newSite(t)
	before := s.signIn()
	old := s.checked(before.IDToken)
	s.RotateKeys()
	now := s.checked(s.refresh(before.RefreshToken).IDToken)
	if now.KeyID == old.KeyID || len(s.keySet().Keys) != 2 {
		t.Errorf("keys %s, %s of %d", old.KeyID, now.KeyID, len(s.keySet().Keys))
	}
	s.checked(before.IDToken)
	if status := s.userinfo(before.AccessToken); status != 200 {
		t.Errorf("a token signed before: %d", status)
	}
}

func TestEverySecretGivenOutHoldsAMarker(t *testing.T) {
	s := newSite(t)
	s.RotateKeys()
	v := verifier()
	code := s.approve(s.authorizeURL(v)).Get("code")
	got := s.given(s.ask(codeForm(code, v)))
	header, access, _ := strings.Cut(got.AccessToken, ".")
	idHeader, id, _ := strings.Cut(got.IDToken, ".")
	// A client id has 32 characters, and so in HTTP Basic the secret begins at a
	// multiple of three.
	basic := base64.StdEncoding.EncodeToString([]byte(webClientID + ":" + xerosim.DemoClientSecret))
	for name, secret := range map[string]string{
		"code": code, "refresh token": got.RefreshToken, "client secret": xerosim.DemoClientSecret, "basic": basic,
		"access token": got.AccessToken, "id token": got.IDToken,
		"access token's header": header, "access token's payload": access, "id token's header": idHeader, "id token's payload": id,
	} {
		if !holdsMarker(secret) {
			t.Errorf("no marker in the %s", name)
		}
	}
	if holdsMarker(readScopes) || holdsMarker(s.Organisations()[0].TenantID) {
		t.Error("a marker is in what is no secret")
	}
	// Other issuers' tokens begin otherwise, or the search would find them too.
	if holdsMarker(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"A1","typ":"JWT"}`))) {
		t.Error("a marker is in every JWT")
	}
}

func holdsMarker(text string) bool {
	return slices.ContainsFunc(xerosim.Markers(), func(m string) bool { return m != "" && strings.Contains(text, m) })
}
