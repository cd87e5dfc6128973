//go:build !darwin || cgo

package tray

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"fyne.io/systray"

	"financial-command-center/assets"
)

// systrayDisplay shows the menu by way of the system. It keeps its items for
// ever and changes what they say: an item that is taken out and put back closes
// the menu under the pointer.
type systrayDisplay struct {
	ctx    context.Context
	clicks chan<- position
	owned  sync.WaitGroup // a receiver for each item

	face    *face
	icon    icon
	tooltip string
	rows    []*row
	tapped  time.Time // the last click on the icon, of which the window's thread alone knows
}

// A row is an item and what it shows now.
type row struct {
	*systray.MenuItem // nil for a separator
	label             string
	disabled, hidden  bool
	on                bool
	under             []*row
}

const hasTray = true

func newDisplay(log *slog.Logger) display { return &systrayDisplay{face: newFace(log), icon: -1} }

func (d *systrayDisplay) run(ctx context.Context, first menu, clicks chan<- position, shown func()) {
	ctx, stop := context.WithCancel(ctx)
	d.ctx, d.clicks = ctx, clicks
	defer d.owned.Wait()
	defer stop()

	if leftClickOpens {
		systray.SetOnTapped(d.tap)
	}
	if paintBeforeStart {
		systray.SetTitle("Financial Command Center")
		d.paint(first)
		start, _ := systray.RunWithExternalLoop(nil, nil)
		start()
		shown()
		<-ctx.Done()
		// The end that RunWithExternalLoop returned would close the D-Bus
		// connection that the keychain uses too.
		systray.Quit()
		return
	}
	if ctx.Err() != nil {
		return
	}
	ready := make(chan struct{})
	defer func() {
		awaitReady(ready)
		d.face.close()
	}()
	release := context.AfterFunc(ctx, func() {
		// systray.Quit works once, and does nothing while there is no window.
		awaitReady(ready)
		systray.Quit()
	})
	defer release()
	systray.Run(func() {
		defer close(ready)
		d.face.open(ctx)
		d.paint(first)
		shown()
	}, nil)
}

// awaitReady waits until systray has called back. Where Windows did not take the
// icon it never does: its window is there by then, and can be closed.
func awaitReady(ready <-chan struct{}) {
	select {
	case <-ready:
	case <-time.After(3 * time.Second):
	}
}

// doubleClick is the longest time between the two clicks of one, unless the person
// has set another.
const doubleClick = 500 * time.Millisecond

// tap passes on a click on the icon. A double click is two, for one dashboard.
func (d *systrayDisplay) tap() {
	now := time.Now()
	if now.Sub(d.tapped) > doubleClick {
		d.click(onIcon)
	}
	d.tapped = now
}

// paint makes the items.
func (d *systrayDisplay) paint(m menu) {
	for i, l := range m.lines {
		if l.label == "" {
			systray.AddSeparator()
			d.rows = append(d.rows, &row{})
			continue
		}
		r := &row{label: l.label, on: l.on}
		if l.checks {
			r.MenuItem = systray.AddMenuItemCheckbox(escape(l.label), "", l.on)
		} else {
			r.MenuItem = systray.AddMenuItem(escape(l.label), "")
		}
		d.rows = append(d.rows, r)
		d.receive(r, position{i, -1})
	}
	d.update(m)
}

func (d *systrayDisplay) update(m menu) {
	if m.icon != d.icon {
		d.icon = m.icon
		d.face.show(iconFiles[m.icon])
	}
	if m.tooltip != d.tooltip {
		d.tooltip = m.tooltip
		d.face.say(m.tooltip)
	}
	for i, want := range m.lines {
		r := d.rows[i]
		if r.MenuItem == nil {
			continue
		}
		r.show(want)
		if want.hidden {
			continue // Windows cannot add lines under one that is not there
		}
		for j, want := range want.under {
			if j == len(r.under) {
				d.add(r, want, position{i, j})
			}
			r.under[j].show(want)
		}
		for j := len(want.under); j < len(r.under); j++ {
			r.under[j].show(line{hidden: true})
		}
	}
}

func (d *systrayDisplay) add(parent *row, l line, at position) {
	r := &row{MenuItem: parent.AddSubMenuItem(escape(l.label), ""), label: l.label}
	parent.under = append(parent.under, r)
	d.receive(r, at)
}

// receive passes on the clicks of an item. systray drops one when nobody is
// receiving, so that nothing here may take time.
func (d *systrayDisplay) receive(r *row, at position) {
	d.owned.Go(func() {
		for {
			select {
			case <-r.ClickedCh:
				d.click(at)
			case <-d.ctx.Done():
				return
			}
		}
	})
}

func (d *systrayDisplay) click(at position) {
	select {
	case d.clicks <- at:
	default: // nobody clicks eight times faster than a loop that does not wait
	}
}

// show brings the item to what it must say, by as few changes as there are: each
// is a repaint.
func (r *row) show(want line) {
	if want.hidden {
		if !r.hidden {
			r.hidden = true
			r.Hide()
		}
		return // a new title would bring it back on Windows
	}
	if r.label != want.label {
		r.label = want.label
		r.SetTitle(escape(want.label))
	}
	if disabled := want.order == ""; r.disabled != disabled {
		r.disabled = disabled
		if disabled {
			r.Disable()
		} else {
			r.Enable()
		}
	}
	if r.on != want.on {
		r.on = want.on
		if want.on {
			r.Check()
		} else {
			r.Uncheck()
		}
	}
	if r.hidden {
		r.hidden = false
		r.Show()
	}
}

var iconFiles = map[icon][]byte{
	iconSignedOut: assets.IconSignedOut,
	iconSignedIn:  assets.IconSignedIn,
	iconWorking:   assets.IconWorking,
	iconAttention: assets.IconAttention,
}
