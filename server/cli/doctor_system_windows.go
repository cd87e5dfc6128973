package cli

import (
	"context"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"

	"financial-command-center/server"
)

// checkSystemPorts looks at the ranges that Windows has reserved.
func (c *call) checkSystemPorts(s settings) []server.Check {
	return []server.Check{checkReserved(c.ctx, runOfSystem, s.portsOfXero())}
}

// runOfSystem runs a program of Windows' own folder, without a window.
func runOfSystem(ctx context.Context, name string, args ...string) ([]byte, error) {
	folder, err := windows.GetSystemDirectory()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(folder, name+".exe"), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
	return cmd.Output()
}
