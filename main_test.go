package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fcc runs the program in this process, with nothing of this process's environment.
func fcc(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	if env["FCC_DATA_DIR"] == "" {
		env = map[string]string{"FCC_DATA_DIR": filepath.Join(t.TempDir(), "data")}
	}
	var out, words bytes.Buffer
	code = run(t.Context(), args, func(name string) string { return env[name] }, strings.NewReader(""), &out, &words)
	return code, out.String(), words.String()
}

func TestVersionSaysVersionCommitAndBuild(t *testing.T) {
	code, out, words := fcc(t, nil, "version")
	if code != 0 || words != "" || !strings.Contains(out, "fcc ") {
		t.Errorf("exit %d, %q, %q", code, out, words)
	}
}

func TestAWrongValueIsASentenceAndOpensNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for name, args := range map[string][]string{
		"port":     {"serve", "--port", "70000"},
		"keystore": {"serve", "--keystore", "paper"},
		"issuer":   {"serve", "--issuer", "http://identity.example.com"},
		"command":  {"dance"},
	} {
		code, out, words := fcc(t, map[string]string{"FCC_DATA_DIR": dir}, args...)
		if code == 0 || out != "" || !strings.Contains(words, ".") {
			t.Errorf("%s: exit %d, %q, %q", name, code, out, words)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a data folder was made for a start that could not be")
	}
}

func TestStatusOfNobodyIsThree(t *testing.T) {
	for _, command := range []string{"status", "stop"} {
		if code, out, _ := fcc(t, nil, command); code != 3 || out != "" {
			t.Errorf("%s: exit %d, %q", command, code, out)
		}
	}
}

// The whole program in one process: it starts, says where it is, and ends when told.
func TestServeStartsAndStops(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	env := map[string]string{"FCC_DATA_DIR": filepath.Join(t.TempDir(), "data"), "FCC_KEYSTORE": "memory", "FCC_PORT": port}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	lines := &firstLine{arrived: make(chan string, 1)}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve"}, func(name string) string { return env[name] }, strings.NewReader(""), lines, &bytes.Buffer{})
	}()
	select {
	case line := <-lines.arrived:
		if !strings.HasPrefix(line, "Open http://localhost:"+port+"/") || !strings.Contains(line, "/open?ticket=") {
			t.Errorf("the first line is %q", line)
		}
	case code := <-ended:
		t.Fatalf("it ended at once with %d", code)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit %d", code)
	}
}

// firstLine hands over the first line that is written.
type firstLine struct {
	arrived chan string
	text    string
}

func (f *firstLine) Write(p []byte) (int, error) {
	had := strings.Contains(f.text, "\n")
	f.text += string(p)
	if line, _, whole := strings.Cut(f.text, "\n"); whole && !had {
		f.arrived <- line
	}
	return len(p), nil
}
