//go:build !linux && !windows

package tray

import (
	"context"
	"log/slog"

	"financial-command-center/assets/words"
)

var whereIconIs = words.Say("tray.first.menu-bar")

// newNotifier: FCC has no notifications here; icon, tooltip and page say it all.
func newNotifier(*slog.Logger) notifier {
	return notifier{notify: func(context.Context, notice, func()) {}}
}
