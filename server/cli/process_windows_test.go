package cli_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// hasConsole is set for the process in which the tests run.
const hasConsole = "FCC_TEST_HAS_CONSOLE"

// withConsole runs the tests in a process that has a console, which no window shows:
// the programs that it starts share it, and can be told to end through it. It does
// not return but there.
func withConsole() {
	if os.Getenv(hasConsole) != "" {
		return
	}
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), hasConsole+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}

// apart makes a program the first of a group, which can be told to end alone.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// tellToEnd presses Ctrl-Break for the group. No group hears a Ctrl-C that is for it
// alone: learn.microsoft.com/windows/console/generateconsolectrlevent.
func tellToEnd(p *os.Process) error {
	return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(p.Pid))
}
