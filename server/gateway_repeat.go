package server

import (
	"crypto/rand"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

const (
	// A caller who says nothing waits so long for Xero's limits, and nobody longer than
	// mostWait; at our own addresses than books.MostWait.
	usualWait = 30 * time.Second
	mostWait  = 10 * time.Minute
	// mostRepeatKey is how long an Idempotency-Key may be
	// (developer.xero.com/documentation/guides/idempotent-requests).
	mostRepeatKey = 128
	// mostKept is how much of a body is kept, so that it can be sent again. A larger
	// one is sent once.
	mostKept = 1 << 20
)

// maxWait is how long a caller waits for Xero's limits, of most that it may.
func maxWait(h http.Header, most time.Duration) (time.Duration, error) {
	said := h["X-Fcc-Max-Wait"]
	if len(said) == 0 {
		return usualWait, nil
	}
	seconds, err := strconv.ParseUint(said[0], 10, 32)
	wait := time.Duration(seconds) * time.Second
	if err != nil || len(said) > 1 || wait > most {
		return 0, fail(codeBadRequest).saying(words.Say("gateway.wait.message", "Most", int(most.Seconds())), words.Say("gateway.wait.action"))
	}
	return wait, nil
}

// idempotencyKey is what Xero knows a repeat of r by: the caller's own, or a new one.
// It is "" for what changes nothing when it is done twice: Xero has it for POST, PUT
// and PATCH only.
func idempotencyKey(r *http.Request) (string, error) {
	if !xero.TakesKey(r.Method) {
		return "", nil
	}
	given := r.Header["Idempotency-Key"]
	wrong := func(message string) error {
		return fail(codeBadRequest).saying(message, words.Say("gateway.idempotency.action"))
	}
	switch {
	case len(given) == 0 || len(given) == 1 && given[0] == "":
		return rand.Text(), nil
	case len(given) > 1:
		return "", wrong(words.Say("gateway.idempotency.several"))
	case utf8.RuneCountInString(given[0]) > mostRepeatKey:
		return "", wrong(words.Say("gateway.idempotency.long", "Most", mostRepeatKey))
	}
	return given[0], nil
}

// tellWhen puts into a 429 of Xero's when to try again, where Xero does not say it: it
// does not for too many at once.
func tellWhen(answer *http.Response) {
	if answer.StatusCode == http.StatusTooManyRequests && answer.Header.Get("Retry-After") == "" {
		limited := xero.Limited(answer.Header, time.Now())
		answer.Header.Set("Retry-After", strconv.Itoa(int(math.Ceil(limited.RetryAfter.Seconds()))))
	}
}

// keepForRepeat has out's body streamed, and kept as far as a repeat needs it.
func keepForRepeat(out *http.Request) {
	t := &tape{from: out.Body, most: mostKept}
	if out.ContentLength > mostKept {
		t.most = 0
	}
	out.Body = &playing{tape: t}
	out.GetBody = t.again
}

// A tape is a body that can be sent again from its beginning, while it comes and
// after, unless more of it was sent than is kept. Only who began last gets any of it:
// net/http may go on sending after Xero has answered.
type tape struct {
	reading sync.Mutex // held over a read from the caller
	from    io.Reader
	most    int

	mu   sync.Mutex // held for moments
	kept []byte
	gone bool  // the beginning is not kept any more
	end  error // how the body ended
	turn int   // who began last
}

var errTooLongToRepeat = errors.New("too long a body to be sent again")

// again begins anew.
func (t *tape) again() (io.ReadCloser, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		return nil, errTooLongToRepeat
	}
	t.turn++
	return &playing{tape: t, turn: t.turn}, nil
}

// playing is the body as one who sends it reads it.
type playing struct {
	tape *tape
	turn int
	at   int // read so far of what is kept
}

func (p *playing) Read(into []byte) (int, error) {
	t := p.tape
	if n, err, ok := p.kept(into); ok {
		return n, err
	}
	t.reading.Lock()
	defer t.reading.Unlock()
	if n, err, ok := p.kept(into); ok { // who began before was still reading
		return n, err
	}
	n, err := t.from.Read(into)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = err
	switch {
	case p.turn != t.turn: // who began after gets it
		t.kept = append(t.kept, into[:n]...)
		return 0, errSentAgain
	case len(t.kept)+n > t.most && n > 0:
		t.kept, t.gone = nil, true
	case !t.gone:
		t.kept = append(t.kept, into[:n]...)
		p.at += n
	}
	return n, err
}

var errSentAgain = errors.New("the body is sent again, from its beginning")

// kept reads what is kept; ok reports whether there was any, or the body is over.
func (p *playing) kept(into []byte) (n int, err error, ok bool) {
	t := p.tape
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case p.turn != t.turn:
		return 0, errSentAgain, true
	case !t.gone && p.at < len(t.kept):
		n = copy(into, t.kept[p.at:])
		p.at += n
		return n, nil, true
	case t.end != nil:
		return 0, t.end, true
	}
	return 0, nil, false
}

// Close leaves the caller's body to ReverseProxy.
func (p *playing) Close() error { return nil }
