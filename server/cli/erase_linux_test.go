package cli_test

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"
)

// keyring gives m a session bus with an unlocked gnome-keyring, and its address.
func (m *machine) keyring() (bus string) {
	m.t.Helper()
	// The session lives until its stdin is closed.
	const session = `printf 'login password\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null || exit 1
echo "$DBUS_SESSION_BUS_ADDRESS"
read -r _`
	runtime, err := os.MkdirTemp("", "bus") // paths of sockets must be short
	if err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.Command("dbus-run-session", "--", "sh", "-c", session)
	cmd.Env = []string{"HOME=" + m.home, "XDG_RUNTIME_DIR=" + runtime, "PATH=" + os.Getenv("PATH")}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatalf("%v; run: go run ./build test", err)
	}
	m.t.Cleanup(func() {
		stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		_ = cmd.Wait()
		_ = os.RemoveAll(runtime)
	})
	if bus, err = bufio.NewReader(stdout).ReadString('\n'); err != nil {
		m.t.Fatalf("the session with a keyring did not start: %v", err)
	}
	bus = strings.TrimSpace(bus)
	m.set("DBUS_SESSION_BUS_ADDRESS", bus)
	m.set("FCC_KEYSTORE", "os")
	return bus
}

// items counts the items of FCC's in the keyring, of whatever data folder.
func items(t *testing.T, bus string) (n int) {
	t.Helper()
	conn, err := dbus.Connect(bus)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var open, locked []dbus.ObjectPath
	service := conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets")
	if err := service.Call("org.freedesktop.Secret.Service.SearchItems", 0, map[string]string{}).Store(&open, &locked); err != nil {
		t.Fatal(err)
	}
	for _, path := range append(open, locked...) {
		attributes, err := conn.Object("org.freedesktop.secrets", path).GetProperty("org.freedesktop.Secret.Item.Attributes")
		if err != nil {
			t.Fatal(err)
		}
		if all, ok := attributes.Value().(map[string]string); ok && strings.HasPrefix(all["service"], "Financial-Command-Center-AI") {
			n++
		}
	}
	return n
}

func TestEraseLeavesNothingInARealKeyringButWhatIsAnotherFolders(t *testing.T) {
	m := newMachine(t)
	bus := m.keyring()
	sim := m.far(freePort(t))
	m.start("serve")
	m.signIn(sim)
	other := filepath.Join(m.home, "other")
	m.start("serve", "--data-dir", other, "--port", freePort(t))
	m.must("stop", "--data-dir", other)
	if n := items(t, bus); n < 4 {
		t.Fatalf("%d items are in the keyring, want two session secrets, a list and a sign-in", n)
	}
	m.must("stop")
	m.wantErased(m.fcc("erase", "--yes"))
	if n := items(t, bus); n != 1 {
		t.Errorf("%d items are left, want the other folder's session secret", n)
	}
	if got := m.fcc("erase", "--yes", "--data-dir", other); got.code != 0 {
		t.Errorf("of the other folder: %+v", got)
	}
	if n := items(t, bus); n != 0 {
		t.Errorf("%d items are left of both", n)
	}
}

func TestEraseEndsTheSignInsOfAnEarlierKeyringToo(t *testing.T) {
	m := newMachine(t)
	bus := m.keyring()
	sim := m.far(freePort(t))
	m.start("serve")
	m.signIn(sim)
	m.must("stop")
	m.withKeystoreFile()
	m.wantErased(m.fcc("erase", "--yes"))
	if n := items(t, bus); n != 0 || answered(sim, http.MethodPost, "/connect/revocation") != 1 {
		t.Errorf("%d items are left, revoked %d times", n, answered(sim, http.MethodPost, "/connect/revocation"))
	}
}

func TestEraseSaysWhatIsLeftInAKeychainThatStaysShut(t *testing.T) {
	t.Parallel() // it is waited for
	m := newMachine(t)
	m.start("serve", "--port", freePort(t))
	m.must("stop")
	m.set("FCC_KEYSTORE", "os")
	m.set("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(m.home, "no-bus"))
	got := m.fcc("erase", "--yes")
	if got.code != 1 || !strings.Contains(got.stderr, "no keychain") || !strings.Contains(got.stderr, "https://go.xero.com") ||
		!strings.Contains(got.stderr, `"Financial-Command-Center-AI`) {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(m.dataDir()); !os.IsNotExist(err) {
		t.Errorf("the data folder: %v", err)
	}
}

func TestEraseLeavesAnFCCAloneThatDoesNotAnswer(t *testing.T) {
	m := newMachine(t)
	r := m.start("serve", "--port", freePort(t))
	if err := r.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer r.Process.Signal(syscall.SIGCONT)
	if got := m.fcc("erase", "--yes"); got.code != 1 || !strings.Contains(got.stderr, "Nothing was erased") {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(filepath.Join(m.dataDir(), "state.db")); err != nil {
		t.Error(err)
	}
}

func TestEraseFollowsNoLinkOutOfTheDataFolder(t *testing.T) {
	m := newMachine(t)
	m.start("serve", "--port", freePort(t))
	m.must("stop")
	outside := filepath.Join(m.home, "elsewhere")
	theirs := filepath.Join(outside, "token-backup.json")
	if err := os.MkdirAll(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(theirs, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(m.dataDir(), "debug")
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	if got := m.fcc("erase", "--yes"); got.code != 1 || !strings.Contains(got.stderr, link+" is not FCC's") {
		t.Errorf("%+v", got)
	}
	for _, path := range []string{theirs, link} {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
}
