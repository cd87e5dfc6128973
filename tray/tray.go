// Package tray is a view: an icon and a menu in the desktop's notification area
// that say how the sign-in to Xero stands.
package tray

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"

	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

// Config is what a tray shows and what its clicks do. All fields are needed but
// those that say otherwise.
type Config struct {
	// Watch yields the present Status at once, then the latest after each change.
	Watch func(context.Context) iter.Seq[xero.Status]
	Mode  string // "demo" is marked as such
	Log   *slog.Logger

	Note       string      // a line under the state; "" for none
	FirstStart bool        // say where the icon is
	Quiet      func() bool // no notifications are wanted
	Switches   []desktop.Switch
	Offers     func(context.Context) iter.Seq[[]desktop.Offer] // at once, then after each change

	// Each click runs one of these on a goroutine of its own, which Run does not
	// wait for: a browser may block its caller for as long as it is open.
	Open     func(path string) // a page, as /?tenant=ID
	OpenLogs func()
	Copy     func() // the local address goes to the clipboard; nil where there is none
	Quit     func()
}

// A display is where the menu is shown.
type display interface {
	// run shows first, calls shown once update may be called, and serves the icon
	// until ctx ends or the system wants the program to end. Clicks go to clicks,
	// which it never waits for.
	run(ctx context.Context, first menu, clicks chan<- position, shown func())
	// update makes the display show m and leaves alone what m does not change.
	update(m menu)
}

// A position is a line of the menu, or with under >= 0 a line under it.
type position struct{ line, under int }

// Available reports whether the desktop shows tray icons now. Where it does not,
// Run waits for it to begin.
func Available(ctx context.Context) bool { return hasTray && available(ctx) }

var ran atomic.Bool

// Run shows the tray until ctx ends, and returns nil then. It must be called on
// the main goroutine, and works once a process. Without a desktop that shows
// icons it shows nothing, and no error: the icon comes when the desktop does.
func Run(ctx context.Context, cfg Config) error {
	if ran.Swap(true) {
		return errors.New("a tray can be run once a process")
	}
	ctx, stop := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	defer keeping.Wait()
	defer stop()

	p := openPanel(ctx)
	if !p.await(ctx, cfg.Log) {
		<-ctx.Done()
		return nil
	}
	keeping.Go(func() { p.keep(ctx, cfg.Log) })
	run(ctx, cfg, newDisplay())
	return nil
}

// run is the event loop: one goroutine decides, and it never waits for anybody.
func run(ctx context.Context, cfg Config, d display) {
	ctx, stop := context.WithCancel(ctx)
	var owned sync.WaitGroup
	defer owned.Wait()
	defer stop()

	states := make(chan xero.Status)
	owned.Go(func() {
		for st := range cfg.Watch(ctx) {
			select {
			case states <- st:
			case <-ctx.Done():
				return
			}
		}
	})
	var first menu
	select {
	case st := <-states:
		first = menuFor(st, cfg.Mode)
	case <-ctx.Done():
		return
	}

	clicks := make(chan position, 8)
	shown := make(chan struct{})
	owned.Go(func() {
		m := first
		select {
		case <-shown:
		case <-ctx.Done():
			return
		}
		for {
			select {
			case st := <-states:
				m = menuFor(st, cfg.Mode)
				d.update(m)
			case at := <-clicks:
				cfg.obey(m.order(at))
			case <-ctx.Done():
				return
			}
		}
	})
	d.run(ctx, first, clicks, func() { close(shown) })
	if ctx.Err() == nil {
		cfg.Log.Info("the system closes the tray")
		cfg.Quit()
		<-ctx.Done()
	}
}

// obey starts what a click asked for.
func (cfg Config) obey(o order) {
	switch o {
	case "":
	case openLogs:
		go cfg.OpenLogs()
	case quit:
		go cfg.Quit()
	default:
		go cfg.Open(string(o))
	}
}

// order is what the line at a position asks for. A click may be older than the
// menu, and its line gone.
func (m menu) order(at position) order {
	switch l := m.lines[at.line]; {
	case at.under < 0 && l.under == nil:
		return l.order
	case at.under >= 0 && at.under < len(l.under):
		return l.under[at.under].order
	}
	return ""
}
