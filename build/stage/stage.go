// Package stage brings FCC into each state that its pages have to show: the built
// program as a process, and a simulated Xero of its own. Which pages there are and
// which states is one table (see Pages and States), for the pictures of them and
// for the checks of them.
package stage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"financial-command-center/server/xero/xerosim"
)

// patience is how long anything may take that is expected to happen.
const patience = 30 * time.Second

// passphrase opens the keystore file of a Stage.
const passphrase = "correct horse battery staple of a stage"

// A Stage is one FCC, in a folder of its own.
type Stage struct {
	Base string // its address without a slash at the end
	Link string // starts a browser session, once

	xero    *xerosim.Sim // nil in the demo, which brings its own
	program string
	home    string
	env     []string
	args    []string
	running *exec.Cmd
	ended   chan struct{} // closed when running has
	words   *tail
	cookies map[string]string
	key     string
	close   []func()
}

// Open starts the program and brings it into the state. Close ends it.
func Open(program string, state State) (*Stage, error) {
	home, err := os.MkdirTemp("", "fcc-stage-")
	if err != nil {
		return nil, err
	}
	port := freePort()
	s := &Stage{
		Base: fmt.Sprintf("http://localhost:%d", port), program: program, home: home, words: &tail{},
		cookies: map[string]string{}, close: []func(){func() { _ = os.RemoveAll(home) }},
	}
	s.env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "DBUS_SESSION_BUS_ADDRESS=disabled:"}
	if err := s.enter(port, state); err != nil {
		err = fmt.Errorf("%s: %w\nFCC said: %s", state.Name, err, s.words)
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Stage) enter(port int, state State) error {
	if state.demo {
		s.args = []string{"demo", "--port", fmt.Sprint(port)}
		return errors.Join(s.start(), state.set(s))
	}
	if err := s.startXero(fmt.Sprintf("%s/callback", s.Base)); err != nil {
		return err
	}
	file := filepath.Join(s.home, "passphrase")
	if err := os.WriteFile(file, []byte(passphrase), 0o600); err != nil {
		return err
	}
	s.args = []string{"serve"}
	s.env = append(s.env, fmt.Sprintf("FCC_PORT=%d", port), "FCC_DATA_DIR="+s.data(),
		"FCC_KEYSTORE=file", "FCC_KEYSTORE_PASSPHRASE_FILE="+file)
	if !state.unset {
		s.env = append(s.env, "XERO_CLIENT_ID="+xerosim.DemoClientID)
	}
	s.env = append(s.env, state.env...) // of equal names the last counts
	if err := s.start(); err != nil {
		return err
	}
	return state.set(s)
}

func (s *Stage) data() string { return filepath.Join(s.home, "data") }

// startXero is a simulated Xero in this process.
func (s *Stage) startXero(redirect string) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	issuer := "http://localhost:" + port
	s.xero, err = xerosim.New(xerosim.Options{
		Issuer: issuer, Login: "http://127.0.0.1:" + port,
		Clients: []xerosim.Client{{ID: xerosim.DemoClientID, Redirects: []string{redirect}}},
		Books:   []xerosim.Ledger{{Name: empty}},
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	server := &http.Server{Handler: s.xero.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	s.close = append(s.close, func() { _ = server.Close() })
	s.env = append(s.env, "FCC_XERO_ISSUER="+issuer, "FCC_XERO_API="+issuer)
	return nil
}

// start runs the program and reads its link.
func (s *Stage) start() error {
	cmd := exec.Command(s.program, s.args...)
	cmd.Env = s.env
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = s.words
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	s.running, s.ended = cmd, ended
	link := make(chan string, 1)
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if found, ok := strings.CutPrefix(lines.Text(), "Open "); ok {
				link <- found
			}
		}
		_ = cmd.Wait()
	}()
	select {
	case s.Link = <-link:
		return nil
	case <-ended:
		return errors.New("it ended at once")
	case <-time.After(patience):
		return errors.New("it printed no link")
	}
}

