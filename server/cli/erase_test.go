package cli_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"financial-command-center/keystore"
	"financial-command-center/server/xero/xerosim"
)

// kept is what the keystore file of m holds under name.
func (m *machine) kept(passphrase, name string) string {
	m.t.Helper()
	file, err := keystore.OpenFile(filepath.Join(m.dataDir(), "keystore.enc"), keystore.NewSecret(passphrase))
	if err != nil {
		m.t.Fatal(err)
	}
	value, err := file.Get(m.t.Context(), name)
	if err != nil {
		m.t.Fatal(err)
	}
	return value.Reveal()
}

// answered counts what Xero was asked for and did.
func answered(sim *xerosim.Sim, method, pathPrefix string) (n int) {
	for _, e := range sim.Journal() {
		if e.Method == method && strings.HasPrefix(e.Path, pathPrefix) && e.Status/100 == 2 {
			n++
		}
	}
	return n
}

func (m *machine) wantErased(got said) {
	m.t.Helper()
	if got.code != 0 || got.stdout != "" || !strings.Contains(got.stderr, "is erased") {
		m.t.Errorf("fcc erase: %+v", got)
	}
	if _, err := os.Lstat(m.dataDir()); !os.IsNotExist(err) {
		entries, _ := os.ReadDir(m.dataDir())
		m.t.Errorf("the data folder is still there: %v %v", err, entries)
	}
}

// wantRefused fails unless Xero knows the refresh token no more.
func (m *machine) wantRefused(issuer, refreshToken string) {
	m.t.Helper()
	resp, err := http.PostForm(issuer+"/connect/token", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}, "client_id": {xerosim.DemoClientID},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		m.t.Errorf("the refresh token is still good: %s", resp.Status)
	}
}

func (m *machine) value(name string) string {
	for _, kv := range m.env {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}

func (m *machine) withKeystoreFile() *machine {
	m.set("FCC_KEYSTORE", "file")
	m.set("FCC_KEYSTORE_PASSPHRASE", "correct horse")
	return m
}

// refreshToken is that of the only sign-in.
func (m *machine) refreshToken() string {
	m.t.Helper()
	_, id, _ := strings.Cut(m.kept("correct horse", "connections"), `["`)
	id, _, _ = strings.Cut(id, `"`)
	_, token, _ := strings.Cut(m.kept("correct horse", "connection-"+id), `"refresh_token":"`)
	token, _, found := strings.Cut(token, `"`)
	if !found {
		m.t.Fatal("no refresh token is kept")
	}
	return token
}

func TestEraseLeavesNothingHereAndNothingAtXero(t *testing.T) {
	for name, runs := range map[string]bool{"while it runs": true, "when none runs": false} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t).withKeystoreFile()
			sim := m.far(freePort(t))
			m.set("FCC_DEBUG", "1")
			r := m.start("serve")
			m.signIn(sim)
			m.must("keys", "add", "sheet")
			m.must("open", "--print")
			token := m.refreshToken()
			if !runs {
				m.must("stop")
			}
			got := m.fcc("erase", "--yes")
			m.wantErased(got)
			for _, o := range sim.Organisations() {
				if !strings.Contains(got.stderr, o.Name) {
					t.Errorf("%s is not named: %s", o.Name, got.stderr)
				}
			}
			m.wantRefused(m.value("FCC_XERO_ISSUER"), token)
			if answered(sim, http.MethodDelete, "/connections/") != 3 || answered(sim, http.MethodPost, "/connect/revocation") == 0 {
				t.Error("Xero was not told of everything")
			}
			<-r.ended
			if got := m.fcc("erase", "--yes"); got.code != 0 || !strings.Contains(got.stderr, "nothing to erase") {
				t.Errorf("again: %+v", got)
			}
		})
	}
}

