package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// unseen runs fcc as a double click does, without handles for its words, and closes
// the message box that comes. It returns what that said.
func (m *machine) unseen(args ...string) (code uint32, said string) {
	m.t.Helper()
	self, err := os.Executable()
	if err != nil {
		m.t.Fatal(err)
	}
	for _, variable := range append([]string{asFCC + "=1"}, m.env...) {
		name, value, _ := strings.Cut(variable, "=")
		m.t.Setenv(name, value)
	}
	line, err := windows.UTF16PtrFromString(windows.ComposeCommandLine(append([]string{self}, args...)))
	if err != nil {
		m.t.Fatal(err)
	}
	// os/exec gives every program three handles.
	var p windows.ProcessInformation
	if err := windows.CreateProcess(nil, line, nil, nil, false, windows.DETACHED_PROCESS, nil, nil, &windows.StartupInfo{}, &p); err != nil {
		m.t.Fatal(err)
	}
	defer windows.CloseHandle(p.Thread)
	defer windows.CloseHandle(p.Process)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if event, err := windows.WaitForSingleObject(p.Process, 20); err == nil && event == windows.WAIT_OBJECT_0 {
			if err := windows.GetExitCodeProcess(p.Process, &code); err != nil {
				m.t.Fatal(err)
			}
			return code, said
		}
		if text, box := boxOf(p.ProcessId); box != 0 {
			said = text
			_, _, _ = user32.NewProc("PostMessageW").Call(uintptr(box), 0x0010, 0, 0) // WM_CLOSE
		}
	}
	_ = windows.TerminateProcess(p.Process, 1)
	m.t.Fatalf("fcc %v does not end", args)
	return 0, ""
}

var user32 = windows.NewLazySystemDLL("user32.dll")

// boxOf is the message box of a process: a dialog with a text in it.
func boxOf(process uint32) (text string, box windows.HWND) {
	find := func(parent, after windows.HWND, class string) windows.HWND {
		name, _ := windows.UTF16PtrFromString(class)
		found, _, _ := user32.NewProc("FindWindowExW").Call(uintptr(parent), uintptr(after), uintptr(unsafe.Pointer(name)), 0)
		return windows.HWND(found)
	}
	for {
		if box = find(0, box, "#32770"); box == 0 {
			return "", 0
		}
		var owner uint32
		if _, err := windows.GetWindowThreadProcessId(box, &owner); err == nil && owner == process {
			break
		}
	}
	for static := find(box, 0, "Static"); static != 0; static = find(box, static, "Static") {
		var words [2048]uint16
		_, _, _ = user32.NewProc("SendMessageW").Call(uintptr(static), 0x000d, uintptr(len(words)), uintptr(unsafe.Pointer(&words))) // WM_GETTEXT
		text += windows.UTF16ToString(words[:])
	}
	if text == "" {
		return "", 0 // not there yet
	}
	return text, box
}

func TestAStartThatNobodySeesFailIsSaidInABox(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string // "" for no box
	}{
		{[]string{"--prot", "9000"}, "unknown flag --prot"},
		{[]string{"strat"}, "strat"},
		{[]string{"--port", "x"}, `"x" (from --port)`},
		{[]string{"stop", "--prot"}, ""},
		{[]string{"--prot", "stop"}, ""},
		{[]string{"serve", "--port", "x"}, ""},
	} {
		code, said := newMachine(t).unseen(c.args...)
		if code != 64 || !strings.Contains(said, c.want) || (said == "") != (c.want == "") {
			t.Errorf("fcc %v: exit %d, the box says %q", c.args, code, said)
		}
	}
}

func TestTheUninstallerSaysInABoxWhatIsLeftInEveryAlphabet(t *testing.T) {
	m := newMachine(t)
	for _, box := range []bool{true, false} {
		foreign := filepath.Join(m.dataDir(), "Übersicht 株式会社.txt")
		if err := errors.Join(os.MkdirAll(m.dataDir(), 0o700), os.WriteFile(foreign, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		args := []string{"installation", "erase"}
		if box {
			args = append(args, "--box")
		}
		code, said := m.unseen(args...)
		if code != 1 || strings.Contains(said, foreign+" is not FCC's, and stays.") != box || (said != "") != box {
			t.Errorf("with a box %v: exit %d, %q", box, code, said)
		}
	}
	if err := os.RemoveAll(m.dataDir()); err != nil {
		t.Fatal(err)
	}
	if code, said := m.unseen("installation", "erase", "--box"); code != 0 || said != "" {
		t.Errorf("with nothing left: exit %d, %q", code, said)
	}
}
