package server_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/xero/xerosim"
)

func debugging(b *bench) { b.cfg.Debug = true }

type persistence struct {
	Success bool
	Stored  map[string]string `json:"test_data_stored"`
	Result  string            `json:"persistence_test"`
	Data    map[string]string `json:"test_data"`
	Age     *float64          `json:"age_seconds"`
	Healthy bool              `json:"session_healthy"`
}

func TestThePersistenceTestPassesAlsoAfterARestart(t *testing.T) {
	const path = "/api/session/test-persistence"
	b := newBench(t, debugging).opened()
	var before persistence
	decode(t, b.ask(ask{path: path}).body, &before)
	if before.Result != "FAILED" {
		t.Errorf("before anything was stored: %+v", before)
	}
	g := b.ask(ask{method: "POST", path: path})
	var stored persistence
	decode(t, g.body, &stored)
	if g.status != 200 || !stored.Success || g.cookie == "" || stored.Stored["timestamp"] == "" || stored.Stored["test_value"] == "" {
		t.Fatalf("%d %s, cookie %q", g.status, g.body, g.cookie)
	}
	for _, when := range []string{"at once", "after a restart"} {
		var read persistence
		decode(t, b.ask(ask{path: path, cookie: g.cookie}).body, &read)
		if read.Result != "PASSED" || read.Data["test_value"] != stored.Stored["test_value"] || read.Data["timestamp"] != stored.Stored["timestamp"] ||
			read.Age == nil || *read.Age < 0 || *read.Age > 60 || !read.Healthy {
			t.Errorf("%s: %+v", when, read)
		}
		b.stop()
		b.start()
		b.opened()
	}
	var other persistence
	decode(t, b.ask(ask{path: path, cookie: b.visit()}).body, &other)
	if other.Result != "FAILED" {
		t.Error("another browser's session holds the test too")
	}
}

func TestTheDebugRoutesNameFieldsAndNeverTheirValues(t *testing.T) {
	b := newBench(t, debugging).opened()
	cookie := b.signIn(b.visit(), café)
	b.ask(ask{method: "POST", path: "/api/session/test-persistence", cookie: cookie})
	g := b.ask(ask{path: "/api/session/debug", cookie: cookie})
	var session struct {
		Data      map[string]any          `json:"session_data"`
		Health    struct{ Status string } `json:"session_health"`
		Permanent bool                    `json:"session_permanent"`
		Config    map[string]any          `json:"flask_config"`
	}
	decode(t, g.body, &session)
	want := map[string]any{
		"SECRET_KEY_LENGTH": 86.0, "SESSION_PERMANENT": true, "SESSION_COOKIE_SECURE": true, "SESSION_COOKIE_HTTPONLY": true,
		"SESSION_COOKIE_SAMESITE": "Lax", "PERMANENT_SESSION_LIFETIME": "7 days, 0:00:00",
	}
	for name, value := range want {
		if session.Config[name] != value {
			t.Errorf("flask_config.%s is %v", name, session.Config[name])
		}
	}
	if !session.Permanent || session.Health.Status != "healthy" || session.Data["persistence_test"] == nil {
		t.Errorf("%s", g.body)
	}

	g = b.ask(ask{path: "/api/oauth/test-flow", cookie: cookie})
	var flow struct {
		Config map[string]any `json:"oauth_config"`
		Token  struct {
			Stored    bool     `json:"has_stored_token"`
			Keys      []string `json:"stored_token_keys"`
			HasTenant bool     `json:"has_tenant_id"`
			Tenant    string   `json:"tenant_id"`
		} `json:"token_info"`
		Instructions []string
	}
	decode(t, g.body, &flow)
	if !flow.Token.Stored || !slices.Contains(flow.Token.Keys, "access_token") || !slices.Contains(flow.Token.Keys, "refresh_token") ||
		!flow.Token.HasTenant || flow.Token.Tenant != b.tenant(café) || len(flow.Instructions) == 0 || len(flow.Config) == 0 {
		t.Errorf("%s", g.body)
	}
	for _, path := range []string{"/api/session/debug", "/api/oauth/test-flow"} {
		body := b.ask(ask{path: path, cookie: cookie}).body
		for _, marker := range xerosim.Markers() {
			if strings.Contains(body, marker) {
				t.Errorf("%s holds a token", path)
			}
		}
	}
}

func TestTheTokenBackupHoldsNoTokenAndGoesWithDebug(t *testing.T) {
	b := newBench(t, debugging).opened()
	b.signIn(b.visit())
	path := filepath.Join(b.cfg.DataDir, "debug", "token-backup.json")
	var backup struct {
		Written     time.Time
		Connections []struct {
			ID, State string
			Expires   *time.Time `json:"access_token_expires_at"`
			RenewBy   time.Time  `json:"renew_by"`
			Fields    []struct {
				Name        string
				Length      int
				Fingerprint string
			}
		}
	}
	b.until("the backup is written", func() bool {
		text, err := os.ReadFile(path)
		return err == nil && json.Unmarshal(text, &backup) == nil && len(backup.Connections) == 1 && len(backup.Connections[0].Fields) > 0
	})
	tokens := 0
	for _, f := range backup.Connections[0].Fields {
		if f.Name == "access_token" || f.Name == "refresh_token" {
			if tokens++; f.Length < 20 || len(f.Fingerprint) != 8 {
				t.Errorf("%+v", f)
			}
		}
	}
	if tokens != 2 || backup.Connections[0].Expires == nil || backup.Connections[0].RenewBy.Before(time.Now()) {
		t.Errorf("%+v", backup)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, marker := range xerosim.Markers() {
		if strings.Contains(string(text), marker) {
			t.Error("the backup holds a token")
		}
	}
	if info, err := os.Stat(path); err != nil || openToOthers(info) {
		t.Errorf("others may read it: %v %v", info.Mode(), err)
	}
	b.stop()
	b.cfg.Debug = false
	b.start()
	b.until("the backup is removed", func() bool {
		_, err := os.Stat(path)
		return errors.Is(err, fs.ErrNotExist)
	})
}
