package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"financial-command-center/build/wine"
)

// notUnderWine names the packages whose tests are for Linux, where developers and
// build machines are, and says why.
var notUnderWine = map[string]string{
	"build":       "a developer's command, which needs Go itself beside it",
	"build/proof": "starts Wine itself for the part that Windows has in it",
	"build/wine":  "starts Wine itself",
}

// testWindows runs only what the command test does under Wine.
func testWindows(args []string) error {
	flags := flag.NewFlagSet("windows", flag.ContinueOnError)
	run := flags.String("run", "", "`pattern` of the tests to run, as go test has it")
	verbose := flags.Bool("v", false, "show the tests that pass, too")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "Usage: go run ./build windows [flags] [PACKAGES]\n\n"+
			"Runs the tests that Windows has, of all packages or of those named, under Wine.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if runtime.GOOS != "linux" {
		return errors.New("there is Wine on Linux alone; on Windows run go test")
	}
	if err := enterModule(); err != nil {
		return err
	}
	if err := setUp(); err != nil {
		return err
	}
	if err := mayTest(runtime.GOOS, os.Geteuid()); err != nil {
		return err
	}
	begun := time.Now()
	windows, end := startWindows()
	defer end()
	t := tally{verbose: *verbose}
	t.underWine(windows, *run, flags.Args()...)
	t.end(windows)
	return t.close(begun)
}

// A windows is a Windows that is made in the background, for the tests under it.
type windows struct {
	dir   string // for what Go needs besides
	ready chan struct{}
	wine  *wine.Wine
	err   error
}

// startWindows begins to make one, on Linux; elsewhere it is nil. It takes 5 to 10
// seconds, most of them waiting. Until end is called, Ctrl-C ends it and this
// program: it would not end by itself.
func startWindows() (w *windows, end func()) {
	if runtime.GOOS != "linux" {
		return nil, func() {}
	}
	w = &windows{ready: make(chan struct{})}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	interrupted := context.AfterFunc(ctx, func() {
		_ = w.close()
		os.Exit(1)
	})
	go func() {
		defer close(w.ready)
		if w.dir, w.err = os.MkdirTemp("", "fcc-overlay-"); w.err == nil {
			w.wine, w.err = wine.Start(ctx, wine.OwnNetwork)
		}
	}()
	return w, func() {
		interrupted()
		stop()
	}
}

// end ends it, and counts what goes wrong.
func (t *tally) end(w *windows) {
	if w == nil {
		return
	}
	if err := w.close(); err != nil {
		t.fail("the end of Wine")
		fmt.Println(err)
	}
}

func (w *windows) close() error {
	<-w.ready
	var err error
	if w.wine != nil {
		err = w.wine.Close()
	}
	return errors.Join(err, os.RemoveAll(w.dir))
}

// underWine runs the tests that Windows has and whose names match, of the packages
// named, else of every one but those of notUnderWine. The race detector, which needs
// cgo, stays on Linux.
func (t *tally) underWine(w *windows, match string, packages ...string) {
	if w == nil {
		fmt.Println("The tests for Windows did not run: Wine is for Linux.")
		return
	}
	<-w.ready
	t.place = "under Wine: "
	all, env, overlay, err := w.prepare()
	if err != nil {
		t.fail("tests under Wine")
		fmt.Println(err)
		return
	}
	if len(packages) == 0 {
		packages = all
	}
	t.tests(env, append([]string{"-vet=off", "-run", match, "-overlay", overlay, "-exec", "wine"}, packages...)...)
}

func (w *windows) prepare() (packages, env []string, overlay string, err error) {
	if w.err != nil {
		return nil, nil, "", w.err
	}
	if overlay, err = wine.Overlay(w.dir); err != nil {
		return nil, nil, "", err
	}
	target := []string{"GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0"}
	env = append(testEnv(w.wine.Vars()...), target...)
	// What Go keeps hangs on HOME, which is another there: it is named here.
	kept := []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOENV"}
	at, err := exec.Command("go", append([]string{"env"}, kept...)...).Output()
	if err != nil {
		return nil, nil, "", fmt.Errorf("go env: %w", err)
	}
	for i, place := range strings.Split(strings.TrimSuffix(string(at), "\n"), "\n") {
		env = append(env, kept[i]+"="+place)
	}

	list := exec.Command("go", "list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}", "./...")
	list.Env = testEnv(target...)
	out, err := list.Output()
	if err != nil {
		return nil, nil, "", fmt.Errorf("go list: %w", err)
	}
	for pkg := range strings.FieldsSeq(string(out)) {
		if notUnderWine[strings.TrimPrefix(pkg, modulePrefix)] == "" {
			packages = append(packages, pkg)
		}
	}
	return packages, env, overlay, nil
}
