package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"financial-command-center/server"
)

// withoutKeychain is a computer that has none, with somebody at its tray.
func withoutKeychain(t *testing.T) *machine {
	m := newMachine(t)
	m.set("FCC_KEYSTORE", "")
	m.set("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(m.home, "no-bus"))
	m.set(takesOffers, "1")
	m.set("DISPLAY", "")
	return m
}

func (m *machine) setting(name string) (value string) {
	m.t.Helper()
	var all map[string]any
	data, err := os.ReadFile(filepath.Join(m.dataDir(), "settings.json"))
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil && !os.IsNotExist(err) {
		m.t.Fatal(err)
	}
	value, _ = all[name].(string)
	return value
}

func (m *machine) logged() string {
	text, _ := os.ReadFile(filepath.Join(m.dataDir(), "logs", "fcc.log"))
	return string(text)
}

func TestWithoutAKeychainTheFileIsTakenByAClickAndFCCStartsAgain(t *testing.T) {
	m := withoutKeychain(t)
	m.set("FCC_KEYSTORE_PASSPHRASE", "correct horse")
	port := freePort(t)
	r := m.start("--port", port)
	file := filepath.Join(m.dataDir(), "keystore.enc")
	until := time.Now().Add(20 * time.Second)
	for {
		if _, err := os.Stat(file); err == nil && m.fcc("status").code == 2 { // needs a sign-in
			break
		}
		if time.Now().After(until) {
			t.Fatalf("no secrets file\n%s\n%s", r.words(), m.logged())
		}
		time.Sleep(50 * time.Millisecond)
	}
	if got := m.setting("keystore"); got != "file" {
		t.Errorf("settings.json says %q", got)
	}
	var run struct {
		PID     int
		Address string
	}
	data, err := os.ReadFile(filepath.Join(m.dataDir(), "run.json"))
	if err == nil {
		err = json.Unmarshal(data, &run)
	}
	if err != nil || run.PID != r.Process.Pid || run.Address != "127.0.0.1:"+port {
		t.Errorf("%+v, %v: want process %d on port %s", run, err, r.Process.Pid, port)
	}
	d, _ := m.diagnose()
	if check := d.check(t, "Keychain"); check.Status != server.FoundWell {
		t.Errorf("%+v", check)
	}
	if strings.Count(m.logged(), `"label":"Keep secrets in an encrypted file"`) != 1 || !strings.Contains(r.words(), "FCC starts again") {
		t.Errorf("said %q, logged\n%s", r.words(), m.logged())
	}
	if strings.Contains(m.logged(), "correct horse") {
		t.Error("the passphrase is in the log")
	}
	if code := r.end(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
}

func TestTheFileIsNotOfferedWhereItWouldAskOrTheKeychainWasChosen(t *testing.T) {
	for name, change := range map[string]func(*machine){
		"no passphrase":       func(*machine) {},
		"the keychain chosen": func(m *machine) { m.set("FCC_KEYSTORE", "os"); m.set("FCC_KEYSTORE_PASSPHRASE", "x") },
	} {
		m := withoutKeychain(t)
		change(m)
		r := m.start("--port", freePort(t))
		for end := time.Now().Add(20 * time.Second); strings.Count(m.logged(), `"msg":"session secret not read"`) < 2; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: the keychain was not tried again:\n%s", name, m.logged())
			}
		}
		if strings.Contains(m.logged(), `"msg":"taken"`) || m.setting("keystore") != "" {
			t.Errorf("%s: it was offered\n%s", name, m.logged())
		}
		if said := r.words(); !strings.Contains(said, "FCC_KEYSTORE_PASSPHRASE_FILE") {
			t.Errorf("%s: the way is not said: %q", name, said)
		}
		if got := m.fcc("status"); got.code != 1 {
			t.Errorf("%s: status %+v", name, got)
		}
	}
}
