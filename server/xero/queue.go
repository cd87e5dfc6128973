package xero

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// line is where the requests of one caller wait: a program's, those of all pages, of
// all commands, or FCC's own. Within a line the order is that of coming; the lines take
// turns, whichever had its last turn longest ago being the next. People and programs
// take turns before that: so a page waits for one call of a program at most, however
// many programs have however many requests, and half of the calls are the programs',
// however busy the pages are. Where the app's minute is what all wait for, its
// organisations take turns in the same way.
type line struct {
	who     Caller
	waiting []*waiter // in the order they came
	turn    uint64    // its last call
}

// mostLines is how many lines are kept without need, for their last turn.
const mostLines = 100

// waiter is a caller on its way through a gate; one who comes again keeps its place.
type waiter struct {
	// waited is how long it stood in line last; 0: it was let through, or sent away, at once.
	waited time.Duration

	client, tenant string
	who            Caller
	until          time.Time // waits no longer
	useful         time.Time // let through later, it would be in vain
	bounded        bool      // by who asks, not by us
	number         uint64    // in the order they came
	first          time.Time // when its request was sent first
	turn           chan turn // one slot
	gone           bool      // sent away, and to be taken out of its line
}

// newWaiter makes a waiter for a request under ctx, who waits as long as ctx has time,
// or our patience where it has no end; and no longer than WithPatience says.
func newWaiter(ctx context.Context, client, tenant string) *waiter {
	w := &waiter{client: strings.ToLower(client), tenant: strings.ToLower(tenant), who: CallerOf(ctx), turn: make(chan turn, 1)}
	now := time.Now()
	own, said := ctx.Value(patienceKey{}).(time.Duration)
	w.until, w.bounded = ctx.Deadline()
	if !w.bounded && !said {
		w.until = now.Add(patience)
	}
	w.useful = w.until.Add(-leastTime)
	if said {
		most := now.Add(own)
		if !w.bounded || most.Before(w.until) {
			w.until = most
		}
		if !w.bounded || most.Before(w.useful) {
			w.useful = most
		}
		w.bounded = true
	}
	return w
}

// enough is how long a token and the head of an answer are waited for from now on:
// our patience is for both and the limits together, unless who asks said how long it
// waits.
func (w *waiter) enough() time.Time {
	if w.bounded {
		return time.Now().Add(patience)
	}
	return w.until
}

