// Package wine runs Windows programs on Linux, for tests: a screen that nobody
// sees, a Windows of its own on it, and what Wine 8 lacks for programs written
// in Go. Nothing of it touches the developer's desktop, home or Wine.
//
// What Wine shows is not always what Windows does; where that matters, the tests
// say so.
package wine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Wine is one Windows (a prefix, as Wine calls it) with one user, on a screen
// of its own. Making it takes 5 to 10 seconds and 700 MB of disk, so that many
// tests share one. Its methods may be called from several goroutines.
type Wine struct {
	dir     string // of all that is ours
	display string
	vars    []string      // what sets it apart from other Wines
	running []*background // until Close
	network *os.File      // a network of its own; nil: it shares that of Linux
}

// The time that the parts of Start and Close may take. Wine's programs have no
// deadlines of their own: without a screen, or when the last wineserver ended
// badly, they wait for ever.
const (
	screenTimeout = 20 * time.Second
	bootTimeout   = 2 * time.Minute
	stepTimeout   = 30 * time.Second
	searchTimeout = 5 * time.Second
)

// staysFor is how many seconds the wineserver stays when no Windows program runs:
// until the first, and after tests that were killed.
const staysFor = "60"

// An Option of Start.
type Option int

// OwnNetwork gives Windows a network of its own, which is loopback alone: no
// program outside can connect to one inside, nor the other way round, and every
// port is free. It takes root.
//
// It is for tests in which FCC asks who is at the other end. Wine 8 answers that by
// looking through the open files of each of its programs for each connection of
// the computer, those waiting for their last packets among them: half a second a
// question where 200 of them are. Here they do not wait.
const OwnNetwork Option = 1

// Start makes a Windows. The caller ends it with Close. Now and then, on a busy machine,
// one gives no program a window; another is made in its place then, once.
func Start(ctx context.Context, options ...Option) (*Wine, error) {
	w, err := start(ctx, options)
	if errors.Is(err, errNoWindow) {
		w, err = start(ctx, options)
	}
	return w, err
}

var errNoWindow = errors.New("no program with a window starts")

func start(ctx context.Context, options []Option) (_ *Wine, err error) {
	dir, err := os.MkdirTemp("", "fcc-wine-")
	if err != nil {
		return nil, err
	}
	w := &Wine{dir: dir}
	defer func() {
		if err != nil {
			err = fmt.Errorf("start Wine: %w (what it needs is installed by: go run ./build test)", errors.Join(err, w.Close()))
		}
	}()
	for _, sub := range []string{"home", "bin", "tmp", "prefix"} { // the wineserver does not make the prefix
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	if err := w.script("xdg-open", recorder); err != nil {
		return nil, err
	}
	// The screen comes before the first program of Wine: a wineserver that was
	// started without one gives none to any program.
	if err := w.openScreen(ctx); err != nil {
		return nil, err
	}
	w.vars = []string{
		// Wine links the user's folders to HOME and writes start menu entries there.
		"HOME=" + filepath.Join(dir, "home"),
		"WINEPREFIX=" + filepath.Join(dir, "prefix"),
		// Debian's wineserver has its socket in a folder there, which it leaves behind.
		"TMPDIR=" + filepath.Join(dir, "tmp"),
		"DISPLAY=" + w.display,
		"PATH=" + filepath.Join(dir, "bin") + string(filepath.ListSeparator) + os.Getenv("PATH"),
		"LC_ALL=C.UTF-8", // of file names, too
		"WINEDEBUG=-all", // Wine says much that is no error
		// No .NET and no browser of Wine's own, which it would offer to download; no
		// start menu entries in HOME, which take a process each.
		"WINEDLLOVERRIDES=mscoree,mshtml=;winemenubuilder.exe=d",
	}
	if slices.Contains(options, OwnNetwork) {
		if err := w.isolate(); err != nil {
			return nil, err
		}
	}
	if err := w.step(ctx, stepTimeout, "wineserver", "-p"+staysFor); err != nil {
		return nil, err
	}
	if err := w.step(ctx, bootTimeout, "wineboot", "--init"); err != nil {
		return nil, err
	}
	if err := w.keep(ctx); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(w.Drive(), "windows", "system32", "bcryptprimitives.dll"), processPrng(), 0o644); err != nil {
		return nil, err
	}
	// Else Wine 8 calls itself Windows 7, which is too old for Go.
	if err := w.step(ctx, stepTimeout, "wine", "winecfg", "-v", "win10"); err != nil {
		return nil, err
	}
	return w, w.openPages(ctx)
}

// keep runs a program that has a window, out of sight, until Close. Wine's services
// and its desktop, which has the notification area, end soon after the last program
// that uses them; the next starts them again, which takes seconds, and they hold its
// output open as long as they run. A program that starts while they end may get no
// screen as long as it runs, and one with a window ends then, or now and then hangs:
// this one is tried again.
func (w *Wine) keep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*stepTimeout)
	defer cancel()
	for {
		p, err := w.start(w.Command(context.Background(), "start", "/min", "/wait", "notepad"))
		if err != nil {
			return err
		}
		hangs := time.After(stepTimeout)
		for running := true; running; {
			if found, err := w.hasWindow(ctx, "--class", "^notepad.exe$"); found || err != nil {
				return err
			}
			select {
			case <-p.ended:
				running = false
			case <-hangs:
				running = false
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
				return fmt.Errorf("%w: %w", errNoWindow, context.Cause(ctx))
			}
		}
	}
}

