package desktop

import (
	"os"
	"path/filepath"
	"strings"
)

// StartedAtSignIn lists what starts when this user signs in, as far as the user's
// own lists say. What cannot be read is not in it.
func StartedAtSignIn() []Started {
	path, err := autostartFile("")
	if err != nil {
		return nil
	}
	folder := filepath.Dir(path)
	files, _ := os.ReadDir(folder)
	var all []Started
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".desktop") {
			continue
		}
		path := filepath.Join(folder, file.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		entry := parseEntry(string(data))
		name, command := entry.value("Name"), entry.value("Exec")
		if name == "" {
			name = file.Name()
		}
		all = append(all, Started{Name: name, Command: command, programs: []string{firstWord(command)}, Remove: func() error { return os.Remove(path) }})
	}
	return all
}
