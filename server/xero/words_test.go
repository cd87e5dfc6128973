package xero

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"financial-command-center/keystore"
)

// Each cause has a sentence of its own; none blames the person's password.
func TestWhyXeroCannotBeReachedIsSaidInWords(t *testing.T) {
	seen := map[string]string{}
	for name, err := range map[string]error{
		"certificate": fmt.Errorf("tls: %w", x509.UnknownAuthorityError{}),
		"name":        &net.DNSError{Err: "no such host", Name: "api.xero.com"},
		"time":        context.DeadlineExceeded,
		"busy":        &answerError{status: 429},
		"edge":        &answerError{status: 403},
		"trouble":     &answerError{status: 503},
		"nonsense":    &answerError{status: 200, detail: errors.New("not JSON")},
		"network":     &net.OpError{Op: "dial", Err: errors.New("network is unreachable")},
	} {
		p := unreachable(err).Problem
		if p.Code != CodeUnreachable || p.Action == "" {
			t.Errorf("%s: %+v", name, p)
		}
		if other, taken := seen[p.Message]; taken {
			t.Errorf("%s and %s say the same: %q", name, other, p.Message)
		}
		seen[p.Message] = name
	}
}

func TestWhyTheKeychainCannotBeUsedIsSaidInTheWordsOfTheSystem(t *testing.T) {
	for _, system := range []string{"windows", "darwin", "linux"} {
		seen := map[string]bool{}
		for _, err := range []error{
			keystore.ErrLocked, keystore.ErrAbsent, keystore.ErrPolicy, keystore.ErrTimeout, keystore.ErrTooBig, keystore.ErrDamaged, keystore.ErrFailed,
		} {
			p := keystoreWords(system, fmt.Errorf("get: %w", err))
			if p.Code != CodeKeystoreUnavailable || p.Action == "" || seen[p.Message] {
				t.Errorf("%s: %v: %+v", system, err, p)
			}
			seen[p.Message] = true
			if !isKeystore(err) {
				t.Errorf("%v is not taken for the keychain's", err)
			}
			said := p.Message + p.Action
			if strings.Contains(said, "GNOME") && system != "linux" || strings.Contains(said, "Windows") && system != "windows" || strings.Contains(said, "PASSPHRASE_FILE") && system == "windows" {
				t.Errorf("%s: %v: %q", system, err, said)
			}
		}
	}
	if p := KeystoreProblem(keystore.ErrLocked); p != keystoreWords(runtime.GOOS, keystore.ErrLocked) {
		t.Errorf("%+v", p)
	}
}

// roundTrip is a way to Xero made of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func fresh(t *testing.T, issuer, dir string, way roundTrip) *Connections {
	t.Helper()
	c, err := New(Config{
		App: App{ClientID: "C", Scopes: []string{"openid"}}, Issuer: issuer, API: "https://api.xero.com", RedirectURI: "http://localhost:8000/callback",
		Keystore: keystore.Memory(), DataDir: dir, HTTP: way, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.loaded = true
	return c
}

func TestXerosOwnEndpointsAreKnownWithoutAsking(t *testing.T) {
	c := fresh(t, XeroIssuer, t.TempDir(), func(r *http.Request) (*http.Response, error) {
		t.Errorf("%s was called", r.URL)
		return nil, errors.New("no network")
	})
	a, err := c.Begin(t.Context(), "browser", "/")
	if err != nil || !strings.HasPrefix(a.URL, "https://login.xero.com/identity/connect/authorize?") {
		t.Errorf("%q, %v", a.URL, err)
	}
	if got := c.LoginHost(); got != "https://login.xero.com" {
		t.Errorf("login host %q", got)
	}
}

func TestAnotherIssuersDocumentIsKeptAndServesWithoutANetwork(t *testing.T) {
	const issuer = "https://id.example.com"
	dir := t.TempDir()
	calls, up := 0, true
	way := roundTrip(func(r *http.Request) (*http.Response, error) {
		if calls++; !up {
			return nil, errors.New("no network")
		}
		w := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}
		w.Body = readCloser{strings.NewReader(`{"issuer":"` + issuer + `","authorization_endpoint":"https://login.example.com/a","token_endpoint":"https://id.example.com/t","jwks_uri":"https://id.example.com/k","revocation_endpoint":"https://id.example.com/r","more":"kept too"}`)}
		return w, nil
	})
	if _, err := fresh(t, issuer, dir, way).Begin(t.Context(), "b", "/"); err != nil {
		t.Fatal(err)
	}
	kept, _ := filepath.Glob(filepath.Join(dir, "discovery-*.json"))
	if len(kept) != 1 {
		t.Fatalf("kept: %v", kept)
	}
	raw, err := os.ReadFile(kept[0])
	if err != nil || !strings.Contains(string(raw), "kept too") {
		t.Errorf("not the raw document: %s, %v", raw, err)
	}
	if _, err := fresh(t, issuer, dir, way).Begin(t.Context(), "b", "/"); err != nil || calls != 1 {
		t.Errorf("a second start: %v after %d calls, want the kept document", err, calls)
	}
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(kept[0], old, old); err != nil {
		t.Fatal(err)
	}
	up = false
	if _, err := fresh(t, issuer, dir, way).Begin(t.Context(), "b", "/"); err != nil || calls != 2 {
		t.Errorf("an old document without a network: %v after %d calls", err, calls)
	}
	if err := os.WriteFile(kept[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err := fresh(t, issuer, dir, way).Begin(t.Context(), "b", "/"); !errors.As(err, &e) || e.Code != CodeUnreachable {
		t.Errorf("with nothing: %v, want xero_unreachable", err)
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
