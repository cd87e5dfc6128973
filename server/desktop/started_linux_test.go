package desktop_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"financial-command-center/server/desktop"
)

func TestWhatStartsAtSignInIsListedAndCanBeTakenOff(t *testing.T) {
	path := autostart(t)
	if all := desktop.StartedAtSignIn(); len(all) != 0 {
		t.Errorf("without a folder: %+v", all)
	}
	program := filepath.Join(t.TempDir(), `f c"c`)
	write(t, program, "")
	if err := desktop.StartAtSignIn(name, []string{program, "--port", "8000"}).Set(true); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(filepath.Dir(path), "nameless.desktop"), "[Desktop Entry]\nExec=/nonexistent/program\n")
	write(t, filepath.Join(filepath.Dir(path), "notes.txt"), "[Desktop Entry]\nName=Notes\n")
	all := desktop.StartedAtSignIn()
	ours := slices.IndexFunc(all, func(s desktop.Started) bool { return s.Name == name })
	if len(all) != 2 || ours < 0 || !slices.ContainsFunc(all, func(s desktop.Started) bool { return s.Name == "nameless.desktop" }) {
		t.Fatalf("%+v", all)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	if !all[ours].Starts(program) || !all[ours].Starts(link) || all[ours].Starts(path) || all[1-ours].Starts(program) || all[1-ours].Starts("/nonexistent/program") {
		t.Error("it is not known which program an entry starts")
	}
	if err := all[ours].Remove(); err != nil {
		t.Fatal(err)
	}
	if left := desktop.StartedAtSignIn(); len(left) != 1 {
		t.Errorf("%+v are left", left)
	}
}
