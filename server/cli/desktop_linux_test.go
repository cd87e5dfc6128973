package cli_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"financial-command-center/server"
)

// browser gives m a display and an xdg-open that only writes down what it was
// asked to open; the function waits for that.
func (m *machine) browser() (opened func() string) {
	m.t.Helper()
	bin, seen := filepath.Join(m.home, "bin"), filepath.Join(m.home, "opened")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		m.t.Fatal(err)
	}
	script := "#!/bin/sh\necho chatter; echo noise >&2\n/usr/bin/env > '" + seen + ".env'\nprintf '%s\\n' \"$@\" > '" + seen + ".part' && /bin/mv '" + seen + ".part' '" + seen + "'\n"
	if err := os.WriteFile(filepath.Join(bin, "xdg-open"), []byte(script), 0o700); err != nil {
		m.t.Fatal(err)
	}
	m.set("DISPLAY", ":99")
	return func() string {
		m.t.Helper()
		for range 1000 {
			if data, err := os.ReadFile(seen); err == nil {
				_ = os.Remove(seen)
				return strings.TrimSpace(string(data))
			}
			time.Sleep(10 * time.Millisecond)
		}
		m.t.Fatal("no browser was opened")
		return ""
	}
}

func TestTheBrowserOpensAtTheFirstStartOfADataFolderOnly(t *testing.T) {
	m := newMachine(t)
	opened := m.browser()
	r := m.start("--port", freePort(t))
	if got := opened(); got != r.base+"/" {
		t.Errorf("opened %q", got)
	}
	r.end()
	m.start("--port", freePort(t))
	m.must("open")
	if got := opened(); strings.Contains(got, "ticket") {
		t.Errorf("a ticket in the browser's command line: %q", got)
	}
	if _, err := os.Stat(filepath.Join(m.home, "opened")); err == nil {
		t.Error("the second start opened the browser too")
	}
}

func TestABrowserInheritsNoSecretAndWritesNothingOnStdout(t *testing.T) {
	m := newMachine(t)
	opened := m.browser()
	m.set("XERO_CLIENT_SECRET", "of-the-app")
	m.set("FCC_KEYSTORE", "file")
	m.set("FCC_KEYSTORE_PASSPHRASE", "of-the-file")
	m.start("--port", freePort(t))
	opened()
	env, err := os.ReadFile(filepath.Join(m.home, "opened.env"))
	if err != nil || !strings.Contains(string(env), "DISPLAY=:99") {
		t.Fatalf("%s %v", env, err)
	}
	for _, secret := range []string{"of-the-app", "of-the-file"} {
		if strings.Contains(string(env), secret) {
			t.Errorf("the browser got %q", secret)
		}
	}
	if got := m.fcc("open"); got.code != 0 || got.stdout != "" || strings.Contains(got.stderr, "noise") {
		t.Errorf("fcc open: %+v", got)
	}
}

func TestASecondStartHandsOverAndEndsWithZero(t *testing.T) {
	m := newMachine(t)
	seen := m.browser()
	first := m.start("serve", "--port", freePort(t))
	second := m.fcc()
	if second.code != 0 || second.stdout != "" {
		t.Errorf("the second start: %+v", second)
	}
	if got := seen(); got != first.base+"/" {
		t.Errorf("the browser was sent to %q", got)
	}
	third := m.fcc("serve")
	if third.code != 0 || !strings.HasPrefix(third.stdout, "Open "+first.base+"/open?ticket=") {
		t.Errorf("fcc serve while one runs: %+v", third)
	}
	if first.link == strings.TrimSpace(strings.TrimPrefix(third.stdout, "Open ")) {
		t.Error("the link was not a new one")
	}
}

func TestAnFCCThatDoesNotAnswerIsSaidAndNotReplaced(t *testing.T) {
	m := newMachine(t)
	r := m.start("serve", "--port", freePort(t))
	if err := r.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer r.Process.Signal(syscall.SIGCONT)
	got := m.fcc("status")
	if got.code != 3 || !strings.Contains(got.stderr, strconv.Itoa(r.Process.Pid)) {
		t.Errorf("status: %+v", got)
	}
	if got := m.fcc("serve", "--port", freePort(t)); got.code != 1 || got.stdout != "" {
		t.Errorf("a second start: %+v", got)
	}
}

func TestWithoutAKeychainFCCServesAndSaysSo(t *testing.T) {
	m := newMachine(t)
	m.set("FCC_KEYSTORE", "os")
	m.set("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(m.home, "no-bus"))
	r := m.start("serve", "--port", freePort(t))
	for _, address := range []string{r.base + "/health", r.link, r.link} {
		resp, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "keystore") {
			t.Errorf("%s: %s\n%s", address, resp.Status, body)
		}
	}
	if got := m.fcc("status", "--json"); got.code != 1 || !strings.Contains(got.stdout, "keystore_unavailable") {
		t.Errorf("status: %+v", got)
	}
	d, code := m.diagnose()
	if code != 1 || d.check(t, "Keychain").Status != server.FoundBad {
		t.Errorf("doctor: exit code %d, %+v", code, d)
	}
	if got := m.fcc("secret", "rotate"); got.code != 1 {
		t.Errorf("secret rotate: %+v", got)
	}
	m.must("stop")
	if said := r.words(); !strings.Contains(said, "no keychain") || !strings.Contains(said, "--keystore file") {
		t.Errorf("beside the link it says %q", said)
	}
}

func TestEveryFileOfTheDataFolderIsItsOwnersAlone(t *testing.T) {
	m := newMachine(t)
	m.start("serve", "--port", freePort(t))
	m.must("open", "--print")
	err := filepath.Walk(m.dataDir(), func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
