package xerosim_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/xero/xerosim"
)

// entries of the journal that fit.
func (s *site) entries(fits func(xerosim.Entry) bool) []xerosim.Entry {
	return slices.DeleteFunc(s.Journal(), func(e xerosim.Entry) bool { return !fits(e) })
}

func TestTheJournalTellsThatExactlyOneRenewalHappened(t *testing.T) {
	s := newSite(t)
	got := s.signIn()
	s.refresh(got.RefreshToken)
	renewals := s.entries(func(e xerosim.Entry) bool { return e.Form.Get("grant_type") == "refresh_token" })
	if len(renewals) != 1 {
		t.Fatalf("%d renewals in the journal", len(renewals))
	}
	e := renewals[0]
	if e.Point != xerosim.PointToken || e.Method != http.MethodPost || e.Path != "/connect/token" || e.Status != http.StatusOK ||
		e.Cut || e.Form.Get("client_id") != xerosim.DemoClientID || e.Number == 0 || e.Time.IsZero() ||
		e.Form.Get("refresh_token") != xerosim.Fingerprint(got.RefreshToken) {
		t.Errorf("%+v", e)
	}
}

func TestTheJournalHoldsNoSecret(t *testing.T) {
	s := newSite(t)
	v := verifier()
	code := s.approve(s.authorizeURL(v)).Get("code")
	got := s.given(s.ask(codeForm(code, v)))
	s.refresh(got.RefreshToken)
	s.callAPI("/connections", got.AccessToken, "")
	s.callAPI("/api.xro/2.0/Organisation?leaked="+got.RefreshToken+"&access_token=short", got.AccessToken, s.Organisations()[0].TenantID)
	s.revoke(url.Values{"token": {got.RefreshToken}}, webClientID, xerosim.DemoClientSecret)
	for _, point := range []string{"journal", "wait?event=token-seen"} {
		_, body := s.get(s.base + "/_sim/" + point)
		if holdsMarker(body) {
			t.Errorf("a secret is in\n%s", body)
		}
		for name, secret := range map[string]string{"verifier": v, "challenge": challenge(v), "state": "state-1", "nonce": "nonce-1", "token": "short"} {
			if strings.Contains(body, secret) {
				t.Errorf("the %s is in\n%s", name, body)
			}
		}
	}
	last := s.entries(func(e xerosim.Entry) bool { return e.Point == xerosim.PointRevocation })[0]
	if last.Basic != webClientID || last.Form.Get("token") != xerosim.Fingerprint(got.RefreshToken) {
		t.Errorf("%+v", last)
	}
}

func TestTheJournalTellsWhichCallHadWhichTokenAndOrganisation(t *testing.T) {
	s := newSite(t)
	got := s.signIn()
	tenant := s.Organisations()[1].TenantID
	s.callAPI("/api.xro/2.0/Organisation", got.AccessToken, tenant)
	s.callAPI("/api.xro/2.0/Organisation", got.AccessToken, "")
	s.callAPI("/connections", "garbage", "")
	calls := s.entries(func(e xerosim.Entry) bool { return e.Bearer != "" })
	want := []xerosim.Entry{
		{Point: xerosim.PointAPI, Bearer: xerosim.Fingerprint(got.AccessToken), Tenant: tenant, Status: http.StatusOK},
		{Point: xerosim.PointAPI, Bearer: xerosim.Fingerprint(got.AccessToken), Status: http.StatusForbidden, Error: "AuthenticationUnsuccessful"},
		{Point: xerosim.PointConnections, Bearer: xerosim.Fingerprint("garbage"), Status: http.StatusUnauthorized, Error: "AuthenticationUnsuccessful"},
	}
	for i, e := range calls {
		e = xerosim.Entry{Point: e.Point, Bearer: e.Bearer, Tenant: e.Tenant, Status: e.Status, Error: e.Error}
		if i >= len(want) || !sameJSON(t, e, want[i]) {
			t.Errorf("call %d is %+v", i, e)
		}
	}
	if len(calls) != len(want) {
		t.Errorf("%d calls, want %d", len(calls), len(want))
	}
}

func sameJSON(t *testing.T, a, b any) bool {
	t.Helper()
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return string(x) == string(y)
}

func TestATestCanWaitForARequestAndForItsAnswer(t *testing.T) {
	s := newSite(t)
	got := s.signIn() // one token request
	s.Fault(xerosim.Fault{At: xerosim.PointToken, Do: xerosim.Hold})

	answered := make(chan tokens)
	go func() { answered <- s.refresh(got.RefreshToken) }()
	if n, err := s.Wait(t.Context(), "token-seen", 1); n != 2 || err != nil {
		t.Fatalf("%d token requests: %v", n, err)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if n, err := s.Wait(short, "token-answered", 1); n != 1 || err == nil {
		t.Errorf("%d answers while one is held: %v", n, err)
	}
	s.Release()
	if n, err := s.Wait(t.Context(), "token-answered", 1); n != 2 || err != nil {
		t.Errorf("%d answers: %v", n, err)
	}
	s.given(<-answered)
}

func TestAHeldAnswerIsThatOfARequestThatWasCarriedOut(t *testing.T) {
	s := newSite(t, func(o *xerosim.Options) { o.SiblingsDie = true })
	first := s.signIn()
	second := s.given(s.refresh(first.RefreshToken))
	s.Fault(xerosim.Fault{At: xerosim.PointToken, Do: xerosim.Hold})

	ctx, hangUp := context.WithCancel(t.Context())
	go func() { // as a process that is killed while it waits
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/connect/token", strings.NewReader(url.Values{
			"grant_type": {"refresh_token"}, "client_id": {xerosim.DemoClientID}, "refresh_token": {first.RefreshToken},
		}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if answer, err := s.client.Do(r); err == nil {
			_ = answer.Body.Close()
		}
	}()
	if _, err := s.Wait(t.Context(), "token-seen", 2); err != nil {
		t.Fatal(err)
	}
	hangUp()
	if _, err := s.Wait(t.Context(), "token-cut", 0); err != nil {
		t.Fatal(err)
	}
	s.refused(s.refresh(second.RefreshToken), "invalid_grant") // it has a younger sibling now
	s.given(s.refresh(first.RefreshToken))                     // which nobody got: the grace mends it
}

func TestTheJournalKeepsTheLatestTenThousand(t *testing.T) {
	s := newSite(t)
	ask := func() {
		r, err := http.NewRequest(http.MethodGet, "/nothing", nil)
		if err != nil {
			t.Fatal(err)
		}
		s.Handler().ServeHTTP(discard{}, r)
	}
	for range 10_001 {
		ask()
	}
	list := s.Journal()
	if len(list) != 10_000 || list[0].Number != 2 || list[9_999].Number != 10_001 {
		t.Errorf("%d entries from %d to %d", len(list), list[0].Number, list[len(list)-1].Number)
	}
	if n, err := s.Wait(t.Context(), "other-answered", 10_000); n != 10_001 || err != nil {
		t.Errorf("%d answers: %v", n, err)
	}
}

// discard takes an answer and forgets it.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}
