package xerosim_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/xero/xerosim"
)

// press posts a form to a control, and returns the status and the JSON fields.
func (s *site) press(control string, fields ...string) (int, map[string]any) {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	status, body := s.post("/_sim/"+control, form)
	var v map[string]any
	if status == http.StatusOK {
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			s.t.Fatalf("%s answered %q: %v", control, body, err)
		}
	}
	return status, v
}

func TestAProcessIsSwitchedOverHTTP(t *testing.T) {
	s := newSite(t)
	does := func(control string, fields ...string) map[string]any {
		t.Helper()
		status, v := s.press(control, fields...)
		if status != http.StatusOK && status != http.StatusNoContent {
			t.Fatalf("%s %v: %d", control, fields, status)
		}
		return v
	}
	v := verifier()
	back, _ := does("approve", "url", s.authorizeURL(v), "organisation", "Ridgeway Café", "organisation", "Harbour Joinery Ltd")["callback"].(string)
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	got := s.given(s.ask(codeForm(u.Query().Get("code"), v)))
	if n := len(s.connections(got.AccessToken)); n != 2 {
		t.Errorf("approve: %d connections", n)
	}
	if back := does("deny", "url", s.authorizeURL(v))["callback"]; back != redirect+"?error=access_denied&state=state-1" {
		t.Errorf("deny: %v", back)
	}

	does("disconnect", "organisation", "Ridgeway Café")
	if n := len(s.connections(got.AccessToken)); n != 1 {
		t.Errorf("disconnect: %d connections left", n)
	}
	if id := does("demo-reset", "organisation", "Harbour Joinery Ltd")["tenant_id"]; id != s.Organisations()[0].TenantID {
		t.Errorf("demo-reset: %v", id)
	}
	if n := len(s.connections(got.AccessToken)); n != 0 {
		t.Errorf("demo-reset: %d connections left", n)
	}

	does("expire")
	if status := s.userinfo(got.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("expire: %d", status)
	}
	got = s.given(s.refresh(got.RefreshToken))
	does("advance", "by", "30m")
	if status := s.userinfo(got.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("advance: %d", status)
	}
	does("skew", "tokens", "90s", "date", "-1h")
	got = s.given(s.refresh(got.RefreshToken))
	if nbf := int64(claims(t, got.AccessToken)["nbf"].(float64)); nbf < s.Now().Add(time.Minute).Unix() {
		t.Errorf("skew: nbf %d", nbf)
	}
	does("rotate-keys")
	if n := len(s.keySet().Keys); n != 2 {
		t.Errorf("rotate-keys: %d keys", n)
	}
	if does("assume", "refresh_omits_id_token", "true", "missing_client_error", "unauthorized_client"); s.Unknowns() !=
		(xerosim.Unknowns{RefreshOmitsIDToken: true, MissingClientError: "unauthorized_client"}) {
		t.Errorf("assume: %+v", s.Unknowns())
	}

	does("fault", "at", "token", "do", "fail", "status", "503", "times", "2")
	for _, want := range []int{503, 503, 200} {
		answer, _, err := s.renewal(t.Context(), got.RefreshToken)
		if err != nil || answer.StatusCode != want {
			t.Errorf("fault: %v, want %d", answer, want)
		}
	}
	does("fault", "do", "drop", "times", "-1")
	does("clear")
	does("fault", "at", "token", "do", "hold")
	seen := len(s.entries(func(e xerosim.Entry) bool { return e.Point == xerosim.PointToken }))
	ended := make(chan int)
	go func() { ended <- s.refresh(got.RefreshToken).Status }()
	if n, _ := s.Wait(t.Context(), "token-seen", seen); n != seen+1 {
		t.Errorf("%d token requests, want %d", n, seen+1)
	}
	does("release")
	if status := <-ended; status != http.StatusOK {
		t.Errorf("release: %d", status)
	}

	does("reports", "person", "aroha@example.com", "may", "false")
	does("revoke", "person", "aroha@example.com")
	s.refused(s.refresh(got.RefreshToken), "invalid_grant")
}

func TestAControlRefusesWhatItDoesNotUnderstand(t *testing.T) {
	s := newSite(t)
	for _, c := range [][]string{
		{"advance"}, {"advance", "by", "long"}, {"skew", "tokens", "x"}, {"revoke", "person", "nobody"},
		{"disconnect"}, {"demo-reset", "organisation", "x"}, {"reports", "person", "aroha@example.com"}, {"reports", "may", "true"},
		{"assume", "sibling_die", "true"}, {"assume", "siblings_die", "perhaps"},
		{"fault"}, {"fault", "do", "x"}, {"fault", "do", "fail"}, {"fault", "do", "drop", "times", "x"}, {"fault", "do", "delay", "delay", "x"},
		{"approve"}, {"approve", "url", "http://elsewhere.example/identity/connect/authorize"}, {"deny", "url", "%"},
		{"approve", "url", s.authorizeURL(verifier()), "organisation", "nobody's"},
		{"approve", "url", s.authorizeURL(verifier(), "scope", "x")},
	} {
		if status, _ := s.press(c[0], c[1:]...); status != http.StatusBadRequest {
			t.Errorf("%v: %d", c, status)
		}
	}
	s.signIn() // nothing was changed
	for _, e := range s.Journal() {
		if strings.HasPrefix(e.Path, "/_sim") {
			t.Error("a control is in the journal")
		}
	}
}

func TestAProcessIsWaitedForOverHTTP(t *testing.T) {
	s := newSite(t)
	get := func(path string) (int, string) {
		answer, body := s.get(s.base + path)
		return answer.StatusCode, strings.TrimSpace(body)
	}
	if status, body := get("/_sim/wait?event=token-answered&timeout=1ms"); status != http.StatusGatewayTimeout || body != `{"count":0}` {
		t.Errorf("%d %s", status, body)
	}
	heard := make(chan string)
	go func() { _, body := get("/_sim/wait?event=token-answered"); heard <- body }()
	s.signIn()
	if body := <-heard; body != `{"count":1}` {
		t.Errorf("heard %s", body)
	}
	for _, path := range []string{"/_sim/wait?event=token-seen&after=x", "/_sim/wait?event=token-seen&timeout=x", "/_sim/journal?after=x"} {
		if status, body := get(path); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	status, body := get("/_sim/journal?after=2")
	var list []xerosim.Entry
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != http.StatusOK || len(list) != 1 || list[0].Point != xerosim.PointToken {
		t.Errorf("%d %s: %v", status, body, err)
	}
}

func TestTheControlsExplainThemselves(t *testing.T) {
	s := newSite(t)
	answer, body := s.get(s.base + "/_sim/")
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%s %v", answer.Status, answer.Header)
	}
	for _, word := range []string{
		"POST /_sim/fault", "GET /_sim/journal", "GET /_sim/wait",
		"lose", "half", "delay", "stall", "hold", "bare", "big", "drop", "html", "waf", "fail",
		"discovery", "keys", "authorize", "consent", "token", "revocation", "userinfo", "connections", "api",
	} {
		if !strings.Contains(body, word) {
			t.Errorf("no word of %q in\n%s", word, body)
		}
	}
}
