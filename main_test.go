package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lines is a writer that hands on what it gets; the reader may stop reading.
func lines() (*bufio.Reader, io.WriteCloser) {
	r, w := io.Pipe()
	return bufio.NewReader(r), w
}

func TestTheDemoRunsFromItsLinkToTheEndOfItsContext(t *testing.T) {
	home := t.TempDir()
	t.Setenv("TMPDIR", home)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(home, "no-bus")) // whatever desktop the test runs on
	env := func(string) string { return "" }                                         // no display either
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	said, stdout := lines()
	ended := make(chan int, 1)
	var stderr bytes.Buffer
	go func() { ended <- run(ctx, []string{"demo"}, env, strings.NewReader(""), stdout, &stderr) }()
	first, err := said.ReadString('\n')
	link, ok := strings.CutPrefix(strings.TrimSpace(first), "Open ")
	if err != nil || !ok {
		t.Fatalf("%q %v", first, err)
	}

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	resp, err := browser.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-FCC-Mode") != "demo" || !strings.Contains(strings.ToLower(string(page)), "demo") {
		t.Errorf("%s, X-FCC-Mode %q:\n%s", resp.Status, resp.Header.Get("X-FCC-Mode"), page)
	}
	if resp, err := browser.Get(link); err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("the link a second time: %v %v", resp, err)
	}

	stop()
	select {
	case code := <-ended:
		if code != 0 {
			t.Errorf("exit code %d\n%s", code, &stderr)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it does not end")
	}
	if left, _ := filepath.Glob(filepath.Join(home, "fcc-demo-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestTheProgramSaysWhichItIs(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"version"}, os.Getenv, nil, &stdout, &stderr); code != 0 || !strings.HasPrefix(stdout.String(), "fcc ") || stderr.Len() > 0 {
		t.Errorf("%d %q %q", code, &stdout, &stderr)
	}
}

func TestAWrongCommandIsRefusedInOneLine(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"strat"}, os.Getenv, nil, &stdout, &stderr); code != 64 || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("%d %q %q", code, &stdout, &stderr)
	}
}
