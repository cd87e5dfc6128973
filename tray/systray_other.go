//go:build darwin && !cgo

package tray

import (
	"context"
	"log/slog"
)

// macOS has a tray only for programs built with cgo.
type noDisplay struct{}

const hasTray = false

func newDisplay(*slog.Logger) display { return noDisplay{} }

func (noDisplay) run(ctx context.Context, _ menu, _ chan<- position, _ func()) { <-ctx.Done() }

func (noDisplay) update(menu) {}
