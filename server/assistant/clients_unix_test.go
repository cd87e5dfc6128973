//go:build !windows

package assistant_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// People who keep their settings elsewhere have a link at their place, which may lead to
// a file that is not there yet.
func TestALinkInPlaceOfTheFileStays(t *testing.T) {
	c := clients(t)["claude"]
	dir := filepath.Dir(c.Path)
	kept := filepath.Join(dir, "kept", "claude.json")
	for _, step := range []error{os.MkdirAll(dir, 0o700), os.Symlink("there", c.Path), os.Symlink(filepath.Join("kept", "claude.json"), filepath.Join(dir, "there"))} {
		if step != nil {
			t.Fatal(step)
		}
	}
	for range 2 { // at first there is no file
		change, err := c.Install(fcc)
		if err == nil {
			err = c.Apply(change)
		}
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(c.Path); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Fatalf("the link is gone: %v %v", info, err)
		}
		if text, err := os.ReadFile(kept); err != nil || !bytes.Equal(text, change.After) {
			t.Errorf("where it leads is %q: %v", text, err)
		}
		if err := os.WriteFile(kept, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestALinkInPlaceOfTheBackupIsNotFollowed(t *testing.T) {
	c := clients(t)["cursor"]
	dir := filepath.Dir(c.Path)
	other := filepath.Join(dir, "other")
	for _, step := range []error{
		os.MkdirAll(dir, 0o700), os.WriteFile(other, []byte("precious"), 0o600), os.WriteFile(c.Path, []byte("{}"), 0o600), os.Symlink(other, c.Backup()),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	change, err := c.Install(fcc)
	if err == nil {
		err = c.Apply(change)
	}
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(other); err != nil || string(text) != "precious" {
		t.Errorf("the file that the link led to is %q: %v", text, err)
	}
	if text, err := os.ReadFile(c.Backup()); err != nil || string(text) != "{}" {
		t.Errorf("the backup is %q: %v", text, err)
	}
}
