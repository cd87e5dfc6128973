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

const (
	product      = "Financial Command Center"
	uninstallKey = `HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\FinancialCommandCenter`
	runKey       = `HKCU\Software\Microsoft\Windows\CurrentVersion\Run`
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

const notSignedIn, notRunning = 2, 3 // fcc status

func TestTheInstallerInstallsUpgradesRepairsAndRemoves(t *testing.T) {
	old, cert, key := packaged(t, "1.2.3"), filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	makeCertificate(t, cert, key)
	signed := t.TempDir()
	makePackages(t, filepath.Join("..", ".."), signed, "1.2.4", "FCC_SIGN_CERT="+cert, "FCC_SIGN_KEY="+key)
	d := newDesk(t)
	menu := filepath.Join(filepath.Dir(d.local), "Roaming", "Microsoft", "Windows", "Start Menu", "Programs", product+".lnk")
	ours := d.Path(d.programs)
	program := `"` + ours + `\fcc.exe"`

	// A PATH of 3,000 characters, of which NSIS would keep 1,023.
	var path strings.Builder
	for i := range 100 {
		fmt.Fprintf(&path, `C:\tools\a folder, number %03d;`, i)
	}
	before := path.String()
	if code, out := d.run(t, "reg", "add", `HKCU\Environment`, "/v", "Path", "/t", "REG_EXPAND_SZ", "/d", before, "/f"); code != 0 {
		t.Fatal(out)
	}

	t.Run("silent installation", func(t *testing.T) {
		if code := d.setup(t, old); code != 0 {
			t.Fatalf("exit %d", code)
		}
		for _, name := range []string{"fcc.exe", "fcc.com"} {
			if string(read(t, d.installed(name))) != string(read(t, filepath.Join(old, "windows_amd64", name))) {
				t.Errorf("%s is not what was packaged", name)
			}
		}
		for name, want := range map[string]string{
			"DisplayName": product, "DisplayVersion": "1.2.3", "DisplayIcon": ours + `\fcc.exe,0`, "Publisher": product, "InstallLocation": ours,
			"UninstallString": `"` + ours + `\uninstall.exe"`, "QuietUninstallString": `"` + ours + `\uninstall.exe" /S`, "NoModify": "0x1", "NoRepair": "0x1",
		} {
			if got := d.value(t, uninstallKey, name); got != want {
				t.Errorf("%s is %q, not %q", name, got, want)
			}
		}
		var kib int
		if _, err := fmt.Sscanf(d.value(t, uninstallKey, "EstimatedSize"), "0x%x", &kib); err != nil || kib < 10<<10 || kib > 30<<10 {
			t.Errorf("EstimatedSize is %d KiB (%v)", kib, err)
		}
		if missing(menu) {
			t.Error("no entry in the Start menu")
		}
		if got := d.value(t, `HKCU\Environment`, "Path"); got != before+ours+";" {
			t.Errorf("the PATH is %q", got)
		}
		if got := d.value(t, runKey, product); got != "" {
			t.Errorf("it starts at sign-in, unasked: %q", got)
		}
		if code := d.status(t); code != notRunning {
			t.Errorf("fcc status: %d", code)
		}
	})

	t.Run("upgrade over a running FCC", func(t *testing.T) {
		fcc := d.begin(t, nil, d.installed("fcc.exe"))
		fcc.line(t, "Open ")
		if code := d.setup(t, signed, "/STARTUP=1"); code != 0 {
			t.Fatalf("exit %d", code)
		}
		select {
		case <-fcc.ended:
		default:
			t.Error("the old one runs on")
		}
		if code := fcc.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the old one ended with %d: not in order", code)
		}
		eventually(t, "the new one runs", func() (bool, string) {
			code, out := d.run(t, d.installed("fcc.exe"), "status", "--json")
			return code == notSignedIn && strings.Contains(out, `"1.2.4"`), out
		})
		if got := d.value(t, uninstallKey, "DisplayVersion"); got != "1.2.4" {
			t.Errorf("DisplayVersion is %q", got)
		}
		if got := d.value(t, runKey, product); got != program {
			t.Errorf("at sign-in: %q", got)
		}
		for _, file := range []string{filepath.Join(signed, "FCC-Setup.exe"), d.installed("fcc.exe"), d.installed("fcc.com"), d.installed("uninstall.exe")} {
			if out, err := exec.Command("osslsigncode", "verify", "-CAfile", cert, "-in", file).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", file, err, out)
			}
		}
	})

	t.Run("repair while another program uses it", func(t *testing.T) {
		other := d.begin(t, []string{"FCC_DATA_DIR=" + d.Path(t.TempDir()), "FCC_KEYSTORE=memory", "FCC_PORT=18999"}, d.installed("fcc.com"), "serve")
		other.line(t, "Open ")
		if err := errors.Join(os.Remove(menu), os.Remove(d.installed("uninstall.exe"))); err != nil {
			t.Fatal(err)
		}
		if code, out := d.run(t, d.installed("fcc.exe"), "installation", "remove"); code != 0 {
			t.Fatal(out)
		}
		if code := d.setup(t, signed, "/STARTUP=1"); code != 0 {
			t.Fatalf("exit %d", code)
		}
		if missing(menu) || missing(d.installed("uninstall.exe")) || missing(d.installed("fcc.exe")) || d.value(t, runKey, product) != program {
			t.Error("not all is back")
		}
		if got := d.value(t, `HKCU\Environment`, "Path"); got != before+ours+";" {
			t.Errorf("the PATH is %q", got)
		}
		if code, _ := d.run(t, d.installed("fcc.exe"), "stop"); code != 0 {
			t.Errorf("it was not started again: %d", code)
		}
		select {
		case <-other.ended:
			t.Error("the other one was ended too")
		default:
		}
		// Now nothing of ours may go while that one runs.
		if code := d.uninstall(t, ""); code != 5 || missing(d.installed("uninstall.exe")) || d.value(t, uninstallKey, "DisplayName") == "" {
			t.Errorf("removed while a program uses it: exit %d", code)
		}
		other.kill()
		eventually(t, "fcc.exe ends when fcc.com is killed", func() (bool, string) {
			left, _ := filepath.Glob(d.installed("*.old"))
			code := d.setup(t, signed, "/STARTUP=0")
			now, _ := filepath.Glob(d.installed("*.old"))
			return code == 0 && len(now) == 0, fmt.Sprint(code, left, now)
		})
		if got := d.value(t, runKey, product); got != "" {
			t.Errorf("/STARTUP=0 left %q", got)
		}
	})

	t.Run("removed, with the data left", func(t *testing.T) {
		if code := d.setup(t, signed, "/STARTUP=1"); code != 0 {
			t.Fatalf("exit %d", code)
		}
		fcc := d.begin(t, nil, d.installed("fcc.exe"))
		fcc.line(t, "Open ")
		// As Windows' list of programs does it: a copy in TEMP works on.
		if code, out := d.run(t, d.installed("uninstall.exe"), "/S"); code != 0 {
			t.Fatalf("exit %d: %s", code, out)
		}
		eventually(t, "the folder goes", func() (bool, string) { return missing(d.programs), d.programs })
		d.nothingLeft(t, menu, before)
		if missing(filepath.Join(d.local, "Financial-Command-Center-AI", "state.db")) {
			t.Error("the data is gone")
		}
	})

	t.Run("removed with the data", func(t *testing.T) {
		// Wine's programs do not see a PATH as long as this one was.
		before = `C:\tools`
		if code, out := d.run(t, "reg", "add", `HKCU\Environment`, "/v", "Path", "/d", before, "/f"); code != 0 {
			t.Fatal(out)
		}
		if code := d.setup(t, signed, "/STARTUP=1"); code != 0 {
			t.Fatalf("exit %d", code)
		}
		if code, out := d.run(t, "cmd", "/c", "fcc version"); code != 0 || !strings.HasPrefix(out, "fcc 1.2.4, commit ") {
			t.Errorf("fcc, typed in a shell: exit %d, %q", code, out)
		}
		if code, out := d.run(t, "cmd", "/c", "fcc status | more"); !strings.Contains(out, "FCC is not running") {
			t.Errorf("fcc status in a pipe: exit %d, %q", code, out)
		}
		if code := d.uninstall(t, "/REMOVEDATA=1"); code != 0 {
			t.Errorf("exit %d", code)
		}
		d.nothingLeft(t, menu, before)
		if data := filepath.Join(d.local, "Financial-Command-Center-AI"); !missing(data) {
			t.Errorf("%s is still there", data)
		}
	})

	t.Run("by its pages", func(t *testing.T) {
		d.press(t, filepath.Join(signed, "FCC-Setup.exe"), product+" Setup", d.installed("fcc.exe"))
		finished := time.Now()
		eventually(t, "a sign of life", func() (bool, string) {
			icon, err := d.HasTrayIcon(t.Context())
			return icon, fmt.Sprint(err)
		})
		if took := time.Since(finished); took > 2*time.Second {
			t.Errorf("the icon is there %v after Finish", took)
		} else {
			t.Logf("the icon is there %v after Finish", took.Round(10*time.Millisecond))
		}
		if got := d.value(t, runKey, product); got != program {
			t.Errorf("the tick of the first page was not heeded: %q", got)
		}
		d.press(t, d.installed("uninstall.exe"), product+" Uninstall", "")
		eventually(t, "the folder goes", func() (bool, string) { return missing(d.programs), d.programs })
		d.nothingLeft(t, menu, before)
	})
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
