package xero

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"financial-command-center/assets/words"
)

const (
	// atOnce is how many calls Xero takes at once for an app and an organisation
	// (developer.xero.com/faq/limits). No header says it.
	atOnce = 5
	// minuteCalls is how many Xero takes in a minute for an organisation (ibid.), for who
	// has to be told when to come again.
	minuteCalls = 60
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
// Who may not call yet waits in line (see line), and no longer than is of use: when it
// is sure that Xero takes the next call too late, the wait ends at once. Of each day a
// part is kept for people (see keptLocked).
type limits struct {
	mu   sync.Mutex
	apps map[string]*appLimits // by client id, lower case
	sent uint64                // calls so far: the number of the last one
	came uint64                // waiters so far
	news atomic.Bool           // how short of calls an organisation is has changed
}

// appLimits are those of one Xero app.
type appLimits struct {
	minute window
	gates  map[string]*gate // by the organisation's id, lower case; "": calls of none
	crowd  []*gate          // those where somebody waits
	timer  *time.Timer      // looks again when something was to end
}

// gate is the limits of one organisation, and who waits for them.
type gate struct {
	none    bool // calls of no organisation: only the app's minute counts them
	busy    int  // in progress
	minute  window
	crowded time.Time     // Xero has too many at once until then
	pause   time.Duration // how long that was assumed last
	day     window
	closed  time.Time // the day's calls are used up until then
	looked  time.Time // when anybody was let in below the reserve last
	lines   []*line
	waiting int      // in all lines
	turn    uint64   // the last call that was let in
	people  bool     // it was a person's
	budget  Budget   // as an answer said last
	toldBy  uint64   // the call that it was said to
	short   Shortage // as the watchers know it

	allowance   int // see allow
	allowedLast time.Time
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

// sure reports whether it is known when h is over.
func (h *hold) sure() bool { return !h.until.IsZero() && !h.sooner }

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
		g = &gate{none: tenant == "", day: window{span: daySpan}}
		app.gates[tenant] = g
	}
	return app, g
}

// holdLocked is why g does not let who through, nil when it does. Of a day of which
// nothing is left one call is let through, to hear when the next begins.
func (g *gate) holdLocked(app *appLimits, who Caller, now time.Time, last uint64) *hold {
	if !past(g.closed, now) {
		return &hold{limit: "day", until: g.closed}
	}
	if kept := g.keptLocked(who, now, last); kept != nil {
		return kept
	}
	switch {
	case !g.none && !g.day.open(now, last) && g.day.flying > 0:
		return &hold{limit: "concurrent"}
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
	if h.limit == keptLimit {
		return h.kept(now)
	}
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
