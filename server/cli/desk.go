package cli

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

// desk is what the tray shows of a, and what its clicks do. A part of FCC adds
// what is its own before show:
//
//   - a.note is the line under the state, such as who holds the port;
//   - a.updateSwitch is a line with a check mark, after those of makeSwitches;
//   - a.offers.Set(slot, &offer), at any time and from any goroutine, shows a line
//     that FCC would do if it were let, and nil takes it away. Each has a slot of its
//     own among the constants.
//
// The demo has no switches of its own: nothing in it reaches the user's settings.
func (a *app) desk(ctx context.Context, watch func(context.Context) iter.Seq[xero.Status], address string, firstStart bool) Desk {
	d := Desk{
		Watch: watch, Mode: string(a.mode), Log: a.log,
		Note: a.note, Moved: a.moved, FirstStart: firstStart,
		Quiet:    func() bool { return !a.notices.now() },
		Switches: []desktop.Switch{a.startSwitch, a.noticeSwitch, a.updateSwitch},
		Offers:   a.offers.Watch,
		Open:     func(path string) { a.openPage(ctx, path) },
		OpenLogs: func() { a.openFolder(filepath.Dir(a.logFile())) },
		Quit:     func() { a.stop(errQuit) },
	}
	if desktop.HasClipboard() && hasDisplay(a.Env) {
		d.Copy = func() {
			if err := desktop.Copy(address); err != nil {
				a.log.Error("address not copied", "err", err)
				a.say("The address could not be copied (%v). It is %s", err, address)
			}
		}
	}
	return d
}

// makeSwitches makes what the menu and the page of settings turn on and off.
func (a *app) makeSwitches() {
	a.notices = &watched[bool]{value: a.notifications}
	if a.mode == server.Live {
		a.startSwitch, a.noticeSwitch = a.startAtSignIn(), a.settingSwitch("Notifications", "notifications", a.notices)
	}
}

// whereNow is what the person is told of a port that is not the one of the last
// start, "" where it is. Who always has the second port is told once.
func (a *app) whereNow(port int) string {
	if port == a.lastPort {
		return ""
	}
	if err := a.save(lastPort, port); err != nil {
		a.log.Warn("the port is not remembered", "err", err)
	}
	if a.note == "" {
		return fmt.Sprintf("FCC has port %d again", port)
	}
	return a.note
}

// showsIcon says whether there is an icon in the tray now.
func (a *app) showsIcon(ctx context.Context) bool {
	return a.desktop && a.Tray != nil && a.TrayAvailable(ctx)
}

// startEntry is what stands in the system's list of what starts at sign-in. Another
// data folder has an entry of its own; of the other settings, those of the
// environment and of settings.json count at a sign-in.
func (s settings) startEntry(program string) (name string, command []string) {
	name, command = "Financial Command Center", []string{program}
	if !s.standard() {
		name += strings.TrimPrefix(s.service, keystore.Service(s.dataDir, true))
		command = append(command, "--data-dir", s.dataDir)
	}
	return name, command
}

// startAtSignIn is the switch, after the entry was repaired if the program was
// moved.
func (a *app) startAtSignIn() desktop.Switch {
	program, err := os.Executable()
	if err != nil {
		a.log.Warn("no start at sign-in", "err", err)
		return desktop.Switch{}
	}
	name, command := a.startEntry(program)
	switch repaired, err := desktop.RepairStartup(name, command); {
	case err != nil:
		a.log.Warn("the entry that starts FCC at sign-in was not repaired", "err", err)
	case repaired:
		a.log.Info("FCC was moved: the entry that starts it at sign-in leads here now", "program", program)
	}
	return desktop.StartAtSignIn(name, command)
}

// settingSwitch turns a setting of settings.json on and off, and what it is about.
func (a *app) settingSwitch(label, setting string, on *watched[bool]) desktop.Switch {
	return desktop.Switch{
		Label: label,
		Watch: on.Watch,
		Set: func(want bool) error {
			if err := a.save(setting, want); err != nil {
				return err
			}
			on.change(func(bool) bool { return want })
			return nil
		},
	}
}

// An offerSlot is the place of one offer. The tray has a line for each.
type offerSlot int

const (
	keystoreOffer offerSlot = iota // keep secrets in a file
	updateOffer                    // a newer version
	offerSlots
)

// offers are those that stand now. The zero value has none.
type offers struct {
	slots watched[[offerSlots]*desktop.Offer]
}

// Set makes offer the one of its slot; nil takes away what was there.
func (o *offers) Set(slot offerSlot, offer *desktop.Offer) {
	o.slots.change(func(slots [offerSlots]*desktop.Offer) [offerSlots]*desktop.Offer {
		slots[slot] = offer
		return slots
	})
}

// Watch yields the offers at once, then the latest after each change.
func (o *offers) Watch(ctx context.Context) iter.Seq[[]desktop.Offer] {
	return func(yield func([]desktop.Offer) bool) {
		for slots := range o.slots.Watch(ctx) {
			var now []desktop.Offer
			for _, offer := range slots {
				if offer != nil {
					now = append(now, *offer)
				}
			}
			if !yield(now) {
				return
			}
		}
	}
}

// watched is a value whose changes are told. The zero watched has the zero value.
type watched[T any] struct {
	mu      sync.Mutex
	value   T
	changed chan struct{} // closed at the next change; nil: nobody waits
}

func (w *watched[T]) now() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.value
}

func (w *watched[T]) change(by func(T) T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.value = by(w.value)
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// Watch yields the value at once, then the latest after each change.
func (w *watched[T]) Watch(ctx context.Context) iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			w.mu.Lock()
			if w.changed == nil {
				w.changed = make(chan struct{})
			}
			value, changed := w.value, w.changed
			w.mu.Unlock()
			if !yield(value) {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}
