package xerosim

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Trouble is something that befalls a request or its answer.
type Trouble string

// The troubles there are. The first group befalls the answer, when all that was
// asked has been done (a refresh token is rotated); the second comes in its
// place, and nothing is done.
const (
	Lose  Trouble = "lose"  // the connection is cut, nothing was answered
	Half  Trouble = "half"  // cut in the middle of the body
	Delay Trouble = "delay" // all of it comes late
	Stall Trouble = "stall" // half of it comes at once, the rest late
	Hold  Trouble = "hold"  // it comes after Release
	Bare  Trouble = "bare"  // JSON without its access_token
	Big   Trouble = "big"   // JSON of 1 MB

	Drop Trouble = "drop" // the connection is cut
	HTML Trouble = "html" // 200 and a page, as a hotel's network answers
	WAF  Trouble = "waf"  // 403 and a page, as Xero's edge answers
	Fail Trouble = "fail" // Fault.Status
)

var replacing = []Trouble{Drop, HTML, WAF, Fail}

// A Fault is trouble for the next requests of a kind. Several wait for their
// turn in the order they were made.
type Fault struct {
	At     Point // any request when empty
	Do     Trouble
	Times  int           // 0 is once; negative until ClearFaults
	Delay  time.Duration // of Delay and Stall
	Status int           // of Fail: 503 in plain text, others as a page
}

// Fault makes trouble. It panics on one that is not known.
func (s *Sim) Fault(f Fault) {
	if err := f.check(); err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

func (f *Fault) check() error {
	f.Times = max(f.Times, -1)
	if f.Times == 0 {
		f.Times = 1
	}
	known := slices.Concat(replacing, []Trouble{Lose, Half, Delay, Stall, Hold, Bare, Big})
	switch {
	case !slices.Contains(known, f.Do):
		return fmt.Errorf("simulated Xero: there is no trouble %q", f.Do)
	case f.Do == Fail && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("simulated Xero: %d is no status of an error", f.Status)
	}
	return nil
}

// ClearFaults ends all trouble to come, and what was held is released.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	s.faults = nil
	s.mu.Unlock()
	s.Release()
}

// Release sends the answers that are held.
func (s *Sim) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.released)
	s.released = make(chan struct{})
}

// fault takes the next fault for a request, nil if there is none. The caller
// holds Sim.mu.
func (s *Sim) fault(at Point) *Fault {
	for i, f := range s.faults {
		if f.At != "" && f.At != at {
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		if f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f
	}
	return nil
}

// replaces reports whether the fault comes in the place of an answer.
func (f *Fault) replaces() bool { return f != nil && slices.Contains(replacing, f.Do) }

// replace writes what comes instead.
func (f *Fault) replace(a *answer) {
	a.header.Set("Content-Type", "text/html; charset=utf-8")
	switch f.Do {
	case Drop:
	case HTML:
		a.status = http.StatusOK
		a.body.WriteString("<!doctype html><title>Welcome</title><p>Please accept the terms of this network.</p>")
	case WAF:
		a.status = http.StatusForbidden
		a.header.Set("Server", "AkamaiGHost")
		a.body.WriteString("<html><head><title>Access Denied</title></head><body><h1>Access Denied</h1></body></html>")
	case Fail:
		a.status = f.Status
		if f.Status == http.StatusServiceUnavailable {
			a.header.Set("Content-Type", "text/plain; charset=utf-8")
			a.body.WriteString("The service is offline for maintenance.")
			return
		}
		fmt.Fprintf(&a.body, "<html><body><h1>%d %s</h1></body></html>", f.Status, http.StatusText(f.Status))
	}
}

// deliver sends a, as the fault lets it, after released if it holds. It panics with http.ErrAbortHandler to
// cut the connection.
func deliver(w http.ResponseWriter, r *http.Request, a *answer, f *Fault, released <-chan struct{}) {
	if f == nil {
		a.send(w, a.size())
		return
	}
	switch f.Do {
	case Drop, Lose:
		panic(http.ErrAbortHandler)
	case Half:
		a.send(w, a.size()/2)
		panic(http.ErrAbortHandler)
	case Delay:
		pause(r, time.After(f.Delay))
	case Stall:
		half := a.size() / 2
		a.send(w, half)
		pause(r, time.After(f.Delay))
		a.part(w, half, a.size())
		return
	case Hold:
		pause(r, released)
	case Bare:
		body := strings.Replace(a.body.String(), `"access_token"`, `"no_access_token"`, 1)
		a.body = *bytes.NewBufferString(body)
	case Big:
		rest := bytes.TrimPrefix(slices.Clone(a.body.Bytes()), []byte("{"))
		a.body.Reset()
		fmt.Fprintf(&a.body, `{"padding":%q,%s`, strings.Repeat("x", 1<<20), rest)
	}
	a.send(w, a.size())
}

// pause waits for until, or cuts the connection when the other side has.
func pause[T any](r *http.Request, until <-chan T) {
	select {
	case <-until:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

// RotateKeys signs with a new key from now on. The old ones stay in the key set.
func (s *Sim) RotateKeys() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.identity.keys = append(s.identity.keys, keyNumber(len(s.identity.keys)))
}

// Skew puts the identity server's clock off by tokens: nbf, iat and exp of what
// it signs; and the Date header of every answer off by date.
func (s *Sim) Skew(tokens, date time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.identity.nbfSkew, s.dateSkew = tokens, date
}

// ExpireAccessTokens ends all access tokens given out so far, as if their time
// were over.
func (s *Sim) ExpireAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	for a := range maps.Values(s.identity.accesses) {
		if now.Before(a.expires) {
			a.expires = now
		}
	}
}
