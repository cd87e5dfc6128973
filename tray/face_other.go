//go:build !windows && (!darwin || cgo)

package tray

import (
	"context"
	"log/slog"

	"fyne.io/systray"
)

// A face is the icon itself. Here systray can show it.
type face struct{}

func newFace(*slog.Logger) *face { return nil }

func (*face) open(context.Context) {}

func (*face) show(picture []byte) { systray.SetIcon(picture) }

func (*face) say(tooltip string) { systray.SetTooltip(tooltip) }

func (*face) close() {}
