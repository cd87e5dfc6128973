package tray

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

const (
	// systray takes nothing before its window is there.
	paintBeforeStart = false

	// The menu opens at a right click, as Windows' own icons have it.
	leftClickOpens = true
)

// escape keeps ampersands, which Windows reads as "underline the next letter".
func escape(label string) string { return strings.ReplaceAll(label, "&", "&&") }

func available(context.Context) bool { return takesIcons() == nil }

type panel struct{}

func openPanel(context.Context) panel { return panel{} }

// await waits for a taskbar that takes icons. At a sign-in to Windows it comes
// after the programs that start with it, and shows its window some time before it
// takes the first icon. systray must not be run before: it tries once and, when
// that fails, neither goes on nor ends.
func (panel) await(ctx context.Context, log *slog.Logger) bool {
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for said := false; ; {
		err := takesIcons()
		if err == nil {
			return true
		}
		if !said {
			said = true
			log.Info("no tray: there is no taskbar yet that takes icons", "err", err)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return false
		}
	}
}

// takesIcons tries it, with an icon that is hidden and taken away again. Windows 11
// lists icons by program and number: it has systray's, or there would be two.
func takesIcons() error {
	runtime.LockOSThread() // a window goes by the thread that made it
	defer runtime.UnlockOSThread()
	window, _, err := createWindow.Call(0, uintptr(unsafe.Pointer(wide("STATIC"))), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	if window == 0 {
		return fmt.Errorf("CreateWindowEx: %w", err)
	}
	defer destroyWindow.Call(window)
	trial := notifyIconData{window: windows.HWND(window), id: systrayIcon, flags: nifState, state: nisHidden, stateMask: nisHidden}
	if err := trial.tell(nimAdd); err != nil {
		return err
	}
	return trial.tell(nimDelete)
}

// keep has nothing to do: the face puts the icon back.
func (panel) keep(context.Context, *slog.Logger) {}
