//go:build !windows && !linux

package desktop

// StartAtSignIn is whether the program starts when its user signs in to the
// system. Where the system has no list of such programs that FCC knows, as here,
// it is the zero Switch.
func StartAtSignIn(string, []string) Switch { return Switch{} }

// RepairStartup gives the entry of a program that was moved its new command. Here
// there is none.
func RepairStartup(string, []string) (bool, error) { return false, nil }
