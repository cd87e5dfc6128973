package desktop_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows/registry"

	"financial-command-center/server/desktop"
)

const (
	run      = `Software\Microsoft\Windows\CurrentVersion\Run`
	approved = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`
)

// entry is a name in the lists of the user who runs the tests, gone afterwards.
func entry(t *testing.T) string {
	t.Helper()
	desktop.MayChange(t)
	name := "FCC test " + t.Name()
	forget := func() {
		change(t, run, func(k registry.Key) error { return k.DeleteValue(name) })
		change(t, approved, func(k registry.Key) error { return k.DeleteValue(name) })
	}
	forget()
	t.Cleanup(forget)
	return name
}

func change(t *testing.T, path string, do func(registry.Key) error) {
	t.Helper()
	k, _, err := registry.CreateKey(registry.CURRENT_USER, path, registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if err := do(k); err != nil && !errors.Is(err, registry.ErrNotExist) {
		t.Fatal(err)
	}
}

func value(t *testing.T, path, name string) string {
	t.Helper()
	k, err := registry.OpenKey(registry.CURRENT_USER, path, registry.QUERY_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	text, _, err := k.GetStringValue(name)
	if err != nil && !errors.Is(err, registry.ErrNotExist) {
		t.Fatal(err)
	}
	return text
}

func TestTheSwitchWritesAndRemovesTheRunValue(t *testing.T) {
	name := entry(t)
	s := desktop.StartAtSignIn(name, []string{`C:\Program Files\Büro\fcc.exe`, "--data-dir", `D:\a b\`})
	said := watch(t, s)
	said(false)
	set(t, s, true)
	said(true)
	if got := value(t, run, name); got != `"C:\Program Files\Büro\fcc.exe" --data-dir "D:\a b\\"` {
		t.Errorf("the Run value is %s", got)
	}
	set(t, s, false)
	said(false)
	if got := value(t, run, name); got != "" {
		t.Errorf("the Run value is still %s", got)
	}
	set(t, s, false) // again
}

func TestTheSwitchShowsWhatOthersDo(t *testing.T) {
	name := entry(t)
	s := desktop.StartAtSignIn(name, []string{`C:\fcc.exe`})
	said := watch(t, s)
	said(false)
	if out, err := exec.Command("reg", "add", `HKCU\`+run, "/v", name, "/d", `C:\other.exe`, "/f").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said(true)
	for _, first := range []byte{3, 1, 7} { // Task Manager turns it off
		change(t, approved, func(k registry.Key) error {
			return k.SetBinaryValue(name, []byte{first, 0, 0, 0, 0x9a, 0x62, 0x1b, 0xe2, 0x2f, 0x7e, 0xdb, 0x01})
		})
		said(false)
		change(t, approved, func(k registry.Key) error { return k.SetBinaryValue(name, []byte{first - 1, 0, 0, 0}) })
		said(true)
	}
	change(t, approved, func(k registry.Key) error { return k.SetBinaryValue(name, []byte{3, 0, 0, 0}) })
	said(false)
	set(t, s, true) // on again by our own line
	said(true)
	if got := value(t, run, name); got != `"C:\fcc.exe"` {
		t.Errorf("the Run value is %s", got)
	}
	if out, err := exec.Command("reg", "delete", `HKCU\`+run, "/v", name, "/f").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said(false)
}

func TestAProgramThatWasMovedRepairsItsEntry(t *testing.T) {
	there := filepath.Join(t.TempDir(), "a program.exe")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const moved = `"C:\new place\fcc.exe"`
	for before, after := range map[string]string{
		`"C:\gone\fcc.exe" --old`:       moved,
		`C:\gone\fcc.exe`:               moved,
		`"` + there + `" --flag`:        `"` + there + `" --flag`,
		there + " --flag":               there + " --flag",
		there:                           there,
		`"` + filepath.Dir(there) + `"`: moved, // a folder is no program
	} {
		name := entry(t)
		change(t, run, func(k registry.Key) error { return k.SetStringValue(name, before) })
		repaired, err := desktop.RepairStartup(name, []string{`C:\new place\fcc.exe`})
		if err != nil || repaired != (before != after) || value(t, run, name) != after {
			t.Errorf("%s: repaired %v, %v: %s", before, repaired, err, value(t, run, name))
		}
	}
	name := entry(t)
	t.Setenv("FCC_TEST_PLACE", filepath.Dir(there))
	change(t, run, func(k registry.Key) error { return k.SetExpandStringValue(name, `"%FCC_TEST_PLACE%\a program.exe"`) })
	if repaired, err := desktop.RepairStartup(name, []string{`C:\fcc.exe`}); repaired || err != nil {
		t.Errorf("a path with a variable: repaired %v, %v", repaired, err)
	}
	change(t, run, func(k registry.Key) error { return k.DeleteValue(name) })
	if repaired, err := desktop.RepairStartup(name, []string{`C:\fcc.exe`}); repaired || err != nil || value(t, run, name) != "" {
		t.Errorf("no entry: repaired %v, %v: %s", repaired, err, value(t, run, name))
	}
}

func TestACommandThatWindowsWouldNotStartIsSaid(t *testing.T) {
	name := entry(t)
	s := desktop.StartAtSignIn(name, []string{`C:\` + strings.Repeat("long ", 60) + `\fcc.exe`})
	if err := s.Set(true); err == nil || value(t, run, name) != "" {
		t.Errorf("%v, %q", err, value(t, run, name))
	}
}

func TestAProgramIsTakenOutUnderAllItsNamesAndNoOther(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a folder")
	program, other := filepath.Join(folder, "fcc.exe"), filepath.Join(folder, "fcc.exe.old")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(program, nil, 0o600), os.WriteFile(other, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FCC_TEST_PLACE", folder)
	for end, line := range map[string]string{
		"":          `"` + strings.ToUpper(program) + `"`,
		" two":      `"` + program + `" --data-dir "C:\other data"`,
		" variable": `"%FCC_TEST_PLACE%\fcc.exe"`,
		" bare":     program + " --port 8000",
		" no":       `"` + other + `"`,
	} {
		name := entry(t) + end
		change(t, run, func(k registry.Key) error { return k.SetExpandStringValue(name, line) })
		t.Cleanup(func() { change(t, run, func(k registry.Key) error { return k.DeleteValue(name) }) })
	}
	if err := desktop.RemoveStartups(program); err != nil {
		t.Fatal(err)
	}
	for name, there := range map[string]bool{"": false, " two": false, " variable": false, " bare": false, " no": true} {
		if got := value(t, run, "FCC test "+t.Name()+name); (got != "") != there {
			t.Errorf("%q: %q", name, got)
		}
	}
}
