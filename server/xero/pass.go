package xero

import (
	"cmp"
	"net/http"
	"strconv"
	"time"
)

const (
	// longestRead is how long after its head an answer that nobody reads to the end
	// still counts as in progress.
	longestRead = 30 * time.Second
	// After too many at once Xero does not say when it takes another: it is asked
	// again after firstPause, then after twice as long, up to mostPause.
	firstPause = 500 * time.Millisecond
	mostPause  = 4 * time.Second
)

// pass is the right to make one call. It ends by giveBack, or by answered and then
// end.
type pass struct {
	limits *limits
	app    *appLimits
	gate   *gate
	number uint64
	over   bool
	stall  *time.Timer // ends it for a reader who stalls
}

// answered takes the head of the answer, nil when none came, and reports whether it
// is a refusal that waiting mends. What was refused is not in progress.
func (p *pass) answered(resp *http.Response) (waits bool) {
	l := p.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	left := func(name string) int {
		if resp == nil {
			return -1
		}
		said := resp.Header[name]
		if len(said) == 0 { // as always where Xero says nothing: no error is to be made
			return -1
		}
		n, err := strconv.Atoi(said[0])
		if err != nil {
			return -1
		}
		return n
	}
	minute, day := left("X-Minlimit-Remaining"), left("X-Daylimit-Remaining")
	refused := resp != nil && resp.StatusCode == http.StatusTooManyRequests
	p.app.minute.answered(p.number, left("X-Appminlimit-Remaining"), refused, now, l.sent)
	p.gate.minute.answered(p.number, minute, refused, now, l.sent)
	p.gate.day.answered(p.number, day, refused, now, l.sent)
	if minute >= 0 && day >= 0 && p.number > p.gate.toldBy {
		p.gate.toldBy = p.number
		p.gate.budget = Budget{Known: true, Day: day, Minute: minute, At: now.Round(0).UTC()}
		p.gate.allow(day, now)
	}
	switch {
	case resp == nil || refused:
		waits = refused && p.refusedLocked(resp.Header, now)
		p.gate.noticeLocked(l, now)
		p.endLocked()
		return waits
	case resp.Body == http.NoBody:
		p.endLocked()
	default:
		p.stall = time.AfterFunc(longestRead, p.end)
		l.lookLocked(p.app)
	}
	p.gate.pause = 0
	p.gate.noticeLocked(l, now)
	return false
}

// refusedLocked notes how long Xero wants to be left alone.
func (p *pass) refusedLocked(h http.Header, now time.Time) (waits bool) {
	after, g := retryAfter(h), p.gate
	minute := &g.minute
	if g.none {
		minute = &p.app.minute
	}
	switch h.Get("X-Rate-Limit-Problem") {
	case "day":
		g.closed = now.Add(cmp.Or(after, windowSpan))
		g.day.refused(after, now, p.limits.sent)
		return false
	case "minute":
		minute.refused(after, now, p.limits.sent)
	case "appminute":
		p.app.minute.refused(after, now, p.limits.sent)
	case "concurrent":
		g.pause = min(max(2*g.pause, firstPause), mostPause)
		g.crowded = now.Add(g.pause)
	default: // not in Xero's own words
		if after <= 0 || after > windowSpan {
			return false
		}
		minute.refused(after, now, p.limits.sent)
	}
	return true
}

// end is for an answer that was read or dropped.
func (p *pass) end() {
	p.limits.mu.Lock()
	defer p.limits.mu.Unlock()
	p.endLocked()
}

func (p *pass) endLocked() {
	if p.over {
		return
	}
	p.over = true
	if p.stall != nil {
		p.stall.Stop()
	}
	p.gate.busy--
	p.limits.lookLocked(p.app)
}

// giveBack is for a call that was not made.
func (p *pass) giveBack() {
	p.limits.mu.Lock()
	defer p.limits.mu.Unlock()
	p.giveBackLocked()
}

func (p *pass) giveBackLocked() {
	p.gate.minute.flying--
	p.gate.day.flying--
	p.app.minute.flying--
	p.endLocked()
}
