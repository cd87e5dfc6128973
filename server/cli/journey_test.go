package cli_test

import (
	"bufio"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"financial-command-center/server"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

// far is a simulated Xero for m, whose FCC will listen on port. With a secret the
// Xero app is one that has it.
func (m *machine) far(port string, secret ...string) *xerosim.Sim {
	m.t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		m.t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	sim, err := xerosim.New(xerosim.Options{
		Issuer: address,
		Clients: []xerosim.Client{{
			ID: xerosim.DemoClientID, Secret: strings.Join(secret, ""), Redirects: []string{"http://localhost:" + port + "/callback"},
		}},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(sim.Handler())
	server.Listener.Close()
	server.Listener = l
	server.Start()
	m.cut = sync.OnceFunc(server.Close)
	m.t.Cleanup(m.cut)
	m.set("FCC_PORT", port)
	m.set("FCC_XERO_ISSUER", address)
	m.set("FCC_XERO_API", address)
	m.set("XERO_CLIENT_ID", xerosim.DemoClientID)
	return sim
}

// login is fcc login: the link is handed to consent, and what that returns is
// pasted.
func (m *machine) login(consent func(link string) string) said {
	m.t.Helper()
	cmd := m.command("login")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	link, err := lines.ReadString('\n')
	if err != nil {
		m.t.Fatalf("no link: %v\n%s", err, &stderr)
	}
	_, _ = io.WriteString(stdin, consent(strings.TrimSpace(link)))
	stdin.Close()
	rest, _ := io.ReadAll(lines)
	_ = cmd.Wait()
	return said{cmd.ProcessState.ExitCode(), string(rest), stderr.String()}
}

func (m *machine) signIn(sim *xerosim.Sim, organisations ...string) {
	m.t.Helper()
	got := m.login(func(link string) string {
		callback, err := sim.Approve(link, organisations...)
		if err != nil {
			m.t.Error(err)
		}
		return "\n  not an address\n<" + callback + ">\n"
	})
	if got.code != 0 || !strings.Contains(got.stderr, "Signed in") {
		m.t.Fatalf("fcc login: %+v", got)
	}
}

func TestLoginTokenKeysDisconnectWithoutABrowser(t *testing.T) {
	m := newMachine(t)
	sim := m.far(freePort(t))
	m.start("serve")
	orgs := sim.Organisations()

	if got := m.fcc("token"); got.code != 1 || got.stdout != "" {
		t.Errorf("a token before the sign-in: %+v", got)
	}
	m.signIn(sim, orgs[0].Name, orgs[1].Name)

	got := m.fcc("status")
	if got.code != 0 || !strings.Contains(got.stdout, orgs[0].Name) || !strings.Contains(got.stdout, orgs[1].Name) {
		t.Errorf("status: %+v", got)
	}
	var status server.Status
	if err := json.Unmarshal([]byte(m.must("status", "--json")), &status); err != nil || status.State != xero.Connected || status.Mode != server.Live {
		t.Errorf("status --json: %+v %v", status, err)
	}

	token := m.must("token")
	if strings.Count(token, ".") != 2 || strings.Count(token, "\n") != 1 || !strings.HasPrefix(token, "eyJ") {
		t.Errorf("fcc token printed %q", token)
	}
	if m.must("--tenant", orgs[0].TenantID, "token") == "" || m.must("token", "--tenant", strings.ToUpper(orgs[1].TenantID)) == "" {
		t.Error("no token by organisation")
	}
	if got := m.fcc("token", "--tenant", orgs[2].TenantID); got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, orgs[0].TenantID) {
		t.Errorf("a token for an organisation that is not connected: %+v", got)
	}

	added := m.fcc("keys", "add", "sheet", "--tenant", orgs[1].TenantID)
	if added.code != 0 || !strings.HasPrefix(added.stdout, "fcc_") || strings.Count(added.stdout, "\n") != 1 {
		t.Errorf("keys add: %+v", added)
	}
	if warned := m.fcc("keys", "add", "--write", "writer"); warned.code != 0 || !strings.Contains(warned.stderr, "--scopes") {
		t.Errorf("a write key with a read-only sign-in: %+v", warned)
	}
	if again := m.fcc("keys", "add", "sheet"); again.code != 1 || again.stdout != "" || !strings.Contains(again.stderr, "writer") {
		t.Errorf("a name in use: %+v", again)
	}
	if other := m.fcc("keys", "add", "x", "--tenant", orgs[2].TenantID); other.code != 1 || !strings.Contains(other.stderr, orgs[0].Name) {
		t.Errorf("an organisation not connected: %+v", other)
	}
	list := m.must("keys", "list")
	if !strings.Contains(list, "sheet") || !strings.Contains(list, "read, write") || strings.Contains(list, strings.TrimSpace(added.stdout)) {
		t.Errorf("keys list:\n%s", list)
	}
	whole := m.fcc("keys", "add", "whole", "--ask", "--tenant", orgs[0].TenantID, "--tenant", orgs[1].TenantID, "--family", "accounting", "--family", "files",
		"--expires", "2099-12-31", "--daily", "500", "--max-age", "15m", "--stale", "--any-user")
	if whole.code != 0 || !strings.HasPrefix(whole.stdout, "fcc_") {
		t.Errorf("keys add with everything: %+v", whole)
	}
	list = m.must("keys", "list")
	for _, shown := range []string{"read, write when allowed", orgs[0].TenantID + ", " + orgs[1].TenantID, "accounting, files", "any user", "31 Dec 2099", "0 of 500", "up to 15m0s, or last known"} {
		if !strings.Contains(list, shown) {
			t.Errorf("keys list lacks %q:\n%s", shown, list)
		}
	}
	var listed struct{ Keys []server.ControlKey }
	if err := json.Unmarshal([]byte(m.must("keys", "list", "--json")), &listed); err != nil || len(listed.Keys) != 3 {
		t.Fatalf("%d keys as JSON, %v", len(listed.Keys), err)
	}
	i := slices.IndexFunc(listed.Keys, func(k server.ControlKey) bool { return k.Name == "whole" })
	if k := listed.Keys[i]; !k.Write || !k.Ask || len(k.Tenants) != 2 || len(k.Families) != 2 || !k.AnyUser || k.Expires == nil || k.Daily != 500 || k.MaxAge != 900 || !k.Stale || k.Ended {
		t.Errorf("as JSON: %+v", k)
	}
	if other := m.fcc("keys", "add", "x", "--family", "books"); other.code != 1 || !strings.Contains(other.stderr, "accounting, assets, files, payroll, projects") {
		t.Errorf("an API that there is not: %+v", other)
	}
	m.must("keys", "revoke", "whole")
	m.must("keys", "revoke", "sheet")
	if got := m.fcc("keys", "revoke", "sheet"); got.code != 1 || !strings.Contains(got.stderr, "writer") {
		t.Errorf("revoked again: %+v", got)
	}
	if list := m.must("keys", "list", "--json"); strings.Contains(list, "sheet") {
		t.Errorf("still listed: %s", list)
	}

	m.must("secret", "rotate")
	if got := m.fcc("disconnect", "--organisation", orgs[1].TenantID); got.code != 0 || !strings.Contains(got.stderr, orgs[1].Name) {
		t.Errorf("disconnect one: %+v", got)
	}
	if got := m.fcc("status"); got.code != 0 || strings.Contains(got.stdout, orgs[1].Name) {
		t.Errorf("status after it: %+v", got)
	}
	m.must("disconnect")
	if got := m.fcc("status"); got.code != 2 {
		t.Errorf("status after disconnect: %+v", got)
	}
	if got := m.fcc("disconnect"); got.code != 1 || !strings.Contains(got.stderr, "nothing to disconnect") {
		t.Errorf("disconnect again: %+v", got)
	}
	if got := m.fcc("disconnect"); got.code != 1 {
		t.Errorf("disconnect again: %+v", got)
	}
}

func TestALoginThatTheBrowserHereFinishesNeedsNoPaste(t *testing.T) {
	m := newMachine(t)
	sim := m.far(freePort(t))
	m.start("serve")
	for _, deny := range []bool{true, false} {
		cmd := m.command("login")
		stdin, err := cmd.StdinPipe() // held open: nobody types
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		link, err := bufio.NewReader(stdout).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		consent := func(link string) (string, error) { return sim.Approve(link) }
		if deny {
			consent = sim.Deny
		}
		callback, err := consent(strings.TrimSpace(link))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get(callback)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		_ = cmd.Wait()
		stdin.Close()
		if code := cmd.ProcessState.ExitCode(); (code != 0) != deny || strings.Contains(stderr.String(), "Signed in.") == deny {
			t.Errorf("denied %v: exit code %d\n%s", deny, code, &stderr)
		}
	}
}

func TestALoginThatIsRefusedOrForeignChangesNothing(t *testing.T) {
	m := newMachine(t)
	sim := m.far(freePort(t))
	m.start("serve")
	m.signIn(sim)
	for name, consent := range map[string]func(string) string{
		"nothing pasted": func(string) string { return "" },
		"cancelled":      func(link string) string { back, _ := sim.Deny(link); return back + "\n" },
		"another's": func(string) string {
			return "http://localhost:" + portIn(m) + "/callback?code=abc&state=" + strings.Repeat("x", 40) + "\n"
		},
		"another host": func(link string) string {
			back, _ := sim.Approve(link)
			return strings.Replace(back, "localhost", "example.com", 1) + "\n"
		},
	} {
		if got := m.login(consent); got.code != 1 || got.stdout != "" || strings.Contains(got.stderr, "Signed in.") {
			t.Errorf("%s: %+v", name, got)
		}
		if got := m.fcc("token"); got.code != 0 {
			t.Errorf("%s: the sign-in before it ended: %+v", name, got)
		}
	}
}

func portIn(m *machine) string {
	u, err := url.Parse("http://" + m.readRun().Address)
	if err != nil {
		m.t.Fatal(err)
	}
	return u.Port()
}

func TestAfterKillNineTheSignInIsThereAgain(t *testing.T) {
	m := newMachine(t)
	sim := m.far(freePort(t))
	m.set("FCC_KEYSTORE", "file")
	m.set("FCC_KEYSTORE_PASSPHRASE", "correct horse")
	r := m.start("serve")
	m.signIn(sim, sim.Organisations()[0].Name)
	r.kill()
	m.start("serve")
	deadline := time.Now().Add(20 * time.Second)
	for m.fcc("status").code != 0 {
		if time.Now().After(deadline) {
			t.Fatalf("not connected again: %+v", m.fcc("status"))
		}
	}
	if got := m.must("status"); !strings.Contains(got, sim.Organisations()[0].Name) {
		t.Errorf("status: %s", got)
	}
	m.must("token")
	m.must("stop")
	m.set("FCC_KEYSTORE_PASSPHRASE", "wrong horse")
	if got := m.fcc("serve"); got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, "passphrase") {
		t.Errorf("with a wrong passphrase: %+v", got)
	}
}

// The simulated Xero's markers are in every token, code and secret.
func TestNoSecretOfTheJourneyIsLeftOutsideTheKeystore(t *testing.T) {
	m := newMachine(t)
	sim := m.far(freePort(t))
	m.set("FCC_DEBUG", "1")
	r := m.start("serve")
	m.signIn(sim)
	token := strings.TrimSpace(m.must("token"))
	key := strings.TrimSpace(m.must("keys", "add", "sheet"))
	m.must("doctor")
	r.end()
	secrets := append(xerosim.Markers(), token, key)
	files := 0
	err := filepath.WalkDir(m.home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		for _, secret := range secrets {
			if strings.Contains(string(data), secret) {
				t.Errorf("%s holds a secret", path)
			}
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files searched: %v", files, err)
	}
	for _, secret := range secrets {
		if strings.Contains(r.words(), secret) {
			t.Errorf("a secret on stderr:\n%s", r.words())
		}
	}
}

func TestTheSecretOfAXeroAppMovesIntoTheKeystore(t *testing.T) {
	m := newMachine(t)
	sim := m.far(freePort(t), xerosim.DemoClientSecret)
	m.set("FCC_KEYSTORE", "file")
	m.set("FCC_KEYSTORE_PASSPHRASE", "correct horse")
	m.set("XERO_CLIENT_SECRET", xerosim.DemoClientSecret)
	m.start("serve")
	m.signIn(sim)
	m.must("stop")
	m.set("XERO_CLIENT_SECRET", "")
	m.start("serve")
	m.must("disconnect")
	m.signIn(sim)
}

func TestAStartWithoutANetworkStillKnowsWhoIsSignedIn(t *testing.T) {
	m := newMachine(t)
	sim := m.far(freePort(t))
	m.set("FCC_KEYSTORE", "file")
	m.set("FCC_KEYSTORE_PASSPHRASE", "correct horse")
	m.start("serve")
	m.signIn(sim)
	m.must("stop")
	m.cut()
	m.start("serve")
	if got := m.fcc("token"); got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, "reached") {
		t.Errorf("a token without a network: %+v", got)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		got := m.fcc("status")
		if got.code == 1 && strings.Contains(got.stdout, sim.Organisations()[0].Name) && strings.Contains(got.stdout, "cannot reach Xero") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("status: %+v", got)
		}
	}
	if got := m.fcc("doctor"); got.code != 1 || !strings.Contains(got.stdout, "cannot be reached") {
		t.Errorf("doctor: %+v", got)
	}
}
