package xero

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// Xero does what it gets with an Idempotency-Key that it has seen in the last six
// minutes no second time, but answers as it did the first
// (developer.xero.com/documentation/guides/idempotent-requests). What begins within
// five is there within six.
const repeatWithin = 5 * time.Minute

// TakesKey reports whether Xero knows a repeat of a request of this method by its
// Idempotency-Key.
func TakesKey(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// mayRepeat reports whether req, sent first at that moment, may be sent once more. It
// may with a key in time, and without one when doing it twice is as good as doing it
// once (RFC 9110, 9.2.2): not with PUT, which creates in Xero's API, but with DELETE.
// DELETE is sent again only after an answer that says that it was not done (401, 429):
// after silence it may have been, and the second answer, 404, would deny it. net/http
// keeps to that too.
func mayRepeat(req *http.Request, first time.Time) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodDelete:
		return true
	}
	return TakesKey(req.Method) && req.Header.Get("Idempotency-Key") != "" && time.Since(first) < repeatWithin
}

// again is req made ready to be sent once more; false when it may not be, or its body
// is not to be had again.
func again(req *http.Request, first time.Time) (*http.Request, bool) {
	if !mayRepeat(req, first) {
		return nil, false
	}
	if req.Body == nil || req.Body == http.NoBody {
		return req, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, false
	}
	next := *req
	next.Body = body
	return &next, true
}

// before has w wait no longer than that.
func (w *waiter) before(last time.Time) {
	if last.Before(w.until) {
		w.until = last
	}
	if last.Before(w.useful) {
		w.useful = last
	}
}

var errTooLate = errors.New("it is too late for Xero to know a repeat by its key")

// timedBody has out's body stop the clock while it is read. net/http sends out again,
// with a body from GetBody, when a kept connection was dead: of its own accord GET and
// HEAD, and what has an Idempotency-Key; whatever it is when nothing of it was sent, or
// when Xero said so by HTTP/2 (REFUSED_STREAM, GOAWAY). After PROTOCOL_ERROR it does
// not look at the method, so what must not be sent twice has no GetBody.
func timedBody(out *http.Request, timer *time.Timer) {
	if out.Body == nil || out.Body == http.NoBody {
		return
	}
	out.Body = &upload{out.Body, timer}
	body, first := out.GetBody, time.Now()
	if body == nil || !mayRepeat(out, first) {
		out.GetBody = nil
		return
	}
	out.GetBody = func() (io.ReadCloser, error) {
		if !mayRepeat(out, first) {
			return nil, errTooLate
		}
		once, err := body()
		if err != nil {
			return nil, err
		}
		return &upload{once, timer}, nil
	}
}

// upload stops the clock while the caller is the one who is waited for. With every
// part that the caller gives, Xero has the whole time again.
type upload struct {
	io.ReadCloser
	timer *time.Timer
}

func (u *upload) Read(p []byte) (int, error) {
	u.timer.Stop()
	defer u.timer.Reset(patience)
	return u.ReadCloser.Read(p)
}
