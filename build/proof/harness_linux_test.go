package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// bin holds the built programs: fcc, and build for the simulated Xero.
var bin string

func TestMain(m *testing.M) {
	code, err := buildAnd(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAnd(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "fcc-proof-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	bin = dir
	for _, program := range []struct{ name, pkg string }{{"fcc", "../.."}, {"build", ".."}} {
		if err := goBuild(filepath.Join(dir, program.name), program.pkg); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}

// goBuild builds as the program ships: without cgo.
func goBuild(output, pkg string, flags ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-trimpath", "-o", output}, flags...)
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// patience is how long anything may take that is expected to happen.
const patience = 30 * time.Second

// eventually asks until ok, and fails the test with the last answer if that does
// not come.
func eventually(t testing.TB, what string, ok func() (bool, string)) {
	t.Helper()
	last := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		yes, answer := ok()
		if yes {
			return
		}
		last = answer
	}
	t.Fatalf("not within %v: %s; last seen: %s", patience, what, last)
}

// A process is one that the test started, and ends.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr *output
	ended          chan struct{} // closed when it was waited for
}

// start runs a program with exactly env. It is killed at the end of the test.
func start(t testing.TB, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(name, args...), stdout: newOutput(), stderr: newOutput(), ended: make(chan struct{})}
	p.cmd.Env = env
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v (what is missing: go run ./build test)", name, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s %s\nstdout: %s\nstderr: %s", name, strings.Join(args, " "), p.stdout, p.stderr)
		}
	})
	return p
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// kill is kill -9, and returns when the process is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	<-p.ended
}

func (p *process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// An output collects what a process writes, and can be waited on.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed, and made anew, with each write
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// line waits for the first whole line that begins with prefix.
func (p *process) line(t testing.TB, prefix string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		p.stdout.mu.Lock()
		text, changed := p.stdout.text.String(), p.stdout.changed
		p.stdout.mu.Unlock()
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, prefix) && strings.HasSuffix(line, "\n") {
				return strings.TrimSpace(line)
			}
		}
		select {
		case <-changed:
		case <-p.ended:
			t.Fatalf("%s ended and printed no line %q\nstdout: %s\nstderr: %s", p.cmd.Path, prefix, p.stdout, p.stderr)
		case <-ctx.Done():
			t.Fatalf("%s printed no line %q within %v\nstdout: %s\nstderr: %s", p.cmd.Path, prefix, patience, p.stdout, p.stderr)
		}
	}
}

// environment is what a program needs to run, and nothing of the developer's.
func environment(home string, more ...string) []string {
	return append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}, more...)
}

// freePort finds a port that is free on both loopback addresses now.
func freePort(t testing.TB) int {
	t.Helper()
	for range 50 {
		four, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := four.Addr().(*net.TCPAddr).Port
		six, err := net.Listen("tcp6", fmt.Sprintf("[::1]:%d", port))
		if err == nil {
			err = six.Close()
		}
		if err := errors.Join(err, four.Close()); err == nil {
			return port
		}
	}
	t.Fatal("no port is free on both loopback addresses")
	return 0
}
