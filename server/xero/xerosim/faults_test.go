package xerosim_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/xero/xerosim"
)

// renewal sends a refresh token and reads what comes, if anything does.
func (s *site) renewal(ctx context.Context, token string) (answer *http.Response, body string, err error) {
	s.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {xerosim.DemoClientID}, "refresh_token": {token}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/connect/token", strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err = s.client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return answer, string(b), err
}

func TestTroubleWithAnAnswerComesAfterTheTokenWasRotated(t *testing.T) {
	whole := func(t *testing.T, body string) {
		t.Helper()
		var got tokens
		if err := json.Unmarshal([]byte(body), &got); err != nil || got.AccessToken == "" {
			t.Errorf("answered %q: %v", body, err)
		}
	}
	for trouble, check := range map[xerosim.Trouble]func(t *testing.T, answer *http.Response, body string, err error){
		xerosim.Lose: func(t *testing.T, answer *http.Response, _ string, err error) {
			if err == nil || answer != nil {
				t.Errorf("answered %v", answer)
			}
		},
		xerosim.Half: func(t *testing.T, answer *http.Response, body string, err error) {
			if err == nil || answer == nil || body == "" || json.Valid([]byte(body)) {
				t.Errorf("answered %q: %v", body, err)
			}
		},
		xerosim.Delay: func(t *testing.T, answer *http.Response, body string, err error) { whole(t, body) },
		xerosim.Stall: func(t *testing.T, answer *http.Response, body string, err error) { whole(t, body) },
		xerosim.Big: func(t *testing.T, _ *http.Response, body string, err error) {
			whole(t, body)
			if len(body) < 1<<20 {
				t.Errorf("%d bytes", len(body))
			}
		},
		xerosim.Bare: func(t *testing.T, answer *http.Response, body string, err error) {
			var got tokens
			if err := json.Unmarshal([]byte(body), &got); err != nil || got.AccessToken != "" || got.RefreshToken == "" {
				t.Errorf("answered %q: %v", body, err)
			}
		},
	} {
		t.Run(string(trouble), func(t *testing.T) {
			s := newSite(t, func(o *xerosim.Options) { o.SiblingsDie = true })
			first := s.signIn()
			second := s.given(s.refresh(first.RefreshToken))
			s.Fault(xerosim.Fault{At: xerosim.PointToken, Do: trouble, Delay: 30 * time.Millisecond})
			begun := time.Now()
			answer, body, err := s.renewal(t.Context(), first.RefreshToken)
			check(t, answer, body, err)
			if took := time.Since(begun); (trouble == xerosim.Delay || trouble == xerosim.Stall) && took < 30*time.Millisecond {
				t.Errorf("it took %v", took)
			}
			s.refused(s.refresh(second.RefreshToken), "invalid_grant") // its younger sibling was born
			s.given(s.refresh(first.RefreshToken))                     // and the trouble is over
		})
	}
}

func TestTroubleInTheAnswersPlaceLeavesTheTokenUnused(t *testing.T) {
	for name, c := range map[string]struct {
		fault  xerosim.Fault
		status int
		kind   string
	}{
		"drop": {xerosim.Fault{Do: xerosim.Drop}, 0, ""},
		"html": {xerosim.Fault{Do: xerosim.HTML}, http.StatusOK, "text/html; charset=utf-8"},
		"waf":  {xerosim.Fault{Do: xerosim.WAF}, http.StatusForbidden, "text/html; charset=utf-8"},
		"500":  {xerosim.Fault{Do: xerosim.Fail, Status: 500}, 500, "text/html; charset=utf-8"},
		"503":  {xerosim.Fault{Do: xerosim.Fail, Status: 503}, 503, "text/plain; charset=utf-8"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(o *xerosim.Options) { o.SiblingsDie = true })
			first := s.signIn()
			second := s.given(s.refresh(first.RefreshToken))
			c.fault.Times = 2
			s.Fault(c.fault) // for any kind of request
			_, _, _ = s.renewal(t.Context(), first.RefreshToken)
			answer, body, err := s.renewal(t.Context(), first.RefreshToken)
			switch {
			case c.status == 0:
				if err == nil {
					t.Errorf("answered %s", answer.Status)
				}
			case err != nil:
				t.Error(err)
			case answer.StatusCode != c.status || answer.Header.Get("Content-Type") != c.kind || body == "" || json.Valid([]byte(body)):
				t.Errorf("answered %s %v %q", answer.Status, answer.Header, body)
			}
			s.given(s.refresh(second.RefreshToken)) // it has no younger sibling
		})
	}
}

