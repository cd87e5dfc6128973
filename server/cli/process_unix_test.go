//go:build !windows

package cli_test

import (
	"os"
	"syscall"
)

func apart() *syscall.SysProcAttr { return nil }

func tellToEnd(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
