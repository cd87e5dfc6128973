package keystore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"financial-command-center/keystore"

	"github.com/godbus/dbus/v5"
)

// The tests run on a private session bus with a real, unlocked gnome-keyring
// whose home is a temporary folder; nothing of the desktop they are started from
// is touched. Other states of a session are other desks, met by child processes:
// go-keyring keeps one connection per process.

func TestMain(m *testing.M) {
	if store := os.Getenv("KEYSTORE_TEST_CHILD"); store != "" {
		child(store)
		return
	}
	os.Exit(onDesk(m))
}

func onDesk(m *testing.M) int {
	home, err := os.MkdirTemp("", "keystore")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(home)
	d, err := startDesk(home, true)
	if err == nil {
		defer d.close()
		err = d.startKeyring("any password")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for _, variable := range d.env() {
		name, value, _ := strings.Cut(variable, "=")
		os.Setenv(name, value)
	}
	return m.Run()
}

// A desk is a session: a D-Bus daemon and what lives on it.
type desk struct {
	home    string // what outlives the session
	runtime string // what does not: sockets, whose paths must be short
	bus     *exec.Cmd
	keyring *exec.Cmd
}

const busConfig = `<busconfig>
<type>session</type>
<listen>unix:path=%s</listen>
<auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
%s
</busconfig>
`

// startDesk starts a bus. With activation it starts services on demand as the
// system's own do; without, what is not there stays away.
func startDesk(home string, activation bool) (*desk, error) {
	folder, err := os.MkdirTemp("", "bus")
	if err != nil {
		return nil, err
	}
	d := &desk{home: home, runtime: folder}
	config := filepath.Join(folder, "config")
	services := ""
	if activation {
		services = "<standard_session_servicedirs/>"
	}
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, folder+"/bus", services), 0o600); err != nil {
		return nil, err
	}
	d.bus = command(d.env(), "dbus-daemon", "--nofork", "--nosyslog", "--print-address=1", "--config-file="+config)
	out, err := d.bus.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.bus.Start(); err != nil {
		return nil, fmt.Errorf("%w; run: go run ./build test", err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // its address: it is ready
		d.close()
		return nil, fmt.Errorf("dbus-daemon ended: %w", err)
	}
	return d, nil
}

// startKeyring starts gnome-keyring; without a password it stays locked.
func (d *desk) startKeyring(password string) error {
	args := []string{"--foreground", "--components=secrets"}
	if password != "" {
		args = append(args, "--unlock")
	}
	d.keyring = command(d.env(), "gnome-keyring-daemon", args...)
	d.keyring.Stdin = strings.NewReader(password)
	if err := d.keyring.Start(); err != nil {
		return fmt.Errorf("%w; run: go run ./build test", err)
	}
	return d.await(func(owned bool) bool { return owned })
}

// await returns when the name of the Secret Service has an owner or has none.
func (d *desk) await(good func(owned bool) bool) error {
	bus, err := dbus.Connect(d.address())
	if err != nil {
		return err
	}
	defer bus.Close()
	for range 1000 {
		var owned bool
		if err := bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, "org.freedesktop.secrets").Store(&owned); err != nil {
			return err
		}
		if good(owned) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("gnome-keyring did not come or go within 10 s")
}

func (d *desk) address() string { return "unix:path=" + d.runtime + "/bus" }

func (d *desk) env() []string {
	return []string{
		"DBUS_SESSION_BUS_ADDRESS=" + d.address(), "HOME=" + d.home, "XDG_RUNTIME_DIR=" + d.runtime,
		"XDG_DATA_HOME=", "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=", "GNOME_KEYRING_CONTROL=",
		"DISPLAY=", "WAYLAND_DISPLAY=", // prompts fail instead of showing up on the developer's screen
	}
}

