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

	// Of these nothing is needed.
	Note       string                                          // a line under the state
	Moved      string                                          // where FCC is now, if it was elsewhere at its last start
	FirstStart bool                                            // say where the icon is
	Quiet      func() bool                                     // no notifications are wanted
	Switches   []desktop.Switch                                // lines with a check mark; the zero Switch is left out
	Offers     func(context.Context) iter.Seq[[]desktop.Offer] // at once, then after each change
	Waiting    func(context.Context) iter.Seq[desktop.Consent] // changes to the books that wait for consent, likewise

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

// onIcon is the position of a click on the icon itself.
var onIcon = position{-1, -1}

// A notifier shows notices.
type notifier struct {
	needsIcon bool // it shows them only beside the icon
	// notify shows one and may take its time. clicked is called when the person
	// clicks it, and returns at once.
	notify func(ctx context.Context, n notice, clicked func())
}

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
	run(ctx, cfg, newDisplay(cfg.Log), newNotifier(cfg.Log), func() bool {
		if !p.await(ctx, cfg.Log) {
			return false
		}
		keeping.Go(func() { p.keep(ctx, cfg.Log) })
		return true
	})
	return nil
}

// run is the tray: its loop, what the loop hears and speaks by, and on this
// goroutine the display, when await says that there is a place for it.
func run(ctx context.Context, cfg Config, d display, n notifier, await func() bool) {
	ctx, stop := context.WithCancel(ctx)
	var owned sync.WaitGroup
	defer owned.Wait()
	defer stop()

	l := newLoop(cfg, d, n)
	owned.Go(func() { hear(ctx, cfg.Watch, l.states) })
	if cfg.Offers != nil {
		owned.Go(func() { hear(ctx, cfg.Offers, l.offers) })
	}
	if cfg.Waiting != nil {
		owned.Go(func() { hear(ctx, cfg.Waiting, l.waiting) })
	}
	for i, s := range l.switches {
		owned.Go(func() {
			for on := range s.Watch(ctx) {
				select {
				case l.turned <- turned{i, on}:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	owned.Go(func() { l.speak(ctx) })
	owned.Go(func() { l.run(ctx) })

	if !await() {
		<-ctx.Done()
		return
	}
	var first menu
	select {
	case first = <-l.first:
	case <-ctx.Done():
		return
	}
	d.run(ctx, first, l.clicks, func() { close(l.shown) })
	if ctx.Err() == nil {
		cfg.Log.Info("the system closes the tray")
		cfg.Quit()
		<-ctx.Done()
	}
}

// hear passes on what watch yields.
func hear[T any](ctx context.Context, watch func(context.Context) iter.Seq[T], to chan<- T) {
	for v := range watch(ctx) {
		select {
		case to <- v:
		case <-ctx.Done():
			return
		}
	}
}
