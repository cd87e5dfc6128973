package cli_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"financial-command-center/server"
)

// originalChecks are the Python original's tests, by its names.
var originalChecks = []string{
	"Application Health & Session Config", "Session Debug Info", "Session Persistence Test", "Xero OAuth Setup", "Session Cookies Present",
}

type diagnosis struct {
	Healthy, Running bool
	Checks           []server.Check
	Log              string
}

// diagnose is fcc doctor --json.
func (m *machine) diagnose(args ...string) (d diagnosis, code int) {
	m.t.Helper()
	got := m.fcc(append([]string{"doctor", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(got.stdout), &d); err != nil {
		m.t.Fatalf("%+v: %v", got, err)
	}
	if d.Healthy != (got.code == 0) {
		m.t.Errorf("exit code %d, healthy %v", got.code, d.Healthy)
	}
	for _, check := range d.Checks {
		if check.Name == "" || check.Found == "" || check.Status != server.FoundWell && check.Action == "" {
			m.t.Errorf("a check says too little: %+v", check)
		}
	}
	return d, got.code
}

func (d diagnosis) check(t *testing.T, name string) server.Check {
	t.Helper()
	i := slices.IndexFunc(d.Checks, func(c server.Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no check %q among %+v", name, d.Checks)
	}
	return d.Checks[i]
}

func TestDoctorPassesTheFiveTestsOfTheOriginalOnAWorkingFCC(t *testing.T) {
	for _, debug := range []string{"0", "1"} {
		m := newMachine(t)
		sim := m.far(freePort(t))
		m.set("FCC_DEBUG", debug)
		m.set("FCC_KEYSTORE", "file")
		m.set("FCC_KEYSTORE_PASSPHRASE", "correct horse")
		r := m.start("serve")
		m.signIn(sim)
		d, code := m.diagnose()
		if code != 0 || !d.Running || d.Log != filepath.Join(m.dataDir(), "logs", "fcc.log") {
			t.Errorf("exit code %d, %+v", code, d)
		}
		for _, name := range append(originalChecks, "Keychain", "State database", "Data folder and disk", "Xero's sign-in", "Xero's API", "Clock") {
			if check := d.check(t, name); check.Status != server.FoundWell {
				t.Errorf("%+v", check)
			}
		}
		if check := d.check(t, "Session Debug Info"); !strings.Contains(check.Found, "86") {
			t.Errorf("%+v", check)
		}
		if check := d.check(t, "Redirect URI"); !strings.Contains(check.Found, r.base+"/callback") {
			t.Errorf("%+v", check)
		}
		text := m.must("doctor")
		for _, name := range originalChecks {
			if !strings.Contains(text, "ok    "+name+": ") {
				t.Errorf("%q is not in\n%s", name, text)
			}
		}
	}
}

func TestDoctorWorksWithoutARunningFCC(t *testing.T) {
	m := newMachine(t)
	m.far(freePort(t))
	d, code := m.diagnose()
	if code != 1 || d.Running {
		t.Errorf("exit code %d, %+v", code, d)
	}
	for _, name := range originalChecks {
		if check := d.check(t, name); check.Status != server.FoundBad || !strings.Contains(check.Found, "not running") {
			t.Errorf("%+v", check)
		}
	}
	for _, name := range []string{"Keychain", "Data folder and disk", "Xero's sign-in", "Clock"} {
		if check := d.check(t, name); check.Status != server.FoundWell {
			t.Errorf("%+v", check)
		}
	}
	if _, err := os.Stat(m.dataDir()); !os.IsNotExist(err) {
		t.Errorf("the doctor made the data folder: %v", err)
	}
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	m := newMachine(t)
	port := freePort(t)
	sim := m.far(port)
	l, err := net.Listen("tcp6", "[::1]:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sim.Skew(0, -time.Hour)
	m.set("FCC_XERO_API", "http://127.0.0.1:1")
	d, _ := m.diagnose()
	for name, says := range map[string]string{
		"Port " + port: "[::1]",
		"Clock":        "s ahead of Xero's",
		"Xero's API":   "cannot be reached",
	} {
		if check := d.check(t, name); check.Status != server.FoundBad || !strings.Contains(check.Found, says) {
			t.Errorf("%+v does not say %q", check, says)
		}
	}
	if d, code := m.diagnose("--port", "x"); code != 1 || d.check(t, "Settings").Status != server.FoundBad {
		t.Errorf("a wrong setting: exit code %d, %+v", code, d)
	}
}

// What listens on this computer is reached directly, whatever the environment says
// of proxies; what does not goes through the proxy.
func TestAProxyOfTheEnvironmentGetsNothingThatIsForThisComputer(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.RequestURI)
		mu.Unlock()
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	m := newMachine(t)
	sim := m.far(freePort(t))
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"} {
		m.set(name, proxy.URL)
	}
	m.start("serve")
	m.signIn(sim)
	m.must("token")
	d, _ := m.diagnose()
	for _, name := range []string{"Xero's sign-in", "Xero's API"} {
		if check := d.check(t, name); check.Status != server.FoundWell || strings.Contains(check.Found, "proxy") {
			t.Errorf("%+v", check)
		}
	}
	if check := d.check(t, "Proxy and localhost"); check.Status != server.FoundWarning || !strings.Contains(check.Found, strings.TrimPrefix(proxy.URL, "http://")) {
		t.Errorf("%+v", check)
	}
	mu.Lock()
	if len(seen) > 0 {
		t.Errorf("the proxy saw %q", seen)
	}
	mu.Unlock()

	m.set("FCC_XERO_API", "https://api.example.com")
	m.must("stop")
	d, _ = m.diagnose()
	check := d.check(t, "Xero's API")
	if check.Status != server.FoundBad || !strings.Contains(check.Found, "through the proxy "+strings.TrimPrefix(proxy.URL, "http://")) || !strings.Contains(check.Found, "name and password") {
		t.Errorf("%+v", check)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 1 || seen[0] != "api.example.com:443" {
		t.Errorf("the proxy saw %q", seen)
	}
}