func (d *desk) close() {
	for _, c := range []*exec.Cmd{d.keyring, d.bus} {
		if c != nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
	_ = os.RemoveAll(d.runtime)
}

// command ends with the test process at the latest.
func command(env []string, name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), env...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// inNamespace gives a child mounts of its own.
func inNamespace(c *exec.Cmd) {
	c.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	if uid := os.Getuid(); uid != 0 {
		c.SysProcAttr.Unshareflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
}

func newDesk(t *testing.T, home string, activation bool) *desk {
	t.Helper()
	d, err := startDesk(home, activation)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	return d
}

func (d *desk) unlocked(t *testing.T) *desk {
	t.Helper()
	if err := d.startKeyring("any password"); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) locked(t *testing.T) *desk {
	t.Helper()
	if err := d.startKeyring(""); err != nil {
		t.Fatal(err)
	}
	return d
}

// A remote is a Store in a child process.
type remote struct {
	t       *testing.T
	process *os.Process
	in      io.Writer
	out     *bufio.Reader
}

// startChild starts a child whose Store is what child makes of description.
func startChild(t *testing.T, description string, env []string, change ...func(*exec.Cmd)) *remote {
	t.Helper()
	c := command(append(env, "KEYSTORE_TEST_CHILD="+description), os.Args[0])
	for _, change := range change {
		change(c)
	}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return &remote{t, c.Process, in, bufio.NewReader(out)}
}

// ask sends one command and returns the answer's value, or one of the errors.
func (r *remote) ask(words ...string) (string, error) {
	r.t.Helper()
	r.send(words...)
	return r.receive()
}

func (r *remote) send(words ...string) {
	r.t.Helper()
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = strconv.Quote(word)
	}
	if _, err := fmt.Fprintln(r.in, strings.Join(quoted, " ")); err != nil {
		r.t.Fatal(err)
	}
}

func (r *remote) receive() (string, error) {
	r.t.Helper()
	var kind int
	var text string
	if _, err := fmt.Fscanf(r.out, "%d %q\n", &kind, &text); err != nil {
		r.t.Fatalf("the child went silent: %v", err)
	}
	if kind < 0 {
		return text, nil
	}
	return "", fmt.Errorf("%s (%w)", text, all[kind])
}

func (r *remote) want(want error, words ...string) {
	r.t.Helper()
	got, err := r.ask(words...)
	if err == nil {
		r.t.Fatalf("%q: got %q, want %q", words, got, want)
	}
	wantErr(r.t, err, want)
}

func (r *remote) wantOK(want string, words ...string) {
	r.t.Helper()
	if got, err := r.ask(words...); err != nil || got != want {
		r.t.Fatalf("%q: got %q, %v; want %q", words, got, err, want)
	}
}

// child answers commands from stdin: "get" name, "set" name value, "delete" name.
func child(description string) {
	kind, rest, _ := strings.Cut(description, " ")
	var store keystore.Store
	var err error
	switch kind {
	case "os": // os PATIENCE SERVICE
		patience, service, _ := strings.Cut(rest, " ")
		var d time.Duration
		d, err = time.ParseDuration(patience)
		store = keystore.ImpatientOS(service, d)
	case "file": // file PATH
		store, err = keystore.OpenCheap(rest, passphrase)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var what, name, value string
		_, _ = fmt.Sscanf(in.Text(), "%q %q %q", &what, &name, &value)
		answer, err := obey(store, what, name, value)
		if err == nil {
			fmt.Printf("%d %q\n", -1, answer)
			continue
		}
		found := -1
		for i, kind := range all {
			if errors.Is(err, kind) {
				if found >= 0 {
					panic(fmt.Sprintf("%v wraps two", err))
				}
				found = i
			}
		}
		if found < 0 {
			panic(fmt.Sprintf("%v wraps none", err))
		}
		fmt.Printf("%d %q\n", found, err.Error())
	}
}

func obey(store keystore.Store, what, name, value string) (string, error) {
	ctx := context.Background()
	switch what {
	case "get":
		got, err := store.Get(ctx, name)
		return got.Reveal(), err
	case "set":
		return "", store.Set(ctx, name, keystore.NewSecret(value))
	case "delete":
		return "", store.Delete(ctx, name)
	case "count up": // a line for each number that is kept, until killed
		for i, _ := strconv.Atoi(value); ; {
			i++
			if err := store.Set(ctx, name, keystore.NewSecret(fmt.Sprintf("%2000d", i))); err != nil {
				return "", err
			}
			fmt.Println(i)
		}
	case "mount": // an empty file system of 64 KiB on a folder
		if err := syscall.Mount("tmpfs", name, "tmpfs", 0, "size=64k"); err != nil {
			panic(err)
		}
		return "", nil
	case "mount read-only":
		if err := syscall.Mount("tmpfs", name, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			panic(err)
		}
		return "", nil
	}
	panic("no such command: " + what)
}
