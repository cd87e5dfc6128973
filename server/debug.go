package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

// The routes of the Python original for whoever looks for a fault, with its names.
func (s *Server) debugRoutes() []route {
	return []route{
		{pattern: "GET /api/session/debug", who: debug, handle: s.sessionDebug},
		{pattern: "POST /api/session/test-persistence", who: debug, handle: s.storeTest},
		{pattern: "GET /api/session/test-persistence", who: debug, handle: s.readTest},
		{pattern: "GET /api/oauth/test-flow", who: debug, handle: s.testFlow},
	}
}

// cookieSameSite is how the original names the cookie's SameSite attribute.
var cookieSameSite = map[http.SameSite]string{http.SameSiteLaxMode: "Lax", http.SameSiteStrictMode: "Strict", http.SameSiteNoneMode: "None"}

func (s *Server) sessionDebug(w http.ResponseWriter, _ *http.Request, c *call) error {
	data := map[string]any{}
	if c.session != nil {
		for name, value := range c.session.Values {
			if text, ok := name.(string); ok {
				data[text] = unsecret(text, value)
			}
		}
	}
	cookie := s.browsers.newCookie("", int(sessionLife.Seconds()))
	type flaskConfig struct {
		SecretLength int    `json:"SECRET_KEY_LENGTH"`
		Permanent    bool   `json:"SESSION_PERMANENT"`
		Secure       bool   `json:"SESSION_COOKIE_SECURE"`
		HTTPOnly     bool   `json:"SESSION_COOKIE_HTTPONLY"`
		SameSite     string `json:"SESSION_COOKIE_SAMESITE"`
		Lifetime     string `json:"PERMANENT_SESSION_LIFETIME"`
	}
	writeJSON(w, http.StatusOK, struct {
		Data      map[string]any `json:"session_data"`
		Health    sessionConfig  `json:"session_health"`
		Permanent bool           `json:"session_permanent"`
		Config    flaskConfig    `json:"flask_config"`
	}{data, s.sessionConfig(), cookie.MaxAge > 0, flaskConfig{
		s.browsers.secrets().current.Len(), cookie.MaxAge > 0, cookie.Secure, cookie.HttpOnly, cookieSameSite[cookie.SameSite], asTimedelta(sessionLife),
	}})
	return nil
}

// unsecret leaves of a value that is named like a secret only what it looks like.
func unsecret(name string, value any) any {
	if fields, ok := value.(map[string]any); ok {
		shown := map[string]any{}
		for name, value := range fields {
			shown[name] = unsecret(name, value)
		}
		value = shown
	}
	lower := strings.ToLower(name)
	if !slices.ContainsFunc([]string{"token", "secret", "password", "key", "code"}, func(part string) bool { return strings.Contains(lower, part) }) {
		return value
	}
	text := fmt.Sprint(value)
	return map[string]any{"type": fmt.Sprintf("%T", value), "length": len(text), "present": value != nil && text != ""}
}

// sessionTest is the value of a session that holds what the persistence test has
// stored: a timestamp and a test_value.
const sessionTest = "persistence_test"

// storeTest is the first half of the persistence test. Who has no session gets one.
func (s *Server) storeTest(w http.ResponseWriter, r *http.Request, c *call) error {
	if c.session == nil {
		if err := s.startSession(w, r, c); err != nil {
			return err
		}
	}
	test := map[string]any{"timestamp": time.Now().UTC().Format(time.RFC3339Nano), "test_value": "test-" + rand.Text()}
	c.session.Values[sessionTest] = test
	if err := c.session.Save(r, w); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"success": true, "test_data_stored": test,
		"message": words.Say("debug.session.stored"),
	})
	return nil
}

func (s *Server) readTest(w http.ResponseWriter, _ *http.Request, c *call) error {
	answer := map[string]any{
		"persistence_test": "FAILED", "test_data": nil, "age_seconds": nil, "session_healthy": s.sessionConfig().Status == "healthy",
		"message": words.Say("debug.session.none"),
	}
	if c.session != nil {
		test, _ := c.session.Values[sessionTest].(map[string]any)
		text, _ := test["timestamp"].(string)
		if stored, err := time.Parse(time.RFC3339Nano, text); err == nil && test["test_value"] != nil {
			answer["persistence_test"], answer["test_data"], answer["age_seconds"] = "PASSED", test, time.Since(stored).Seconds()
			answer["message"] = words.Say("debug.session.kept")
		}
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// testFlow says what is set up and held, by the names of fields alone.
func (s *Server) testFlow(w http.ResponseWriter, _ *http.Request, c *call) error {
	status := s.cfg.Connections.Status()
	app := s.cfg.Connections.App()
	held := []string{}
	for _, connection := range status.Connections {
		held = append(held, connection.Held...)
	}
	slices.Sort(held)
	held = slices.Compact(held)
	var tenant any
	if c.session != nil {
		if o := chosen(status.Organisations(), c); o != nil {
			tenant = o.TenantID
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"oauth_config": map[string]any{
			"client_id_configured": app.ClientID != "", "redirect_uri": s.cfg.Connections.RedirectURI(), "scopes": app.Scopes, "pkce": true,
		},
		"token_info": map[string]any{
			"has_stored_token": slices.Contains(held, "refresh_token"), "stored_token_keys": held,
			"has_tenant_id": tenant != nil, "tenant_id": tenant,
		},
		"instructions": []string{
			words.Say("debug.flow.sign-in", "FCC", s.BaseURL()),
			words.Say("debug.flow.look"),
			words.Say("debug.flow.choose", "FCC", s.BaseURL()),
		},
	})
	return nil
}

// tokenBackup is what debug/token-backup.json holds: names, lengths, fingerprints
// and times of what there is of each sign-in, never a value.
type tokenBackup struct {
	Written     time.Time           `json:"written"`
	Connections []connectionsBackup `json:"connections"`
}

type connectionsBackup struct {
	ID        string       `json:"id"`
	State     xero.State   `json:"state"`
	Since     time.Time    `json:"since"`
	ExpiresAt *time.Time   `json:"access_token_expires_at"`
	RenewBy   time.Time    `json:"renew_by"`
	Fields    []xero.Field `json:"fields"`
}

// backupTokens keeps the backup up to date until ctx ends. Without --debug it
// removes what an earlier start left.
func (s *Server) backupTokens(ctx context.Context) {
	path := filepath.Join(s.cfg.DataDir, "debug", "token-backup.json")
	if !s.cfg.Debug {
		if err := os.Remove(path); err == nil {
			s.log.Info("the token backup for debugging is removed")
		} else if !os.IsNotExist(err) {
			s.log.Warn("the token backup for debugging is not removed", "err", err)
		}
		return
	}
	for status := range s.cfg.Connections.Watch(ctx) {
		backup := tokenBackup{Written: time.Now().UTC(), Connections: []connectionsBackup{}}
		for _, c := range status.Connections {
			if session, ok := s.cfg.Connections.Get(c.ID); ok {
				backup.Connections = append(backup.Connections, connectionsBackup{c.ID, c.State, c.Since, c.AccessTokenExpiresAt, c.RenewBy, session.Held()})
			}
		}
		if err := writeBackup(path, backup); err != nil {
			s.log.Warn("the token backup for debugging is not written", "err", err)
		}
	}
}

func writeBackup(path string, backup tokenBackup) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	text, err := json.MarshalIndent(backup, "", "  ")
	if err != nil {
		return err
	}
	next := path + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
