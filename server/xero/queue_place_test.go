package xero

import (
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// Whoever waits with however many requests: who is sent away is told to come again in
// the minute in which it would have its turn.
func TestWhoIsSentAwayComesAgainAtItsTurn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		counts := rapid.SliceOfN(rapid.IntRange(0, 150), 2, 6).Draw(rt, "requests of each caller, the first two are people")
		turns := rapid.Permutation([]uint64{1, 2, 3, 4, 5, 6}).Draw(rt, "who had its last turn when")
		people := rapid.Bool().Draw(rt, "the last turn was a person's")
		opens := time.Duration(rapid.IntRange(1, 60).Draw(rt, "the minute is over after")) * time.Second
		patient := rapid.IntRange(0, 3).Draw(rt, "one of so many has the patience, 0 for none")
		synctest.Test(t, func(*testing.T) {
			l := &limits{}
			app, g := l.gateLocked("app", "tenant")
			g.people = people
			all := map[*line][]*waiter{}
			for n, count := range counts {
				who := Caller{ByKey, strconv.Itoa(n)}
				if n < 2 {
					who.Kind = []CallerKind{ByPage, ByCommand}[n]
				}
				ln := g.lineOf(who)
				ln.turn = turns[n]
				for i := range count {
					ctx := WithPatience(WithCaller(t.Context(), who), 0)
					if patient > 0 && i%patient == 0 {
						ctx = WithPatience(ctx, time.Hour)
					}
					ln.waiting = append(ln.waiting, newWaiter(ctx, "app", "tenant"))
				}
				all[ln] = slices.Clone(ln.waiting)
				g.waiting += count
			}
			app.crowd = append(app.crowd, g)
			// The order in which they would be let in, had all the patience.
			order := map[*waiter]int{}
			model := &gate{people: people}
			for _, ln := range g.lines {
				model.lines = append(model.lines, &line{who: ln.who, waiting: slices.Clone(ln.waiting), turn: ln.turn})
			}
			for last := uint64(10); ; last++ {
				var next *line
				for _, ln := range model.lines {
					if len(ln.waiting) > 0 && (next == nil || model.before(ln, next)) {
						next = ln
					}
				}
				if next == nil {
					break
				}
				order[next.waiting[0]] = len(order)
				next.waiting, next.turn, model.people = next.waiting[1:], last, next.who.person()
			}
			g.minute.refused(opens, time.Now(), 0)
			l.lookLocked(app)
			stay := 0
			for ln, waiters := range all {
				for n, w := range waiters {
					select {
					case got := <-w.turn:
						if want := opens + time.Duration(order[w]/minuteCalls)*time.Minute; got.err == nil || got.err.RetryAfter != want {
							rt.Errorf("%v, number %d in its line and %d of all: %v, not after %v", ln.who, n, order[w], got.err, want)
						}
						if w.useful.After(time.Now().Add(opens)) {
							rt.Errorf("%v, number %d, has the patience and was sent away", ln.who, n)
						}
					default:
						if stay++; !slices.Contains(ln.waiting, w) {
							rt.Errorf("%v, number %d, was forgotten", ln.who, n)
						}
					}
				}
			}
			if g.waiting != stay {
				rt.Errorf("%d wait, it says %d", stay, g.waiting)
			}
			if app.timer != nil {
				app.timer.Stop()
			}
		})
	})
}
