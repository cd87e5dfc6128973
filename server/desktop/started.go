package desktop

import (
	"os"
	"slices"
)

// A Started is a program that starts when its user signs in to the system.
type Started struct {
	Name    string // in the system's own list
	Command string // "" where only the name is known

	// Remove takes it off the list; nil where this user may not.
	Remove func() error

	programs []string // the files that the system would try
}

// Starts reports whether it is this program file.
func (s Started) Starts(program string) bool {
	this, err := os.Stat(program)
	return err == nil && slices.ContainsFunc(s.programs, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && os.SameFile(info, this)
	})
}
