package cli_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A surfer is a browser at the pages of a running FCC.
type surfer struct {
	t      *testing.T
	base   string
	cookie string
}

// surf follows no redirects.
var surf = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (s *surfer) ask(method, path string, form url.Values) (status int, page string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Cookie", s.cookie)
	answer, err := surf.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	if set, _, _ := strings.Cut(answer.Header.Get("Set-Cookie"), ";"); set != "" {
		s.cookie = set
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func (s *surfer) get(path string) string {
	s.t.Helper()
	status, page := s.ask(http.MethodGet, path, nil)
	if status != http.StatusOK {
		s.t.Fatalf("%s: %d\n%s", path, status, page)
	}
	return page
}

// stillSignedIn waits until FCC has read its sign-in, and fails when it has none.
func (m *machine) stillSignedIn() {
	m.t.Helper()
	var got said
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if got = m.fcc("token"); got.code == 0 {
			return
		}
	}
	m.t.Fatalf("fcc token: %+v\n%s", got, m.logged())
}

func TestSecretsMoveFromARealKeyringToTheFileAndBackWhileFCCRuns(t *testing.T) {
	m := newMachine(t)
	bus := m.keyring()
	m.set("FCC_KEYSTORE", "")
	sim := m.far(freePort(t))
	r := m.start("serve")
	m.signIn(sim)
	person := &surfer{t: t, base: r.base}
	person.get("/settings")
	const before = 4 // list, sign-in, session secret, and the books' key, which comes with the first figures
	for until := time.Now().Add(20 * time.Second); items(t, bus) != before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d items are in the keyring", items(t, bus))
		}
	}

	// Without a passphrase the next start could not open the file.
	if page := person.get("/settings/move?to=file"); !strings.Contains(page, "FCC_KEYSTORE_PASSPHRASE_FILE") {
		t.Errorf("the way is not said\n%s", page)
	}
	if status, _ := person.ask(http.MethodPost, "/settings/move", url.Values{"to": {"file"}}); status != http.StatusBadRequest || items(t, bus) != before {
		t.Errorf("moved without a passphrase: %d, %d items", status, items(t, bus))
	}
	m.must("stop")
	m.set("FCC_KEYSTORE_PASSPHRASE", "correct horse")

	r = m.start("serve")
	m.stillSignedIn() // it has renewed, as each start does
	key := strings.TrimSpace(m.must("keys", "add", "script", "--tenant", sim.Organisations()[0].TenantID))
	file := filepath.Join(m.dataDir(), "keystore.enc")
	status, page := person.ask(http.MethodPost, "/settings/move", url.Values{"to": {"file"}})
	if status != http.StatusSeeOther || items(t, bus) != 0 || m.setting("keystore") != "file" {
		t.Fatalf("moved: %d, %d items, settings %q\n%s\n%s", status, items(t, bus), m.setting("keystore"), page, m.logged())
	}
	if page := person.get("/settings"); !strings.Contains(page, "an encrypted file in the data folder") {
		t.Errorf("the page does not say where the secrets are\n%s", page)
	}
	// A renewal after the move is kept in the file, and outlives kill -9.
	was := m.refreshToken()
	sim.ExpireAccessTokens()
	call, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.base+"/api.xro/2.0/Invoices", nil)
	if err != nil {
		t.Fatal(err)
	}
	call.Header.Set("X-API-Key", key)
	answer, err := surf.Do(call)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if now := m.refreshToken(); answer.StatusCode != http.StatusOK || now == was {
		t.Errorf("a call of a script: %s; the renewal is in the file: %t", answer.Status, now != was)
	}
	r.kill()
	m.start("serve")
	m.stillSignedIn()
	person.get("/settings") // with the cookie of before

	if status, page := person.ask(http.MethodPost, "/settings/move", url.Values{"to": {"os"}}); status != http.StatusSeeOther || items(t, bus) != before || m.setting("keystore") != "os" {
		t.Fatalf("moved back: %d, %d items of %d, settings %q\n%s\n%s", status, items(t, bus), before, m.setting("keystore"), page, m.logged())
	}
	m.must("stop")
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	m.set("FCC_KEYSTORE_PASSPHRASE", "") // not needed any more
	m.start("serve")
	m.stillSignedIn()
	for _, text := range []string{m.logged(), page} {
		if strings.Contains(text, "correct horse") || strings.Contains(text, was) {
			t.Error("a secret is told")
		}
	}
	m.must("stop")
	m.set("FCC_KEYSTORE_PASSPHRASE", "correct horse")
	m.wantErased(m.fcc("erase", "--yes"))
}

