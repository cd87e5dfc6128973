//go:build proof

package proof

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	product      = "Financial Command Center"
	uninstallKey = `HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\FinancialCommandCenter`
	runKey       = `HKCU\Software\Microsoft\Windows\CurrentVersion\Run`
)

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

	t.Run("what cannot be", func(t *testing.T) {
		if code := d.setup(t, old, "/STARTUP=yes"); code != 2 {
			t.Errorf("exit %d", code)
		}
		d.nothingLeft(t, menu, before)
	})

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
		if _, err := fmt.Sscanf(d.value(t, uninstallKey, "EstimatedSize"), "0x%x", &kib); err != nil || kib < 10<<10 || kib > 35<<10 {
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
		d.runs(t, "1.2.4")
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
		// It cannot move: all is as it was, and runs again.
		if code := d.setup(t, signed, `/D=C:\Apps\FCC`); code != 5 || !missing(filepath.Join(d.Drive(), "Apps", "FCC")) || d.value(t, uninstallKey, "InstallLocation") != ours {
			t.Errorf("moved while a program uses it: exit %d", code)
		}
		d.runs(t, "1.2.4")
		if err := errors.Join(os.Remove(menu), os.Remove(d.installed("uninstall.exe"))); err != nil {
			t.Fatal(err)
		}
		if code, out := d.run(t, d.installed("fcc.exe"), "installation", "remove"); code != 0 {
			t.Fatal(out)
		}
		if code := d.setup(t, signed, "/STARTUP=1"); code != 0 {
			t.Fatalf("exit %d", code)
		}
		if missing(menu) || missing(d.installed("uninstall.exe")) || d.value(t, runKey, product) != program {
			t.Error("not all is back")
		}
		for _, name := range []string{"fcc.exe", "fcc.com"} {
			if string(read(t, d.installed(name))) != string(read(t, filepath.Join(signed, "windows_amd64", name))) || missing(d.installed(name+".old")) {
				t.Errorf("%s was not moved aside and made anew", name)
			}
		}
		d.runs(t, "1.2.4")
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
			_, out := d.run(t, "tasklist")
			return !strings.Contains(out, "fcc.exe"), out
		})
		if code := d.setup(t, signed, "/STARTUP=0"); code != 0 || !missing(d.installed("fcc.exe.old")) || !missing(d.installed("fcc.com.old")) {
			t.Errorf("exit %d, and what was moved aside is still there", code)
		}
		if got := d.value(t, runKey, product); got != "" {
			t.Errorf("/STARTUP=0 left %q", got)
		}
	})

	t.Run("repair of a damaged program, and with a wrong setting", func(t *testing.T) {
		settings := filepath.Join(d.local, "Financial-Command-Center-AI", "settings.json")
		if err := errors.Join(os.WriteFile(d.installed("fcc.exe"), []byte("MZ"), 0o600), os.WriteFile(settings, []byte(`{"port": "abc"}`), 0o600)); err != nil {
			t.Fatal(err)
		}
		if code := d.setup(t, old); code != 0 || d.value(t, uninstallKey, "DisplayVersion") != "1.2.3" {
			t.Errorf("an older version over it: exit %d, %s", code, d.value(t, uninstallKey, "DisplayVersion"))
		}
		if code, out := d.run(t, d.installed("fcc.exe"), "version"); code != 0 || !strings.HasPrefix(out, "fcc 1.2.3,") {
			t.Errorf("it is not whole again: exit %d, %q", code, out)
		}
		if code := d.setup(t, signed); code != 0 {
			t.Errorf("exit %d", code)
		}
		if err := os.Remove(settings); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("moved to another folder", func(t *testing.T) {
		if code := d.setup(t, signed, "/STARTUP=1"); code != 0 {
			t.Fatalf("exit %d", code)
		}
		fcc := d.begin(t, nil, d.installed("fcc.exe"))
		fcc.line(t, "Open ")
		const there = `C:\Apps\FCC`
		apps := filepath.Join(d.Drive(), "Apps", "FCC")
		foreign := filepath.Join(apps, "letter.old")
		if err := errors.Join(os.MkdirAll(apps, 0o700), os.WriteFile(foreign, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		if code := d.setup(t, signed, "/D="+there); code != 0 {
			t.Fatalf("exit %d", code)
		}
		if !missing(d.programs) {
			t.Errorf("%s is still there", d.programs)
		}
		defer func(programs string) { d.programs = programs }(d.programs)
		d.programs = apps
		d.runs(t, "1.2.4")
		if got := d.value(t, `HKCU\Environment`, "Path"); got != before+there+";" {
			t.Errorf("the PATH is %q", got)
		}
		if got := d.value(t, runKey, product); got != `"`+there+`\fcc.exe"` {
			t.Errorf("at sign-in: %q", got)
		}
		if got := d.value(t, uninstallKey, "InstallLocation"); got != there {
			t.Errorf("InstallLocation is %q", got)
		}
		if code := d.uninstall(t, ""); code != 0 {
			t.Errorf("exit %d", code)
		}
		if err := errors.Join(os.Remove(foreign), os.RemoveAll(apps)); err != nil {
			t.Errorf("a file of somebody else's: %v", err)
		}
		d.nothingLeft(t, menu, before)
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
		// The folder is on the PATH already, and one runs that was never installed.
		before += ";" + ours
		if code, out := d.run(t, "reg", "add", `HKCU\Environment`, "/v", "Path", "/d", before, "/f"); code != 0 {
			t.Fatal(out)
		}
		portable := d.begin(t, nil, filepath.Join(old, "windows_amd64", "fcc.exe"))
		portable.line(t, "Open ")
		if code := d.setup(t, signed, "/STARTUP=1"); code != 0 {
			t.Fatalf("exit %d", code)
		}
		select {
		case <-portable.ended:
		default:
			t.Error("the one from another folder runs on")
		}
		d.runs(t, "1.2.4")
		if code, _ := d.run(t, d.installed("fcc.exe"), "stop"); code != 0 {
			t.Errorf("fcc stop: exit %d", code)
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
		pages, err := d.Opened()
		if err != nil {
			t.Fatal(err)
		}
		d.press(t, filepath.Join(signed, "FCC-Setup.exe"), product+" Setup", d.installed("fcc.exe"))
		d.runs(t, "1.2.4")
		// A second start, by the tick, would open the dashboard.
		if now, err := d.Opened(); err != nil || len(now) != len(pages) {
			t.Errorf("the upgrade opened %q (%v)", now[len(pages):], err)
		}
		d.press(t, d.installed("uninstall.exe"), product+" Uninstall", "")
		eventually(t, "the folder goes", func() (bool, string) { return missing(d.programs), d.programs })
		d.nothingLeft(t, menu, before)
	})
}
