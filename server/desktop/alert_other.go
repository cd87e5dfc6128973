//go:build !windows

package desktop

// Alert shows a box with text and waits until it was closed. Where the system has
// no such box without more, it does nothing.
func Alert(string, string) {}

// Unseen reports whether nobody sees what is written on stderr. Here it is the
// terminal's, or the session's log.
func Unseen() bool { return false }
