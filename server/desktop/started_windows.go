package desktop

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// StartedAtSignIn lists what starts when this user signs in: the values of the Run
// keys, the user's and the computer's, and what lies in the Startup folders, of
// which the names alone are known. Tasks of the Task Scheduler are not in it, and
// neither is what cannot be read.
func StartedAtSignIn() []Started {
	all := runValues(registry.CURRENT_USER, 0)
	for i := range all {
		name := all[i].Name
		all[i].Remove = func() error { return removeStartup(name) }
	}
	// A 32-bit installer writes for the computer into the other view:
	// learn.microsoft.com/windows/win32/winprog64/registry-redirector.
	all = append(all, runValues(registry.LOCAL_MACHINE, registry.WOW64_64KEY)...)
	all = append(all, runValues(registry.LOCAL_MACHINE, registry.WOW64_32KEY)...)
	for _, folder := range []*windows.KNOWNFOLDERID{windows.FOLDERID_Startup, windows.FOLDERID_CommonStartup} {
		path, err := windows.KnownFolderPath(folder, windows.KF_FLAG_DONT_VERIFY)
		if err != nil {
			continue
		}
		files, _ := os.ReadDir(path)
		for _, file := range files {
			if kind := filepath.Ext(file.Name()); strings.EqualFold(kind, ".lnk") {
				all = append(all, Started{Name: strings.TrimSuffix(file.Name(), kind)})
			}
		}
	}
	return all
}

func runValues(root registry.Key, view uint32) (all []Started) {
	k, err := registry.OpenKey(root, runKey, registry.QUERY_VALUE|view)
	if err != nil {
		return nil
	}
	defer k.Close()
	names, _ := k.ReadValueNames(-1)
	for _, name := range names {
		line, kind, err := k.GetStringValue(name)
		if err == nil && kind == registry.EXPAND_SZ {
			line, err = registry.ExpandString(line)
		}
		if err == nil {
			all = append(all, Started{Name: name, Command: line, programs: programs(line)})
		}
	}
	return all
}
