package xerosim_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/xero/xerosim"
)

func (s *site) refused(got tokens, want string) {
	s.t.Helper()
	if got.Status != http.StatusBadRequest || got.Body != `{"error":"`+want+`"}` {
		s.t.Errorf("answered %d %s, want 400 and only %s", got.Status, got.Body, want)
	}
}

func (s *site) given(got tokens) tokens {
	s.t.Helper()
	if got.Status != http.StatusOK {
		s.t.Fatalf("answered %d %s", got.Status, got.Body)
	}
	return got
}

func TestACodeIsRefusedThatDoesNotFit(t *testing.T) {
	for name, spoil := range map[string]func(*site, url.Values){
		"another verifier":   func(_ *site, f url.Values) { f.Set("code_verifier", verifier()) },
		"no verifier":        func(_ *site, f url.Values) { f.Del("code_verifier") },
		"short verifier":     func(_ *site, f url.Values) { f.Set("code_verifier", f.Get("code_verifier")[:42]) },
		"another redirect":   func(_ *site, f url.Values) { f.Set("redirect_uri", "http://localhost:18000/callback") },
		"unknown code":       func(_ *site, f url.Values) { f.Set("code", strings.Repeat("a", 43)) },
		"after five minutes": func(s *site, _ url.Values) { s.Advance(5 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			v := verifier()
			form := codeForm(s.approve(s.authorizeURL(v)).Get("code"), v)
			spoil(s, form)
			s.refused(s.ask(form), "invalid_grant")
		})
	}
	t.Run("too short a verifier, though the challenge's", func(t *testing.T) {
		s := newSite(t)
		v := verifier()[:42]
		s.refused(s.ask(codeForm(s.approve(s.authorizeURL(v)).Get("code"), v)), "invalid_grant")
	})
	t.Run("another app's", func(t *testing.T) {
		s := newSite(t)
		v := verifier()
		form := codeForm(s.approve(s.authorizeURL(v)).Get("code"), v)
		form.Del("client_id")
		s.refused(s.ask(form, webClientID, xerosim.DemoClientSecret), "invalid_grant")
	})
}

func TestACodeServesOnce(t *testing.T) {
	s := newSite(t)
	v := verifier()
	form := codeForm(s.approve(s.authorizeURL(v)).Get("code"), v)
	s.Advance(5*time.Minute - time.Second)
	s.given(s.ask(form))
	s.refused(s.ask(form), "invalid_grant")
}

func TestAnAppWithoutASecretNamesItselfInTheBodyAndSendsNoHeader(t *testing.T) {
	s := newSite(t)
	v := verifier()
	form := codeForm(s.approve(s.authorizeURL(v)).Get("code"), v)
	s.refused(s.ask(form, xerosim.DemoClientID, ""), "invalid_client")

	with := func(name, value string) url.Values {
		f, _ := url.ParseQuery(form.Encode())
		f.Set(name, value)
		return f
	}
	s.refused(s.ask(with("client_id", "")), "invalid_client")
	s.refused(s.ask(with("client_id", strings.Repeat("A", 32))), "invalid_client")
	s.refused(s.ask(with("client_secret", "x")), "invalid_client")
	s.refused(s.ask(with("grant_type", "password")), "unsupported_grant_type")
	s.refused(s.ask(url.Values{}), "unsupported_grant_type")
	first := s.given(s.ask(form)) // none of these spent the code

	s.refused(s.ask(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.RefreshToken}}), "invalid_client")
	s.Assume(xerosim.Unknowns{MissingClientError: "invalid_request"})
	s.refused(s.ask(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.RefreshToken}}), "invalid_request")
	s.given(s.refresh(first.RefreshToken))
}

