package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An installation is FCC on somebody's computer: its folder, port and settings.
// It outlives the processes that run in it.
type installation struct {
	program  string
	port     int
	home     string
	data     string
	settings []string
	flags    []string
	keys     []string // the words that fcc keys add printed
	uid      int      // whose it is; 0 is who runs the test
}

// passphrase opens the keystore files of these tests.
const passphrase = "correct horse battery staple of a test"

// install prepares an FCC with the encrypted file for a keystore.
func install(t testing.TB, port int, settings ...string) *installation {
	t.Helper()
	home := t.TempDir()
	i := &installation{program: filepath.Join(bin, "fcc"), port: port, home: home, data: filepath.Join(home, "data")}
	file := filepath.Join(home, "passphrase")
	if err := os.WriteFile(file, []byte(passphrase), 0o600); err != nil {
		t.Fatal(err)
	}
	i.settings = append(settings, fmt.Sprintf("FCC_PORT=%d", port), "FCC_DATA_DIR="+i.data,
		"FCC_KEYSTORE=file", "FCC_KEYSTORE_PASSPHRASE_FILE="+file)
	return i
}

// with replaces or adds settings.
func (i *installation) with(settings ...string) *installation {
	i.settings = append(i.settings, settings...) // of equal names the last counts
	return i
}

// An fcc is a running FCC.
type fcc struct {
	*process
	*installation
	link string // the one-time link of the start line
}

// start runs fcc serve, and returns when it has printed its link.
func (i *installation) start(t testing.TB) *fcc {
	t.Helper()
	return i.run(t, "serve")
}

func (i *installation) run(t testing.TB, command string) *fcc {
	t.Helper()
	name, args := i.asUser(append([]string{command}, i.flags...))
	p := start(t, environment(i.home, i.settings...), name, args...)
	link := strings.TrimPrefix(p.line(t, "Open "), "Open ")
	return &fcc{p, i, link}
}

func (i *installation) base() string { return fmt.Sprintf("http://localhost:%d", i.port) }

// command runs one of fcc's commands to its end and returns its stdout.
func (i *installation) command(t testing.TB, args ...string) string {
	t.Helper()
	stdout, stderr, err := i.try(args...)
	if err != nil {
		t.Fatalf("fcc %s: %v\n%s%s", strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout
}

// mayFail is command for one whose exit code does not matter.
func (i *installation) mayFail(t testing.TB, args ...string) string {
	t.Helper()
	stdout, stderr, err := i.try(args...)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("fcc %s: %v\n%s", strings.Join(args, " "), err, stderr)
	}
	return stdout
}

func (i *installation) try(args ...string) (stdout, stderr string, err error) {
	name, args := i.asUser(args)
	cmd := exec.Command(name, args...)
	cmd.Env = environment(i.home, i.settings...)
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	err = cmd.Run()
	return strings.TrimSpace(out.String()), words.String(), err
}

// asUser is the command line that runs fcc as whose installation it is.
func (i *installation) asUser(args []string) (string, []string) {
	if i.uid == os.Getuid() || i.uid == 0 {
		return i.program, args
	}
	id := strconv.Itoa(i.uid)
	return "setpriv", append([]string{"--reuid=" + id, "--regid=" + id, "--clear-groups", i.program}, args...)
}

// addKey makes an API key, with the flags of fcc keys add.
func (i *installation) addKey(t testing.TB, name string, flags ...string) string {
	t.Helper()
	key := i.command(t, append([]string{"keys", "add", name}, flags...)...)
	if !strings.HasPrefix(key, "fcc_") || strings.ContainsAny(key, " \n") {
		t.Fatalf("fcc keys add printed %q, not a key alone", key)
	}
	i.keys = append(i.keys, key)
	return key
}

// An apiAnswer is what a script got.
type apiAnswer struct {
	status int
	header http.Header
	body   string
}

// get calls FCC as a script does.
func (i *installation) get(path, key string) (apiAnswer, error) {
	req, err := http.NewRequest(http.MethodGet, i.base()+path, nil)
	if err != nil {
		return apiAnswer{}, err
	}
	req.Header.Set("Accept", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	client := &http.Client{Timeout: patience + 10*time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return apiAnswer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	recorded.add(resp, body)
	return apiAnswer{resp.StatusCode, resp.Header, string(body)}, err
}

// invoices asks the gateway for a page of invoices with an organisation's name,
// and returns how many there are.
func (i *installation) invoices(t testing.TB, key string) int {
	t.Helper()
	answer, err := i.get("/api.xro/2.0/Invoices?page=1&pageSize=50", key)
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Invoices []struct{ InvoiceID string } }
	if err := json.Unmarshal([]byte(answer.body), &list); err != nil || answer.status != http.StatusOK {
		t.Fatalf("invoices through the gateway: %d: %s (%v)", answer.status, answer.body, err)
	}
	return len(list.Invoices)
}

// organisation asks the gateway whose books the key opens.
func (i *installation) organisation(t testing.TB, key string) string {
	t.Helper()
	answer, err := i.get("/api.xro/2.0/Organisation", key)
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Organisations []struct{ Name string } }
	if err := json.Unmarshal([]byte(answer.body), &list); err != nil || len(list.Organisations) != 1 {
		t.Fatalf("the organisation through the gateway: %d: %s (%v)", answer.status, answer.body, err)
	}
	return list.Organisations[0].Name
}

// A status is the part of /api/status that the proofs look at.
type status struct {
	State   string
	Problem *struct{ Code, Message string }

	Connections []struct {
		ID            string
		Organisations []struct {
			TenantID string `json:"tenant_id"`
			Name     string
		}
	}
}

// connected waits until FCC says that it is, and returns what it says.
func (i *installation) connected(t testing.TB, key string) status {
	t.Helper()
	var st status
	eventually(t, "connected", func() (bool, string) {
		answer, err := i.get("/api/status", key)
		if err != nil {
			return false, err.Error()
		}
		st = status{}
		if err := json.Unmarshal([]byte(answer.body), &st); err != nil {
			return false, answer.body
		}
		return st.State == "connected", answer.body
	})
	return st
}

// signIn signs in as a person does, without a browser.
func (i *installation) signIn(t testing.TB, sim *simXero, organisations ...string) *person {
	t.Helper()
	p := newPerson(i.base())
	eventually(t, "FCC lets people in", func() (bool, string) {
		answer := p.visit(t, "/")
		return answer.status == http.StatusOK, answer.body
	})
	toXero := p.visit(t, "/login")
	if toXero.status != http.StatusFound {
		t.Fatalf("/login: %d: %s", toXero.status, toXero.body)
	}
	back, err := url.Parse(sim.approve(t, toXero.header.Get("Location"), organisations...))
	if err != nil {
		t.Fatal(err)
	}
	if end := p.visit(t, back.RequestURI()); end.status >= 400 {
		t.Fatalf("the callback: %d: %s", end.status, end.body)
	}
	return p
}
