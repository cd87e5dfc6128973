package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// errSaid ends a command that has told its failures already.
var errSaid = errors.New("failed")

// targets are the platforms the program ships for, all without cgo. On darwin
// that leaves the tray out.
var targets = []string{"windows/amd64", "windows/arm64", "darwin/arm64", "linux/amd64"}

// tool runs a tool at the version pinned in build/tools/go.mod.
func tool(name string, args ...string) []string {
	return append([]string{"go", "tool", "-modfile=build/tools/go.mod", name}, args...)
}

func test(args []string) error {
	err := ready("test", `Checks format, vet, staticcheck and go.mod, builds for every platform, and runs
every test under the race detector; on Linux those for Windows too, under Wine.
On Debian as root it installs what is missing; elsewhere it prints the line to
run. On Linux some tests need root.
Nothing may skip. With GOVULNDB
set to the address or folder of a Go vulnerability database, govulncheck runs too.`, args)
	if err != nil {
		return err
	}
	if err := mayTest(runtime.GOOS, os.Geteuid()); err != nil {
		return err
	}
	begun := time.Now()
	windows, end := startWindows()
	defer end()
	var t tally
	t.check("gofmt", formatted)
	t.run("go mod tidy", nil, "go", "mod", "tidy", "-diff")
	t.run("go mod tidy of the tools", nil, "go", "-C", "build/tools", "mod", "tidy", "-diff")
	t.run("go vet", nil, "go", "vet", "./...")
	t.run("go vet of the proofs", nil, "go", "vet", "-tags=proof", "./build/...")
	// With -trimpath, as the programs are built: compiled once.
	t.run("go vet for Windows", []string{"GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0"}, "go", "vet", "-trimpath", "./...")
	t.run("staticcheck", nil, tool("staticcheck", "-tags=proof", "./...")...)
	if db := os.Getenv("GOVULNDB"); db != "" {
		if !strings.Contains(db, "://") {
			db = "file://" + db
		}
		t.run("govulncheck", nil, tool("govulncheck", "-db="+db, "./...")...)
	} else {
		fmt.Println("govulncheck did not run: GOVULNDB names no database.")
	}
	for _, target := range targets {
		t.check("build for "+target, func() (string, error) { return buildFor(target) })
	}
	// Beside each other: Wine waits for much that needs no processor.
	var linux, wine tally
	var both sync.WaitGroup
	both.Go(func() {
		linux.tests(raceEnv(), append(raceFlags(), "-vet=off", "./...")...)
	})
	both.Go(func() { wine.underWine(windows, "") })
	both.Wait()
	t.add(linux)
	t.add(wine)
	t.end(windows)
	return t.close(begun)
}

// enterModule makes the root of the module the working directory.
func enterModule() error {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("go env GOMOD: %w", err)
	}
	return os.Chdir(filepath.Dir(strings.TrimSpace(string(out))))
}

func formatted() (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	gofmt := filepath.Join(strings.TrimSpace(string(root)), "bin", "gofmt")
	out, err := exec.Command(gofmt, "-l", ".").CombinedOutput()
	if err == nil && len(out) > 0 {
		err = errors.New("gofmt would change these files")
	}
	return string(out), err
}

// buildFor links every command of the module for one platform.
func buildFor(target string) (string, error) {
	dir, err := os.MkdirTemp("", "fcc-build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	goos, goarch, _ := strings.Cut(target, "/")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-o", dir+string(filepath.Separator), "./...")
	cmd.Env = testEnv("GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// testEnv is this environment without the product's own settings, so that a
// developer's FCC changes no result.
func testEnv(more ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "FCC_") && !strings.HasPrefix(kv, "XERO_") && !strings.HasPrefix(kv, "FLASK_SECRET_KEY=") {
			env = append(env, kv)
		}
	}
	return append(env, more...)
}

// raceFlags are the race detector's, without what takes a good part of the time and tells
// us nothing: the check of the pointers of SQLite, which is C made Go, and the watch over
// Argon2's arithmetic on memory of its own.
func raceFlags() []string {
	return []string{"-race", "-gcflags=modernc.org/sqlite/...=-d=checkptr=0", "-gcflags=golang.org/x/crypto/argon2=-race=false"}
}

// raceEnv is for tests under the race detector, which needs cgo where it is not
// the platform's own.
func raceEnv() []string {
	if runtime.GOOS == "windows" {
		return testEnv()
	}
	return testEnv("CGO_ENABLED=1")
}
