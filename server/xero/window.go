package xero

import "time"

// Xero counts calls in fixed minutes that begin at a moment of their own for each
// organisation.
const windowSpan = time.Minute

// window is what is known of the minute that Xero counts now. When it began nobody
// says; but an answer says how many calls are left in it, and one that says more
// than an earlier one did belongs to a new minute, which began before it came.
//
// Calls are numbered in the order they are sent. Answers may come in another order:
// a call counts before another for sure only if its answer had come before the
// other was sent. Nothing here waits or locks.
type window struct {
	known  bool
	low    int       // the least that was said to be left
	lowAt  uint64    // the last call that was sent by then
	ends   time.Time // by then the minute that low belongs to is over for sure
	began  uint64    // the last call that was sent when this minute was seen to be a new one
	flying int       // sent, and no answer yet
	lost   int       // calls that Xero may have counted after low, and no answer said so
	lostAt uint64    // the last call that was sent by then
}

// open reports whether a call may be sent; last is the number of the last one.
func (w *window) open(now time.Time, last uint64) bool {
	w.turn(now, last)
	return !w.known || w.low-w.flying-w.lost > 0
}

// turn forgets a minute that is over.
func (w *window) turn(now time.Time, last uint64) {
	if w.known && past(w.ends, now) {
		w.known, w.began, w.lost = false, last, 0
	}
}

// answered takes what the answer to a call said is left; negative: it did not say,
// or no answer came.
func (w *window) answered(number uint64, left int, now time.Time, last uint64) {
	w.flying--
	w.turn(now, last)
	if left < 0 || number <= w.began {
		// Sent before this minute was seen: what it says may be of the one before.
		w.lost, w.lostAt = w.lost+1, last
		return
	}
	switch {
	case !w.known:
		w.known, w.low, w.lowAt, w.ends = true, left, last, now.Add(windowSpan)
	case left > w.low && number > w.lowAt:
		w.low, w.lowAt, w.ends, w.began = left, last, now.Add(windowSpan), last
	case left < w.low:
		w.low, w.lowAt = left, last
	}
	if number > w.lostAt {
		w.lost = 0
	}
}

// refused takes a 429: nothing is left for so long, or, when Xero did not say, to
// the end of the minute.
func (w *window) refused(retryAfter time.Duration, now time.Time, last uint64) {
	switch {
	case retryAfter > 0:
		w.ends = now.Add(retryAfter)
	case !w.known:
		w.ends = now.Add(windowSpan)
	}
	w.known, w.low, w.lowAt = true, 0, last
}

// past reports whether t is over by whichever clock says so: the monotonic one may
// stand still while the machine sleeps, the wall clock may be set back.
func past(t, now time.Time) bool {
	return !now.Before(t) || !now.Round(0).Before(t.Round(0))
}
