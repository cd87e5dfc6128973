package desktop_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"financial-command-center/server/desktop"
)

const name = "Financial Command Center"

// autostart is the file that a desktop reads, in a configuration of the test's own.
func autostart(t *testing.T) string {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config")
	t.Setenv("XDG_CONFIG_HOME", config)
	return filepath.Join(config, "autostart", "financial-command-center.desktop")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheSwitchWritesAndRemovesTheAutostartEntry(t *testing.T) {
	file := autostart(t)
	s := desktop.StartAtSignIn(name, []string{"/opt/fcc/fcc"})
	said := watch(t, s)
	said(false)
	set(t, s, true)
	said(true)
	want := "[Desktop Entry]\nType=Application\nName=Financial Command Center\nExec=\"/opt/fcc/fcc\"\nIcon=financial-command-center\nTerminal=false\n"
	if got := read(t, file); got != want {
		t.Errorf("the entry says\n%s", got)
	}
	set(t, s, false)
	said(false)
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	set(t, s, false) // again
}

func TestTheSwitchShowsWhatOthersDo(t *testing.T) {
	file := autostart(t)
	entry := "[Desktop Entry]\nType=Application\nName=x\nExec=/bin/true\n"
	write(t, file, entry)
	s := desktop.StartAtSignIn(name, []string{"/opt/fcc/fcc"})
	said := watch(t, s)
	said(true)
	for _, off := range []string{"Hidden=true", "X-GNOME-Autostart-enabled=false", " Hidden = true "} {
		write(t, file, entry+off+"\n")
		said(false)
		write(t, file, entry+"[Another Group]\n"+off+"\n")
		said(true)
	}
	write(t, filepath.Join(filepath.Dir(file), "another.desktop"), entry)
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	said(false)
	set(t, s, true)
	said(true)
	write(t, file, entry+"Hidden=true\n")
	said(false)
	set(t, s, true)
	said(true)
}

func TestAnOddPathIsQuotedAsDesktopsReadIt(t *testing.T) {
	file := autostart(t)
	set(t, desktop.StartAtSignIn(name, []string{`/home/a b/"q" $x %u ` + "`c`" + ` \z/fcc`, "--data-dir", "/tmp/é"}), true)
	want := `Exec="/home/a b/\\"q\\" \\$x %%u \\` + "`c\\\\`" + ` \\\\z/fcc" "--data-dir" "/tmp/é"` + "\n"
	if got := read(t, file); !strings.Contains(got, want) {
		t.Errorf("the entry says\n%s, not\n%s", got, want)
	}
}

func TestAProgramThatWasMovedRepairsItsEntry(t *testing.T) {
	folder := t.TempDir()
	there := filepath.Join(folder, `an "other" \ 100% $ program`)
	write(t, there, "")
	const odd = "# kept\n[Desktop Entry]\nExec=%EXEC%\nHidden=true\n\n[Desktop Action x]\nExec=/gone/x\n"
	fill := func(exec string) string { return strings.ReplaceAll(odd, "%EXEC%", exec) }
	moved := fill(`"/new place/fcc" "--data-dir" "/d"`)
	quoted := `"` + strings.NewReplacer(`"`, `\\"`, `\`, `\\\\`, "$", `\\$`, "%", "%%").Replace(there) + `" %u`
	for before, after := range map[string]string{
		fill("/gone/fcc --old"):         moved,
		fill(`"/gone/a b/fcc"`):         moved,
		fill("/bin/sh"):                 fill("/bin/sh"),
		fill("fcc"):                     fill("fcc"),
		fill(quoted):                    fill(quoted),
		"[Desktop Entry]\nHidden=true":  "[Desktop Entry]\nHidden=true",
		fill(filepath.Join(folder, "")): moved, // a folder is no program
	} {
		file := autostart(t)
		write(t, file, before)
		repaired, err := desktop.RepairStartup(name, []string{"/new place/fcc", "--data-dir", "/d"})
		if err != nil || repaired != (before != after) {
			t.Errorf("%s: repaired %v, %v", before, repaired, err)
		}
		if got := read(t, file); got != after {
			t.Errorf("%s became\n%s, not\n%s", before, got, after)
		}
	}
	file := autostart(t)
	if repaired, err := desktop.RepairStartup(name, []string{"/new/fcc"}); repaired || err != nil {
		t.Errorf("no entry: repaired %v, %v", repaired, err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("an entry was made where there was none")
	}
}

func TestAnEntryThatCannotBeWrittenIsSaid(t *testing.T) {
	file := autostart(t)
	write(t, filepath.Dir(file), "a file where the folder belongs")
	s := desktop.StartAtSignIn(name, []string{"/opt/fcc/fcc"})
	said := watch(t, s)
	said(false)
	if err := s.Set(true); err == nil {
		t.Error("nothing was said")
	}
}