func TestAWebAppNeedsItsSecretEvenWithPKCE(t *testing.T) {
	s := newSite(t)
	authorize := func(change ...string) url.Values {
		v := verifier()
		form := codeForm(s.approve(s.authorizeURL(v, append(change, "client_id", webClientID)...)).Get("code"), v)
		form.Set("client_id", webClientID)
		return form
	}
	form := authorize()
	s.refused(s.ask(form), "invalid_client")
	s.refused(s.ask(form, webClientID, ""), "invalid_client")
	s.refused(s.ask(form, webClientID, "wrong"), "invalid_client")
	s.given(s.ask(form, webClientID, xerosim.DemoClientSecret))

	form = authorize()
	form.Set("client_secret", xerosim.DemoClientSecret)
	got := s.given(s.ask(form))
	s.given(s.ask(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.RefreshToken}},
		webClientID, xerosim.DemoClientSecret))

	// Without a challenge there must be no verifier.
	form = authorize("code_challenge", "", "code_challenge_method", "")
	form.Del("code_verifier")
	s.given(s.ask(form, webClientID, xerosim.DemoClientSecret))
	form = authorize("code_challenge", "", "code_challenge_method", "")
	s.refused(s.ask(form, webClientID, xerosim.DemoClientSecret), "invalid_grant")
}

func TestWhatIsGivenOutFollowsTheScopes(t *testing.T) {
	s := newSite(t)
	signIn := func(scope string) tokens {
		v := verifier()
		return s.given(s.ask(codeForm(s.approve(s.authorizeURL(v, "scope", scope)).Get("code"), v)))
	}
	got := signIn("accounting.contacts.read")
	if got.RefreshToken != "" || got.IDToken != "" {
		t.Errorf("without offline_access and openid: %+v", got)
	}
	got = signIn("openid")
	if got.RefreshToken != "" || got.IDToken == "" {
		t.Errorf("with openid only: %+v", got)
	}
	if id := claims(t, got.IDToken); id["email"] != nil || id["given_name"] != nil || id["sub"] == nil {
		t.Errorf("without profile and email: %v", id)
	}
	// Consent adds up: the answer names more than was asked for.
	got = signIn("offline_access accounting.invoices.read")
	if want := "accounting.contacts.read openid offline_access accounting.invoices.read"; got.Scope != want {
		t.Errorf("scope %q, want %q", got.Scope, want)
	}
	// A token given out before gains nothing by later consent.
	signIn("accounting.payments.read")
	again := s.given(s.refresh(got.RefreshToken))
	if again.Scope != got.Scope || !sameJSON(t, claims(t, again.AccessToken)["scope"], strings.Fields(got.Scope)) {
		t.Errorf("scope after the renewal %q and %v, want %q", again.Scope, claims(t, again.AccessToken)["scope"], got.Scope)
	}
}

func TestARefreshTokenIsGoodForHalfAnHourFromItsFirstUse(t *testing.T) {
	s := newSite(t)
	first := s.signIn()
	s.Advance(24 * time.Hour)
	seen := []string{first.RefreshToken}
	for range 3 {
		got := s.given(s.refresh(first.RefreshToken))
		if slices.Contains(seen, got.RefreshToken) {
			t.Error("a refresh token was given out twice")
		}
		if len(got.RefreshToken) != 43 || strings.Contains(got.RefreshToken, ".") {
			t.Errorf("a refresh token of %d characters", len(got.RefreshToken))
		}
		seen = append(seen, got.RefreshToken)
		s.Advance(15*time.Minute - time.Second)
		if len(seen) == 3 {
			s.Advance(1 * time.Second)
		}
	}
	s.refused(s.refresh(first.RefreshToken), "invalid_grant")
	for _, sibling := range seen[1:] {
		s.given(s.refresh(sibling))
	}
}

func TestARefreshTokenDiesSixtyDaysAfterItsIssue(t *testing.T) {
	s := newSite(t)
	got := s.signIn()
	for range 3 {
		s.Advance(60*24*time.Hour - time.Second)
		got = s.given(s.refresh(got.RefreshToken))
	}
	s.Advance(60 * 24 * time.Hour)
	s.refused(s.refresh(got.RefreshToken), "invalid_grant")
}

