package cli_test

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/windows"
)

// apart gives a program a console of its own, which no window shows.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
}

var (
	kernel        = windows.NewLazySystemDLL("kernel32.dll")
	attachConsole = kernel.NewProc("AttachConsole")
	freeConsole   = kernel.NewProc("FreeConsole")

	oneConsole sync.Mutex // is all that a process can have
	outlive    = sync.OnceFunc(func() { signal.Notify(make(chan os.Signal, 1), os.Interrupt) })
)

// tellToEnd presses Ctrl-C in the program's console, which is this process's for that
// moment: learn.microsoft.com/windows/console/generateconsolectrlevent.
func tellToEnd(p *os.Process) error {
	outlive()
	oneConsole.Lock()
	defer oneConsole.Unlock()
	_, _, _ = freeConsole.Call() // there may be none
	if ok, _, err := attachConsole.Call(uintptr(p.Pid)); ok == 0 {
		return fmt.Errorf("AttachConsole: %w", err)
	}
	err := windows.GenerateConsoleCtrlEvent(windows.CTRL_C_EVENT, 0)
	if ok, _, freeErr := freeConsole.Call(); ok == 0 {
		err = errors.Join(err, fmt.Errorf("FreeConsole: %w", freeErr))
	}
	return err
}