func TestAnAnswerMayComeAfterTheClientHasGivenUp(t *testing.T) {
	s := newSite(t)
	got := s.signIn()
	s.Fault(xerosim.Fault{At: xerosim.PointToken, Do: xerosim.Delay, Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if answer, _, err := s.renewal(ctx, got.RefreshToken); err == nil {
		t.Errorf("answered %s", answer.Status)
	}
	if _, err := s.Wait(t.Context(), "token-cut", 0); err != nil {
		t.Error(err)
	}
	s.given(s.refresh(got.RefreshToken))
}

func TestTroubleIsForItsKindOfRequestAndLastsAsLongAsWasSaid(t *testing.T) {
	s := newSite(t)
	got := s.signIn()
	fail := func(at xerosim.Point, times int) { s.Fault(xerosim.Fault{At: at, Do: xerosim.WAF, Times: times}) }
	discovery := func() int {
		answer, _ := s.get(s.base + "/.well-known/openid-configuration")
		return answer.StatusCode
	}
	fail(xerosim.PointDiscovery, -1)
	s.given(s.refresh(got.RefreshToken))
	for range 3 {
		if status := discovery(); status != http.StatusForbidden {
			t.Errorf("discovery: %d", status)
		}
	}
	s.ClearFaults()
	if status := discovery(); status != http.StatusOK {
		t.Errorf("discovery, faults cleared: %d", status)
	}
	fail(xerosim.PointUserinfo, 2)
	for i, want := range []int{403, 403, 200} {
		if status := s.userinfo(got.AccessToken); status != want {
			t.Errorf("userinfo %d: %d, want %d", i, status, want)
		}
	}
	fail(xerosim.PointConnections, 0)
	for i, want := range []int{403, 200} {
		if status, _ := s.callAPI("/Connections", got.AccessToken, ""); status != want {
			t.Errorf("connections %d: %d, want %d", i, status, want)
		}
	}
	fail(xerosim.PointAPI, 0)
	for i, want := range []int{403, 200} {
		if status, _ := s.callAPI("/api.xro/2.0/Organisation", got.AccessToken, s.Organisations()[0].TenantID); status != want {
			t.Errorf("API %d: %d, want %d", i, status, want)
		}
	}
	if _, err := s.Approve(s.authorizeURL(verifier())); err != nil {
		t.Error(err)
	}
	s.Fault(xerosim.Fault{At: xerosim.PointConsent, Do: xerosim.Lose})
	if _, err := s.Approve(s.authorizeURL(verifier())); err == nil {
		t.Error("the consent page was cut and nobody noticed")
	}
}

func TestTheDateHeaderShowsXerosClock(t *testing.T) {
	s := newSite(t)
	off := func() time.Duration {
		answer, _ := s.get(s.base + "/.well-known/openid-configuration")
		date, err := http.ParseTime(answer.Header.Get("Date"))
		if err != nil {
			t.Fatal(err)
		}
		return time.Until(date).Round(10 * time.Second)
	}
	if d := off(); d != 0 {
		t.Errorf("off by %v", d)
	}
	s.Skew(0, -time.Hour)
	if d := off(); d != -time.Hour {
		t.Errorf("off by %v, want an hour", d)
	}
	s.Advance(3 * time.Hour)
	if d := off(); d != 2*time.Hour {
		t.Errorf("off by %v, want two hours", d)
	}
}

func TestAccessTokensEndWhenToldTo(t *testing.T) {
	s := newSite(t)
	got := s.signIn()
	s.ExpireAccessTokens()
	status, body := s.callAPI("/connections", got.AccessToken, "")
	if status != http.StatusUnauthorized || !strings.Contains(body, "TokenExpired: token expired at ") {
		t.Errorf("%d %s", status, body)
	}
	if status := s.userinfo(s.given(s.refresh(got.RefreshToken)).AccessToken); status != http.StatusOK {
		t.Errorf("the next access token gets %d", status)
	}
}

func TestTroubleThatIsNotKnownIsAMistakeOfTheTest(t *testing.T) {
	s := newSite(t)
	for _, f := range []xerosim.Fault{{Do: "earthquake"}, {Do: xerosim.Fail}, {Do: xerosim.Fail, Status: 200}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was taken", f)
				}
			}()
			s.Fault(f)
		}()
	}
}
