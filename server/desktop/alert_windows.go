package desktop

import (
	"golang.org/x/sys/windows"
)

// Alert shows a box with text and waits until it was closed. Where the system has
// no such box without more, it does nothing.
func Alert(title, text string) {
	t, err := windows.UTF16PtrFromString(title)
	if err != nil {
		return
	}
	m, err := windows.UTF16PtrFromString(text)
	if err != nil {
		return
	}
	_, _ = windows.MessageBox(0, m, t, windows.MB_OK|windows.MB_ICONERROR|windows.MB_SETFOREGROUND)
}

// Unseen reports whether nobody sees what is written on stderr: a program without
// a console has none after a double click, at sign-in, and from an installer
// (learn.microsoft.com/windows/console/getstdhandle).
func Unseen() bool {
	h, err := windows.GetStdHandle(windows.STD_ERROR_HANDLE)
	if err != nil || h == 0 || h == windows.InvalidHandle {
		return true
	}
	kind, err := windows.GetFileType(h)
	return kind == windows.FILE_TYPE_UNKNOWN && err != nil
}
