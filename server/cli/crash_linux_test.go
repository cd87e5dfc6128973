package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestACrashIsWrittenDownAndKeptOverTheNextStart(t *testing.T) {
	m := newMachine(t)
	logs := filepath.Join(m.dataDir(), "logs")
	trace := func(name string) string {
		t.Helper()
		path := filepath.Join(logs, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", name, info.Mode())
		}
		return string(text)
	}
	r := m.start("serve", "--port", freePort(t))
	if got := trace("crash.log"); got != "" {
		t.Errorf("before any crash it says %q", got)
	}
	if err := r.Process.Signal(syscall.SIGABRT); err != nil { // as an error of the runtime's own
		t.Fatal(err)
	}
	<-r.ended
	first := trace("crash.log")
	if !strings.Contains(first, "SIGABRT") || !strings.Contains(first, "goroutine ") {
		t.Errorf("the crash is written down as %q", first)
	}
	r = m.start("serve", "--port", freePort(t))
	m.fcc() // a second start hands over and leaves the files alone
	if trace("crash-before.log") != first || trace("crash.log") != "" {
		t.Error("the crash was not put aside")
	}
	r.end()
	m.start("serve", "--port", freePort(t))
	if trace("crash-before.log") != first {
		t.Error("a start after one that went well lost the crash")
	}
	log, err := os.ReadFile(filepath.Join(logs, "fcc.log"))
	if err != nil || strings.Count(string(log), "FCC crashed the last time") != 1 {
		t.Errorf("the log says\n%s", log)
	}
}
