//go:build !windows

package cli

import "syscall"

// again puts the program in the place of this process, which keeps its number, its
// terminal and whoever watches over it, and returns only when that fails.
func again(program string, args, env []string) error {
	return syscall.Exec(program, append([]string{program}, args...), env)
}