func TestTheSecretOfAnAppThatNobodyHasSignedInThroughMovesToo(t *testing.T) {
	m := newMachine(t)
	bus := m.keyring()
	m.set("FCC_KEYSTORE", "")
	m.set("FCC_KEYSTORE_PASSPHRASE", "correct horse")
	m.far(freePort(t))
	m.set("XERO_CLIENT_ID", "") // the set-up page is told it
	r := m.start("serve")
	person := &surfer{t: t, base: r.base}
	person.get("/settings")
	without := items(t, bus)
	if status, page := person.ask(http.MethodPost, "/setup", url.Values{"client_id": {"Pasted"}, "client_secret": {"of-a-web-app"}}); status != http.StatusSeeOther || items(t, bus) != without+1 {
		t.Fatalf("pasted: %d, %d items\n%s", status, items(t, bus), page)
	}
	move := func(to string) {
		t.Helper()
		if status, page := person.ask(http.MethodPost, "/settings/move", url.Values{"to": {to}}); status != http.StatusSeeOther || m.setting("keystore") != to {
			t.Fatalf("moved: %d, settings %q\n%s\n%s", status, m.setting("keystore"), page, m.logged())
		}
	}
	move("file")
	if left := items(t, bus); left != 0 {
		t.Errorf("%d items are left in the keyring", left)
	}
	m.must("stop")
	m.start("serve")
	person.get("/settings")
	if kept := m.kept("correct horse", "client-secret-pasted"); kept != "of-a-web-app" {
		t.Errorf("the file has %q", kept)
	}
	move("os")
	if now := items(t, bus); now != without+1 {
		t.Errorf("%d items are in the keyring, were %d", now, without+1)
	}
	m.must("stop")
	m.wantErased(m.fcc("erase", "--yes"))
	if left := items(t, bus); left != 0 {
		t.Errorf("%d items are left in the keyring after all is erased", left)
	}
}

// A page that is looked at, or painted anew, must not have a keychain ask its owner.
func TestTheOtherKeystoreIsNotTouchedBeforeTheButtonIsPressed(t *testing.T) {
	m := newMachine(t)
	dir, err := os.MkdirTemp("", "bus") // paths of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	bus, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	var touched atomic.Int64
	go func() {
		for {
			conn, err := bus.Accept()
			if err != nil {
				return
			}
			touched.Add(1)
			conn.Close()
		}
	}()
	m.set("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(dir, "bus"))
	m.set("FCC_KEYSTORE", "")
	m.set("FCC_KEYSTORE_PASSPHRASE", "correct horse")
	m.set("FCC_PORT", freePort(t))
	m.write("settings.json", `{"keystore":"file"}`)
	person := &surfer{t: t, base: m.start("serve").base}
	if page := person.get("/settings/move?to=os"); !strings.Contains(page, "Move the secrets</button>") || touched.Load() > 0 {
		t.Errorf("the keychain was asked %d times before the button is pressed\n%s", touched.Load(), page)
	}
	status, page := person.ask(http.MethodPost, "/settings/move", url.Values{"to": {"os"}})
	if status != http.StatusServiceUnavailable || touched.Load() == 0 || m.setting("keystore") != "file" || m.setting("keystore_left") != "" {
		t.Errorf("a keychain that does not answer: %d, asked %d times, settings %q, %q\n%s", status, touched.Load(), m.setting("keystore"), m.setting("keystore_left"), page)
	}
}

func TestAFCCThatIsKilledDuringAMoveFindsItsSignInAgain(t *testing.T) {
	m := newMachine(t)
	bus := m.keyring()
	m.set("FCC_KEYSTORE", "")
	m.set("FCC_KEYSTORE_PASSPHRASE", "correct horse")
	sim := m.far(freePort(t))
	r := m.start("serve")
	m.signIn(sim)
	to, kills := "file", 0
	for round := range 6 {
		person := &surfer{t: t, base: r.base}
		person.get("/settings")
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.base+"/settings/move", strings.NewReader("to="+to))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Cookie", person.cookie)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answered := make(chan bool, 1)
		go func() {
			answer, err := surf.Do(request)
			if err == nil {
				answer.Body.Close()
			}
			answered <- err == nil
		}()
		// The settings are written when the move begins and when it switches.
		for until := time.Now().Add(20 * time.Second); m.setting("keystore_left") == "" && m.setting("keystore") != to; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("round %d: no move began\n%s", round, m.logged())
			}
		}
		time.Sleep(time.Duration(round) * 15 * time.Millisecond)
		r.kill()
		if !<-answered {
			kills++
		}
		r = m.start("serve")
		m.stillSignedIn()
		for until := time.Now().Add(20 * time.Second); m.setting("keystore_left") != ""; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("round %d: copies are left\n%s", round, m.logged())
			}
		}
		if in := fmt.Sprint(items(t, bus) > 0); in != map[string]string{"": "true", "os": "true", "file": "false"}[m.setting("keystore")] {
			t.Errorf("round %d: the settings say %q, and that the keyring holds something is %s", round, m.setting("keystore"), in)
		}
		to = map[string]string{"": "file", "os": "file", "file": "os"}[m.setting("keystore")]
	}
	if kills == 0 {
		t.Error("no kill hit a move: they show nothing")
	}
}

