//go:build !linux && !windows

package tray

import (
	"context"
	"log/slog"
)

const whereIconIs = "Its icon is in the menu bar. A click on it opens the menu."

// newNotifier: FCC has no notifications here; icon, tooltip and page say it all.
func newNotifier(*slog.Logger) notifier {
	return notifier{notify: func(context.Context, notice, func()) {}}
}
