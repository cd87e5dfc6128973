package cli

import (
	"context"
	"os"
	"strconv"

	"golang.org/x/sys/windows"
)

// terminalVariable names the handle by which fcc.com (server/cli/console) tells
// fcc.exe to end: the reading end of a pipe that fcc.com holds the other end of.
const terminalVariable = "FCC_TERMINAL"

// withTerminal returns a context that also ends when the terminal does that FCC was
// started from.
func withTerminal(ctx context.Context, env environ) context.Context {
	text := env(terminalVariable)
	if text == "" {
		return ctx
	}
	_ = os.Unsetenv(terminalVariable) // the handle means nothing to what FCC starts
	number, err := strconv.ParseUint(text, 10, 64)
	handle := windows.Handle(number)
	if kind, kindErr := windows.GetFileType(handle); err != nil || kindErr != nil || kind != windows.FILE_TYPE_PIPE {
		return ctx
	}
	ctx, end := context.WithCancel(ctx)
	pipe := os.NewFile(uintptr(handle), "terminal")
	go func() {
		_, _ = pipe.Read(make([]byte, 1)) // nobody writes: it returns at the pipe's end
		end()
	}()
	return ctx
}
