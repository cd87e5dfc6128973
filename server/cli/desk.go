package cli

import (
	"context"
	"iter"
	"path/filepath"
	"sync"

	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

// desk is what the tray shows of a, and what its clicks do. A part of FCC adds
// what is its own before show:
//
//   - a.note is the line under the state, such as who holds the port;
//   - a.switches are lines with a check mark, in order;
//   - a.offers.Set(slot, &offer), at any time and from any goroutine, shows a line
//     that FCC would do if it were let, and nil takes it away. Each has a slot of its
//     own among the constants.
func (a *app) desk(ctx context.Context, watch func(context.Context) iter.Seq[xero.Status], firstStart bool) Desk {
	return Desk{
		Watch: watch, Mode: string(a.mode), Log: a.log,
		Note: a.note, FirstStart: firstStart,
		Quiet:    func() bool { return false },
		Switches: a.switches,
		Offers:   a.offers.Watch,
		Open:     func(path string) { a.openPage(ctx, path) },
		OpenLogs: func() { a.openFolder(filepath.Dir(a.logFile())) },
		Quit:     func() { a.stop(errQuit) },
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
	mu      sync.Mutex
	slots   [offerSlots]*desktop.Offer
	changed chan struct{} // closed at the next change; nil: nobody waits
}

// Set makes offer the one of its slot; nil takes away what was there.
func (o *offers) Set(slot offerSlot, offer *desktop.Offer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.slots[slot] = offer
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
}

// Watch yields the offers at once, then the latest after each change.
func (o *offers) Watch(ctx context.Context) iter.Seq[[]desktop.Offer] {
	return func(yield func([]desktop.Offer) bool) {
		for {
			now, changed := o.look()
			if !yield(now) {
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

func (o *offers) look() ([]desktop.Offer, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	var now []desktop.Offer
	for _, offer := range o.slots {
		if offer != nil {
			now = append(now, *offer)
		}
	}
	return now, o.changed
}
