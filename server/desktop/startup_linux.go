package desktop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// StartAtSignIn is whether the program starts when its user signs in to the
// system, under the name that stands in the system's own list of such programs.
// The command begins with the program's full path. Where the system has no such
// list it is the zero Switch.
//
// Here the list is the folder of the Desktop Application Autostart Specification:
// specifications.freedesktop.org/autostart-spec.
func StartAtSignIn(name string, command []string) Switch {
	path, err := autostartFile(name)
	if err != nil {
		return Switch{}
	}
	return Switch{
		Label: startLabel,
		Watch: func(ctx context.Context) iter.Seq[bool] { return watchAutostart(ctx, path) },
		Set: func(on bool) error {
			if on {
				return writeAutostart(path, autostartEntry(name, command))
			}
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove the autostart entry: %w", err)
			}
			return nil
		},
	}
}

// RepairStartup gives the entry of a program that was moved its new command, and
// says that it did. An entry whose program is there, ours or another, is left
// alone, and so is what was turned off.
func RepairStartup(name string, command []string) (bool, error) {
	path, err := autostartFile(name)
	if err != nil {
		return false, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the autostart entry: %w", err)
	}
	entry := parseEntry(string(data))
	if program := firstWord(entry.value("Exec")); !filepath.IsAbs(program) || isThere(program) {
		return false, nil // a bare name is looked for on the PATH
	}
	return true, writeAutostart(path, entry.with("Exec", execLine(command)))
}

// autostartFile follows the XDG Base Directory Specification, which has relative
// paths ignored.
func autostartFile(name string) (string, error) {
	config := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(config) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		config = filepath.Join(home, ".config")
	}
	return filepath.Join(config, "autostart", fileID(name)+".desktop"), nil
}

// fileID is the name in small letters and hyphens.
func fileID(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}

func autostartEntry(name string, command []string) string {
	return "[Desktop Entry]\n" +
		"Type=Application\n" +
		"Name=" + escapeValue(name) + "\n" +
		"Exec=" + execLine(command) + "\n" +
		"Icon=financial-command-center\n" +
		"Terminal=false\n"
}

// writeAutostart replaces the file whole: a desktop may read it at any time.
func writeAutostart(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the autostart folder: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".fcc-*")
	if err == nil {
		defer os.Remove(f.Name()) // there no more when all went well
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the autostart entry: %w", err)
	}
	return nil
}

// startsAtSignIn is so when the entry is there and nobody turned it off: Hidden is
// the specification's way, the other GNOME's and others' after it.
func startsAtSignIn(path string) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	entry := parseEntry(string(data))
	return entry.value("Exec") != "" && entry.value("Hidden") != "true" && entry.value("X-GNOME-Autostart-enabled") != "false"
}

// watchAutostart is told of changes by inotify. The folder is made when it is not
// there yet: one that does not exist cannot be watched.
func watchAutostart(ctx context.Context, path string) iter.Seq[bool] {
	return func(yield func(bool) bool) {
		folder := filepath.Dir(path)
		watcher, err := fsnotify.NewWatcher()
		add := func() {
			if err = os.MkdirAll(folder, 0o700); err == nil {
				err = watcher.Add(folder)
			}
		}
		if err == nil {
			defer watcher.Close()
			add()
		}
		on := startsAtSignIn(path)
		if !yield(on) || err != nil {
			return
		}
		for {
			select {
			case e, ok := <-watcher.Events:
				if !ok {
					return
				}
				if e.Name == folder && e.Has(fsnotify.Remove|fsnotify.Rename) {
					if add(); err != nil {
						return
					}
				} else if e.Name != path {
					continue
				}
			case _, ok := <-watcher.Errors: // events were lost: look
				if !ok {
					return
				}
			case <-ctx.Done():
				return
			}
			if now := startsAtSignIn(path); now != on {
				if on = now; !yield(on) {
					return
				}
			}
		}
	}
}
