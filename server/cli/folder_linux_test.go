package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"financial-command-center/keystore"
)

// Windows has no mode bits: its folders have the access list of the user's profile.
func TestAFolderOpenToOthersIsClosedOnlyWhenItIsEmpty(t *testing.T) {
	empty := t.TempDir()
	if err := os.Chmod(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := (settings{dataDir: empty}).prepareFolder(); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(empty); !isPrivate(info) {
		t.Errorf("the folder is %v", info.Mode())
	}
	used := t.TempDir()
	if err := os.WriteFile(filepath.Join(used, "letter.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(used, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := (settings{dataDir: used}).prepareFolder(); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("a folder with somebody's files: %v", err)
	}
	if info, _ := os.Stat(used); info.Mode().Perm() != 0o755 {
		t.Errorf("its mode was changed to %v", info.Mode())
	}
	if err := (settings{dataDir: used, service: keystore.Service(used, true)}).prepareFolder(); err != nil {
		t.Errorf("the standard folder, as the Python original left it: %v", err)
	}
	if info, _ := os.Stat(used); !isPrivate(info) {
		t.Errorf("the standard folder is %v", info.Mode())
	}
}

func TestAFolderThatCannotBeSyncedIsWrittenTo(t *testing.T) {
	if folder, err := os.Open("/proc"); err != nil || !errors.Is(errors.Join(folder.Sync(), folder.Close()), syscall.EINVAL) {
		t.Fatalf("/proc is no such folder: %v", err)
	}
	if err := syncFolder("/proc"); err != nil {
		t.Error(err)
	}
	if err := syncFolder(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that is not there is synced")
	}
}