// openPages has pages in files opened by the browser, as every Windows has; Wine
// knows what to do with addresses alone.
func (w *Wine) openPages(ctx context.Context) error {
	const classes = `HKCR\`
	for key, value := range map[string]string{
		classes + ".html":                       "htmlfile",
		classes + `htmlfile\shell\open\command`: `C:\windows\system32\winebrowser.exe "%1"`,
	} {
		if err := w.step(ctx, stepTimeout, "wine", "reg", "add", key, "/ve", "/d", value, "/f"); err != nil {
			return err
		}
	}
	return nil
}

// isolate gives all that Wine starts from now on a network of its own: the
// wineserver opens the sockets, and the programs read which there are.
func (w *Wine) isolate() error {
	var err error
	if w.network, err = newNetwork(); err != nil {
		return fmt.Errorf("a network of its own: %w", err)
	}
	for _, name := range []string{"wine", "wineserver", "wineboot"} {
		real, err := exec.LookPath(name)
		if err != nil {
			return err
		}
		err = w.script(name, fmt.Sprintf("#!/bin/sh\nexec nsenter --net=%s -- %s \"$@\"\n", w.networkFile(), real))
		if err != nil {
			return err
		}
	}
	return nil
}

// script puts a program first in the PATH of all that runs in Wine.
func (w *Wine) script(name, text string) error {
	return os.WriteFile(filepath.Join(w.dir, "bin", name), []byte(text), 0o700)
}

// recorder plays the user's browser. Wine hands it what a Windows program opens.
const recorder = `#!/bin/sh
printf '%s\n' "$1" >>"${0%/bin/*}/opened"
`

// Opened is what Windows programs have opened in the browser since Start, oldest
// first: addresses as they were given, files as file: addresses of Linux.
func (w *Wine) Opened() ([]string, error) {
	data, err := os.ReadFile(filepath.Join(w.dir, "opened"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"), err
}

// Vars are the environment variables that make wine run in this Windows, HOME and
// PATH among them. Go's caches hang on HOME: name them by variables of their own.
func (w *Wine) Vars() []string { return slices.Clone(w.vars) }

// Command prepares the run of a Windows program: a path of Linux or Windows, or
// the name of one of Wine's own, such as reg. Its environment is Vars alone; exit
// code and standard files are the program's. When ctx ends it is killed, but not
// what it has started.
func (w *Wine) Command(ctx context.Context, exe string, args ...string) *exec.Cmd {
	return w.linux(ctx, "wine", append([]string{exe}, args...)...)
}

// Beside prepares the run of a program of Linux in Windows' network, so that each can
// connect to the other. Its environment is this process's, where Env names no other.
func (w *Wine) Beside(ctx context.Context, name string, args ...string) *exec.Cmd {
	if w.network == nil {
		return exec.CommandContext(ctx, name, args...)
	}
	return exec.CommandContext(ctx, "nsenter", append([]string{"--net=" + w.networkFile(), "--", name}, args...)...)
}

// networkFile is there for as long as this process holds the network open.
func (w *Wine) networkFile() string {
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), w.network.Fd())
}

// DialContext connects to an address of Windows' network, which is of the form
// 127.0.0.1:PORT or localhost:PORT. To a program there it comes from nobody known: see
// the command relay.
func (w *Wine) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if port, ok := strings.CutPrefix(address, "localhost:"); ok {
		address = "127.0.0.1:" + port // a look-up would go on in other threads
	}
	if w.network == nil {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return dialIn(ctx, w.network, network, address)
}

// linux prepares the run of a program of Linux on this Windows' screen.
func (w *Wine) linux(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	if own := filepath.Join(w.dir, "bin", name); w.network != nil && name != own {
		if _, err := os.Stat(own); err == nil {
			cmd = exec.CommandContext(ctx, own, args...)
		}
	}
	cmd.Env = w.Vars()
	cmd.WaitDelay = 5 * time.Second // what it has started may hold its output open
	return cmd
}

// step runs a program of Linux whose output matters only when it fails. The output
// goes to a file, for what Wine starts in the background would hold a pipe open.
func (w *Wine) step(ctx context.Context, timeout time.Duration, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, err := os.CreateTemp(w.dir, "step-")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := w.linux(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), errors.Join(err, context.Cause(ctx)), said)
	}
	return nil
}

// Output runs a Windows program for at most half a minute, and returns what it
// has written to its standard output, with the line ends of Linux.
func (w *Wine) Output(ctx context.Context, exe string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	cmd := w.Command(ctx, exe, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s%s", exe, strings.Join(args, " "), errors.Join(err, context.Cause(ctx)), out, &stderr)
	}
	return strings.ReplaceAll(string(out), "\r\n", "\n"), err
}

// Close ends every program of this Windows at once, then its screen, and removes
// all that Start has made.
func (w *Wine) Close() error {
	var errs []error
	if w.vars != nil {
		ctx := context.Background()                                       // the caller's may have ended
		_ = w.step(ctx, stepTimeout, "wineserver", "-k")                  // fails when none runs any more
		errs = append(errs, w.step(ctx, stepTimeout, "wineserver", "-w")) // waits until none runs
	}
	for _, p := range slices.Backward(w.running) {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
	}
	if w.network != nil {
		errs = append(errs, w.network.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(w.dir))...)
}
