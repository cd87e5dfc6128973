package cli_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"financial-command-center/server"
)

const oldToken = `{"token":{"access_token":"a","refresh_token":"OLDMARKER","token_type":"Bearer","scope":["openid"]},
"tenant_id":"t","client_id":"FCC0DE305EC2E700A1B2C3D4E5F60755","client_secret":"OLDMARKER"}`

// The person comes with FCC's one-time link, sees the offer, and deletes it.
func TestDoctorAndPageNameWhatAnOlderProgramLeftAndSayNothingOfIt(t *testing.T) {
	m := newMachine(t)
	m.write("tokens/xero_token.json", oldToken)
	file := filepath.Join(m.dataDir(), "tokens", "xero_token.json")
	named := func(when string) {
		t.Helper()
		d, _ := m.diagnose()
		if check := d.check(t, "Older program"); check.Status != server.FoundWarning || !strings.Contains(check.Found, file) {
			t.Errorf("%s: %+v", when, check)
		}
		if text := m.fcc("doctor"); strings.Contains(text.stdout+text.stderr, "OLDMARKER") {
			t.Errorf("%s: a secret is printed", when)
		}
	}
	named("before a start")
	r := m.start("serve", "--port", freePort(t))
	named("while FCC runs")

	jar := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	first, err := jar.Get(r.link)
	if err != nil {
		t.Fatal(err)
	}
	first.Body.Close()
	seen, _ := server.FindOldSignIn([]string{m.dataDir()})
	form := url.Values{"do": {"delete"}, "mark": {seen.Mark()}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.base+"/old-sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, cookie := range first.Cookies() {
		req.AddCookie(cookie)
	}
	resp, err := jar.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, err := os.Stat(file); resp.StatusCode != http.StatusOK || !os.IsNotExist(err) {
		t.Errorf("deleting it: %s, %v", resp.Status, err)
	}
	if log, err := os.ReadFile(filepath.Join(m.dataDir(), "logs", "fcc.log")); err != nil || strings.Contains(string(log), "OLDMARKER") {
		t.Errorf("the log: %v, or it holds a secret", err)
	}
}

func TestEraseSaysThatAnOlderProgramsSignInIsLeft(t *testing.T) {
	m := newMachine(t)
	m.write("tokens/xero_token.json", oldToken)
	got := m.fcc("erase", "--yes")
	if got.code != 1 || !strings.Contains(got.stderr, "holds a sign-in in the clear") || strings.Contains(got.stderr, "OLDMARKER") {
		t.Errorf("%+v", got)
	}
}
