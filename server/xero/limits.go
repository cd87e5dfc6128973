package xero

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"financial-command-center/assets/words"
)

const (
	// atOnce is how many calls Xero takes at once for an app and an organisation
	// (developer.xero.com/faq/limits). No header says it.
	atOnce = 5
	// busyPause is what a caller is told to wait while five calls are in progress,
	// whose ends nobody knows.
	busyPause = 5 * time.Second
	// leastTime is what a call needs to be of use: who has less left when Xero takes
	// calls again waits in vain.
	leastTime = 2 * time.Second
)

// limits keep FCC within what Xero allows an app: five calls at once, so many a
// minute and so many a day for each organisation, and so many a minute for all
// together (developer.xero.com/faq/limits). Two people who signed in through one
// app share them. How many a minute is never assumed: each answer says what is
// left, and until one has, only the five at once count.
//
// Xero counts a call as in progress until its answer is sent, so here it is in
// progress until the answer was read to the end, closed or broken off. A reader who
// stalls would so keep others out, and one who opens a sixth answer with five
// unread would wait for itself: half a minute after its head an answer counts no
// more. Where Xero counts on, as it may for a call that was given up, it says
// "concurrent", and that is waited out.
//
// Who may not call yet waits in the order of coming, and no longer than is of use:
// when it is sure that Xero takes the next call too late, the wait ends at once.
type limits struct {
	mu   sync.Mutex
	apps map[string]*appLimits // by client id, lower case
	sent uint64                // calls so far: the number of the last one
	came uint64                // waiters so far
}

// appLimits are those of one Xero app.
type appLimits struct {
	minute window
	gates  map[string]*gate // by the organisation's id, lower case; "": calls of none
	timer  *time.Timer      // looks again when something was to end
}

// gate is the limits of one organisation.
type gate struct {
	none    bool // calls of no organisation: only the app's minute counts them
	busy    int  // in progress
	minute  window
	crowded time.Time     // Xero has too many at once until then
	pause   time.Duration // how long that was assumed last
	closed  time.Time     // the day's calls are used up until then
	waiting []*waiter     // in the order they came
	budget  Budget        // as an answer said last
	toldBy  uint64        // the call that it was said to
}

// waiter is a caller on its way through a gate; one who comes again keeps its place.
type waiter struct {
	client, tenant string
	until          time.Time // waits no longer
	bounded        bool      // by its context, not by us
	number         uint64    // in the order they came
	first          time.Time // when its request was sent first
	turn           chan turn // one slot
}

// turn is what a waiter gets.
type turn struct {
	pass *pass
	err  *Error
}

// hold is why no call may be made now.
type hold struct {
	limit  string    // as X-Rate-Limit-Problem names it
	until  time.Time // when it is over for sure; zero: when another call is
	sooner bool      // a call under way may show that it is over before
}

// newWaiter makes a waiter for req, who waits as long as ctx has time, or patience
// where it has no end.
func newWaiter(ctx context.Context, client, tenant string) *waiter {
	until, bounded := ctx.Deadline()
	if !bounded {
		until = time.Now().Add(patience)
	}
	return &waiter{client: strings.ToLower(client), tenant: strings.ToLower(tenant), until: until, bounded: bounded, turn: make(chan turn, 1)}
}

// enough is how long a token and the head of an answer are waited for from now on:
// patience is for both and the limits together, unless ctx says how long all may
// take.
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
	at, _ := slices.BinarySearchFunc(g.waiting, w.number, func(other *waiter, number uint64) int { return cmp.Compare(other.number, number) })
	g.waiting = slices.Insert(g.waiting, at, w)
	l.lookLocked(app)
	l.mu.Unlock()
	select {
	case got := <-w.turn:
		return got.result()
	default:
	}
	enough := time.NewTimer(time.Until(w.until))
	defer enough.Stop()
	select {
	case got := <-w.turn:
		return got.result()
	case <-ctx.Done():
	case <-enough.C:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case got := <-w.turn:
		if got.pass != nil {
			got.pass.giveBackLocked()
		}
	default:
		g.waiting = slices.DeleteFunc(g.waiting, func(other *waiter) bool { return other == w })
		l.lookLocked(app)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := time.Now()
	why := g.holdLocked(app, now, l.sent)
	if why == nil {
		why = &hold{limit: "concurrent"}
	}
	return nil, why.error(now)
}

