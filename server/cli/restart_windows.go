package cli

import (
	"os"
	"os/exec"
)

// again starts the program as a process of its own: Windows cannot put one in the
// place of another. A program without a window may have no handles to hand on.
func again(program string, args, env []string) error {
	next := exec.Command(program, args...)
	next.Env = env
	if _, err := os.Stdout.Stat(); err == nil {
		next.Stdout = os.Stdout
	}
	if _, err := os.Stderr.Stat(); err == nil {
		next.Stderr = os.Stderr
	}
	if err := next.Start(); err != nil {
		return err
	}
	return next.Process.Release()
}
