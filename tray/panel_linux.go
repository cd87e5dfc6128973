package tray

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// watcher is the name on the session bus of what shows icons, and the interface
// it has: freedesktop.org/wiki/Specifications/StatusNotifierItem.
const watcher = "org.kde.StatusNotifierWatcher"

// systray can be filled before it starts here, and must be: what is set while it
// starts may be lost.
const paintBeforeStart = true

// Panels open the menu at a left click, and expect no other of an icon.
const leftClickOpens = false

// escape keeps underscores, which D-Bus menus read as "the next letter is the
// access key".
func escape(label string) string { return strings.ReplaceAll(label, "_", "__") }

func available(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	p := openPanel(ctx)
	if p.bus == nil || !p.present(ctx) {
		return false
	}
	// A watcher without a host notes icons down and shows them nowhere.
	host, err := p.bus.Object(watcher, "/StatusNotifierWatcher").GetProperty(watcher + ".IsStatusNotifierHostRegistered")
	return err != nil || host.Value() != false
}

// A panel is the desktop's place for icons, seen over a bus connection of our
// own: the shared one is full of the keychain's signals.
type panel struct {
	bus    *dbus.Conn // nil: there is no session bus
	owners chan *dbus.Signal
}

func openPanel(ctx context.Context) *panel {
	bus, err := privateBus(ctx)
	if err != nil {
		return &panel{}
	}
	p := &panel{bus: bus, owners: make(chan *dbus.Signal, 16)}
	err = bus.AddMatchSignalContext(ctx, dbus.WithMatchSender("org.freedesktop.DBus"),
		dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, watcher))
	if err != nil {
		bus.Close()
		return &panel{}
	}
	bus.Signal(p.owners)
	return p
}

// privateBus is a connection to the session bus until ctx ends. It is not
// dbus.ConnectSessionBus, which starts a bus where there is none.
func privateBus(ctx context.Context) (*dbus.Conn, error) {
	bus, err := dbus.SessionBusPrivateNoAutoStartup(dbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if err = bus.Auth(nil); err == nil {
		err = bus.Hello()
	}
	if err != nil {
		bus.Close()
		return nil, err
	}
	return bus, nil
}

func (p *panel) present(ctx context.Context) bool {
	var owned bool
	err := p.bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, watcher).Store(&owned)
	return err == nil && owned
}

// appeared waits until a watcher takes the name; false: the bus or ctx ended.
func (p *panel) appeared() bool {
	for signal := range p.owners {
		if signal.Name != "org.freedesktop.DBus.NameOwnerChanged" || len(signal.Body) != 3 {
			continue
		}
		if owner, ok := signal.Body[2].(string); ok && owner != "" {
			return true
		}
	}
	return false
}

// await waits for a place to show an icon in; false: there will be none.
func (p *panel) await(ctx context.Context, log *slog.Logger) bool {
	if p.bus == nil {
		log.Info("no tray: there is no session bus")
		return false
	}
	if p.present(ctx) {
		return true
	}
	log.Info("no tray: nothing on this desktop shows icons yet")
	return p.appeared()
}

// keep puts the icon back whenever another watcher takes over. systray does so
// too, but stops for good at the first signal on the shared connection that it
// does not know, and a keychain that asked for its password sends one. Watchers
// note an icon that is registered twice once.
func (p *panel) keep(ctx context.Context, log *slog.Logger) {
	for p.appeared() {
		shared, err := dbus.SessionBus()
		if err == nil {
			err = shared.Object(watcher, "/StatusNotifierWatcher").CallWithContext(ctx,
				watcher+".RegisterStatusNotifierItem", 0, "/StatusNotifierItem").Err
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("the icon was not put back into the tray", "err", err)
		}
	}
}
