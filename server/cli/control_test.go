package cli_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// runJSON is what the commands find in the data folder.
type runJSON struct {
	Address    string `json:"address"`
	PID        int    `json:"pid"`
	Version    string `json:"version"`
	ControlKey string `json:"control_key"`
}

func (m *machine) readRun() (r runJSON) {
	m.t.Helper()
	data, err := os.ReadFile(filepath.Join(m.dataDir(), "run.json"))
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return r
}

func (m *machine) writeRun(r runJSON) {
	m.t.Helper()
	data, err := json.Marshal(r)
	if err == nil {
		err = os.MkdirAll(m.dataDir(), 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(m.dataDir(), "run.json"), data, 0o600)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// everyCommand is each command that speaks with the running FCC.
var everyCommand = [][]string{
	{"status"}, {"status", "--json"}, {"open"}, {"open", "--print"}, {"token"}, {"keys", "add", "sheet"}, {"keys", "list"},
	{"keys", "revoke", "sheet"}, {"login"}, {"disconnect"}, {"secret", "rotate"}, {"stop"},
}

func TestWithoutARunningFCCEveryCommandExitsWithThree(t *testing.T) {
	m := newMachine(t)
	for _, args := range everyCommand {
		if got := m.fcc(args...); got.code != 3 || got.stdout != "" || !strings.Contains(got.stderr, "not running") {
			t.Errorf("fcc %v: %+v", args, got)
		}
	}
	if entries, _ := os.ReadDir(m.home); len(entries) != 0 {
		t.Errorf("the commands made %v", entries)
	}
}

func TestAWrongSettingKeepsNobodyFromStoppingWhatRuns(t *testing.T) {
	m := newMachine(t)
	r := m.start("serve", "--port", freePort(t))
	m.set("FCC_PORT", "abc")
	if got := m.fcc("serve"); got.code != 64 {
		t.Errorf("serve: %+v", got)
	}
	if got := m.fcc("status"); got.code != 2 {
		t.Errorf("status: %+v", got)
	}
	m.must("stop")
	<-r.ended
	if got := m.fcc("stop"); got.code != 3 {
		t.Errorf("stop again: %+v", got)
	}
}

func TestAfterKillNineTheStaleRunFileMisleadsNobody(t *testing.T) {
	m := newMachine(t)
	first := m.start("serve", "--port", freePort(t))
	first.kill()
	stale := m.readRun()
	if got := m.fcc("status"); got.code != 3 {
		t.Errorf("status: %+v", got)
	}
	second := m.start("serve", "--port", strconv.Itoa(first.port))
	if now := m.readRun(); now.ControlKey == stale.ControlKey || now.PID == stale.PID {
		t.Error("run.json is the old one")
	}
	if got := m.fcc("status"); got.code != 2 {
		t.Errorf("status of %s: %+v", second.base, got)
	}
}

func TestAStrangerOnThePortLearnsNothing(t *testing.T) {
	m := newMachine(t)
	first := m.start("serve", "--port", freePort(t))
	first.kill()
	run := m.readRun()
	var mu sync.Mutex
	var heard bytes.Buffer
	var paths []string
	// It answers everything, and says whatever it was told.
	l, err := net.Listen("tcp", run.Address)
	if err != nil {
		t.Fatal(err)
	}
	stranger := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		paths = append(paths, r.URL.Path)
		_ = r.Header.Write(&heard)
		heard.Write(body)
		var hello struct {
			Nonce string `json:"nonce"`
		}
		_ = json.Unmarshal(body, &hello)
		w.Header().Set("FCC-Control", hello.Nonce)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"nonce": hello.Nonce, "proof": hello.Nonce, "link": "http://localhost:1/", "address": "http://localhost:1/", "visit": true,
			"state": "connected", "key": "made-up", "access_token": "made-up", "url": "http://localhost:1/",
		})
	})}}
	stranger.Start()
	defer stranger.Close()
	for _, args := range everyCommand {
		if got := m.fcc(args...); got.code != 3 || got.stdout != "" {
			t.Errorf("fcc %v: %+v", args, got)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if strings.Contains(heard.String(), run.ControlKey) {
		t.Error("the stranger was told the control key")
	}
	if len(paths) != len(everyCommand) {
		t.Errorf("%d requests for %d commands", len(paths), len(everyCommand))
	}
	for _, path := range paths {
		if path != "/control/hello" {
			t.Errorf("the stranger was sent %s", path)
		}
	}
}

func TestAStrangerThatNeverAnswersHoldsNobodyUp(t *testing.T) {
	m := newMachine(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m.writeRun(runJSON{Address: l.Addr().String(), PID: 1, ControlKey: "key"})
	start := time.Now()
	got := m.fcc("status")
	if took := time.Since(start); got.code != 3 || took > 15*time.Second {
		t.Errorf("%+v after %v", got, took)
	}
	if got := m.fcc("stop"); got.code != 1 || !strings.Contains(got.stderr, "does not answer") { // 3 would be: none runs
		t.Errorf("stop: %+v", got)
	}
}

// An FCC that was left running over an update does not know what a newer fcc asks for, and
// answers as for any address that is not there.
func TestAnFCCOfAnotherVersionIsNotTakenForNone(t *testing.T) {
	m := newMachine(t)
	m.start("serve", "--port", freePort(t))
	run := m.readRun()
	x := newRelay(t, run.Address)
	run.Address = x.Listener.Addr().String()
	m.writeRun(run)
	x.tampers(func(r *http.Request, body []byte) []byte {
		if r.URL.Path == "/control/key-make" {
			r.URL.Path = "/no/such/address"
		}
		return body
	}, untouched)
	if got := m.fcc("keys", "add", "sheet", "--tenant", "x"); got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, "another version") || !strings.Contains(got.stderr, "Start FCC again") {
		t.Errorf("%+v", got)
	}
}

// relay sits between the commands and FCC, as somebody who can read and change
// what passes, and hands what it saw to the test.
type relay struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []seenRequest
	tamper func(r *http.Request, body []byte) []byte
	answer func(body []byte) []byte
}

