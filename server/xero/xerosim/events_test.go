package xerosim_test

import (
	"net/http"
	"net/url"
	"testing"

	"financial-command-center/server/xero/xerosim"
)

func (s *site) revoke(form url.Values, basic ...string) (int, string) {
	s.t.Helper()
	return s.post("/connect/revocation", form, basic...)
}

func TestRevocationEndsTheRefreshTokenAndAllConnections(t *testing.T) {
	s := newSite(t)
	first := s.signIn()
	got := s.given(s.refresh(first.RefreshToken))
	status, body := s.revoke(url.Values{"token": {got.RefreshToken}, "client_id": {xerosim.DemoClientID}})
	if status != http.StatusOK || body != "" {
		t.Errorf("answered %d %q", status, body)
	}
	s.refused(s.refresh(got.RefreshToken), "invalid_grant")
	s.refused(s.refresh(first.RefreshToken), "invalid_grant") // the one before, in its grace
	if list := s.connections(got.AccessToken); len(list) != 0 {
		t.Errorf("still connected: %v", list)
	}
	// Scopes begin anew after it.
	if back := s.approve(s.authorizeURL(verifier(), "scope", "openid")); back.Get("scope") != "openid" {
		t.Errorf("scope %q", back.Get("scope"))
	}
}

func TestRevocationNeedsTheAppAndForgivesAnUnknownToken(t *testing.T) {
	s := newSite(t)
	got := s.signIn()
	for name, c := range map[string]struct {
		token, client string
		basic         []string
		status        int
	}{
		"no client":      {got.RefreshToken, "", nil, http.StatusBadRequest},
		"unknown client": {got.RefreshToken, "x", nil, http.StatusBadRequest},
		"wrong secret":   {got.RefreshToken, "", []string{webClientID, "x"}, http.StatusBadRequest},
		"another app's":  {got.RefreshToken, "", []string{webClientID, xerosim.DemoClientSecret}, http.StatusOK},
		"unknown token":  {"x", xerosim.DemoClientID, nil, http.StatusOK},
	} {
		form := url.Values{"token": {c.token}}
		if c.client != "" {
			form.Set("client_id", c.client)
		}
		if status, body := s.revoke(form, c.basic...); status != c.status {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	s.Assume(xerosim.Unknowns{RevocationNeedsSecret: true})
	if status, body := s.revoke(url.Values{"token": {got.RefreshToken}, "client_id": {xerosim.DemoClientID}}); status != http.StatusBadRequest {
		t.Errorf("without a secret: %d %s", status, body)
	}
	s.given(s.refresh(got.RefreshToken)) // none of these ended it
}

func TestWhetherRevocationEndsAccessTokensIsASwitch(t *testing.T) {
	for ends, want := range map[bool]int{false: http.StatusOK, true: http.StatusUnauthorized} {
		s := newSite(t, func(o *xerosim.Options) { o.RevokeEndsAccess = ends })
		got := s.signIn()
		s.revoke(url.Values{"token": {got.RefreshToken}, "client_id": {xerosim.DemoClientID}})
		if status := s.userinfo(got.AccessToken); status != want {
			t.Errorf("ends %v: the access token gets %d", ends, status)
		}
	}
}

func TestASignInConnectsWhatWasTickedAndReachesWhatWasConnectedBefore(t *testing.T) {
	s := newSite(t)
	first := s.signIn("Harbour Joinery Ltd", "Ridgeway Café")
	before := map[string]connected{}
	for _, c := range s.connections(first.AccessToken) {
		if c.AuthEventID != claims(t, first.AccessToken)["authentication_event_id"] {
			t.Errorf("%s: made by another sign-in", c.TenantName)
		}
		before[c.TenantName] = c
	}
	if len(before) != 2 {
		t.Fatalf("connected %v", before)
	}
	second := s.signIn("Ridgeway Café", `<b>Kauri</b> & "Sons"`)
	event := claims(t, second.AccessToken)["authentication_event_id"]
	list := s.connections(second.AccessToken)
	if len(list) != 3 {
		t.Fatalf("reaches %v", list)
	}
	for _, c := range list {
		if isNew := c.TenantName != "Harbour Joinery Ltd"; (c.AuthEventID == event) != isNew {
			t.Errorf("%s: made by the second sign-in: %v", c.TenantName, !isNew)
		}
		if was, ok := before[c.TenantName]; ok && (was.ID != c.ID || was.CreatedDateUtc != c.CreatedDateUtc) {
			t.Errorf("%s was %v, is %v", c.TenantName, was, c)
		}
	}
	// A renewal is no other sign-in.
	if again := s.refresh(second.RefreshToken); claims(t, again.AccessToken)["authentication_event_id"] != event {
		t.Error("a renewal changed the event id")
	}
	// Another person's sign-in to the same app reaches its own.
	v := verifier()
	other := s.given(s.ask(codeForm(s.approve(s.authorizeURL(v, "login_hint", "ben@example.com"), "Ridgeway Café").Get("code"), v)))
	if list := s.connections(other.AccessToken); len(list) != 1 || list[0].ID == before["Ridgeway Café"].ID {
		t.Errorf("the other person reaches %v", list)
	}
}

func TestWhatHappensAtXeroIsNotToldAndRenewalGoesOn(t *testing.T) {
	s := newSite(t)
	got := s.signIn()
	café, kauri := s.Organisations()[1], s.Organisations()[2]
	names := func() map[string]string {
		m := map[string]string{}
		for _, c := range s.connections(got.AccessToken) {
			m[c.TenantName] = c.TenantID
		}
		return m
	}

	if err := s.Disconnect("Ridgeway Café"); err != nil {
		t.Fatal(err)
	}
	if have := names(); len(have) != 2 || have[café.Name] != "" {
		t.Errorf("after the person disconnected the café: %v", have)
	}
	got = s.given(s.refresh(got.RefreshToken))

	fresh, err := s.ResetDemo(kauri.TenantID)
	if err != nil {
		t.Fatal(err)
	}
	if have := names(); len(have) != 1 || fresh == kauri.TenantID || s.Organisations()[2].TenantID != fresh {
		t.Errorf("after the demo reset: %v", have)
	}
	if status, body := s.callAPI("/api.xro/2.0/Organisation", got.AccessToken, kauri.TenantID); status != http.StatusForbidden {
		t.Errorf("the old tenant id gets %d %s", status, body)
	}
	got = s.given(s.refresh(got.RefreshToken))

	if err := s.SetReports("aroha@example.com", false); err != nil {
		t.Fatal(err)
	}
	joinery := s.Organisations()[0].TenantID
	if status, body := s.callAPI("/api.xro/2.0/Reports/BankSummary", got.AccessToken, joinery); status != http.StatusForbidden {
		t.Errorf("without the role for reports: %d %s", status, body)
	}
	if status, body := s.callAPI("/api.xro/2.0/Organisation", got.AccessToken, joinery); status != http.StatusOK {
		t.Errorf("other calls without the role for reports: %d %s", status, body)
	}
	got = s.given(s.refresh(got.RefreshToken))

	got = s.signIn() // consents to all again
	if have := names(); len(have) != 3 || have[kauri.Name] != fresh {
		t.Errorf("after consent to all: %v", have)
	}
}

func TestAGrantEndedAtXeroIsAnInvalidGrant(t *testing.T) {
	s := newSite(t)
	v := verifier()
	other := s.given(s.ask(codeForm(s.approve(s.authorizeURL(v, "login_hint", "ben@example.com")).Get("code"), v)))
	got := s.signIn()
	if err := s.RevokeGrant("aroha@example.com"); err != nil {
		t.Fatal(err)
	}
	s.refused(s.refresh(got.RefreshToken), "invalid_grant")
	other = s.given(s.refresh(other.RefreshToken))
	if err := s.RevokeGrant(""); err != nil {
		t.Fatal(err)
	}
	s.refused(s.refresh(other.RefreshToken), "invalid_grant")
	s.given(s.signIn())
}

func TestAnEventNamesSomebodyWhoIsThere(t *testing.T) {
	s := newSite(t)
	_, reset := s.ResetDemo("nobody's")
	for name, err := range map[string]error{
		"disconnect": s.Disconnect("nobody's"), "demo reset": reset,
		"reports": s.SetReports("nobody@example.com", true), "revoke": s.RevokeGrant("nobody@example.com"),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestIdsSurviveARestartWithTheSameSeed(t *testing.T) {
	with := func(seed uint64) *site { return newSite(t, func(o *xerosim.Options) { o.Seed = seed }) }
	one, same, other := with(1), with(1), with(2)
	for i, o := range one.Organisations() {
		if same.Organisations()[i] != o || other.Organisations()[i].TenantID == o.TenantID {
			t.Errorf("%v, %v, %v", o, same.Organisations()[i], other.Organisations()[i])
		}
	}
	if one.People()[1] != same.People()[1] || one.People()[1].UserID == other.People()[1].UserID {
		t.Error("people's ids do not follow the seed")
	}
}