// wait returns when w may make a call. It fails with ctx, or with CodeRateLimited.
func (l *limits) wait(ctx context.Context, w *waiter) (*pass, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	app, g := l.gateLocked(w.client, w.tenant)
	if w.number == 0 {
		l.came++
		w.number = l.came
	}
	ln := g.lineOf(w.who)
	if len(app.crowd) == 0 && g.holdLocked(app, w.who, time.Now(), l.sent) == nil {
		defer l.mu.Unlock()
		return l.admitLocked(app, g, ln), nil
	}
	at, _ := slices.BinarySearchFunc(ln.waiting, w.number, func(other *waiter, number uint64) int { return cmp.Compare(other.number, number) })
	ln.waiting = slices.Insert(ln.waiting, at, w)
	if g.waiting++; g.waiting == 1 {
		app.crowd = append(app.crowd, g)
	}
	l.lookLocked(app)
	l.mu.Unlock()
	select {
	case got := <-w.turn:
		return got.result()
	default:
	}
	stood := time.Now()
	if stood.Before(w.until) { // else it would not wait
		defer func() { w.waited = time.Since(stood) }()
	}
	enough := time.NewTimer(w.until.Sub(stood))
	defer enough.Stop()
	select {
	case got := <-w.turn:
		return got.result()
	case <-ctx.Done():
	case <-enough.C:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lookLocked(app) // it may be its turn at this very moment
	before := 0
	select {
	case got := <-w.turn:
		switch {
		case got.err != nil, w.bounded && ctx.Err() == nil:
			return got.result()
		default: // too late to be of use
			got.pass.giveBackLocked()
		}
	default:
		before = g.placeLocked(ln, slices.Index(ln.waiting, w))
		g.dismiss(ln, func(other *waiter) bool { return other == w })
		l.lookLocked(app)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := time.Now()
	why := g.holdLocked(app, w.who, now, l.sent)
	if why == nil {
		why = &hold{limit: "concurrent"}
	}
	return nil, why.behind(before).error(now)
}

// placeLocked is how many have their turn before the one who is so far behind in ln.
func (g *gate) placeLocked(ln *line, behind int) int {
	own, others := behind, 0 // of its kind, a person's or a program's
	for _, other := range g.lines {
		switch n := len(other.waiting); {
		case other == ln:
		case other.who.person() != ln.who.person():
			others += n
		case other.turn < ln.turn:
			own += min(n, behind+1)
		default:
			own += min(n, behind)
		}
	}
	if ln.who.person() == g.people {
		return own + min(others, own+1)
	}
	return own + min(others, own)
}

// behind is h for who has so many before it, so that those who are sent away together do
// not all come again at once. It is for Retry-After alone: nobody is let in or kept out by
// it, and who comes and goes again alone is told of no others.
func (h *hold) behind(before int) *hold {
	if h.limit != "minute" {
		return h
	}
	later := *h
	later.until = h.until.Add(time.Duration(before/minuteCalls) * windowSpan)
	return &later
}

// Queued is how many requests for an organisation wait in line.
func (c *Connections) Queued(tenantID string) (n int) {
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	for _, app := range c.limits.apps {
		if g := app.gates[strings.ToLower(tenantID)]; g != nil {
			n += g.waiting
		}
	}
	return n
}

// lineOf is the line of a caller.
func (g *gate) lineOf(who Caller) *line {
	for _, ln := range g.lines {
		if ln.who == who {
			return ln
		}
	}
	if len(g.lines) >= mostLines {
		g.lines = slices.DeleteFunc(g.lines, func(ln *line) bool { return len(ln.waiting) == 0 })
	}
	ln := &line{who: who}
	g.lines = append(g.lines, ln)
	return ln
}

// dismiss takes those out of a line who are to go.
func (g *gate) dismiss(ln *line, goes func(*waiter) bool) {
	before := len(ln.waiting)
	ln.waiting = slices.DeleteFunc(ln.waiting, goes)
	g.waiting -= before - len(ln.waiting)
}

// lookLocked lets in who may call, sends away who waits in vain, and sets the timer
// for the rest.
func (l *limits) lookLocked(app *appLimits) {
	if len(app.crowd) == 0 {
		return
	}
	now := time.Now()
	for {
		var (
			g     *gate
			ln    *line
			again time.Time
		)
		for _, other := range app.crowd {
			first, until := other.nextLocked(app, now, l.sent)
			if first != nil && (ln == nil || other.turn < g.turn) {
				g, ln = other, first
			}
			if !until.IsZero() && (again.IsZero() || until.Before(again)) {
				again = until
			}
		}
		if ln == nil {
			app.crowd = slices.DeleteFunc(app.crowd, func(g *gate) bool { return g.waiting == 0 })
			l.wakeLocked(app, again, now)
			return
		}
		w := ln.waiting[0]
		g.dismiss(ln, func(other *waiter) bool { return other == w })
		w.turn <- turn{pass: l.admitLocked(app, g, ln)}
	}
}

// nextLocked is the line whose turn it is of those that may call, nil when none may,
// and when the first of the others may for sure, zero when nobody knows. Who waits in
// vain is sent away.
func (g *gate) nextLocked(app *appLimits, now time.Time, last uint64) (next *line, again time.Time) {
	away := false
	for _, ln := range g.lines {
		if len(ln.waiting) == 0 {
			continue
		}
		why := g.holdLocked(app, ln.who, now, last)
		if why == nil {
			if next == nil || g.before(ln, next) {
				next = ln
			}
			continue
		}
		stay := 0
		for n, w := range ln.waiting {
			if w.gone = why.vain(w); w.gone {
				w.turn <- turn{err: why.behind(g.placeLocked(ln, n)).error(now)}
				away = true
			} else {
				stay++
			}
		}
		if stay > 0 && !why.until.IsZero() && (again.IsZero() || why.until.Before(again)) {
			again = why.until
		}
	}
	if away { // not before all know their places
		for _, ln := range g.lines {
			g.dismiss(ln, func(w *waiter) bool { return w.gone })
		}
	}
	return next, again
}

// before reports whether it is a's turn rather than b's.
func (g *gate) before(a, b *line) bool {
	if person := a.who.person(); person != b.who.person() {
		return person != g.people
	}
	return a.turn < b.turn
}

// vain reports whether w need not wait any longer. A day is waited out by nobody.
func (h *hold) vain(w *waiter) bool {
	return h.limit == "day" || h.limit == keptLimit || h.sure() && w.useful.Before(h.until)
}

// admitLocked lets the first of a line in.
func (l *limits) admitLocked(app *appLimits, g *gate, ln *line) *pass {
	if g.reservedLocked() {
		g.looked = time.Now()
	}
	l.sent++
	g.turn, ln.turn, g.people = l.sent, l.sent, ln.who.person()
	g.busy++
	g.minute.flying++
	g.day.flying++
	app.minute.flying++
	return &pass{limits: l, app: app, gate: g, number: l.sent}
}

// wakeLocked has the lines looked at again then.
func (l *limits) wakeLocked(app *appLimits, then, now time.Time) {
	switch {
	case then.IsZero() && app.timer != nil:
		app.timer.Stop()
	case then.IsZero():
	default:
		pause := min(then.Sub(now), longestSleep) // a longer timer does not fire after a sleep
		if app.timer == nil {
			app.timer = time.AfterFunc(pause, func() {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.lookLocked(app)
			})
		} else {
			app.timer.Reset(pause)
		}
	}
}
