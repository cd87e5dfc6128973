package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"financial-command-center/build/wine"
)

// notUnderWine names the packages whose tests are for Linux, where developers and
// build machines are, and says why.
var notUnderWine = map[string]string{
	"build":       "a developer's command, which needs Go itself beside it",
	"build/proof": "starts Wine itself for the part that Windows has in it",
	"build/wine":  "starts Wine itself",
}

// A windows is a Windows that is made in the background, for the tests under it.
type windows struct {
	dir   string // for what Go needs besides
	ready chan struct{}
	wine  *wine.Wine
	err   error
}

// startWindows begins to make one, on Linux; elsewhere it is nil. It takes 5 to 10
// seconds, most of them waiting.
func startWindows(ctx context.Context) *windows {
	if runtime.GOOS != "linux" {
		return nil
	}
	w := &windows{ready: make(chan struct{})}
	go func() {
		defer close(w.ready)
		if w.dir, w.err = os.MkdirTemp("", "fcc-overlay-"); w.err == nil {
			w.wine, w.err = wine.Start(ctx, wine.OwnNetwork)
		}
	}()
	return w
}

func (w *windows) close() error {
	if w == nil {
		return nil
	}
	<-w.ready
	var err error
	if w.wine != nil {
		err = w.wine.Close()
	}
	return errors.Join(err, os.RemoveAll(w.dir))
}

// underWine runs the tests that Windows has, of every package but those of
// notUnderWine, built for it. The race detector, which needs cgo, stays on Linux.
func (t *tally) underWine(w *windows) {
	if w == nil {
		fmt.Println("The tests for Windows did not run: Wine is for Linux.")
		return
	}
	fmt.Println("Under Wine:")
	<-w.ready
	packages, env, overlay, err := w.prepare()
	if err != nil {
		t.fail("tests under Wine")
		fmt.Println(err)
		return
	}
	t.place = "under Wine: "
	defer func() { t.place = "" }()
	t.tests(env, append([]string{"-vet=off", "-overlay", overlay, "-exec", "wine"}, packages...)...)
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
