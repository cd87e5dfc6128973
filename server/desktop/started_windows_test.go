package desktop_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"financial-command-center/server/desktop"
)

func TestWhatStartsAtSignInIsListedAndCanBeTakenOff(t *testing.T) {
	name := entry(t)
	program := filepath.Join(t.TempDir(), "Grüße an alle.exe")
	if err := os.WriteFile(program, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := desktop.StartAtSignIn(name, []string{program, "--port", "8000"}).Set(true); err != nil {
		t.Fatal(err)
	}
	folder, err := windows.KnownFolderPath(windows.FOLDERID_Startup, windows.KF_FLAG_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	shortcut := filepath.Join(folder, "FCC test.LNK")
	if err := os.WriteFile(shortcut, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(shortcut)
	find := func(name string) (desktop.Started, bool) {
		all := desktop.StartedAtSignIn()
		i := slices.IndexFunc(all, func(s desktop.Started) bool { return s.Name == name })
		if i < 0 {
			return desktop.Started{}, false
		}
		return all[i], true
	}
	ours, ok := find(name)
	if !ok || !ours.Starts(program) || ours.Starts(shortcut) || ours.Remove == nil {
		t.Fatalf("the Run value: %+v, %v", ours, ok)
	}
	if named, ok := find("FCC test"); !ok || named.Remove != nil || named.Starts(program) {
		t.Errorf("the shortcut: %+v, %v", named, ok)
	}
	if err := ours.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, ok := find(name); ok {
		t.Error("it is still listed")
	}

	// Without quotes Windows tries more than one file.
	change(t, run, func(k registry.Key) error { return k.SetStringValue(name, program+" --port 8000") })
	if ours, ok := find(name); !ok || !ours.Starts(program) {
		t.Errorf("without quotes: %+v, %v", ours, ok)
	}
}
