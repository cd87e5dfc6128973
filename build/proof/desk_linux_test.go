//go:build proof

package proof

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"financial-command-center/build/wine"
)

// A desk is a Windows without FCC.
type desk struct {
	*wine.Wine
	local    string // %LOCALAPPDATA%, where Linux has it
	programs string // %LOCALAPPDATA%\Programs\Financial Command Center
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	w, err := wine.Start(t.Context(), wine.OwnNetwork)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	local, err := w.Folder(t.Context(), "LOCALAPPDATA")
	if err != nil {
		t.Fatal(err)
	}
	return &desk{w, local, filepath.Join(local, "Programs", product)}
}

// run runs a program to its end; its exit code is what counts.
func (d *desk) run(t *testing.T, exe string, args ...string) (code int, out string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := d.Command(ctx, exe, args...)
	cmd.Stdout, cmd.Stderr = file, file // what it starts holds them open
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %q: %v", exe, args, err)
	}
	return cmd.ProcessState.ExitCode(), strings.ReplaceAll(string(read(t, file.Name())), "\r\n", "\n")
}

func (d *desk) installed(name string) string { return filepath.Join(d.programs, name) }

// setup runs the installer of a folder of packages, silently.
func (d *desk) setup(t *testing.T, packages string, args ...string) (code int) {
	t.Helper()
	begun := time.Now()
	code, out := d.run(t, filepath.Join(packages, "FCC-Setup.exe"), append([]string{"/S"}, args...)...)
	t.Logf("setup %q: exit %d after %v", args, code, time.Since(begun).Round(10*time.Millisecond))
	if strings.Contains(out, "panic") {
		t.Error(out)
	}
	return code
}

// uninstall removes FCC in this one process, so that its exit code is known. The
// last argument has no quotes, although there are spaces in it: no program but a
// shell passes it on so.
func (d *desk) uninstall(t *testing.T, args string) (code int) {
	t.Helper()
	batch := filepath.Join(d.Drive(), "uninstall.bat")
	line := fmt.Sprintf("@\"%[1]s\\uninstall.exe\" /S %[2]s _?=%[1]s\r\n@exit %%errorlevel%%\r\n", d.Path(d.programs), args)
	if err := os.WriteFile(batch, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	code, out := d.run(t, "cmd", "/c", d.Path(batch))
	t.Logf("uninstall %s: exit %d after %v\n%s", args, code, time.Since(begun).Round(10*time.Millisecond), out)
	// It cannot delete itself while it runs.
	if left, err := filepath.Glob(d.installed("*")); err == nil && len(left) == 1 && left[0] == d.installed("uninstall.exe") {
		if err := os.RemoveAll(d.programs); err != nil {
			t.Fatal(err)
		}
	}
	return code
}

func (d *desk) value(t *testing.T, key, name string) string {
	t.Helper()
	value, _, err := d.Registry(t.Context(), key, name)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func (d *desk) status(t *testing.T) (code int) {
	t.Helper()
	code, _ = d.run(t, d.installed("fcc.exe"), "status")
	return code
}

// runs waits until the installed FCC runs, in a version.
func (d *desk) runs(t *testing.T, version string) {
	t.Helper()
	eventually(t, "FCC "+version+" runs", func() (bool, string) {
		code, out := d.run(t, d.installed("fcc.exe"), "status", "--json")
		return code == notSignedIn && strings.Contains(out, `"`+version+`"`), fmt.Sprint(code, out)
	})
}

// begin starts a program that goes on.
func (d *desk) begin(t *testing.T, env []string, exe string, args ...string) *process {
	t.Helper()
	cmd := d.Command(context.Background(), exe, args...)
	return start(t, append(cmd.Env, env...), cmd.Path, cmd.Args[1:]...)
}

func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, os.ErrNotExist)
}

// press goes through all pages of a program by its first button: to the end of the
// program, and of the window, which may be another program's. The file is there
// before the last page is left.
func (d *desk) press(t *testing.T, exe, window, file string) {
	t.Helper()
	cmd := d.Command(t.Context(), exe) // without output: what it starts would hold that open
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	xdotool := func(args ...string) string {
		cmd := exec.Command("xdotool", args...)
		cmd.Env = d.Vars()
		out, _ := cmd.Output() // fails when there is no such window
		return strings.TrimSpace(string(out))
	}
	find := func() string { return xdotool("search", "--onlyvisible", "--name", "^"+window) } // the page's own name may follow
	eventually(t, "a window", func() (bool, string) { return find() != "", "" })
	eventually(t, "the end of the pages", func() (bool, string) {
		id, _, _ := strings.Cut(find(), "\n")
		if id == "" {
			select {
			case <-ended:
				return true, ""
			default:
				return false, "no window"
			}
		}
		xdotool("key", "--window", id, "Return")
		time.Sleep(200 * time.Millisecond)
		return false, "window " + id
	})
	if file != "" && missing(file) {
		t.Fatalf("%s was not installed", file)
	}
}

func makeCertificate(t *testing.T, cert, key string) {
	t.Helper()
	out, err := exec.Command("openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
		"-subj", "/CN=FCC test", "-addext", "extendedKeyUsage=codeSigning", "-addext", "keyUsage=digitalSignature").CombinedOutput()
	if err != nil {
		t.Fatalf("openssl: %v\n%s (what is missing: go run ./build test)", err, out)
	}
}

// nothingLeft looks wherever the installer writes.
func (d *desk) nothingLeft(t *testing.T, menu, path string) {
	t.Helper()
	for _, file := range []string{d.programs, menu} {
		if !missing(file) {
			t.Errorf("%s is still there", file)
		}
	}
	if got := d.value(t, `HKCU\Environment`, "Path"); got != path {
		t.Errorf("the PATH is %q", got)
	}
	if got := d.value(t, runKey, product); got != "" {
		t.Errorf("at sign-in: %q", got)
	}
	if got := d.value(t, uninstallKey, "DisplayName"); got != "" {
		t.Errorf("the list of programs still has %q", got)
	}
	temp, err := d.Folder(t.Context(), "TEMP")
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		if !strings.HasPrefix(entry.Name(), "~nsu") { // NSIS runs the uninstaller from a copy there
			t.Errorf("in TEMP: %s", entry.Name())
		}
	}
}
