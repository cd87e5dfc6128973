package xero

import (
	"slices"
	"strings"
	"time"

	"financial-command-center/assets/words"
)

const (
	// reservePart of a day's calls is kept for people: 50 of 1,000, 250 of 5,000. A
	// dashboard that is read anew costs about five, so people go on with some visits and
	// some writes after the programs have used up their part.
	reservePart = 20
	// lookAgain is how long after anybody's call one of a program's is let through all the
	// same. Xero says when its day ends only to who has used it up, and in a night nobody
	// else would find out; it costs 24 calls at most.
	lookAgain = time.Hour
	// shortPart of a day's calls is few: under 20 %. What is left then is told in steps
	// of a fiftieth of the day's, so that nobody is told of each call.
	shortPart, shortSteps = 5, 50
	// allowanceLife is how long an allowance is believed without having been seen again:
	// an app that goes back to Xero's free tier has less from then on.
	allowanceLife = 48 * time.Hour
)

// tiers are the calls that Xero allows in a day: to a Starter app, and to all others
// (developer.xero.com/faq/limits, since 2 March 2026).
var tiers = []int{1_000, 5_000}

// A Budget is what is left of Xero's limits for an organisation (contract with
// Xero: developer.xero.com/faq/limits), as Xero's own headers said it last.
type Budget struct {
	Known       bool // Xero has answered for this organisation, of late
	Day, Minute int  // calls left
	At          time.Time
	// Closed is when Xero takes calls again after the day's were used up; zero
	// while it does.
	Closed time.Time
	// Allowance is how many calls Xero allows in a day, as far as that can be told
	// from the most that were left; 0 while it cannot. Reserve of them are for people.
	Allowance, Reserve int
}

// Few reports whether little of the day's allowance is left: under 20 %.
func (b Budget) Few() bool { return b.Known && b.Day*shortPart < b.Allowance }

// Budget is what is left of Xero's limits for the organisation, through the
// connection that Find returns.
func (c *Connections) Budget(tenantID string) Budget {
	client, ok := c.clientOf(tenantID)
	if !ok {
		return Budget{}
	}
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	_, g := c.limits.gateLocked(strings.ToLower(client), strings.ToLower(tenantID))
	b := g.budget
	if !past(g.closed, time.Now()) {
		b.Closed = g.closed.Round(0).UTC()
	}
	b.Allowance, b.Reserve = g.allowance, g.allowance/reservePart
	return b
}

// clientOf is the app that the organisation is asked through.
func (c *Connections) clientOf(tenantID string) (id string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.findLocked(tenantID)
	if !ok {
		return "", false
	}
	return s.grant.ClientID, true
}

// allow learns the day's allowance from what is left of it: the least that Xero is
// known to allow and that this can be left of.
func (g *gate) allow(left int, now time.Time) {
	allowance := left
	for _, tier := range slices.Backward(tiers) {
		if left <= tier {
			allowance = tier
		}
	}
	if allowance >= g.allowance || now.Sub(g.allowedLast) > allowanceLife {
		g.allowance, g.allowedLast = allowance, now.Round(0).UTC()
	}
}

// keptLimit is no limit of Xero's: what is left of the day is for people.
const keptLimit = "kept"

// reservedLocked reports whether as little is left of the day as is kept for people.
func (g *gate) reservedLocked() bool {
	return !g.none && g.day.known && g.day.left() <= g.allowance/reservePart
}

// keptLocked is why g does not let a program, or what FCC does by itself, through:
// what is left of the day is kept for people. To stay signed in costs no such calls.
func (g *gate) keptLocked(who Caller, now time.Time, last uint64) *hold {
	g.day.turn(now, last)
	if who.person() || !g.reservedLocked() {
		return nil
	}
	until := g.day.ends // at the latest
	if look := g.looked.Add(lookAgain); look.Before(until) {
		until = look
	}
	if past(until, now) {
		return nil
	}
	return &hold{limit: keptLimit, until: until}
}

// kept says in words that what is left is for people.
func (h *hold) kept(now time.Time) *Error {
	at := h.until.Local().Format("15:04")
	message := words.Say("limits.kept.message", "Time", at)
	if day(h.until) != day(now) {
		message = words.Say("limits.kept.another-day", "Time", at, "Day", day(h.until))
	}
	left := max(min(h.until.Sub(now), h.until.Round(0).Sub(now.Round(0))), time.Second)
	return &Error{Problem: problem(CodeRateLimited, message, words.Say("limits.kept.action")), RetryAfter: left, Kept: true}
}

// DayOver is why Xero is asked nothing of the organisation for who any more today: its
// calls are used up, or what is left is for people. It is nil while it is asked.
func (c *Connections) DayOver(tenantID string, who Caller) error {
	return c.held(tenantID, who, func(_ *gate, why *hold) bool { return why.limit == "day" || why.limit == keptLimit })
}

