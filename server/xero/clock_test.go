package xero

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"financial-command-center/keystore"
)

func TestAnAccessTokensAgeIsWhatTheWorseClockSays(t *testing.T) {
	now := time.Now()
	wall := now.Round(0) // no monotonic reading: as if that clock had stood still
	a := access{token: keystore.NewSecret("x"), asked: now, life: 30 * time.Minute}
	for name, c := range map[string]struct {
		at   time.Time
		left time.Duration
	}{
		"at once":                         {now, 30 * time.Minute},
		"ten minutes later by both":       {now.Add(10 * time.Minute), 20 * time.Minute},
		"an hour's sleep, wall clock":     {wall.Add(time.Hour), -30 * time.Minute},
		"the wall clock set back a week":  {wall.Add(-7 * 24 * time.Hour), 30*time.Minute + 7*24*time.Hour},
		"the wall clock set on by a week": {wall.Add(7 * 24 * time.Hour), 30*time.Minute - 7*24*time.Hour},
	} {
		if got := a.left(c.at); got != c.left {
			t.Errorf("%s: %v left, want %v", name, got, c.left)
		}
	}
}

func TestAJumpOfTheClockOrALongSilenceIsNoticed(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		after time.Time
		want  bool
	}{
		"thirty seconds":    {now.Add(30 * time.Second), false},
		"stopped for hours": {now.Add(3 * time.Hour), true},
	} {
		if got := jumped(now, c.after); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if !jumped(now, now.Round(0).Add(time.Hour)) {
		t.Error("an hour by the wall clock alone is not noticed")
	}
}

func TestOnlyTheIssuersOwnDiscoveryDocumentIsTaken(t *testing.T) {
	const good = `{"issuer":"https://id.example.com","authorization_endpoint":"https://login.example.com/a","token_endpoint":"https://id.example.com/t","jwks_uri":"https://id.example.com/k"}`
	if _, err := parseDiscovery([]byte(good), "https://id.example.com"); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"another issuer":    strings.Replace(good, `"https://id.example.com"`, `"https://evil.example.com"`, 1),
		"plain http":        strings.Replace(good, "https://id.example.com/t", "http://id.example.com/t", 1),
		"no token endpoint": strings.Replace(good, "token_endpoint", "x", 1),
		"a script":          strings.Replace(good, "https://login.example.com/a", "javascript:alert(1)", 1),
		"a shell's word":    strings.Replace(good, "https://login.example.com/a", "file:///bin/sh", 1),
		"a user in front":   strings.Replace(good, "https://login.example.com/a", "https://login.xero.com@evil.example.com/a", 1),
		"http revocation":   strings.Replace(good, `{`, `{"revocation_endpoint":"http://10.0.0.1/r",`, 1),
		"HTML":              "<html>",
		"nothing":           "",
	} {
		if _, err := parseDiscovery([]byte(raw), "https://id.example.com"); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestAnAddressIsHTTPSOrOnThisMachine(t *testing.T) {
	for address, good := range map[string]bool{
		"https://api.xero.com": true, "http://localhost:9000": true, "http://127.0.0.1:1/x": true, "http://[::1]:9": true,
		"http://api.xero.com": false, "http://localhost.example.com": false, "ftp://localhost": false, "localhost:9000": false,
		"": false, "https://": false, "http://127.0.0.1.example.com": false, "https://a@b": false, "http://0.0.0.0:80": false,
	} {
		if err := CheckAddress(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestAnErrorCodeThatCouldBeAnEchoIsDropped(t *testing.T) {
	for in, want := range map[string]string{
		"invalid_grant": "invalid_grant", "": "", "eyJhbGciOi": "", "INVALID": "", strings.Repeat("a", 41): "", "a b": "", "<script>": "",
	} {
		if got := oauthCode(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func FuzzDecodeGrant(f *testing.F) {
	f.Add(grant{Issuer: XeroIssuer, ClientID: "c", Subject: "s", RefreshToken: "r", Issued: time.Now()}.encode().Reveal())
	f.Add(`{"v":1}`)
	f.Add(`{"v":2,"refresh_token":"r"}`)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := decodeGrant(keystore.NewSecret(text))
		if err != nil {
			if len(text) > 20 && strings.Contains(err.Error(), text) {
				t.Error("the error repeats the record")
			}
			return
		}
		again, err := decodeGrant(g.encode())
		if err != nil || again != g {
			t.Errorf("%+v became %+v, %v", g, again, err)
		}
	})
}

func FuzzParseTokenAnswer(f *testing.F) {
	f.Add(200, `{"access_token":"a","token_type":"Bearer","expires_in":1800,"scope":["a","b"]}`)
	f.Add(400, `{"error":"invalid_grant"}`)
	f.Add(200, `{"access_token":"a","token_type":"Bearer","expires_in":"1e400"}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a, err := parseAnswer(answerOf(status), []byte(body))
		if err != nil {
			return
		}
		if a.AccessToken.IsZero() || a.ExpiresIn <= 0 || a.ExpiresIn > 1e9*time.Second {
			t.Errorf("taken: life %v", a.ExpiresIn)
		}
	})
}

func answerOf(status int) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}}
}

func TestAMomentIsPastByWhicheverClockSaysSo(t *testing.T) {
	now := time.Now()
	wall := now.Round(0)
	for name, c := range map[string]struct {
		t, at time.Time
		want  bool
	}{
		"not yet":                          {now.Add(time.Minute), now, false},
		"by both":                          {now, now, true},
		"after a sleep, by the wall clock": {now.Add(time.Minute), wall.Add(time.Hour), true},
		"the wall clock set back a week":   {wall.Add(7 * 24 * time.Hour), wall, false},
	} {
		if got := past(c.t, c.at); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !past(time.Time{}, now) {
		t.Error("no moment at all is not past")
	}
}

func TestAPathIsToldWithoutWhatItNames(t *testing.T) {
	for path, want := range map[string]string{
		"/connections": "/connections", "/connections/5040915e-8ce7-4177-8d08-fde416232f18": "/connections",
		"/api.xro/2.0/Invoices": "/api.xro/2.0/Invoices", "/api.xro/2.0/Invoices/INV-0001/Attachments/my file.pdf": "/api.xro/2.0/Invoices",
		"/api.xro/2.0/Reports/ProfitAndLoss":                        "/api.xro/2.0/Reports/ProfitAndLoss",
		"/api.xro/2.0/Reports/5040915e-8ce7-4177-8d08-fde416232f18": "/api.xro/2.0/Reports",
		"/payroll.xro/2.0/Employees/1/Leave":                        "/payroll.xro/2.0/Employees",
		"/api.xro/2.0/Aroha Smith":                                  "/api.xro/2.0", "/": "/",
	} {
		if got := resourceOf(path); got != want {
			t.Errorf("%s is told as %q", path, got)
		}
	}
}
