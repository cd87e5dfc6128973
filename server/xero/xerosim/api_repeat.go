package xerosim

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"time"
)

// What Xero says of Idempotency-Key
// (developer.xero.com/documentation/guides/idempotent-requests): of 128 characters at
// most, good for six minutes; with another request it is a 400; refusals are kept as
// well as successes. Its answer to a repeat while the first request is still in
// progress is not known: here it waits.
const (
	repeatWithin  = 6 * time.Minute
	mostRepeatKey = 128
)

type repeatKey struct {
	client      *client
	tenant, key string
}

// A repeatable is what was asked for with an Idempotency-Key, and answered.
type repeatable struct {
	begun   time.Time
	done    chan struct{} // closed when the rest is set
	request [sha256.Size]byte
	answer  response
	broken  bool // the request ended early: as if it had not been
}

// once has a request done, unless it was done before.
func (s *Sim) once(c *call, do func() response) response {
	key := c.request.Header.Get("Idempotency-Key")
	switch c.request.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		key = ""
	}
	if key == "" {
		return do()
	}
	if len(key) > mostRepeatKey {
		return badKey("An Idempotency-Key has 128 characters at most.")
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %s\n", c.request.Method, c.request.RequestURI)
	body := &summed{c.request.Body, io.TeeReader(c.request.Body, sum), nil}
	for {
		known, first := s.repeatable(repeatKey{c.access.client, c.tenant, key}, c.now)
		if first {
			c.request.Body = body
			known.broken = true
			defer close(known.done)
			known.answer = do()
			_, _ = io.Copy(io.Discard, body) // its error is in body
			known.broken = body.err != nil
			sum.Sum(known.request[:0])
			return known.answer
		}
		pause(c.request, known.done)
		if known.broken {
			continue
		}
		_, _ = io.Copy(io.Discard, body)
		if [sha256.Size]byte(sum.Sum(nil)) != known.request {
			return badKey("The Idempotency-Key has been used with another request.")
		}
		return known.answer
	}
}

// repeatable finds what was asked for with a key in the last six minutes, or begins
// it.
func (s *Sim) repeatable(key repeatKey, now time.Time) (known *repeatable, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, r := range s.api.repeats {
		select {
		case <-r.done:
			if r.broken || now.Sub(r.begun) >= repeatWithin {
				delete(s.api.repeats, other)
			}
		default:
		}
	}
	if known = s.api.repeats[key]; known != nil {
		return known, false
	}
	known = &repeatable{begun: now, done: make(chan struct{})}
	s.api.repeats[key] = known
	return known, true
}

func badKey(message string) response {
	return (&apiError{status: http.StatusBadRequest, json: errorJSON{ErrorNumber: 17, Type: "PostDataInvalidException", Message: message}}).response()
}

// summed is a body whose sum is taken as it is read. err is what it ended with, other
// than its end.
type summed struct {
	io.Closer
	from io.Reader
	err  error
}

func (b *summed) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