func TestTheSettingsOfThePagesCountAtTheNextStart(t *testing.T) {
	m := newMachine(t)
	m.set("FCC_KEYSTORE", "file")
	m.set("FCC_KEYSTORE_PASSPHRASE", "correct horse")
	m.set("XDG_CONFIG_HOME", filepath.Join(m.home, "config"))
	first := freePort(t)
	m.write("settings.json", `{"port":`+first+`}`)
	r := m.start("serve")
	person := &surfer{t: t, base: r.base}
	page := person.get("/settings")
	for _, want := range []string{m.dataDir(), filepath.Join(m.dataDir(), "logs", "fcc.log"), "1.2.3"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if page := person.get("/settings/move?to=os"); !strings.Contains(page, "FCC was started with FCC_KEYSTORE") {
		t.Errorf("a keystore that was chosen by hand\n%s", page)
	}

	second := freePort(t)
	if status, page := person.ask(http.MethodPost, "/settings/port", url.Values{"port": {second}}); status != http.StatusSeeOther {
		t.Fatalf("port: %d\n%s", status, page)
	}
	if status, _ := person.ask(http.MethodPost, "/settings/start-at-sign-in", url.Values{"turn": {"on"}}); status != http.StatusSeeOther {
		t.Errorf("start at sign-in: %d", status)
	}
	if entries, err := os.ReadDir(filepath.Join(m.home, "config", "autostart")); err != nil || len(entries) != 1 {
		t.Errorf("what starts at sign-in: %v, %v", entries, err)
	}
	if status, _ := person.ask(http.MethodPost, "/settings/notifications", url.Values{"turn": {"off"}}); status != http.StatusSeeOther {
		t.Errorf("notifications: %d", status)
	}
	if page := person.get("/settings"); !strings.Contains(page, "Turn on: Notifications") || !strings.Contains(page, "Turn off: Start at sign-in") {
		t.Errorf("the switches\n%s", page)
	}

	// FCC starts again, as the same process, where the page says.
	if status, page := person.ask(http.MethodPost, "/settings/restart", url.Values{}); status != http.StatusOK || !strings.Contains(page, "http://localhost:"+second+"/settings") {
		t.Fatalf("restart: %d\n%s", status, page)
	}
	person.base = "http://localhost:" + second
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if answer, err := surf.Get(person.base + "/health"); err == nil {
			answer.Body.Close()
			if _, err := os.Stat(filepath.Join(m.dataDir(), "run.json")); err == nil { // which comes last
				break
			}
		}
		if time.Now().After(until) {
			t.Fatalf("it did not start again\n%s\n%s", r.words(), m.logged())
		}
	}
	if got := m.readRun(); got.PID != r.Process.Pid {
		t.Errorf("process %d, it was %d", got.PID, r.Process.Pid)
	}
	if page := person.get("/settings"); !strings.Contains(page, "Turn on: Notifications") {
		t.Errorf("notifications are on again\n%s", page)
	}
	if status, _ := person.ask(http.MethodPost, "/settings/port", url.Values{"port": {""}}); status != http.StatusSeeOther {
		t.Errorf("no port: %d", status)
	}
	if text, err := os.ReadFile(filepath.Join(m.dataDir(), "settings.json")); err != nil || strings.Contains(string(text), `"port"`) {
		t.Errorf("settings.json is %s, %v", text, err)
	}
}
