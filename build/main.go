// Command build is everything a developer runs besides go itself. It works
// wherever Go does, without make: go run ./build COMMAND.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// A command is one word after go run ./build. It prints its own help for
// --help, and its error is shown as it stands.
type command struct {
	name, does string
	run        func(args []string) error
}

// commands is filled in by init: help needs the table, and the table help.
var commands []command

func init() {
	commands = []command{
		{"bench", "measure start, memory and renewals of the built program", bench},
		{"icons", "draw the program's icons into assets/icons", icons},
		{"openapi", "reduce Xero's published descriptions to what the simulated Xero is checked against", openapi},
		{"package", "make the installer and the packages that people download (installs what it needs on Debian)", pack},
		{"proof", "run the long proofs with the built program, browser and keychain", proof},
		{"screenshots", "photograph every page in Chromium, in every state, wide and narrow, light and dark", screenshots},
		{"sign-update", "sign what is published for programs that look for updates", signUpdate},
		{"sim", "run the simulated Xero alone", sim},
		{"test", "check and test everything, as a change must pass it (installs what it needs on Debian)", test},
		{"windows", "run the tests for Windows under Wine, all or of some packages", testWindows},
	}
}

func main() {
	if len(os.Args) < 2 {
		help(os.Stderr)
		os.Exit(2)
	}
	name := os.Args[1]
	if name == "help" || name == "-h" || name == "--help" {
		help(os.Stdout)
		return
	}
	for _, c := range commands {
		if c.name != name {
			continue
		}
		switch err := c.run(os.Args[2:]); {
		case errors.Is(err, flag.ErrHelp):
		case errors.Is(err, errSaid):
			os.Exit(1)
		case err != nil:
			fmt.Fprintf(os.Stderr, "build %s: %v\n", name, err)
			os.Exit(1)
		}
		return
	}
	fmt.Fprintf(os.Stderr, "build: there is no command %q.\n\n", name)
	help(os.Stderr)
	os.Exit(2)
}

func help(w io.Writer) {
	fmt.Fprint(w, "Usage: go run ./build COMMAND [flags]\n\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-11s  %s\n", c.name, c.does)
	}
	fmt.Fprint(w, "\ngo run ./build COMMAND --help says more.\n")
}