// stop ends the program as a person does, so that it keeps what it knows.
func (s *Stage) stop() error {
	if err := s.running.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(patience):
		return errors.New("it does not end")
	}
}

// Close ends the program and removes what it left.
func (s *Stage) Close() {
	if s.running != nil {
		_ = s.running.Process.Kill() // it may have ended
		<-s.ended
	}
	for _, end := range s.close {
		end()
	}
}

// visit opens a page as a browser of this OS user does.
func (s *Stage) visit(path string) (status int, location, body string, err error) {
	return s.ask(path, map[string]string{"Accept": "text/html", "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"})
}

// call asks the gateway for something of an organisation, as a program does.
func (s *Stage) call(path, organisation string) (status int, err error) {
	if s.key == "" {
		if s.key, err = s.addKey("Month-end sheet"); err != nil {
			return 0, err
		}
	}
	tenant, err := s.tenant(organisation)
	if err != nil {
		return 0, err
	}
	status, _, _, err = s.ask(path, map[string]string{"Authorization": "Bearer " + s.key, "xero-tenant-id": tenant})
	return status, err
}

func (s *Stage) addKey(name string, flags ...string) (string, error) {
	cmd := exec.Command(s.program, append([]string{"keys", "add", name}, flags...)...)
	cmd.Env = s.env
	key, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("fcc keys add: %w", err)
	}
	return strings.TrimSpace(string(key)), nil
}

func (s *Stage) tenant(organisation string) (string, error) {
	for _, o := range s.xero.Organisations() {
		if o.Name == organisation {
			return o.TenantID, nil
		}
	}
	return "", fmt.Errorf("the simulated Xero has no %s", organisation)
}

func (s *Stage) ask(path string, header map[string]string) (status int, location, body string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Base+path, nil)
	if err != nil {
		return 0, "", "", err
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	if header["Authorization"] == "" {
		for name, value := range s.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, "", "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	for _, c := range answer.Cookies() {
		s.cookies[c.Name] = c.Value
	}
	return answer.StatusCode, answer.Header.Get("Location"), string(text), err
}

// until visits a page until it shows the text.
func (s *Stage) until(path, text string) error {
	last := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		status, _, body, err := s.visit(path)
		if err == nil && strings.Contains(body, text) {
			return nil
		}
		last = fmt.Sprintf("%d %v\n%s", status, err, body)
	}
	return fmt.Errorf("%s never showed %q; the last answer: %s", path, text, last)
}

// begin goes to Xero to sign in, and returns where that is.
func (s *Stage) begin() (*url.URL, error) {
	if err := s.until("/setup", "<main"); err != nil { // sessions are let in
		return nil, err
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		status, location, body, err := s.visit("/login")
		if err == nil && status == http.StatusFound {
			return url.Parse(location)
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("/login: %d %v\n%s", status, err, body)
		}
	}
}

// signIn signs in to these organisations, all where none is named.
func (s *Stage) signIn(organisations ...string) error {
	to, err := s.begin()
	if err != nil {
		return err
	}
	answer, err := http.PostForm(to.Scheme+"://"+to.Host+"/_sim/approve", url.Values{"url": {to.String()}, "organisation": organisations})
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var back struct{ Callback string }
	if err := decode(answer, &back); err != nil {
		return err
	}
	u, err := url.Parse(back.Callback)
	if err != nil {
		return err
	}
	if status, _, body, err := s.visit(u.RequestURI()); err != nil || status >= 400 {
		return fmt.Errorf("/callback: %d %v\n%s", status, err, body)
	}
	return nil
}

// freePort is free on both loopback addresses. It lies below the ports that
// connections get for their own end (32768 and up), so that it stays free.
func freePort() int {
	for {
		port := 10000 + rand.IntN(20000)
		four, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		six, err := net.Listen("tcp", fmt.Sprintf("[::1]:%d", port))
		_ = four.Close()
		if err == nil {
			_ = six.Close()
			return port
		}
	}
}

// A tail is the end of what a program says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	t.text = t.text[max(0, len(t.text)-4096):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
