package cli

import (
	"errors"
	"os"
)

// errRestart ends FCC in order and has it start again as it was started: a changed
// setting is read then, and a tray works once a process.
var errRestart = errors.New("start again")

// secretEnvironment is what forgetSecrets takes out of the environment, for the
// next start.
func secretEnvironment(env environ) (kept []string) {
	for _, name := range secretVariables {
		if value := env(name); value != "" {
			kept = append(kept, name+"="+value)
		}
	}
	return kept
}

// startAgain starts this program with the same arguments and the environment that
// it was given, when all of FCC has ended.
func (c *call) startAgain() error {
	self, err := os.Executable()
	if err == nil {
		err = again(self, c.Args, append(os.Environ(), c.secrets...))
	}
	if err != nil {
		return failf(exitFailed, "FCC has ended and could not start again: %v. Start it yourself.", err)
	}
	return nil
}
