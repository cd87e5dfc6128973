//go:build !windows && !linux

package desktop

// StartedAtSignIn lists what starts when this user signs in. Here FCC knows no such
// list.
func StartedAtSignIn() []Started { return nil }
