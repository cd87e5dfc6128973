package tray

import (
	"context"
	"errors"
	"html"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"financial-command-center/assets/words"
)

// notifications is what desktops show notifications by:
// specifications.freedesktop.org/notification-spec.
const (
	notifications     = "org.freedesktop.Notifications"
	notificationsPath = "/org/freedesktop/Notifications"
)

var whereIconIs = words.Say("tray.first.panel")

// bubbles are the notifications that stand, and what a click on each does.
type bubbles struct {
	log    *slog.Logger
	bus    *dbus.Conn // nil: not connected yet; a connection of our own, as a panel's
	markup bool       // the desktop reads the text as markup

	mu      sync.Mutex
	clicked map[uint32]func()
}

func newNotifier(log *slog.Logger) notifier {
	b := &bubbles{log: log, clicked: map[uint32]func(){}}
	return notifier{notify: b.notify}
}

// notify: where the desktop has no notifications, icon, tooltip and page say it.
func (b *bubbles) notify(ctx context.Context, n notice, clicked func()) {
	if b.bus == nil && !b.connect(ctx) {
		return
	}
	asking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	text := n.text
	if b.markup {
		text = html.EscapeString(text)
	}
	// The click may come before the answer that says which notification it is of.
	b.mu.Lock()
	defer b.mu.Unlock()
	var id uint32
	err := b.bus.Object(notifications, notificationsPath).CallWithContext(asking, notifications+".Notify", 0,
		"Financial Command Center", uint32(0), "financial-command-center", n.title, text,
		[]string{"default", words.Say("tray.notification.open")}, map[string]dbus.Variant{
			"desktop-entry": dbus.MakeVariant("financial-command-center"),
			"urgency":       dbus.MakeVariant(byte(1)),
		}, int32(-1)).Store(&id)
	switch {
	case err == nil:
		b.clicked[id] = clicked
	case errors.Is(err, dbus.ErrClosed): // the bus was restarted
		b.bus = nil
	case ctx.Err() == nil:
		b.log.Debug("no notification", "err", err)
	}
}

func (b *bubbles) connect(ctx context.Context) bool {
	bus, err := privateBus(ctx)
	if err == nil {
		err = bus.AddMatchSignalContext(ctx, dbus.WithMatchInterface(notifications), dbus.WithMatchObjectPath(notificationsPath))
	}
	if err != nil {
		if bus != nil {
			bus.Close()
		}
		return false
	}
	asking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var can []string
	if bus.Object(notifications, notificationsPath).CallWithContext(asking, notifications+".GetCapabilities", 0).Store(&can) == nil {
		b.markup = slices.Contains(can, "body-markup")
	}
	signals := make(chan *dbus.Signal, 16)
	bus.Signal(signals)
	go b.listen(signals) // until the connection ends, with ctx
	b.bus = bus
	return true
}

func (b *bubbles) listen(signals <-chan *dbus.Signal) {
	for s := range signals {
		if len(s.Body) != 2 {
			continue
		}
		id, ok := s.Body[0].(uint32)
		if !ok {
			continue
		}
		b.mu.Lock()
		clicked := b.clicked[id]
		if s.Name == notifications+".NotificationClosed" {
			delete(b.clicked, id)
		}
		b.mu.Unlock()
		if clicked != nil && s.Name == notifications+".ActionInvoked" && s.Body[1] == "default" {
			clicked()
		}
	}
}
