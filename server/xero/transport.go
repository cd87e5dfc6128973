package xero

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"financial-command-center/keystore"
)

// answerTimeout is how long an answer's header may take, once the request is sent.
const answerTimeout = 30 * time.Second

// patience is how long a caller waits for a renewal and an answer's header
// together: the contract promises xero_unreachable within 35 seconds.
const patience = 34 * time.Second

// A token that is refused causes a renewal, unless another one was in vain this
// short a time ago.
const refusalPause = time.Minute

// Transport sends requests with this session's access token, which it puts into
// the Authorization header of a clone. It refuses every host but the API's, so
// that the token goes nowhere else. A 401 that says the token is bad is answered
// by one renewal and, where the request may be sent again (see mayRepeat), one more
// try; if that is refused too, there is no further renewal for it within a minute.
//
// Requests wait for Xero's limits (see limits): as long as their context has time,
// 34 seconds where it has no end, and never longer than WithPatience says. So does what
// Xero refused all the same (429), where it may be sent again; when that would take too
// long, or the day's calls are used up, the 429 is handed back as it came. A request
// that was not sent because of the limits fails with CodeRateLimited; one that
// Config.Calling refuses, with what that says.
//
// Everything else is handed back as it came. Other errors are as Token's, or
// CodeUnreachable; a caller that gives up gets its own context's error.
func (s *Session) Transport() http.RoundTripper { return (*transport)(s) }

type transport Session

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	s := (*Session)(t)
	if req.URL.Scheme != s.set.api.Scheme || req.URL.Host != s.set.api.Host {
		closeBody(req)
		return nil, fmt.Errorf("xero: %s is not the API's host", req.URL.Host)
	}
	w := s.waiter(req)
	resp, token, err := s.try(req, w)
	if err != nil || !tokenRefused(resp) || s.distrusts() {
		return resp, err
	}
	_, err = s.token(req.Context(), w.enough(), token.Token)
	next, ok := again(req, w.first)
	if err == nil && !ok {
		return resp, nil
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	if resp, _, err = s.try(next, w); err == nil && tokenRefused(resp) {
		s.set.mu.Lock()
		s.distrusted = time.Now()
		s.set.mu.Unlock()
	}
	return resp, err
}

// distrusts reports whether an API that has just refused two tokens in a row may
// not be given a third yet.
func (s *Session) distrusts() bool {
	s.set.mu.Lock()
	defer s.set.mu.Unlock()
	return time.Since(s.distrusted) < refusalPause
}

// once is a Transport that hands a 401 back too.
type once Session

func (o *once) RoundTrip(req *http.Request) (*http.Response, error) {
	s := (*Session)(o)
	resp, _, err := s.try(req, s.waiter(req))
	return resp, err
}

// try sends req until no limit refuses it, with the token there is or the next one.
func (s *Session) try(req *http.Request, w *waiter) (*http.Response, AccessToken, error) {
	var refused *http.Response // to be handed back if waiting is in vain
	for {
		resp, token, waits, err := s.tryOnce(req, w, refused != nil)
		if e, ok := errors.AsType[*Error](err); ok && e.Code == CodeRateLimited && refused != nil {
			return refused, token, nil
		}
		if refused != nil {
			refused.Body.Close()
		}
		if err != nil || !waits {
			return resp, token, err
		}
		next, ok := again(req, w.first)
		if !ok {
			return resp, token, nil
		}
		req, refused = next, resp
		if TakesKey(req.Method) {
			w.before(w.first.Add(repeatWithin))
		}
	}
}

// tryOnce sends req when there is a token and the limits allow it; waits reports
// whether Xero refused it for a limit that will open.
func (s *Session) tryOnce(req *http.Request, w *waiter, repeated bool) (resp *http.Response, token AccessToken, waits bool, err error) {
	done, err := s.set.calling(req.Context())
	if err != nil {
		closeBody(req)
		return nil, token, false, err
	}
	sent := false
	defer func() { done(sent) }()
	asked := time.Now()
	w.waited = 0
	token, err = s.token(req.Context(), w.enough(), keystore.Secret{})
	var p *pass
	if err == nil {
		p, err = s.set.limits.wait(req.Context(), w)
	}
	if err == nil { // it may have ended meanwhile, or been refused to another
		if token, err = s.token(req.Context(), w.enough(), keystore.Secret{}); err != nil {
			p.giveBack()
		}
	}
	if err != nil {
		closeBody(req)
		if !repeated {
			s.set.tell(req, asked, w.waited, nil, err)
		}
		return nil, token, false, err
	}
	asked, sent = time.Now(), true
	if w.first.IsZero() {
		w.first = asked
	}
	resp, err = s.send(req, token, w.enough(), p)
	s.set.tell(req, asked, w.waited, resp, err)
	waits = p.answered(resp)
	s.set.heed()
	if err != nil {
		return nil, token, false, err
	}
	s.set.learnTime(resp, asked, time.Now())
	if resp.StatusCode == http.StatusForbidden {
		s.lookAgain()
	}
	return resp, token, waits, nil
}

// send makes one try. The deadline is for the answer's header only: how long a
// body streams, in or out, is between the caller and Xero.
func (s *Session) send(req *http.Request, token AccessToken, deadline time.Time, p *pass) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	out := req.WithContext(ctx)
	out.Header = maps.Clone(req.Header) // its values are not changed
	out.Header["Authorization"] = []string{"Bearer " + token.Token.Reveal()}
	var settled atomic.Bool // the head came, or too late
	timer := time.AfterFunc(time.Until(deadline), func() {
		if settled.CompareAndSwap(false, true) {
			cancel(context.DeadlineExceeded)
		}
	})
	defer timer.Stop()
	timedBody(out, timer)
	resp, err := s.set.base.RoundTrip(out)
	late := !settled.CompareAndSwap(false, true)
	if err == nil && !late {
		if resp.Body == http.NoBody {
			cancel(nil)
		} else {
			resp.Body = &endingBody{resp.Body, func() { cancel(nil); p.end() }}
		}
		return resp, nil
	}
	if err == nil {
		resp.Body.Close()
	}
	cause := context.Cause(ctx)
	cancel(nil)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if cause != nil {
		err = cause
	}
	return nil, unreachable(bare(err))
}

// endingBody frees the request's context and its place among the calls in progress
// with the body.
type endingBody struct {
	io.ReadCloser
	end func()
}

func (b *endingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.end()
	}
	return n, err
}

func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// waiter is who waits for req.
func (s *Session) waiter(req *http.Request) *waiter {
	return newWaiter(req.Context(), s.clientID(), tenantOf(req))
}

func (s *Session) clientID() string {
	s.set.mu.Lock()
	defer s.set.mu.Unlock()
	return s.grant.ClientID
}

// tokenRefused tells a 401 that a new token cures from one for a missing scope,
// whose header says insufficient_scope.
func tokenRefused(resp *http.Response) bool {
	return resp.StatusCode == http.StatusUnauthorized &&
		strings.Contains(resp.Header.Get("WWW-Authenticate"), "invalid_token")
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// bare takes the address off a client's error: it may hold a query.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
