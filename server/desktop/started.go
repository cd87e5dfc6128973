package desktop

import (
	"errors"
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

// RemoveStartups takes the program out of what starts at sign-in, under whatever
// names it stands there.
func RemoveStartups(program string) error {
	var errs []error
	for _, entry := range StartedAtSignIn() {
		if entry.Remove != nil && entry.Starts(program) {
			errs = append(errs, entry.Remove())
		}
	}
	return errors.Join(errs...)
}