func TestARefreshTokenServesOnlyItsApp(t *testing.T) {
	s := newSite(t)
	got := s.signIn()
	s.refused(s.ask(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.RefreshToken}},
		webClientID, xerosim.DemoClientSecret), "invalid_grant")
	s.refused(s.refresh("not one of ours"), "invalid_grant")
	s.given(s.refresh(got.RefreshToken))
}

func TestOfSiblingsBornInTheGraceOnlyTheLatestLivesWhenSoSwitched(t *testing.T) {
	s := newSite(t, func(o *xerosim.Options) { o.SiblingsDie = true })
	first := s.signIn()
	elder := s.given(s.refresh(first.RefreshToken))
	grandchild := s.given(s.refresh(elder.RefreshToken))
	younger := s.given(s.refresh(first.RefreshToken))
	s.refused(s.refresh(elder.RefreshToken), "invalid_grant")
	s.refused(s.refresh(grandchild.RefreshToken), "invalid_grant")
	s.given(s.refresh(younger.RefreshToken))
}

func TestASecondSignInEndsTheFirstOnlyWhenSoSwitched(t *testing.T) {
	s := newSite(t)
	first := s.signIn()
	second := s.signIn()
	first = s.given(s.refresh(first.RefreshToken))

	s.Assume(xerosim.Unknowns{SignInEndsOlder: true})
	v := verifier()
	other := s.given(s.ask(codeForm(s.approve(s.authorizeURL(v, "login_hint", "ben@example.com")).Get("code"), v)))
	third := s.signIn()
	s.refused(s.refresh(first.RefreshToken), "invalid_grant")
	s.refused(s.refresh(second.RefreshToken), "invalid_grant")
	s.given(s.refresh(third.RefreshToken))
	s.given(s.refresh(other.RefreshToken)) // another person's sign-in is no older one
}

func TestWhetherARefreshEndsTheAccessTokensBeforeIsASwitch(t *testing.T) {
	s := newSite(t)
	first := s.signIn()
	second := s.given(s.refresh(first.RefreshToken))
	if status := s.userinfo(first.AccessToken); status != http.StatusOK {
		t.Errorf("the access token before a refresh: %d", status)
	}
	s.Assume(xerosim.Unknowns{RefreshEndsAccess: true})
	third := s.given(s.refresh(second.RefreshToken))
	if status := s.userinfo(second.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("the access token before a refresh that ends it: %d", status)
	}
	if status := s.userinfo(third.AccessToken); status != http.StatusOK {
		t.Errorf("the access token of the refresh: %d", status)
	}
}

func TestWhetherARefreshBringsAnIDTokenIsASwitch(t *testing.T) {
	s := newSite(t)
	got := s.given(s.refresh(s.signIn().RefreshToken))
	if got.IDToken == "" {
		t.Error("no id token")
	}
	s.Assume(xerosim.Unknowns{RefreshOmitsIDToken: true})
	if got = s.given(s.refresh(got.RefreshToken)); got.IDToken != "" {
		t.Error("an id token")
	}
}

// userinfo is the status that an access token gets there.
func (s *site) userinfo(accessToken string) int {
	s.t.Helper()
	status, _ := s.callAPI("/connect/userinfo", accessToken, "")
	return status
}

func TestUserinfoSaysWhoSignedIn(t *testing.T) {
	s := newSite(t)
	got := s.signIn()
	status, body := s.callAPI("/connect/userinfo", got.AccessToken, "")
	if status != http.StatusOK || !strings.Contains(body, `"email":"aroha@example.com"`) ||
		!strings.Contains(body, claims(t, got.IDToken)["sub"].(string)) {
		t.Errorf("%d %s", status, body)
	}
	s.Advance(30 * time.Minute)
	if status := s.userinfo(got.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("after half an hour: %d", status)
	}
	for _, garbage := range []string{"", "x", got.RefreshToken, got.IDToken, got.AccessToken[:len(got.AccessToken)-4] + "AAAA"} {
		if status := s.userinfo(garbage); status != http.StatusUnauthorized {
			t.Errorf("with garbage: %d", status)
		}
	}
}
