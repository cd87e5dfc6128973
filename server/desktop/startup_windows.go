package desktop

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"unicode/utf16"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

const (
	// runKey holds a command line for each program that starts with its user's
	// sign-in: learn.microsoft.com/windows/win32/setupapi/run-and-runonce-registry-keys.
	runKey = `Software\Microsoft\Windows\CurrentVersion\Run`
	// approvedKey is where Task Manager and the Settings app note which of them they
	// turned off. Microsoft describes it nowhere; what is known is that the first
	// byte of a value is odd when its program is off, and that no value means on.
	approvedKey = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`

	longestCommand = 260 // of a Run value, says Microsoft's page
)

// StartAtSignIn is whether the program starts when its user signs in to the
// system, under the name that stands in the system's own list of such programs.
// The command begins with the program's full path. Where the system has no such
// list it is the zero Switch.
func StartAtSignIn(name string, command []string) Switch {
	return Switch{
		Label: startLabel,
		Watch: func(ctx context.Context) iter.Seq[bool] { return watchStartup(ctx, name) },
		Set: func(on bool) error {
			if on {
				return addStartup(name, command)
			}
			return removeStartup(name)
		},
	}
}

// RepairStartup gives the entry of a program that was moved its new command, and
// says that it did. An entry whose program is there, ours or another, is left
// alone, and so is what was turned off.
func RepairStartup(name string, command []string) (bool, error) {
	k, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.QUERY_VALUE|registry.SET_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("open the Run key: %w", err)
	}
	defer k.Close()
	line, kind, err := k.GetStringValue(name)
	if errors.Is(err, registry.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the Run value: %w", err)
	}
	if kind == registry.EXPAND_SZ {
		if line, err = registry.ExpandString(line); err != nil {
			return false, fmt.Errorf("read the Run value: %w", err)
		}
	}
	if slices.ContainsFunc(programs(line), isThere) {
		return false, nil
	}
	return true, setRun(k, name, command)
}

// programs are the files that Windows would try for a command line: a path with
// spaces may stand there without quotes.
func programs(line string) []string {
	line = strings.TrimSpace(line)
	if quoted, ok := strings.CutPrefix(line, `"`); ok {
		program, _, _ := strings.Cut(quoted, `"`)
		return []string{program}
	}
	all := []string{line}
	for i, r := range line {
		if r == ' ' {
			all = append(all, line[:i])
		}
	}
	return all
}

func addStartup(name string, command []string) error {
	k, _, err := registry.CreateKey(registry.CURRENT_USER, runKey, registry.SET_VALUE)
	if err != nil {
		return fmt.Errorf("open the Run key: %w", err)
	}
	defer k.Close()
	if err := setRun(k, name, command); err != nil {
		return err
	}
	return forgetApproval(name)
}

func removeStartup(name string) error {
	k, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.SET_VALUE)
	if err == nil {
		defer k.Close()
		err = k.DeleteValue(name)
	}
	if err != nil && !errors.Is(err, registry.ErrNotExist) {
		return fmt.Errorf("delete the Run value: %w", err)
	}
	return forgetApproval(name)
}

func setRun(k registry.Key, name string, command []string) error {
	line := `"` + command[0] + `"` // a path holds no quotes
	for _, arg := range command[1:] {
		line += " " + windows.EscapeArg(arg)
	}
	if length := len(utf16.Encode([]rune(line))); length > longestCommand {
		return fmt.Errorf("the command line is %d characters long, and Windows starts none over %d", length, longestCommand)
	}
	if err := k.SetStringValue(name, line); err != nil {
		return fmt.Errorf("write the Run value: %w", err)
	}
	return nil
}

func forgetApproval(name string) error {
	k, err := registry.OpenKey(registry.CURRENT_USER, approvedKey, registry.SET_VALUE)
	if err == nil {
		defer k.Close()
		err = k.DeleteValue(name)
	}
	if err != nil && !errors.Is(err, registry.ErrNotExist) {
		return fmt.Errorf("clear what Task Manager turned off: %w", err)
	}
	return nil
}

// startsAtSignIn reads both lists.
func startsAtSignIn(name string) bool {
	run, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.QUERY_VALUE)
	if err != nil {
		return false
	}
	defer run.Close()
	if _, _, err := run.GetStringValue(name); err != nil {
		return false
	}
	approved, err := registry.OpenKey(registry.CURRENT_USER, approvedKey, registry.QUERY_VALUE)
	if err != nil {
		return true
	}
	defer approved.Close()
	verdict, _, err := approved.GetBinaryValue(name)
	return err != nil || len(verdict) == 0 || verdict[0]%2 == 0
}

// watchStartup asks Windows to be told of changes, and does not look by itself.
// Where Windows does not tell, what is so now is all it yields.
func watchStartup(ctx context.Context, name string) iter.Seq[bool] {
	return func(yield func(bool) bool) {
		// A request to be told ends with the thread that made it:
		// learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regnotifychangekeyvalue.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		told, err := tellOf(ctx, runKey, approvedKey)
		if err == nil {
			defer told.close()
		}
		on := startsAtSignIn(name)
		if !yield(on) || err != nil {
			return
		}
		for told.wait() {
			if now := startsAtSignIn(name); now != on {
				if on = now; !yield(on) {
					return
				}
			}
		}
	}
}

// A teller waits for changes of registry keys.
type teller struct {
	keys   []registry.Key
	events []windows.Handle // the end, then one a key
	unhook func()
}

// tellOf makes the keys that are not there yet, as what turns entries off does.
func tellOf(ctx context.Context, paths ...string) (*teller, error) {
	t := &teller{unhook: func() {}}
	event := func() (windows.Handle, error) {
		e, err := windows.CreateEvent(nil, 0, 0, nil) // goes out again when it was waited for
		if err == nil {
			t.events = append(t.events, e)
		}
		return e, err
	}
	end, err := event()
	for i := 0; err == nil && i < len(paths); i++ {
		var k registry.Key
		if k, _, err = registry.CreateKey(registry.CURRENT_USER, paths[i], registry.NOTIFY); err == nil {
			t.keys = append(t.keys, k)
			if _, err = event(); err == nil {
				err = t.ask(i)
			}
		}
	}
	if err != nil {
		t.close()
		return nil, err
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = windows.SetEvent(end)
	})
	t.unhook = func() {
		if !stop() {
			<-done // it uses the handle until then
		}
	}
	return t, nil
}

func (t *teller) ask(key int) error {
	return windows.RegNotifyChangeKeyValue(windows.Handle(t.keys[key]), false, windows.REG_NOTIFY_CHANGE_LAST_SET, t.events[key+1], true)
}

// wait returns after a change, having asked for the next: none is lost between.
func (t *teller) wait() bool {
	which, err := windows.WaitForMultipleObjects(t.events, false, windows.INFINITE)
	return err == nil && which != windows.WAIT_OBJECT_0 && t.ask(int(which-windows.WAIT_OBJECT_0)-1) == nil
}

func (t *teller) close() {
	t.unhook()
	for _, k := range t.keys {
		_ = k.Close()
	}
	for _, e := range t.events {
		_ = windows.CloseHandle(e)
	}
}
