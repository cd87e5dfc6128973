// Package desktop is what FCC has on its user's desktop besides the icon in the
// tray: starting at sign-in, the clipboard, message boxes, the PATH. Each function
// has one name and a file a platform.
package desktop

import (
	"context"
	"iter"
	"os"
)

// A Switch is something that the person turns on and off. The zero Switch is one
// that this system does not have.
type Switch struct {
	Label string
	// Watch yields how it stands, at once and after each change, also one that was
	// made elsewhere.
	Watch func(context.Context) iter.Seq[bool]
	Set   func(on bool) error
}

// An Offer is something that FCC would do if it were let: a line of the menu, and
// one notification when it is new.
type Offer struct {
	Label       string // the line; the same label is the same offer
	Title, Text string // the notification; without a title there is none
	Take        func()
}

// Consent is how many changes to the books wait for a person. Of a single one it says
// what it is; what stands there was written by a program.
type Consent struct {
	N                      int
	Program, Title, Amount string
}

const startLabel = "Start at sign-in"

func isThere(file string) bool {
	info, err := os.Stat(file)
	return err == nil && !info.IsDir()
}
