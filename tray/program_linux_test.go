package tray_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
	"financial-command-center/tray"
)

// The tests run on a session bus of their own, and every tray in a process of its
// own, as systray runs once a process.
func TestMain(m *testing.M) {
	switch os.Getenv("FCC_TRAY_TEST") {
	case "program":
		os.Exit(program())
	case "inside":
		os.Exit(m.Run())
	}
	path, err := exec.LookPath("dbus-run-session")
	if err != nil {
		fmt.Fprintln(os.Stderr, "dbus-run-session is missing; run: go run ./build test")
		os.Exit(1)
	}
	err = syscall.Exec(path, append([]string{path, "--"}, os.Args...), append(os.Environ(), "FCC_TRAY_TEST=inside"))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// A script is one line that the program is told.
type script struct {
	Status    *xero.Status
	Again     bool // the status that was last, when the one before it is painted
	Available bool // say whether there is a tray
	Prompt    bool // wait for a keychain's signal, as a keychain that asks for its password
}

// program is the process with the tray. It says a line for all that happens.
func program() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	lines := make(chan string, 64)
	said := make(chan struct{})
	go func() {
		for l := range lines {
			fmt.Println(l)
		}
		close(said)
	}()
	states := make(chan xero.Status)
	go func() {
		defer cancel()
		var last xero.Status
		for in := json.NewDecoder(os.Stdin); ; {
			var s script
			if in.Decode(&s) != nil {
				return
			}
			switch {
			case s.Available:
				lines <- fmt.Sprint("available ", tray.Available(ctx))
			case s.Prompt:
				lines <- prompt()
			case s.Again:
				states <- last
			default:
				last = *s.Status
				states <- last
			}
		}
	}()
	var switches []desktop.Switch
	if os.Getenv("FCC_TRAY_SWITCH") != "" {
		turned := make(chan bool, 1)
		turned <- false
		switches = []desktop.Switch{{
			Label: "Start at sign-in",
			Watch: func(ctx context.Context) iter.Seq[bool] {
				return func(yield func(bool) bool) {
					for {
						select {
						case on := <-turned:
							yield(on)
						case <-ctx.Done():
							return
						}
					}
				}
			},
			Set: func(on bool) error {
				turned <- on
				lines <- fmt.Sprint("switch ", on)
				return nil
			},
		}}
	}
	err := tray.Run(ctx, tray.Config{
		FirstStart: os.Getenv("FCC_TRAY_FIRST") != "",
		Switches:   switches,
		Watch: func(ctx context.Context) iter.Seq[xero.Status] {
			return func(yield func(xero.Status) bool) {
				for {
					select {
					case st := <-states:
						if !yield(st) {
							return
						}
						lines <- "taken"
					case <-ctx.Done():
						return
					}
				}
			}
		},
		Mode:     os.Getenv("FCC_TRAY_MODE"),
		Log:      slog.New(slog.NewTextHandler(logLines{lines}, nil)),
		Open:     func(path string) { lines <- "open " + path },
		OpenLogs: func() { lines <- "logs"; <-ctx.Done() }, // as a program that stays in front
		Quit:     func() { lines <- "quit"; cancel() },
	})
	lines <- fmt.Sprint("ended ", err)
	if err := tray.Run(ctx, tray.Config{}); err == nil {
		lines <- "ran twice"
	}
	close(lines)
	<-said
	return 0
}

type logLines struct{ lines chan<- string }

func (l logLines) Write(p []byte) (int, error) {
	l.lines <- "log " + strings.TrimSpace(string(p))
	return len(p), nil
}

// prompt waits for the signal by which a keychain says that its password was
// given, on the connection that the keychain's library shares with systray.
func prompt() string {
	bus, err := dbus.SessionBus()
	if err == nil {
		err = bus.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.Secret.Prompt"))
	}
	if err != nil {
		return err.Error()
	}
	signals := make(chan *dbus.Signal, 16)
	bus.Signal(signals)
	if err := bus.Emit("/prompt", "org.freedesktop.Secret.Prompt.Completed", false, dbus.MakeVariant("")); err != nil {
		return err.Error()
	}
	for s := range signals {
		if s.Name == "org.freedesktop.Secret.Prompt.Completed" {
			return "prompt answered"
		}
	}
	return "the bus is gone"
}

// systray 1.12.2 counts the menu's version up without its lock, in the goroutine
// that its first GetLayout starts.
const knownRace = "race:fyne.io/systray.(*tray).GetLayout.func1\n"

// A child is a process with a tray, as the test sees it.
type child struct {
	t     *testing.T
	in    io.WriteCloser
	lines chan string
}

func start(t *testing.T, env ...string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	quiet := filepath.Join(t.TempDir(), "suppressions")
	if err := os.WriteFile(quiet, []byte(knownRace), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), append(env, "FCC_TRAY_TEST=program", "TZ=UTC", "GORACE=atexit_sleep_ms=0 suppressions="+quiet)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, in: in, lines: make(chan string, 256)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(c.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			c.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		in.Close()
		kill := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		defer kill.Stop()
		<-read
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program: %v", err)
		}
		if stderr.Len() > 0 {
			t.Errorf("stderr of the program:\n%s", stderr.String())
		}
	})
	return c
}

func (c *child) tell(s script) {
	c.t.Helper()
	if err := json.NewEncoder(c.in).Encode(s); err != nil {
		c.t.Fatal(err)
	}
}

// says waits for the program's next line.
func (c *child) says(want string) {
	c.t.Helper()
	select {
	case got, ok := <-c.lines:
		if !ok {
			c.t.Fatalf("the program ended, and did not say %q", want)
		}
		if got != want && !strings.HasPrefix(want, "log ") || !strings.Contains(got, strings.TrimPrefix(want, "log ")) {
			c.t.Fatalf("the program says %q, not %q", got, want)
		}
	case <-time.After(patience):
		c.t.Fatalf("the program does not say %q", want)
	}
}

// show tells the program a status and waits until it has taken it.
func (c *child) show(st xero.Status) {
	c.t.Helper()
	c.tell(script{Status: &st})
	c.says("taken")
}

// settled waits until what the program has taken is painted: it takes a status
// when it is done with the one before.
func (c *child) settled() {
	c.t.Helper()
	c.tell(script{Again: true})
	c.says("taken")
}
