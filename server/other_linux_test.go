package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// A second OS user is played by this test binary, started again under nobody's uid.
const (
	nobodyUID = 65534
	asOther   = "FCC_TEST_AS_OTHER_USER"
)

func TestMain(m *testing.M) {
	if os.Getenv(asOther) != "" {
		if err := answerAsOther(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if chromium.end != nil {
		chromium.end()
	}
	os.Exit(code)
}

// carried is a request, or its answer, between the two processes.
type carried struct {
	Method, URL, Host, Body string
	Header                  http.Header
	Status                  int
}

// answerAsOther sends the requests that it reads, and writes the answers.
func answerAsOther(in io.Reader, out io.Writer) error {
	var requests []carried
	if err := json.NewDecoder(in).Decode(&requests); err != nil {
		return err
	}
	for i, c := range requests {
		r, err := http.NewRequest(c.Method, c.URL, bytes.NewReader([]byte(c.Body)))
		if err != nil {
			return err
		}
		r.Host, r.Header = c.Host, c.Header
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		body, err := readSome(answer)
		_ = answer.Body.Close()
		if err != nil {
			return err
		}
		requests[i].Status, requests[i].Body, requests[i].Header = answer.StatusCode, body, answer.Header
	}
	return json.NewEncoder(out).Encode(requests)
}

// askAsOther sends the requests from a process of another OS user.
func (b *bench) askAsOther(asks ...ask) []got {
	b.t.Helper()
	if os.Geteuid() != 0 {
		b.t.Fatal("playing a second OS user needs root. As root run: go run ./build test")
	}
	var requests []carried
	for _, a := range asks {
		r := b.request(a)
		c := carried{Method: r.Method, URL: r.URL.String(), Host: r.Host, Header: r.Header}
		if r.Body != nil {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				b.t.Fatal(err)
			}
			c.Body = string(body)
		}
		requests = append(requests, c)
	}
	in, err := json.Marshal(requests)
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.CommandContext(b.t.Context(), binaryForOthers(b.t))
	cmd.Dir = "/"
	cmd.Env = []string{asOther + "=1"}
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobodyUID, Gid: nobodyUID}}
	out, err := cmd.Output()
	if err != nil {
		b.t.Fatalf("the other user's process: %v", err)
	}
	if err := json.Unmarshal(out, &requests); err != nil {
		b.t.Fatal(err)
	}
	var all []got
	for _, c := range requests {
		all = append(all, read(c.Status, c.Header, c.Body))
	}
	return all
}

// binaryForOthers is a copy of this binary where everybody may run it: go test's
// own lies in a folder that only its user may enter.
func binaryForOthers(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fcc-other-user-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "other")
	if err := os.WriteFile(path, self, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
