package tray

import (
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	user32  = windows.NewLazySystemDLL("user32.dll")
	shell32 = windows.NewLazySystemDLL("shell32.dll")

	callWindowProc           = user32.NewProc("CallWindowProcW")
	changeMessageFilter      = user32.NewProc("ChangeWindowMessageFilterEx")
	createIconFromResource   = user32.NewProc("CreateIconFromResourceEx")
	createWindow             = user32.NewProc("CreateWindowExW")
	destroyIcon              = user32.NewProc("DestroyIcon")
	destroyWindow            = user32.NewProc("DestroyWindow")
	findWindow               = user32.NewProc("FindWindowW")
	findWindowAfter          = user32.NewProc("FindWindowExW")
	getDpiForWindow          = user32.NewProc("GetDpiForWindow") // from Windows 10 1607 on, as the next
	getSystemMetricsForDpi   = user32.NewProc("GetSystemMetricsForDpi")
	getWindowLongPtr         = user32.NewProc("GetWindowLongPtrW")
	getSystemMetrics         = user32.NewProc("GetSystemMetrics")
	getWindowThreadProcessID = user32.NewProc("GetWindowThreadProcessId")
	postQuitMessage          = user32.NewProc("PostQuitMessage")
	registerWindowMessage    = user32.NewProc("RegisterWindowMessageW")
	setWindowLongPtr         = user32.NewProc("SetWindowLongPtrW")
	shellNotifyIcon          = shell32.NewProc("Shell_NotifyIconW")
)

const (
	wmEndSession    = 0x0016
	wmSettingChange = 0x001a
	wmDisplayChange = 0x007e
	wmDpiChanged    = 0x02e0
	wmSystray       = 0x0401 // systray's own: what happens to its icon

	gwlpWndProc  = ^uintptr(3) // -4
	msgfltAllow  = 1
	smCxIcon     = 11
	smCxSmIcon   = 49
	systrayIcon  = 100
	iconVersion  = 0x00030000
	balloonClick = 0x0405 // NIN_BALLOONUSERCLICK
)

// Shell_NotifyIcon's messages and what its data holds:
// learn.microsoft.com/windows/win32/api/shellapi/nf-shellapi-shell_notifyiconw.
const (
	nimAdd    = 0
	nimModify = 1
	nimDelete = 2

	nifMessage = 0x01
	nifIcon    = 0x02
	nifTip     = 0x04
	nifState   = 0x08
	nifInfo    = 0x10

	nisHidden = 1

	niifUser      = 0x04 // with the picture that is given
	niifLargeIcon = 0x20
	niifQuietTime = 0x80 // not in the first hour of a new user, nor while one presents
)

// notifyIconData is NOTIFYICONDATAW.
type notifyIconData struct {
	size                       uint32
	window                     windows.HWND
	id, flags, callbackMessage uint32
	icon                       windows.Handle
	tip                        [128]uint16
	state, stateMask           uint32
	info                       [256]uint16
	version                    uint32
	infoTitle                  [64]uint16
	infoFlags                  uint32
	guid                       windows.GUID
	balloonIcon                windows.Handle
}

// tell is Shell_NotifyIcon.
func (d notifyIconData) tell(what uintptr) error {
	d.size = uint32(unsafe.Sizeof(d))
	if ok, _, err := shellNotifyIcon.Call(what, uintptr(unsafe.Pointer(&d))); ok == 0 {
		return fmt.Errorf("Shell_NotifyIcon %d: %w", what, err)
	}
	return nil
}

// put writes text into a field, cut to its length at a whole letter, with the
// zero that ends it.
func put(field []uint16, text string) {
	clear(field)
	at := 0
	for _, r := range text {
		units := windows.StringToUTF16(string(r))
		units = units[:len(units)-1]
		if at+len(units) >= len(field) {
			return
		}
		at += copy(field[at:], units)
	}
}

// taskbarCreated is the message by which a new taskbar asks for the icons:
// learn.microsoft.com/windows/win32/shell/taskbar.
var taskbarCreated = sync.OnceValue(func() uint32 {
	message, _, _ := registerWindowMessage.Call(uintptr(unsafe.Pointer(wide("TaskbarCreated"))))
	return uint32(message)
})

// taskbar is the taskbar's window; 0: there is none yet.
func taskbar() windows.HWND {
	window, _, _ := findWindow.Call(uintptr(unsafe.Pointer(wide("Shell_TrayWnd"))), 0)
	return windows.HWND(window)
}

// systrayWindow is the window that systray made for its icon.
func systrayWindow() windows.HWND {
	class := wide("SystrayClass")
	for window := uintptr(0); ; {
		window, _, _ = findWindowAfter.Call(0, window, uintptr(unsafe.Pointer(class)), 0)
		var process uint32
		getWindowThreadProcessID.Call(window, uintptr(unsafe.Pointer(&process)))
		if window == 0 || process == windows.GetCurrentProcessId() {
			return windows.HWND(window)
		}
	}
}

// wide is for texts without a zero byte.
func wide(text string) *uint16 {
	p, err := windows.UTF16PtrFromString(text)
	if err != nil {
		panic(err)
	}
	return p
}

// metric is a size in pixels as it is on the taskbar's screen. Before Windows 10
// 1607 all screens had one.
func metric(which uintptr) int {
	if getSystemMetricsForDpi.Find() == nil && getDpiForWindow.Find() == nil {
		if dpi, _, _ := getDpiForWindow.Call(uintptr(taskbar())); dpi != 0 {
			if size, _, _ := getSystemMetricsForDpi.Call(which, dpi); size != 0 {
				return int(size)
			}
		}
	}
	size, _, _ := getSystemMetrics.Call(which)
	return int(size)
}
