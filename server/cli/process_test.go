package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"financial-command-center/server/cli"
)

// The tests here run fcc as processes of its own, with real sockets and files:
// the test binary, started again with this variable, is fcc.
const asFCC = "FCC_TEST_AS_FCC"

func TestMain(m *testing.M) {
	if os.Getenv(asFCC) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := cli.Program{
		Args: os.Args[1:], Env: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Version: cli.Version{Version: "1.2.3", Commit: "abc", Built: "today"},
	}
	p.Update.Address, p.Update.Key, _ = strings.Cut(os.Getenv(looksForUpdates), " ")
	if os.Getenv(takesOffers) != "" {
		p.Tray, p.TrayAvailable = takeOffers, func(context.Context) bool { return true }
	}
	os.Exit(cli.Run(ctx, p))
}

// looksForUpdates is what a release is linked with: an address, a space and a key.
const looksForUpdates = "FCC_TEST_UPDATES"

// takesOffers gives fcc a tray with somebody at it who takes every offer,
// once.
const takesOffers = "FCC_TEST_TAKES_OFFERS"

func takeOffers(ctx context.Context, desk cli.Desk) error {
	taken := map[string]bool{}
	for offers := range desk.Offers(ctx) {
		for _, offer := range offers {
			if taken[offer.Label] {
				continue
			}
			taken[offer.Label] = true
			desk.Log.Info("taken", "label", offer.Label, "title", offer.Title, "text", offer.Text)
			go offer.Take()
		}
	}
	<-ctx.Done()
	return nil
}

// machine is one user's computer: a home of its own, and nothing else in the
// environment.
type machine struct {
	t    *testing.T
	home string
	env  []string
	cut  func() // ends the simulated Xero of far
}

func newMachine(t *testing.T) *machine {
	home := t.TempDir()
	return &machine{t: t, home: home, env: []string{
		"HOME=" + home, "USERPROFILE=" + home, "APPDATA=" + filepath.Join(home, "AppData", "Roaming"), "TMPDIR=" + home, "TMP=" + home, "PATH=" + filepath.Join(home, "bin"), "FCC_DATA_DIR=" + filepath.Join(home, "data"), "FCC_KEYSTORE=memory",
	}}
}

func (m *machine) dataDir() string { return filepath.Join(m.home, "data") }

func (m *machine) set(name, value string) { m.env = append(m.env, name+"="+value) }

func (m *machine) command(args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	m.t.Cleanup(cancel)
	self, err := os.Executable()
	if err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = append([]string{asFCC + "=1", "GORACE=atexit_sleep_ms=0"}, m.env...)
	cmd.SysProcAttr = apart()
	return cmd
}

// said is what a command left behind.
type said struct {
	code           int
	stdout, stderr string
}

func (m *machine) fcc(args ...string) said {
	m.t.Helper()
	return m.fccReading("", args...)
}

func (m *machine) fccReading(stdin string, args ...string) said {
	m.t.Helper()
	cmd := m.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatalf("fcc %v: %v", args, err)
	}
	return said{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// must runs a command that has to succeed and returns its stdout.
func (m *machine) must(args ...string) string {
	m.t.Helper()
	got := m.fcc(args...)
	if got.code != 0 {
		m.t.Fatalf("fcc %v: exit %d\n%s%s", args, got.code, got.stdout, got.stderr)
	}
	return got.stdout
}

// running is an FCC that has printed its link.
type running struct {
	*exec.Cmd
	t     *testing.T
	link  string // the one-time link
	base  string // http://localhost:PORT
	port  int
	ended chan struct{}

	mu     sync.Mutex
	stderr bytes.Buffer
}

var startLine = regexp.MustCompile(`^Open ((http://localhost:(\d+))/open\?ticket=[A-Za-z0-9_-]{20,})\n$`)

// start starts fcc and waits for its link. It is ended with the test.
func (m *machine) start(args ...string) *running {
	m.t.Helper()
	cmd := m.command(args...)
	r := &running{Cmd: cmd, t: m.t, ended: make(chan struct{})}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	cmd.Stderr = r
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	first, err := lines.ReadString('\n')
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		_ = cmd.Wait()
		close(r.ended)
	}()
	m.t.Cleanup(func() { r.kill() })
	match := startLine.FindStringSubmatch(first)
	if err != nil || match == nil {
		r.kill()
		m.t.Fatalf("fcc %v: first line %q, %v\n%s", args, first, err, r.words())
	}
	r.link, r.base = match[1], match[2]
	r.port, _ = strconv.Atoi(match[3])
	return r
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.Write(p)
}

// words is what it has said on stderr.
func (r *running) words() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.String()
}

// kill is kill -9.
func (r *running) kill() {
	_ = r.Process.Kill()
	<-r.ended
}

// end tells it to end, as the system does, and returns the exit code.
func (r *running) end() int {
	r.t.Helper()
	if err := tellToEnd(r.Process); err != nil {
		r.t.Error(err)
		r.kill()
	}
	<-r.ended
	return r.ProcessState.ExitCode()
}

// freePort is free on both loopback addresses.
func freePort(t *testing.T) string {
	t.Helper()
	for range 20 {
		v4, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(v4.Addr().String())
		v6, err := net.Listen("tcp6", "[::1]:"+port)
		v4.Close()
		if err == nil {
			v6.Close()
			return port
		}
	}
	t.Fatal("no port is free on both stacks")
	return ""
}

// health asks /health at one address and returns its mode.
func health(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(address + "/health")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct{ Mode string }
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	return body.Mode
}
