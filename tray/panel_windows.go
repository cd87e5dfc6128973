package tray

import (
	"context"
	"log/slog"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// systray takes nothing before its window is there.
const paintBeforeStart = false

// escape keeps ampersands, which Windows reads as "underline the next letter".
func escape(label string) string { return strings.ReplaceAll(label, "&", "&&") }

var findWindow = windows.NewLazySystemDLL("user32.dll").NewProc("FindWindowW")

// available looks for the taskbar. systray cannot be started without one: it
// adds its icon once and gives up.
func available(context.Context) bool {
	class, err := windows.UTF16PtrFromString("Shell_TrayWnd")
	if err != nil {
		return false
	}
	window, _, _ := findWindow.Call(uintptr(unsafe.Pointer(class)), 0)
	return window != 0
}

type panel struct{}

func openPanel(context.Context) panel { return panel{} }

// await waits for the taskbar, which at a sign-in to Windows may come after the
// programs that start with it; false: ctx ended.
func (panel) await(ctx context.Context, log *slog.Logger) bool {
	if available(ctx) {
		return true
	}
	log.Info("no tray: there is no taskbar yet")
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if available(ctx) {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// keep has nothing to do: systray puts the icon back when the taskbar is new.
func (panel) keep(context.Context, *slog.Logger) {}
