package proof

import (
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A desktop is one session of a person with a real keychain: a session bus of its
// own and gnome-keyring, unlocked. What the keychain holds lies under home, so a
// second desktop there is the same computer after a restart.
type desktop struct {
	*process
	stdin io.WriteCloser
	bus   string // the address of its session bus
}

func openDesktop(t testing.TB, home string) *desktop {
	t.Helper()
	// The session lives until its stdin is closed.
	const session = `printf 'login password\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null || exit 1
echo "bus $DBUS_SESSION_BUS_ADDRESS"
read -r _`
	cmd := exec.Command("dbus-run-session", "--", "sh", "-c", session)
	cmd.Env = environment(home, "XDG_RUNTIME_DIR="+t.TempDir())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	d := &desktop{stdin: stdin, process: &process{cmd: cmd, stdout: newOutput(), stderr: newOutput(), ended: make(chan struct{})}}
	cmd.Stdout, cmd.Stderr = d.stdout, d.stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("start a session bus: %v (what is missing: go run ./build test)", err)
	}
	go func() {
		_ = cmd.Wait()
		close(d.ended)
	}()
	t.Cleanup(d.close)
	d.bus = strings.TrimPrefix(d.line(t, "bus "), "bus ")
	return d
}

// close logs the person off.
func (d *desktop) close() {
	_ = d.stdin.Close()
	<-d.ended
}

// onDesktop makes the installation keep its secrets in d's keychain.
func (i *installation) onDesktop(d *desktop) *installation {
	i.home = filepath.Clean(i.home)
	return i.with("FCC_KEYSTORE=os", "FCC_KEYSTORE_PASSPHRASE_FILE=", "DBUS_SESSION_BUS_ADDRESS="+d.bus)
}
