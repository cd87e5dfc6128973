package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"financial-command-center/server"
)

// The five tests of the Python original, by its names.
var sessionChecks = []string{
	"Application Health & Session Config", "Session Debug Info", "Session Persistence Test", "Xero OAuth Setup", "Session Cookies Present",
}

// secretLength is what 64 random bytes take in base64.
const secretLength = 86

// checkSessions does what a browser would: it comes in by a one-time link, comes
// again with the cookie, asks to sign in at Xero, and logs out.
func checkSessions(ctx context.Context, running *client, own server.ControlHealth) []server.Check {
	b := &visitor{ctx: ctx, base: fmt.Sprintf("http://localhost:%d", running.port()), http: running.http}
	names := slices.Clone(sessionChecks)
	next := func() (name string) { name, names = names[0], names[1:]; return name }
	const action = "Look into the log."

	checks := []server.Check{b.checkHealth(next())}
	switch name := next(); own.SecretLength {
	case secretLength:
		checks = append(checks, well(name, fmt.Sprintf("secret key length: %d", own.SecretLength)))
	case 0:
		checks = append(checks, bad(name, "the session secret could not be read", "See what is said of the keychain."))
	default:
		checks = append(checks, bad(name, fmt.Sprintf("secret key length: %d, not %d", own.SecretLength, secretLength), "Make a new one: fcc secret rotate"))
	}
	cookies, err := b.comeIn(running)
	if err != nil {
		for range 3 {
			checks = append(checks, bad(next(), err.Error(), action))
		}
		return checks
	}
	defer b.leave()
	persistence, oauth, cookie := next(), next(), next()
	if how, err := b.comeAgain(); err != nil {
		checks = append(checks, bad(persistence, err.Error(), action))
	} else {
		checks = append(checks, well(persistence, how))
	}
	checks = append(checks, b.checkLogin(oauth))
	if err := good(cookies); err != nil {
		return append(checks, bad(cookie, err.Error(), action))
	}
	return append(checks, well(cookie, cookies.Name+": HttpOnly, Secure, SameSite=Lax, 7 days"))
}

// visitor is a browser that keeps one cookie. net/http/cookiejar would not send a
// Secure one to http://localhost, as browsers do.
type visitor struct {
	ctx    context.Context
	base   string
	http   *http.Client
	cookie *http.Cookie
}

func (b *visitor) do(method, path string) (*http.Response, []byte, error) {
	ctx, cancel := bounded(b.ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, b.base+path, nil)
	if err != nil {
		return nil, nil, err
	}
	if b.cookie != nil {
		req.AddCookie(&http.Cookie{Name: b.cookie.Name, Value: b.cookie.Value})
	}
	resp, err := b.http.Do(req)
	if err != nil {
		return nil, nil, withoutURL(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp, body, err
}

// withoutURL takes the address, which may hold a ticket, out of an error.
func withoutURL(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func (b *visitor) checkHealth(name string) server.Check {
	var health struct {
		SessionConfig struct {
			Status string          `json:"status"`
			Checks map[string]bool `json:"checks"`
		} `json:"session_config"`
	}
	_, body, err := b.do(http.MethodGet, "/health")
	if err == nil {
		err = json.Unmarshal(body, &health)
	}
	if err != nil {
		return bad(name, "/health does not answer: "+err.Error(), "Look into the log.")
	}
	found := "session config status: " + health.SessionConfig.Status
	if health.SessionConfig.Status == "healthy" {
		return well(name, found)
	}
	var failed []string
	for check, ok := range health.SessionConfig.Checks {
		if !ok {
			failed = append(failed, check)
		}
	}
	slices.Sort(failed)
	return warn(name, found+" ("+strings.Join(failed, ", ")+")", "The check \"Browser sessions\" says what to do.")
}

// comeIn opens a session with a one-time link.
func (b *visitor) comeIn(running *client) (*http.Cookie, error) {
	var to server.ControlLink
	if err := running.call(b.ctx, "open", server.ControlOpen{Next: "/"}, &to); err != nil {
		return nil, fmt.Errorf("no one-time link: %w", err)
	}
	link, err := url.Parse(to.Link)
	if err != nil {
		return nil, errors.New("no one-time link")
	}
	resp, _, err := b.do(http.MethodGet, link.RequestURI())
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSeeOther {
		return nil, fmt.Errorf("the one-time link was answered with %s", resp.Status)
	}
	for _, cookie := range resp.Cookies() {
		if strings.HasPrefix(cookie.Name, "fcc_session") {
			b.cookie = cookie
			return cookie, nil
		}
	}
	return nil, errors.New("the one-time link was answered without a cookie")
}

// comeAgain asks for what only a session gets. With --debug the original's own
// test is there for it.
func (b *visitor) comeAgain() (string, error) {
	const path = "/api/session/test-persistence"
	if resp, _, err := b.do(http.MethodPost, path); err == nil && resp.StatusCode == http.StatusOK {
		var said struct {
			Result string `json:"persistence_test"`
		}
		_, body, err := b.do(http.MethodGet, path)
		if err == nil {
			err = json.Unmarshal(body, &said)
		}
		if err == nil && said.Result != "PASSED" {
			err = fmt.Errorf("test result: %s", said.Result)
		}
		return "test result: " + said.Result, err
	}
	resp, _, err := b.do(http.MethodGet, "/api/status")
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the session was not known again: %s", resp.Status)
	}
	return "test result: PASSED (a session is known again)", err
}

func (b *visitor) checkLogin(name string) server.Check {
	resp, body, err := b.do(http.MethodGet, "/login")
	if err != nil {
		return bad(name, "/login does not answer: "+err.Error(), "Look into the log.")
	}
	var said struct {
		Message  string `json:"message"`
		SetupURL string `json:"setup_url"`
	}
	_ = json.Unmarshal(body, &said)
	switch {
	case resp.StatusCode/100 == 3:
		to, err := resp.Location()
		if err != nil {
			return bad(name, "/login leads nowhere", "Look into the log.")
		}
		return well(name, "/login leads to "+to.Host)
	case resp.StatusCode == http.StatusBadRequest && said.SetupURL != "":
		return warn(name, "/login responds, and there is no client id of a Xero app yet", "Open FCC and follow its set-up page.")
	}
	return bad(name, "/login answers "+resp.Status, "Look into the log.")
}

func good(c *http.Cookie) error {
	switch {
	case !c.HttpOnly:
		return errors.New("the cookie is not HttpOnly")
	case !c.Secure:
		return errors.New("the cookie is not Secure")
	case c.SameSite != http.SameSiteLaxMode:
		return errors.New("the cookie is not SameSite=Lax")
	case c.Path != "/" || c.MaxAge != 7*24*60*60:
		return fmt.Errorf("the cookie is for %s and %d seconds", c.Path, c.MaxAge)
	}
	return nil
}

// leave ends the session, and with it the sign-in that checkLogin began.
func (b *visitor) leave() { _, _, _ = b.do(http.MethodPost, "/logout") }
