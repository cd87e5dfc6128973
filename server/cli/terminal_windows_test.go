package cli

import (
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

func TestFCCEndsWithTheTerminalThatItWasStartedFrom(t *testing.T) {
	for name, c := range map[string]struct {
		value string // "" is the pipe's own handle
		ends  bool
	}{
		"the pipe":   {"", true},
		"no number":  {"x", false},
		"no handle":  {"999999", false},
		"not a pipe": {"file", false},
		"not set":    {"unset", false},
	} {
		t.Run(name, func(t *testing.T) {
			held, holds, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer holds.Close()
			// withTerminal owns its handle; the test's own is closed by the test.
			var handle windows.Handle
			self := windows.CurrentProcess()
			if err := windows.DuplicateHandle(self, windows.Handle(held.Fd()), self, &handle, 0, false, windows.DUPLICATE_SAME_ACCESS); err != nil {
				t.Fatal(err)
			}
			held.Close()
			value := c.value
			switch value {
			case "":
				value = strconv.FormatUint(uint64(handle), 10)
			case "file":
				file, err := os.Create(t.TempDir() + `\file`)
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				value = strconv.FormatUint(uint64(file.Fd()), 10)
			case "unset":
				value = ""
			}
			t.Setenv(terminalVariable, value)
			ctx := withTerminal(t.Context(), os.Getenv)
			if left, ok := os.LookupEnv(terminalVariable); ok && left != "" {
				t.Errorf("what FCC starts would inherit %s=%s", terminalVariable, left)
			}
			select {
			case <-ctx.Done():
				t.Fatal("ended at once")
			case <-time.After(50 * time.Millisecond):
			}
			holds.Close()
			wait := 100 * time.Millisecond
			if c.ends {
				wait = 10 * time.Second
			}
			select {
			case <-ctx.Done():
				if !c.ends {
					t.Error("ended")
				}
			case <-time.After(wait):
				if c.ends {
					t.Error("did not end")
				}
			}
		})
	}
}
