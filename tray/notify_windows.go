package tray

import (
	"context"
	"log/slog"

	"financial-command-center/assets/words"
)

var whereIconIs = words.Say("tray.first.taskbar")

// newNotifier shows balloons of the tray's own icon: a notification by another
// way would bring a second icon with it, or need a program with an identity that
// an installer gave it.
func newNotifier(log *slog.Logger) notifier {
	return notifier{needsIcon: true, notify: func(_ context.Context, n notice, clicked func()) {
		f := theFace.Load()
		if f == nil {
			return // the tray is about to end
		}
		if err := f.balloon(n, clicked); err != nil {
			log.Warn("no notification", "err", err)
		}
	}}
}