// Held is why Xero is asked nothing of the organisation for who until a time that is
// known for sure: DayOver, or the minute's calls are used up. It is nil while it is asked,
// and while a call under way may show that the minute is over.
func (c *Connections) Held(tenantID string, who Caller) error {
	return c.held(tenantID, who, func(_ *gate, why *hold) bool { return why.sure() })
}

// Still is Held once no call for the organisation is under way either: one could be what
// who waits for.
func (c *Connections) Still(tenantID string, who Caller) error {
	return c.held(tenantID, who, func(g *gate, why *hold) bool { return why.sure() && g.busy == 0 })
}

func (c *Connections) held(tenantID string, who Caller, so func(*gate, *hold) bool) error {
	client, ok := c.clientOf(tenantID)
	if !ok {
		return nil
	}
	now := time.Now()
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	app, g := c.limits.gateLocked(strings.ToLower(client), strings.ToLower(tenantID))
	if why := g.holdLocked(app, who, now, c.limits.sent); why != nil && so(g, why) {
		return why.error(now)
	}
	return nil
}

// A Shortage is that an organisation's calls for today are running out.
type Shortage struct {
	Organisation Organisation
	Under        int       // fewer than so many are left
	Closed       time.Time // none are until then; zero: some are
}

// shortLocked is how short of calls g is; the zero Shortage when it is not.
func (g *gate) shortLocked(now time.Time, last uint64) Shortage {
	g.day.turn(now, last)
	switch step := max(g.allowance/shortSteps, 1); {
	case !past(g.closed, now):
		return Shortage{Closed: g.closed.Round(0).UTC()}
	case !g.day.known || g.allowance == 0 || g.day.low*shortPart >= g.allowance:
		return Shortage{}
	default:
		return Shortage{Under: (g.day.low/step + 1) * step}
	}
}

// noticeLocked notes whether the watchers are to hear how short of calls g is.
func (g *gate) noticeLocked(l *limits, now time.Time) {
	if short := g.shortLocked(now, l.sent); short != g.short {
		g.short = short
		l.news.Store(true)
	}
}

// heed tells the watchers when an organisation runs short of calls, or does not any
// more.
func (c *Connections) heed() {
	if c.limits.news.Swap(false) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.publishLocked()
	}
}

// shortLocked are those of all that are short of calls.
func (c *Connections) shortLocked(all []Organisation) (short []Shortage) {
	now := time.Now()
	for _, o := range all {
		s, ok := c.findLocked(o.TenantID)
		if !ok {
			continue
		}
		c.limits.mu.Lock()
		_, g := c.limits.gateLocked(strings.ToLower(s.grant.ClientID), strings.ToLower(o.TenantID))
		one := g.shortLocked(now, c.limits.sent)
		c.limits.mu.Unlock()
		if one != (Shortage{}) {
			one.Organisation = o
			short = append(short, one)
		}
	}
	return short
}

// Learnt is what Xero's answers said of its limits for an app and an organisation, as
// far as the next start can go on from it. Ids are in lower case, times UTC.
type Learnt struct {
	Client, Tenant string // Tenant "": the app's own minute
	Budget         Budget
	Minute, Day    Span
	AllowedLast    time.Time // when Budget.Allowance was seen last
	Looked         time.Time // when anybody was let in below the reserve last
}

// A Span is the minute or day that Xero counts.
type Span struct {
	Left  int       // at least
	Ends  time.Time // by then for sure; zero: nothing is known of it
	Exact bool      // Xero said so itself
}

// Learnt is all that is worth to be kept for the next start.
func (c *Connections) Learnt() []Learnt { return c.limits.learnt() }

func (l *limits) learnt() []Learnt {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Learnt
	for client, app := range l.apps {
		if app.minute.known {
			all = append(all, Learnt{Client: client, Minute: app.minute.learnt()})
		}
		for tenant, g := range app.gates {
			if !g.budget.Known {
				continue
			}
			one := Learnt{Client: client, Tenant: tenant, Budget: g.budget, Minute: g.minute.learnt(), Day: g.day.learnt(), AllowedLast: g.allowedLast}
			one.Budget.Allowance, one.Looked = g.allowance, g.looked.Round(0).UTC()
			if !g.closed.IsZero() {
				one.Budget.Closed = g.closed.Round(0).UTC()
			}
			all = append(all, one)
		}
	}
	return all
}

// recall goes on from what an earlier run had learnt, as far as it is not over.
func (l *limits) recall(all []Learnt, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range all {
		app, g := l.gateLocked(one.Client, one.Tenant)
		if g.none {
			app.minute.recall(one.Minute, now)
			continue
		}
		g.minute.recall(one.Minute, now)
		g.day.recall(one.Day, now)
		if now.Sub(one.AllowedLast) < allowanceLife {
			g.allowance, g.allowedLast = one.Budget.Allowance, one.AllowedLast
		}
		g.closed, g.looked = one.Budget.Closed, one.Looked
		if g.day.known {
			g.budget = one.Budget
			g.budget.Closed, g.budget.Allowance, g.budget.Reserve = time.Time{}, 0, 0
		}
	}
}
