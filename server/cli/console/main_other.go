//go:build !windows

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "This program is for Windows. Here fcc is one program: start fcc itself.")
	os.Exit(exitNoProgram)
}

// exitNoProgram is what shells say of a command that is not there.
const exitNoProgram = 127
