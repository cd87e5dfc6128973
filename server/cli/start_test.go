package cli_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAStartPrintsOneLineWithTheLinkAndAnswersOnBothAddresses(t *testing.T) {
	m := newMachine(t)
	port := freePort(t)
	r := m.start("serve", "--port", port)
	for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
		if mode := health(t, "http://"+host+":"+port); mode != "live" {
			t.Errorf("%s: mode %q", host, mode)
		}
	}
	if code := r.end(); code != 0 {
		t.Errorf("exit code %d at its end\n%s", code, r.words())
	}
	if _, err := os.Stat(filepath.Join(m.dataDir(), "run.json")); !os.IsNotExist(err) {
		t.Errorf("run.json is still there: %v", err)
	}
}

func TestStartsAtTheSameMomentLeaveOneFCC(t *testing.T) {
	m := newMachine(t)
	port := freePort(t)
	const starts = 5
	outcomes := make(chan said, starts)
	for range starts {
		go func() { outcomes <- m.fcc("serve", "--port", port) }()
	}
	for range starts - 1 { // the one that serves goes on
		if got := <-outcomes; got.code != 0 || !strings.Contains(got.stderr, "runs already") {
			t.Errorf("%+v", got)
		}
	}
	m.must("stop")
	if got := <-outcomes; got.code != 0 {
		t.Errorf("the one that served: %+v", got)
	}
}

func TestTwoFCCsInTwoDataFoldersRunSideBySide(t *testing.T) {
	m := newMachine(t)
	a, b := filepath.Join(m.home, "a"), filepath.Join(m.home, "b")
	first := m.start("serve", "--port", freePort(t), "--data-dir", a)
	second := m.start("--data-dir", b, "serve", "--port", freePort(t))
	if first.port == second.port {
		t.Fatal("one port for both")
	}
	if link := m.must("open", "--print", "--data-dir", b); !strings.HasPrefix(link, second.base) {
		t.Errorf("the second one's link is %s", link)
	}
	m.must("stop", "--data-dir", a)
	if got := m.fcc("status", "--data-dir", a); got.code != 3 {
		t.Errorf("the first after its end: %+v", got)
	}
	if got := m.fcc("status", "--data-dir", b); got.code != 2 {
		t.Errorf("the second was disturbed: %+v", got)
	}
}

func TestAPortTakenOnOneStackOnlyCountsAsTaken(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1"} {
		m := newMachine(t)
		port := freePort(t)
		l, err := net.Listen("tcp", net.JoinHostPort(address, port))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		got := m.fcc("serve", "--port", port)
		if got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, port) || !strings.Contains(got.stderr, address) ||
			strings.Count(got.stderr, " has it") != 1 {
			t.Errorf("taken on %s: %+v", address, got)
		}
	}
}

func TestAWrongValueStopsTheStartBeforeAnythingIsOpened(t *testing.T) {
	for _, args := range [][]string{
		{"serve", "--port", "eighty"}, {"--keystore", "cloud"}, {"serve", "--issuer", "http://example.com"},
		{"serve", "--scopes", "everything"}, {"serve", "--data-dir", ""},
		{"demo", "--port", "8000"}, {"demo", "--client-id", "x"}, {"serve", "--no-such-flag"}, {"no-such-command"}, {"status", "--no-such-flag"}, {"status", "--data-dir", ""},
	} {
		m := newMachine(t)
		got := m.fcc(args...)
		if got.code != 64 || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("fcc %v: %+v", args, got)
		}
		if entries, _ := os.ReadDir(m.home); len(entries) != 0 {
			t.Errorf("fcc %v: made %v", args, entries)
		}
	}
}

func TestADataFolderThatCannotBeWrittenIsSaid(t *testing.T) {
	m := newMachine(t)
	file := filepath.Join(m.home, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		got := m.fcc("serve", "--data-dir", dir)
		if got.code != 1 || !strings.Contains(got.stderr, dir) || !strings.Contains(got.stderr, "--data-dir") {
			t.Errorf("%s: %+v", dir, got)
		}
	}
}

func TestDamagedSettingsAreKeptAsideAndSaid(t *testing.T) {
	m := newMachine(t)
	if err := os.MkdirAll(m.dataDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(m.dataDir(), "settings.json")
	for _, damaged := range []string{`{"port": 80`, `[]`, "null", ""} {
		if err := os.WriteFile(settings, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		r := m.start("serve", "--port", freePort(t))
		kept, err := filepath.Glob(settings + ".damaged-*")
		if err != nil || len(kept) != 1 || !strings.Contains(r.words(), kept[0]) {
			t.Fatalf("%q: kept %v, said %q", damaged, kept, r.words())
		}
		if data, _ := os.ReadFile(kept[0]); string(data) != damaged {
			t.Errorf("kept %q of %q", data, damaged)
		}
		if _, err := os.Stat(settings); !os.IsNotExist(err) {
			t.Errorf("the damaged file is still in use: %v", err)
		}
		r.end()
		if err := os.Remove(kept[0]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheDemoPrintsItsLinkAnswersAndLeavesNothingBehind(t *testing.T) {
	m := newMachine(t)
	m.set("FCC_PORT", "8000") // the user's own; the demo does not look
	m.set("FCC_XERO_ISSUER", "https://identity.example")
	r := m.start("demo")
	if r.port == 8000 || r.port == 18000 || r.port == 28000 {
		t.Errorf("the demo took port %d", r.port)
	}
	if mode := health(t, r.base); mode != "demo" {
		t.Errorf("mode %q", mode)
	}
	for _, want := range []int{http.StatusSeeOther, http.StatusForbidden} { // a link is good once
		resp, err := http.DefaultTransport.RoundTrip(httptest.NewRequestWithContext(t.Context(), http.MethodGet, r.link, nil))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want || resp.Header.Get("X-FCC-Mode") != "demo" {
			t.Errorf("the link: %s, X-FCC-Mode %q", resp.Status, resp.Header.Get("X-FCC-Mode"))
		}
	}
	dir := demoFolder(t, m)
	if !strings.Contains(r.words(), "--data-dir "+dir) {
		t.Errorf("the demo does not say how commands reach it: %q", r.words())
	}
	if got := m.fcc("status", "--data-dir", dir); got.code != 2 || !strings.Contains(got.stdout, "invented") {
		t.Errorf("status of the demo: %+v", got)
	}
	second := m.start("demo")
	if second.port == r.port {
		t.Error("two demos on one port")
	}
	for _, demo := range []*running{r, second} {
		if code := demo.end(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if said := demo.words(); !strings.Contains(said, "no system tray") || strings.Contains(said, "fcc stop") { // the user's own would stop
			t.Errorf("the demo says %q", said)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(m.home, "fcc-demo-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat(m.dataDir()); !os.IsNotExist(err) {
		t.Errorf("the demo touched the user's data folder: %v", err)
	}
}

func demoFolder(t *testing.T, m *machine) string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(m.home, "fcc-demo-*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("demo folders: %v %v", dirs, err)
	}
	return dirs[0]
}