func TestEraseKnowsEveryFileThatFCCMakes(t *testing.T) {
	m := newMachine(t).withKeystoreFile()
	sim := m.far(freePort(t))
	if err := os.MkdirAll(m.dataDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	m.write("settings.json", "{damaged")
	m.write("config/flask_secret.key", strings.Repeat("k", 86))
	m.set("FCC_DEBUG", "1")
	r := m.start("serve")
	m.signIn(sim)
	r.kill()
	for _, leftover := range []string{ // of a crash, and of a long run
		".settings.json-1234", ".run.json-1234", ".open.html-1234", ".trial-1234", "open.html", "keystore.enc.new",
		"logs/fcc-2026-11-25T10-00-00.000.log", "logs/crash.log", "logs/crash-before.log", "debug/token-backup.json.next",
		"updates/seen.json", "updates/manifest", "updates/seen.json.part", "updates/FCC-Setup-1.3.0.exe", "updates/FCC-Setup-1.3.0.exe.part",
	} {
		m.write(leftover, "x")
	}
	m.wantErased(m.fcc("erase", "--yes"))
}

// write makes a file in the data folder.
func (m *machine) write(path, text string) {
	m.t.Helper()
	path = filepath.Join(m.dataDir(), filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func TestEraseEndsASignInThatIsInMemoryOnly(t *testing.T) {
	m := newMachine(t)
	sim := m.far(freePort(t))
	m.start("serve")
	m.signIn(sim)
	m.wantErased(m.fcc("erase", "--yes"))
	if answered(sim, http.MethodPost, "/connect/revocation") != 1 {
		t.Error("the sign-in was not revoked")
	}
}

func TestEraseLeavesAndNamesWhatIsNotOurs(t *testing.T) {
	m := newMachine(t)
	m.start("serve", "--port", freePort(t))
	m.must("stop")
	foreign := []string{"notes.txt", "logs/other.log", "tokens/xero_token.json", "settings.json.bak", "discovery-notes.json", "state.db.d/settings.json"}
	for _, path := range foreign {
		m.write(path, "somebody's")
	}
	got := m.fcc("erase", "--yes")
	if got.code != 1 {
		t.Errorf("%+v", got)
	}
	for _, path := range foreign {
		full := filepath.Join(m.dataDir(), filepath.FromSlash(path))
		if _, err := os.Stat(full); err != nil {
			t.Errorf("%s is gone: %v", path, err)
		}
		named := full
		if dir, _, ok := strings.Cut(path, "/"); ok && dir != "logs" {
			named = filepath.Join(m.dataDir(), dir)
		}
		if !strings.Contains(got.stderr, named+" is not FCC's") {
			t.Errorf("%s is not named: %s", named, got.stderr)
		}
	}
	for _, ours := range []string{"state.db", "run.json", "fcc.lock", "logs/fcc.log"} {
		if _, err := os.Lstat(filepath.Join(m.dataDir(), ours)); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", ours, err)
		}
	}
}

func TestEraseTakesNoFileForTheFolderThatItMayRemove(t *testing.T) {
	m := newMachine(t)
	for _, name := range []string{"config", "tokens"} {
		m.write(name, "somebody's")
	}
	got := m.fcc("erase", "--yes")
	for _, name := range []string{"config", "tokens"} {
		full := filepath.Join(m.dataDir(), name)
		if _, err := os.Stat(full); err != nil || !strings.Contains(got.stderr, full+" is not FCC's") {
			t.Errorf("%v, %+v", err, got)
		}
	}
}

func TestEraseSaysWhatXeroWasNotTold(t *testing.T) {
	m := newMachine(t).withKeystoreFile()
	sim := m.far(freePort(t))
	m.start("serve")
	m.signIn(sim)
	m.must("stop")
	m.cut()
	got := m.fcc("erase", "--yes")
	if got.code != 1 || strings.Count(got.stderr, "https://go.xero.com") != 1 || !strings.Contains(got.stderr, "cannot be reached") ||
		strings.Contains(got.stderr, "by itself") {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(m.dataDir()); !os.IsNotExist(err) {
		t.Errorf("the data folder: %v", err)
	}
}

// Xero cannot be told of what is in it: the file is the only way back.
func TestEraseOfASecretsFileThatDoesNotOpenErasesNothing(t *testing.T) {
	m := newMachine(t).withKeystoreFile()
	sim := m.far(freePort(t))
	m.start("serve")
	m.signIn(sim)
	m.must("stop")
	token := m.refreshToken()
	wrong := map[string]string{"another passphrase": "wrong horse"}
	if !keystore.PassphraseOptional {
		wrong["no passphrase"] = ""
	}
	for name, passphrase := range wrong {
		m.set("FCC_KEYSTORE_PASSPHRASE", passphrase)
		got := m.fcc("erase", "--yes")
		if got.code != 1 || strings.Contains(got.stderr, "left as it is") {
			t.Errorf("%s: %+v", name, got)
		}
		for _, want := range []string{"passphrase", "Nothing was erased", "https://go.xero.com", "delete " + filepath.Join(m.dataDir(), "keystore.enc")} {
			if !strings.Contains(got.stderr, want) {
				t.Errorf("%s: %q is not said: %s", name, want, got.stderr)
			}
		}
		if m.refreshToken() != token {
			t.Error("the file was changed")
		}
	}
	if _, err := os.Stat(filepath.Join(m.dataDir(), "state.db")); err != nil {
		t.Error(err)
	}
	m.set("FCC_KEYSTORE_PASSPHRASE", "correct horse")
	m.wantErased(m.fcc("erase", "--yes"))
	m.wantRefused(m.value("FCC_XERO_ISSUER"), token)
}

func TestEraseOfADamagedSecretsFileSaysWhatStandsAtXero(t *testing.T) {
	m := newMachine(t).withKeystoreFile()
	m.start("serve", "--port", freePort(t))
	m.must("stop")
	m.write("keystore.enc", "damaged")
	got := m.fcc("erase", "--yes")
	if got.code != 1 || !strings.Contains(got.stderr, "keystore.enc is damaged") || !strings.Contains(got.stderr, "https://go.xero.com") || strings.Contains(got.stderr, "left as it is") {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(m.dataDir()); !os.IsNotExist(err) {
		t.Errorf("the data folder: %v", err)
	}
}

// The settings say another store than the one that holds the sign-in, as after a
// change of mind.
func TestEraseEndsTheSignInsOfAnEarlierSecretsFileToo(t *testing.T) {
	for passphrase, opens := range map[string]bool{"correct horse": true, "wrong horse": false} {
		m := newMachine(t).withKeystoreFile()
		sim := m.far(freePort(t))
		m.start("serve")
		m.signIn(sim)
		m.must("stop")
		token := m.refreshToken()
		m.set("FCC_KEYSTORE", "memory")
		m.set("FCC_KEYSTORE_PASSPHRASE", passphrase)
		got := m.fcc("erase", "--yes")
		if opens {
			m.wantErased(got)
			m.wantRefused(m.value("FCC_XERO_ISSUER"), token)
		} else if got.code != 1 || !strings.Contains(got.stderr, "keystore.enc") || !strings.Contains(got.stderr, "https://go.xero.com") {
			t.Errorf("%+v", got)
		}
	}
}

func TestEraseAsksAndTakesNoAnswerForNo(t *testing.T) {
	m := newMachine(t)
	m.start("serve", "--port", freePort(t))
	for _, answer := range []string{"", "\n", "no\n", "y\n", "yesterday\n"} {
		if got := m.fccReading(answer, "erase"); got.code != 1 || !strings.Contains(got.stderr, "Nothing was erased") || !strings.Contains(got.stderr, m.dataDir()) {
			t.Errorf("%q: %+v", answer, got)
		}
	}
	if got := m.fcc("status"); got.code != 2 {
		t.Errorf("FCC was disturbed: %+v", got)
	}
	m.wantErased(m.fccReading("Yes\n", "erase"))
}

func TestEraseOfNothingMakesNothing(t *testing.T) {
	m := newMachine(t)
	for _, store := range []string{"os", "memory"} {
		m.set("FCC_KEYSTORE", store)
		if got := m.fcc("erase", "--yes"); got.code != 0 || !strings.Contains(got.stderr, "nothing to erase") {
			t.Errorf("%s: %+v", store, got)
		}
	}
	if entries, _ := os.ReadDir(m.home); len(entries) > 0 {
		t.Errorf("made %v", entries)
	}
}
