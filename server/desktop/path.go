package desktop

import "strings"

// The PATH is a list of folders; on Windows a folder with a semicolon stands in
// quotes. These functions add and remove one folder and leave every other byte
// as it is. same says whether an entry, without quotes, is that folder.

// withFolder returns path with dir at its end, unless it is there already.
func withFolder(path, dir string, same func(entry string) bool) string {
	for _, entry := range splitPath(path) {
		if same(unquote(entry)) {
			return path
		}
	}
	if strings.Contains(dir, ";") {
		dir = `"` + dir + `"`
	}
	switch {
	case path == "":
		return dir
	case strings.HasSuffix(path, ";"): // withoutFolder gives it back
		return path + dir + ";"
	}
	return path + ";" + dir
}

// withoutFolder returns path without any entry that is the folder.
func withoutFolder(path string, same func(entry string) bool) string {
	entries := splitPath(path)
	kept := entries[:0:0]
	for _, entry := range entries {
		if !same(unquote(entry)) {
			kept = append(kept, entry)
		}
	}
	return strings.Join(kept, ";")
}

// splitPath splits at the semicolons that are not in quotes. A quote without its
// second quotes nothing.
func splitPath(path string) []string {
	var entries []string
	paired := strings.Count(path, `"`)%2 == 0
	begin, quoted := 0, false
	for i := range len(path) {
		switch {
		case path[i] == '"' && paired:
			quoted = !quoted
		case path[i] == ';' && !quoted:
			entries = append(entries, path[begin:i])
			begin = i + 1
		}
	}
	return append(entries, path[begin:])
}

func unquote(entry string) string { return strings.ReplaceAll(entry, `"`, "") }
