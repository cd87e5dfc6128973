package xero

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
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
// by one renewal and, where the body can be sent again, one more try; if that is
// refused too, there is no further renewal for it within a minute. Everything
// else, 429 too, is handed back as it came. Errors are as Token's, or
// CodeUnreachable; a caller that gives up gets its own context's error.
func (s *Session) Transport() http.RoundTripper { return (*transport)(s) }

type transport Session

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	s := (*Session)(t)
	if req.URL.Scheme != s.set.api.Scheme || req.URL.Host != s.set.api.Host {
		closeBody(req)
		return nil, fmt.Errorf("xero: %s is not the API's host", req.URL.Host)
	}
	deadline := time.Now().Add(patience)
	resp, token, err := s.try(req, deadline)
	if err != nil || !tokenRefused(resp) || s.distrusts() {
		return resp, err
	}
	again := req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
	token, err = s.token(req.Context(), deadline, token.Token)
	if err == nil && !again {
		return resp, nil
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	if req.GetBody != nil {
		req = req.Clone(req.Context())
		if req.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	if resp, err = s.send(req, token, deadline); err == nil && tokenRefused(resp) {
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
	resp, _, err := (*Session)(o).try(req, time.Now().Add(patience))
	return resp, err
}

// try sends req with the token there is, or the next one.
func (s *Session) try(req *http.Request, deadline time.Time) (*http.Response, AccessToken, error) {
	token, err := s.token(req.Context(), deadline, keystore.Secret{})
	if err != nil {
		closeBody(req)
		return nil, AccessToken{}, err
	}
	resp, err := s.send(req, token, deadline)
	return resp, token, err
}

// send makes one try. The deadline is for the answer's header only: how long a
// body streams, in or out, is between the caller and Xero.
func (s *Session) send(req *http.Request, token AccessToken, deadline time.Time) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	out := req.Clone(ctx)
	out.Header.Set("Authorization", "Bearer "+token.Token.Reveal())
	if out.Body == nil || out.Body == http.NoBody {
		timer := time.AfterFunc(time.Until(deadline), func() { cancel(context.DeadlineExceeded) })
		defer timer.Stop()
	}
	asked := time.Now()
	resp, err := s.set.base.RoundTrip(out)
	if err != nil {
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
	s.set.learnTime(resp, asked, time.Now())
	if resp.StatusCode == http.StatusForbidden {
		s.lookAgain()
	}
	resp.Body = &endingBody{resp.Body, func() { cancel(nil) }}
	return resp, nil
}

// endingBody frees the request's context with the body.
type endingBody struct {
	io.ReadCloser
	end func()
}

func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
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
