package xero

import (
	"cmp"
	"time"
)

// Xero counts calls in fixed minutes and days that begin at a moment of their own for
// each organisation.
const (
	windowSpan = time.Minute
	daySpan    = 24 * time.Hour
)

// window is what is known of the minute, or day, that Xero counts now. Nobody says
// when it began; but answers say how many calls are left in it, and when they say more
// than can be left in the minute known so far, a new one has begun before they came.
//
// Calls are numbered in the order they are sent, and "last" is the number of the
// last one. Answers may come in another order: a call is counted after another for
// sure only if it was sent after the other's answer had come. Nothing here waits or
// locks.
type window struct {
	span   time.Duration // zero: a minute
	known  bool
	low    int       // the least that was said to be left
	lowAt  uint64    // the last call when that came
	ends   time.Time // by then the minute is over for sure
	exact  bool      // Xero said so itself
	flying int       // sent, and no answer yet

	// What the first answer of this minute said is left, the last call when it came,
	// and how many of those after it were answered: each took one of what was left.
	first   int
	firstAt uint64
	took    int

	// began is the last call when the minute was seen to be a new one: what an answer
	// to an earlier one says may be of the one before.
	began uint64

	// lost are calls that Xero may have counted after low, though no answer says so;
	// lostAt is the last call by then.
	lost   int
	lostAt uint64
}

// open reports whether a call may be sent.
func (w *window) open(now time.Time, last uint64) bool {
	w.turn(now, last)
	return !w.known || w.left() > 0
}

// left is how many calls may be sent for sure, while that is known.
func (w *window) left() int { return w.low - w.flying - w.lost }

// turn forgets a minute that is over.
func (w *window) turn(now time.Time, last uint64) {
	if w.known && past(w.ends, now) {
		w.known, w.began, w.lost = false, last, 0
	}
}

// begin takes left as the first that is known of a minute.
func (w *window) begin(left int, now time.Time, last uint64) {
	w.known, w.low, w.lowAt = true, left, last
	w.first, w.firstAt, w.took = left, last, 0
	w.ends, w.exact = now.Add(cmp.Or(w.span, windowSpan)), false
}

// answered takes what the answer to a call said is left; negative: it did not say,
// or no answer came. A call that was refused did not count.
func (w *window) answered(number uint64, left int, refused bool, now time.Time, last uint64) {
	w.flying--
	w.turn(now, last)
	switch {
	case !w.known || w.exact:
	case left < 0 || number <= w.firstAt:
		// It was under way when the first answer came, or may have been counted
		// unseen: it may be of the minute after.
		w.ends = now.Add(cmp.Or(w.span, windowSpan))
	case !refused:
		w.took++
	}
	if left < 0 || number <= w.began {
		w.lost, w.lostAt = w.lost+1, last
		return
	}
	switch {
	case !w.known:
		w.begin(left, now, last)
	case number > w.lowAt && (left > w.low || left == w.low && !refused):
		w.begin(left, now, last)
		w.began = last
	default:
		if left < w.low {
			w.low, w.lowAt = left, last
		}
		if !w.exact && w.low > w.first-w.took { // some are of a new minute, who knows which
			w.begin(w.low, now, last)
			w.began = last
		}
	}
	if number > w.lostAt {
		w.lost = 0
	}
}

// refused takes a 429: nothing is left for so long, or, when Xero did not say, to
// the end of the minute.
func (w *window) refused(retryAfter time.Duration, now time.Time, last uint64) {
	w.begin(0, now, last)
	if retryAfter > 0 {
		w.ends, w.exact = now.Add(retryAfter), true
	}
}

// learnt is what the next start may go on from, and recall does. A call without an
// answer may have been counted.
func (w *window) learnt() Span {
	if !w.known {
		return Span{}
	}
	return Span{Left: max(w.left(), 0), Ends: w.ends.Round(0).UTC(), Exact: w.exact}
}

func (w *window) recall(s Span, now time.Time) {
	if past(s.Ends, now) || w.known {
		return
	}
	w.known, w.low, w.first, w.ends, w.exact = true, s.Left, s.Left, s.Ends, s.Exact
}

// past reports whether t is over by whichever clock says so: the monotonic one may
// stand still while the machine sleeps, the wall clock may be set back.
func past(t, now time.Time) bool {
	return !now.Before(t) || !now.Round(0).Before(t.Round(0))
}
