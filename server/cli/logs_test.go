package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

// loggedSecrets are texts of every kind that FCC handles, none of them real.
var loggedSecrets = []string{
	"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJl",
	"fcc_7Hn2cQ9vXkP4mZ8tR1sW5yB3dF6gJ0aL",
	"0pGx7s1QvTz_K2bLd9Yw-Rf3HnJm5CeAu8XiOo4NtZq", // as a refresh token at Xero: 43 characters
	"correct-horse-battery",
	"a-short-code",
	"pGxTsVQvTz_KmbLdYYw-RfqHnJmICeAuuXiOoENtZqA", // no digit: one in a thousand has none
}

// writeEverySecret logs each secret in every way that code might.
func writeEverySecret(log *slog.Logger) {
	jwt, key, refresh, phrase, code := loggedSecrets[0], loggedSecrets[1], loggedSecrets[2], loggedSecrets[3], loggedSecrets[4]
	log.Info("by look, without a digit", "e", loggedSecrets[5])
	log.Info("by type", "value", keystore.NewSecret(phrase))
	log.Info("by name", "refresh_token", code, "Set-Cookie", code, "clientSecret", code, "code", code, "FCC_KEYSTORE_PASSPHRASE", phrase)
	log.With("authorization", "Bearer "+code).WithGroup("token").Info("in a group", "text", phrase)
	log.Info("by look "+jwt, "a", jwt, "b", key, "c", refresh, "d", "Authorization: Bearer "+refresh)
	log.Info("in an error", "err", fmt.Errorf("post: %w", errors.New("https://login/?state=x&code="+code+"&scope=openid")))
	log.Info("in a header", "h", http.Header{"X": {"Bearer " + refresh}})
	log.Info("in a struct", "v", struct{ A, B string }{jwt, key})
	log.Info("in a group value", slog.Group("g", "id_token", jwt, "fine", "shown"))
	log.Info("in bytes", "ticket", []byte(code))
}

func TestNoSecretReachesTheLogHoweverItIsHandedOver(t *testing.T) {
	s := settings{dataDir: t.TempDir(), debug: true}
	if err := s.prepareFolder(); err != nil {
		t.Fatal(err)
	}
	log, file := s.openLog()
	writeEverySecret(log)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(s.logFile())
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range loggedSecrets {
		if bytes.Contains(written, []byte(secret)) {
			t.Errorf("%q is in the log:\n%s", secret, written)
		}
	}
	if !bytes.Contains(written, []byte(`"fine":"shown"`)) {
		t.Errorf("what is no secret was masked too:\n%s", written)
	}
	for _, path := range []string{s.logFile(), filepath.Dir(s.logFile()), s.dataDir} {
		if info, err := os.Stat(path); err != nil || !isPrivate(info) {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
}

// The search above must be able to find: without the mask each secret is there,
// but for the one whose type masks it.
func TestTheSameSearchFindsEverySecretWithoutTheMask(t *testing.T) {
	var open bytes.Buffer
	writeEverySecret(slog.New(slog.NewJSONHandler(&open, nil)))
	for _, secret := range loggedSecrets {
		if !bytes.Contains(open.Bytes(), []byte(secret)) {
			t.Errorf("%q is not found without the mask", secret)
		}
	}
}

func TestTheLogStillSaysWhatHelps(t *testing.T) {
	var out strings.Builder
	log := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: maskAttr}))
	log.Info("request failed", "code", xero.CodeNeedsLogin, "state", "needs_login", "path", "/api.xro/2.0/Invoices", "status_code", 503,
		"token_life", 1800, "connection", "c0ffee00-1234-4bcd-8def-001122334455", "err", errors.New("dial tcp 127.0.0.1:9: connection refused"),
		"cookie_name", "fcc_session_8000")
	for _, part := range []string{
		`"code":"needs_login"`, `"state":"needs_login"`, `/api.xro/2.0/Invoices`, `"status_code":503`, `"token_life":1800`,
		"c0ffee00-1234-4bcd-8def-001122334455", "connection refused",
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%s is not in %s", part, &out)
		}
	}
}

func TestTheLogIsKeptToFourFilesOfFiveMegabytes(t *testing.T) {
	s := settings{dataDir: t.TempDir()}
	if err := s.prepareFolder(); err != nil {
		t.Fatal(err)
	}
	_, file := s.openLog()
	defer file.Close()
	for range 28 {
		if _, err := file.(io.Writer).Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	// Old files are removed by a goroutine of lumberjack's.
	var files []string
	for range 500 {
		if files, _ = filepath.Glob(filepath.Join(filepath.Dir(s.logFile()), "*.log")); len(files) == 4 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if len(files) != 4 {
		t.Fatalf("%d files: %v", len(files), files)
	}
	for _, path := range files {
		if info, err := os.Stat(path); err != nil || info.Size() > 5<<20 || !isPrivate(info) {
			t.Errorf("%s: %d bytes, %v, %v", path, info.Size(), info.Mode(), err)
		}
	}
}
