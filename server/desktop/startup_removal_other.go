//go:build !windows

package desktop

// RemoveStartups takes the program out of what starts at sign-in where an
// uninstaller is expected to. Elsewhere the system passes over an entry whose
// program is gone.
func RemoveStartups(string) error { return nil }
