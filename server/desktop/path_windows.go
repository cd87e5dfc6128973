package desktop

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// environmentKey holds the user's own environment variables. Windows joins Path
// to the computer's, behind it:
// learn.microsoft.com/windows/win32/procthread/environment-variables.
const environmentKey = "Environment"

// longestVariable is in UTF-16, from the same page, less its closing zero.
const longestVariable = 32766

// installedKey is FCC's own in the list of programs: build/installer/fcc.nsi makes
// it and takes it away. addedValue in it is the folder that AddToPath has put on the
// PATH. One that stood there before is the user's own, and stays.
const (
	installedKey = `Software\Microsoft\Windows\CurrentVersion\Uninstall\FinancialCommandCenter`
	addedValue   = "AddedToPath"
)

// AddToPath puts a folder at the end of the user's PATH, unless it is there, and
// takes off the one that it has put there for a program that was elsewhere.
// Programs that the desktop starts from then on see it; a shell that is open, and
// what it starts, do not.
func AddToPath(dir string) error {
	if before := added(); before != "" && !sameFolder(before, dir, registry.SZ) {
		if err := RemoveFromPath(before); err != nil {
			return err
		}
	}
	changed, err := addToPath(dir)
	if !changed {
		return err
	}
	tellOfEnvironment()
	k, _, err := registry.CreateKey(registry.CURRENT_USER, installedKey, registry.SET_VALUE)
	if err == nil {
		defer k.Close()
		err = k.SetStringValue(addedValue, dir)
	}
	if err != nil {
		return fmt.Errorf("note that the folder was put on the PATH: %w", err)
	}
	return nil
}

// RemoveFromPath takes the folder off the user's PATH, wherever it stands there, if
// AddToPath has put it there.
func RemoveFromPath(dir string) error {
	if before := added(); before == "" || !sameFolder(before, dir, registry.SZ) {
		return nil
	}
	changed, err := removeFromPath(dir)
	if err != nil {
		return err
	}
	if changed {
		tellOfEnvironment()
	}
	k, err := registry.OpenKey(registry.CURRENT_USER, installedKey, registry.SET_VALUE)
	if err == nil {
		defer k.Close()
		err = k.DeleteValue(addedValue)
	}
	if err != nil {
		return fmt.Errorf("forget that the folder was put on the PATH: %w", err)
	}
	return nil
}

// added is the folder that AddToPath has put on the PATH.
func added() string {
	k, err := registry.OpenKey(registry.CURRENT_USER, installedKey, registry.QUERY_VALUE)
	if err != nil {
		return ""
	}
	defer k.Close()
	dir, _, _ := k.GetStringValue(addedValue) // "" where it is not
	return dir
}

func addToPath(dir string) (changed bool, err error) {
	return editPath(dir, func(path string, same func(string) bool) string { return withFolder(path, dir, same) })
}

func removeFromPath(dir string) (changed bool, err error) { return editPath(dir, withoutFolder) }

// editPath writes the value back in the form that it had: one with %VARIABLES% is
// REG_EXPAND_SZ, and would lose them as REG_SZ.
func editPath(dir string, edit func(path string, same func(entry string) bool) string) (changed bool, err error) {
	k, _, err := registry.CreateKey(registry.CURRENT_USER, environmentKey, registry.QUERY_VALUE|registry.SET_VALUE)
	if err != nil {
		return false, fmt.Errorf("open the user's environment: %w", err)
	}
	defer k.Close()
	path, kind, err := k.GetStringValue("Path")
	if errors.Is(err, registry.ErrNotExist) {
		path, kind, err = "", registry.EXPAND_SZ, nil // as Windows makes it
	}
	if err != nil {
		return false, fmt.Errorf("read the user's PATH: %w", err)
	}
	edited := edit(path, func(entry string) bool { return sameFolder(entry, dir, kind) })
	if edited == path {
		return false, nil
	}
	if length := len(utf16.Encode([]rune(edited))); length > longestVariable {
		return false, fmt.Errorf("the user's PATH is full: it would be %d characters long, and Windows keeps %d", length, longestVariable)
	}
	switch {
	case edited == "":
		err = k.DeleteValue("Path")
	case kind == registry.EXPAND_SZ:
		err = k.SetExpandStringValue("Path", edited)
	default:
		err = k.SetStringValue("Path", edited)
	}
	if err != nil {
		return false, fmt.Errorf("write the user's PATH: %w", err)
	}
	return true, nil
}

func sameFolder(entry, dir string, kind uint32) bool {
	if kind == registry.EXPAND_SZ {
		if expanded, err := registry.ExpandString(entry); err == nil {
			entry = expanded
		}
	}
	return entry != "" && strings.EqualFold(filepath.Clean(entry), filepath.Clean(dir))
}

var sendMessageTimeout = windows.NewLazySystemDLL("user32.dll").NewProc("SendMessageTimeoutW")

// tellOfEnvironment has the Explorer read the environment again, as the page above
// asks for. A window that does not answer in a second is passed over: the change is
// made, and counts for it at the next sign-in.
func tellOfEnvironment() {
	const (
		broadcast     = 0xffff // HWND_BROADCAST
		settingChange = 0x001a // WM_SETTINGCHANGE
		abortIfHung   = 0x0002 // SMTO_ABORTIFHUNG
		patience      = 1000   // milliseconds, for each window
	)
	name, err := windows.UTF16PtrFromString(environmentKey)
	if err != nil {
		return
	}
	_, _, _ = sendMessageTimeout.Call(broadcast, settingChange, 0, uintptr(unsafe.Pointer(name)), abortIfHung, patience, 0)
}
