//go:build !linux && !windows

package tray

import (
	"context"
	"log/slog"
)

const (
	paintBeforeStart = false
	leftClickOpens   = false
)

func escape(label string) string { return label }

func available(context.Context) bool { return true }

type panel struct{}

func openPanel(context.Context) panel { return panel{} }

func (panel) await(context.Context, *slog.Logger) bool { return true }

func (panel) keep(context.Context, *slog.Logger) {}
