//go:build !windows

package desktop

// AddToPath puts a folder on the user's PATH where an installer is expected to.
// Elsewhere programs go to a folder that is on everybody's PATH.
func AddToPath(string) error { return nil }

// RemoveFromPath takes the folder off again.
func RemoveFromPath(string) error { return nil }