// tampers changes what passes from now on.
func (x *relay) tampers(tamper func(r *http.Request, body []byte) []byte, answer func(body []byte) []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tamper, x.answer = tamper, answer
}

func untouched(body []byte) []byte                     { return body }
func untouchedToo(_ *http.Request, body []byte) []byte { return body }

type seenRequest struct {
	path   string
	header http.Header
	body   []byte
}

func newRelay(t *testing.T, to string) *relay {
	x := &relay{tamper: untouchedToo, answer: untouched}
	x.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		x.mu.Lock()
		x.seen = append(x.seen, seenRequest{r.URL.Path, r.Header.Clone(), body})
		tamper, answer := x.tamper, x.answer
		x.mu.Unlock()
		body = tamper(r, body)
		status, header, said := send(t, to, r.URL.Path, r.Header, body)
		for name := range header {
			w.Header().Set(name, header.Get(name))
		}
		w.Header().Del("Content-Length")
		w.WriteHeader(status)
		_, _ = w.Write(answer(said))
	}))
	t.Cleanup(x.Close)
	return x
}

func send(t *testing.T, to, path string, header http.Header, body []byte) (int, http.Header, []byte) {
	req, err := http.NewRequest(http.MethodPost, "http://"+to+path, bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, nil, nil
	}
	req.Header = header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 502, nil, nil
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, said
}

func TestACapturedCommandCannotBeSentAgainOrChanged(t *testing.T) {
	m := newMachine(t)
	m.start("serve", "--port", freePort(t))
	run := m.readRun()
	fcc := run.Address
	x := newRelay(t, fcc)
	run.Address = x.Listener.Addr().String()
	m.writeRun(run)

	if got := m.fcc("status"); got.code != 2 {
		t.Fatalf("through the relay: %+v", got)
	}
	x.mu.Lock()
	captured := x.seen[1]
	for _, s := range x.seen {
		var all bytes.Buffer
		_ = s.header.Write(&all)
		if strings.Contains(all.String()+string(s.body), run.ControlKey) {
			t.Error("the control key crossed the wire")
		}
	}
	x.mu.Unlock()
	if status, _, said := send(t, fcc, captured.path, captured.header, captured.body); status != http.StatusUnauthorized {
		t.Errorf("the same command again: %d %s", status, said)
	}
	if status, _, said := send(t, fcc, "/control/stop", captured.header, captured.body); status != http.StatusUnauthorized {
		t.Errorf("its proof with another command: %d %s", status, said)
	}

	x.tampers(func(r *http.Request, body []byte) []byte {
		if r.URL.Path == "/control/status" {
			r.URL.Path = "/control/stop"
		}
		return body
	}, untouched)
	if got := m.fcc("status"); got.code == 0 || got.code == 2 {
		t.Errorf("status changed to stop: %+v", got)
	}
	x.tampers(func(_ *http.Request, body []byte) []byte {
		return bytes.Replace(body, []byte(`"/"`), []byte(`"/x"`), 1)
	}, untouched)
	if got := m.fcc("open", "--print"); got.code == 0 {
		t.Errorf("with a changed question: %+v", got)
	}
	x.tampers(untouchedToo, func(body []byte) []byte {
		return bytes.ReplaceAll(body, []byte("localhost"), []byte("evil.test"))
	})
	if got := m.fcc("open", "--print"); got.code != 3 || got.stdout != "" {
		t.Errorf("with a changed answer: %+v", got)
	}
	run.Address = fcc
	m.writeRun(run)
	if got := m.fcc("status"); got.code != 2 {
		t.Errorf("FCC goes on: %+v", got)
	}
}
