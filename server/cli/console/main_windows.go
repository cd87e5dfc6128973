package main

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// exitNoProgram is what shells say of a command that is not there.
const exitNoProgram = 127

func main() { os.Exit(run()) }

func run() int {
	self, err := os.Executable()
	if err != nil {
		return fail("fcc.com cannot find its own folder", err)
	}
	cmd := exec.Command(filepath.Join(filepath.Dir(self), "fcc.exe"))
	// The arguments go over as they were typed: each program has its own way of
	// taking a command line apart, and none is put together again the same.
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: syscall.EscapeArg(cmd.Path) + arguments()}
	typed, err := connect(cmd)
	if err != nil {
		return fail("fcc.com cannot hand over its input", err)
	}
	held, holds, err := os.Pipe()
	if err != nil {
		return fail("fcc.com cannot make a pipe", err)
	}
	handle := syscall.Handle(held.Fd())
	if err := syscall.SetHandleInformation(handle, syscall.HANDLE_FLAG_INHERIT, syscall.HANDLE_FLAG_INHERIT); err != nil {
		return fail("fcc.com cannot make a pipe", err)
	}
	cmd.SysProcAttr.AdditionalInheritedHandles = []syscall.Handle{handle}
	cmd.Env = append(os.Environ(), "FCC_TERMINAL="+strconv.FormatUint(uint64(handle), 10))

	// From here on a signal is fcc.exe's. SIGTERM is the closed window, the sign-out
	// and the shutdown; Windows kills fcc.com some seconds later.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		return fail(cmd.Path+" cannot be started. Install Financial Command Center again", err)
	}
	held.Close()
	if typed != nil {
		go func() {
			_, _ = io.Copy(typed, os.Stdin)
			typed.Close()
		}()
	}
	go func() {
		<-signals
		holds.Close()
		<-signals
		_ = cmd.Process.Kill()
	}()
	err = cmd.Wait()
	if cmd.ProcessState == nil {
		return fail("fcc.com lost fcc.exe", err)
	}
	return cmd.ProcessState.ExitCode()
}

// copying is how long output may take to reach the console once fcc.exe has ended.
// A program that fcc.exe started may still hold the other end.
const copying = time.Second

// connect gives cmd the handles of this program. Where the input is a console, what
// is typed there must be copied to typed.
func connect(cmd *exec.Cmd) (typed io.WriteCloser, err error) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.WaitDelay = copying
	if isConsole(os.Stdin) {
		cmd.Stdin = nil
		if typed, err = cmd.StdinPipe(); err != nil {
			return nil, err
		}
	}
	// exec copies to a writer that is no file, and through one pipe where both are
	// the same, so that words and yield keep their order.
	console := &copied{os.Stdout}
	if isConsole(os.Stdout) {
		cmd.Stdout = console
	}
	if isConsole(os.Stderr) {
		cmd.Stderr = console
		if !isConsole(os.Stdout) {
			cmd.Stderr = &copied{os.Stderr}
		}
	}
	return typed, nil
}

// copied hides from exec that a writer is a file.
type copied struct{ to io.Writer }

func (c *copied) Write(p []byte) (int, error) { return c.to.Write(p) }

func isConsole(f *os.File) bool {
	var mode uint32
	return syscall.GetConsoleMode(syscall.Handle(f.Fd()), &mode) == nil
}

// arguments is this program's command line after the program's name, with the
// space before it.
func arguments() string {
	line := syscall.GetCommandLine()
	length := 0
	for p := unsafe.Pointer(line); *(*uint16)(p) != 0; p = unsafe.Add(p, 2) {
		length++
	}
	return syscall.UTF16ToString(afterProgram(unsafe.Slice(line, length)))
}

// afterProgram skips the first word of a command line: to the next white space
// that is not in quotes. See "Parsing C command-line arguments" at
// learn.microsoft.com/cpp/c-language; in a program's name a backslash is no escape.
func afterProgram(line []uint16) []uint16 {
	quoted := false
	for i, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t'):
			return line[i:]
		}
	}
	return nil
}

func fail(sentence string, err error) int {
	_, _ = os.Stderr.WriteString(sentence + ". (" + err.Error() + ")\n")
	return exitNoProgram
}