func (t turn) result() (*pass, error) {
	if t.err != nil {
		return nil, t.err
	}
	return t.pass, nil
}

func (l *limits) gateLocked(client, tenant string) (*appLimits, *gate) {
	app := l.apps[client]
	if app == nil {
		app = &appLimits{gates: map[string]*gate{}}
		if l.apps == nil {
			l.apps = map[string]*appLimits{}
		}
		l.apps[client] = app
	}
	g := app.gates[tenant]
	if g == nil {
		g = &gate{none: tenant == ""}
		app.gates[tenant] = g
	}
	return app, g
}

// lookLocked lets in who may call, sends away who waits in vain, and sets the timer
// for the rest.
func (l *limits) lookLocked(app *appLimits) {
	now := time.Now()
	var next time.Time
	for _, g := range app.gates {
		why := l.admitLocked(app, g, now)
		if why != nil && !why.until.IsZero() && (next.IsZero() || why.until.Before(next)) {
			next = why.until
		}
	}
	switch {
	case next.IsZero() && app.timer != nil:
		app.timer.Stop()
	case next.IsZero():
	default:
		pause := min(next.Sub(now), longestSleep) // a longer timer does not fire after a sleep
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

// admitLocked returns why the first of those who are left still waits.
func (l *limits) admitLocked(app *appLimits, g *gate, now time.Time) *hold {
	for len(g.waiting) > 0 {
		why := g.holdLocked(app, now, l.sent)
		if why != nil {
			g.waiting = slices.DeleteFunc(g.waiting, func(w *waiter) bool {
				vain := why.limit == "day" || !why.until.IsZero() && !why.sooner && w.until.Before(why.until.Add(leastTime))
				if vain {
					w.turn <- turn{err: why.error(now)}
				}
				return vain
			})
			if len(g.waiting) == 0 {
				return nil
			}
			return why
		}
		w := g.waiting[0]
		g.waiting = slices.Delete(g.waiting, 0, 1)
		l.sent++
		g.busy++
		g.minute.flying++
		app.minute.flying++
		w.turn <- turn{pass: &pass{limits: l, app: app, gate: g, number: l.sent}}
	}
	return nil
}

// holdLocked is why g lets nobody through, nil when it does.
func (g *gate) holdLocked(app *appLimits, now time.Time, last uint64) *hold {
	switch {
	case !past(g.closed, now):
		return &hold{limit: "day", until: g.closed}
	case !g.none && !g.minute.open(now, last):
		return &hold{"minute", g.minute.ends, g.minute.flying > 0}
	case !app.minute.open(now, last):
		return &hold{"appminute", app.minute.ends, app.minute.flying > 0}
	case !g.none && g.busy >= atOnce:
		return &hold{limit: "concurrent"}
	case !past(g.crowded, now):
		return &hold{limit: "concurrent", until: g.crowded}
	}
	return nil
}

// Limited says in words what a 429 of Xero's means, as for a request that was not sent
// for the same limit.
func Limited(answer http.Header, now time.Time) *Error {
	h := hold{limit: answer.Get("X-Rate-Limit-Problem")}
	if left := retryAfter(answer); left > 0 {
		h.until = now.Add(left)
	}
	return h.error(now)
}

// error says in words how long Xero takes no call.
func (h *hold) error(now time.Time) *Error {
	left := busyPause
	if !h.until.IsZero() {
		left = max(min(h.until.Sub(now), h.until.Round(0).Sub(now.Round(0))), time.Second)
	}
	message := words.Say("xero.limit.minute")
	action := words.Say("xero.limit.action", "N", int((left+time.Second-1)/time.Second))
	switch h.limit {
	case "day":
		at := h.until.Local().Format("15:04")
		message, action = words.Say("xero.limit.day", "Time", at), words.Say("xero.limit.day-action")
		if day(h.until) != day(now) {
			message = words.Say("xero.limit.another-day", "Time", at, "Day", day(h.until))
		}
	case "minute":
		message = words.Say("xero.limit.organisation-minute")
	case "concurrent":
		message = words.Say("xero.limit.at-once")
	}
	return &Error{Problem: problem(CodeRateLimited, message, action), RetryAfter: left}
}
