package tray

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"

	"financial-command-center/server/xero"
)

// here is a place for the icon that is there at once.
func here() bool { return true }

// noNotices stands for a desktop without notifications.
var noNotices = notifier{notify: func(context.Context, notice, func()) {}}

// A recorder is a display that notes what it is shown. It is slow: each update
// waits for the test.
type recorder struct {
	clicks  chan<- position
	updates chan menu
}

func (r *recorder) run(ctx context.Context, first menu, clicks chan<- position, shown func()) {
	r.clicks = clicks
	r.updates <- first
	shown()
	<-ctx.Done()
}

func (r *recorder) update(m menu) { r.updates <- m }

// TestTheLoopObeysAndEnds runs in a bubble, which fails when a goroutine stays.
func TestTheLoopObeysAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		states := make(chan xero.Status)
		var opened []string
		r := &recorder{updates: make(chan menu)}
		ended := false
		go func() {
			run(ctx, Config{
				Watch: func(ctx context.Context) iter.Seq[xero.Status] {
					return func(yield func(xero.Status) bool) {
						for {
							select {
							case st := <-states:
								if !yield(st) {
									return
								}
							case <-ctx.Done():
								return
							}
						}
					}
				},
				Log:      slog.New(slog.DiscardHandler),
				Open:     func(path string) { opened = append(opened, path); <-ctx.Done() },
				OpenLogs: func() { opened = append(opened, "the logs") },
				Quit:     cancel,
			}, r, noNotices, here)
			ended = true
		}()

		states <- status(xero.Connected, "", connection(xero.Connected, kauri, cafe))
		first := <-r.updates
		click := func(label string) {
			for i, l := range first.lines {
				if l.label == label {
					r.clicks <- position{i, -1}
				}
				for j, under := range l.under {
					if under.label == label {
						r.clicks <- position{i, j}
					}
				}
			}
			synctest.Wait()
		}
		for _, label := range []string{"Health", "Tūī Street Café", "Organisations", "Signed in · 2 organisations", "Logs folder"} {
			click(label) // though no Open has come back
		}
		states <- status(xero.Connected, "", connection(xero.Connected, kauri))
		<-r.updates
		click("Tūī Street Café") // the line was there when it was clicked
		if want := []string{"/health", "/?tenant=2d3e", "the logs"}; !slices.Equal(opened, want) {
			t.Errorf("opened %q, wanted %q", opened, want)
		}
		click("Quit")
		if !ended {
			t.Error("the tray goes on after Quit")
		}
	})
}

func TestTheLoopEndsBeforeAnythingIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		run(ctx, Config{Watch: func(context.Context) iter.Seq[xero.Status] {
			return func(func(xero.Status) bool) {}
		}}, &recorder{}, noNotices, here)
	})
}

// A closed display is one that the system ends, as Windows' Task Manager does.
type closed struct{ recorder }

func (*closed) run(context.Context, menu, chan<- position, func()) {}

func TestTheSystemMayQuitToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		run(ctx, Config{
			Watch: func(context.Context) iter.Seq[xero.Status] {
				return func(yield func(xero.Status) bool) { yield(status(xero.Starting, "")) }
			},
			Log:  slog.New(slog.DiscardHandler),
			Quit: cancel,
		}, &closed{}, noNotices, here)
		if ctx.Err() == nil {
			t.Error("the program goes on without its tray")
		}
	})
}
