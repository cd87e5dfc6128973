// Command menudrive reads and clicks the tray menu of a running program by the
// text of its lines, for the tests of build/wine. The menu is the real one, opened as the taskbar opens
// it.
//
// It knows the windows of fyne.io/systray. It reads the menu by calls made inside
// the other program, for Wine 8 shows no program another's menu: a test tool,
// which virus scanners would rightly dislike, and never shipped.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

const usage = `menudrive [-pid N] list              print the menu's lines as JSON
menudrive [-pid N] click LABEL...     click a line; one of a submenu after the label above it
menudrive [-pid N] show               open the menu and leave it so, for a picture
menudrive [-pid N] icon               click the icon itself, with the left button
Exit codes: 0, 1 failed, 2 no such line, 3 the line cannot be clicked.
`

var (
	errNoLine   = errors.New("no such line")
	errDisabled = errors.New("the line cannot be clicked")
)

func main() {
	pid := flag.Uint("pid", 0, "process whose menu it is, where there are several")
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	flag.Parse()
	err := run(uint32(*pid), flag.Arg(0), flag.Args())
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "menudrive:", err)
	switch {
	case errors.Is(err, errNoLine):
		os.Exit(2)
	case errors.Is(err, errDisabled):
		os.Exit(3)
	}
	os.Exit(1)
}

func run(pid uint32, verb string, args []string) error {
	t, err := findTray(pid)
	if err != nil {
		return err
	}
	switch {
	case verb == "icon":
		t.post(trayMessage, trayIcon, wmLButtonUp)
		return nil
	case verb == "show":
		_, err := t.open()
		return err
	case verb == "list", verb == "click" && len(args) > 1:
	default:
		return errors.New("usage:\n" + usage)
	}
	menu, err := t.open()
	if err != nil {
		return err
	}
	target, err := attach(t.pid)
	if err != nil {
		return err
	}
	defer target.close()
	lines, err := target.lines(menu)
	if err := errors.Join(err, t.shut()); err != nil {
		return err
	}
	if verb == "list" {
		return json.NewEncoder(os.Stdout).Encode(lines)
	}
	l, err := find(lines, args[1:])
	if err != nil {
		return err
	}
	t.post(wmCommand, uintptr(l.id), 0)
	return nil
}

// A line is one row of a menu; without a label it is a separator.
type line struct {
	Label    string `json:"label"`
	Disabled bool   `json:"disabled,omitempty"`
	Checked  bool   `json:"checked,omitempty"`
	Under    []line `json:"under,omitempty"`
	id       uint32
}

// find follows labels down into submenus. The program would take a click on a
// disabled line that comes as a message; a person cannot make one.
func find(lines []line, labels []string) (line, error) {
	for _, l := range lines {
		switch {
		case l.Label != labels[0]:
		case l.Disabled:
			return line{}, fmt.Errorf("%q: %w", l.Label, errDisabled)
		case len(labels) > 1:
			return find(l.Under, labels[1:])
		default:
			return l, nil
		}
	}
	return line{}, fmt.Errorf("%q: %w", labels[0], errNoLine)
}

// What the taskbar sends systray's window, and that one its menu.
const (
	trayClass   = "SystrayClass"
	menuClass   = "#32768" // of every menu, learn.microsoft.com/windows/win32/winmsg/about-window-classes
	trayMessage = 0x401    // WM_USER + 1
	trayIcon    = 100

	wmCancelMode = 0x1f
	wmCommand    = 0x111
	wmLButtonUp  = 0x202
	wmRButtonUp  = 0x205
	mnGetHMenu   = 0x1e1
	abortIfHung  = 2 // SMTO_ABORTIFHUNG
)

var (
	user         = windows.NewLazySystemDLL("user32.dll")
	findWindowEx = user.NewProc("FindWindowExW")
	postMessage  = user.NewProc("PostMessageW")
	sendMessage  = user.NewProc("SendMessageTimeoutW")
	processOf    = user.NewProc("GetWindowThreadProcessId")
	patience     = 5 * time.Second
	betweenLooks = 30 * time.Millisecond
	hungAfter    = uintptr(2000) // milliseconds
)

// tray is systray's window in some process.
type tray struct {
	window uintptr
	pid    uint32
}

func findTray(pid uint32) (t tray, err error) {
	return t, wait("a tray icon", func() bool {
		t.window, t.pid = window(trayClass, pid)
		return t.window != 0
	})
}

func (t tray) post(message, w, l uintptr) { _, _, _ = postMessage.Call(t.window, message, w, l) }

// open opens the menu as a click with the right button does, and returns it.
func (t tray) open() (menu uintptr, err error) {
	// A submenu that is still open would be taken for the menu.
	if err := t.shut(); err != nil {
		return 0, err
	}
	t.post(trayMessage, trayIcon, wmRButtonUp)
	return menu, wait("the menu", func() bool {
		popup, _ := window(menuClass, t.pid)
		if popup == 0 {
			return false
		}
		_, _, _ = sendMessage.Call(popup, mnGetHMenu, 0, 0, abortIfHung, hungAfter, uintptr(unsafe.Pointer(&menu)))
		return menu != 0
	})
}

func (t tray) shut() error {
	return wait("the menu's end", func() bool {
		t.post(wmCancelMode, 0, 0)
		popup, _ := window(menuClass, t.pid)
		return popup == 0
	})
}

// window finds a window of a class, of process pid if that is not 0.
func window(class string, pid uint32) (handle uintptr, owner uint32) {
	name, err := windows.UTF16PtrFromString(class)
	if err != nil {
		return 0, 0
	}
	for {
		handle, _, _ = findWindowEx.Call(0, handle, uintptr(unsafe.Pointer(name)), 0)
		if handle == 0 {
			return 0, 0
		}
		_, _, _ = processOf.Call(handle, uintptr(unsafe.Pointer(&owner)))
		if pid == 0 || owner == pid {
			return handle, owner
		}
	}
}

func wait(what string, ok func() bool) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(betweenLooks) {
		if ok() {
			return nil
		}
	}
	return fmt.Errorf("%s did not come within %v", what, patience)
}
