package update_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server/update"
)

// pipes is a listener and the only way to it: no socket, so that a bubble's clock
// can move.
type pipes struct {
	dialed chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialed:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.dialed <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// inBubble has a publisher and an FCC that is not running yet.
func inBubble(t *testing.T, test func(t *testing.T, p *publisher, r *reader)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPublisher(t)
		far := &pipes{dialed: make(chan net.Conn), closed: make(chan struct{})}
		web := &http.Server{Handler: p, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = web.Serve(far)
		}()
		defer func() {
			web.Close()
			<-served
			synctest.Wait()
		}()
		test(t, p, newReaderAt(t, p, "http://localhost/fcc/update", func(c *update.Config) { c.HTTP = &http.Transport{DialContext: far.dial} }))
	})
}

// runs is one run of the program.
func (r *reader) runs(d time.Duration) {
	r.t.Helper()
	r.again()
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	time.Sleep(d)
	cancel()
	if err := <-ended; err != nil {
		r.t.Error(err)
	}
}

func TestItLooksOnceADayAlsoOverRestarts(t *testing.T) {
	inBubble(t, func(t *testing.T, p *publisher, r *reader) {
		p.publish("1.3.0", setup)
		r.runs(time.Minute)
		if n := p.asks("/fcc/update"); n != 0 {
			t.Errorf("asked %d times within a minute of the start", n)
		}
		for range 20 {
			r.runs(time.Hour)
		}
		if n := p.asks("/fcc/update"); n != 1 {
			t.Errorf("asked %d times in 20 hours of 20 starts, want 1", n)
		}
		r.runs(10 * 24 * time.Hour)
		if n := p.asks("/fcc/update"); n < 10 || n > 11 {
			t.Errorf("asked %d times in 11 days", n)
		}
		if r.found == nil {
			t.Error("nothing is offered")
		}
	})
}

func TestAServerInTroubleIsNotAskedMoreOften(t *testing.T) {
	inBubble(t, func(t *testing.T, p *publisher, r *reader) {
		p.lay("/fcc/update", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
		r.runs(3 * 24 * time.Hour)
		if n := p.asks("/fcc/update"); n < 2 || n > 3 {
			t.Errorf("asked %d times in three days", n)
		}
	})
}

func TestALookThatReachesNobodyIsRepeatedWithinTheDay(t *testing.T) {
	inBubble(t, func(t *testing.T, p *publisher, r *reader) {
		p.publish("1.3.0", setup)
		way, back := r.cfg.HTTP, time.Now().Add(30*time.Minute)
		r.cfg.HTTP = roundTrip(func(asked *http.Request) (*http.Response, error) {
			if time.Now().Before(back) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("network is unreachable")}
			}
			return way.RoundTrip(asked)
		})
		r.runs(3 * time.Hour)
		if n := p.asks("/fcc/update"); n != 1 || r.found == nil {
			t.Errorf("asked %d times, found %v", n, r.found)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSwitchedOffNobodyIsAsked(t *testing.T) {
	inBubble(t, func(t *testing.T, p *publisher, r *reader) {
		p.publish("1.3.0", setup)
		r.cfg.On = false
		r.runs(5 * 24 * time.Hour)
		if n := p.asks("/fcc/update"); n != 0 {
			t.Errorf("asked %d times", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		r.SetOn(true)
		time.Sleep(time.Second)
		if n := p.asks("/fcc/update"); n != 1 {
			t.Errorf("asked %d times a second after it was switched on", n)
		}
		cancel()
		<-ended
	})
}

func TestASlowServerIsGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, p *publisher, r *reader) {
		drip := func(data []byte, pause time.Duration) http.HandlerFunc {
			return func(w http.ResponseWriter, asked *http.Request) {
				for _, b := range data {
					if _, err := w.Write([]byte{b}); err != nil {
						return
					}
					_ = http.NewResponseController(w).Flush()
					select {
					case <-time.After(pause):
					case <-asked.Context().Done():
						return
					}
				}
			}
		}
		begun := time.Now()
		p.lay("/fcc/update", drip(p.sign(manifest("1.3.0", setup)), time.Second))
		if found := r.look(); found != nil || time.Since(begun) > time.Minute {
			t.Errorf("a manifest that drips: %+v after %v", found, time.Since(begun))
		}
		small := []byte("MZ small")
		p.publish("1.3.0", small)
		found := r.look()
		if found == nil {
			t.Fatal("not offered")
		}
		p.lay("/fcc/"+setupName, drip(small, 20*time.Second)) // slow, and on the move
		if _, err := r.Fetch(t.Context(), found); err != nil {
			t.Errorf("a slow line: %v", err)
		}
		r.again() // and removes it
		begun = time.Now()
		p.lay("/fcc/"+setupName, drip(small, time.Hour))
		if _, err := r.Fetch(t.Context(), found); err == nil || time.Since(begun) > 2*time.Minute {
			t.Errorf("a line that stands still: %v after %v", err, time.Since(begun))
		}
		p.lay("/fcc/"+setupName, func(_ http.ResponseWriter, asked *http.Request) {
			_, _ = io.Copy(io.Discard, asked.Body)
			<-asked.Context().Done()
		})
		begun = time.Now()
		if _, err := r.Fetch(t.Context(), found); err == nil || time.Since(begun) > 2*time.Minute {
			t.Errorf("no answer: %v after %v", err, time.Since(begun))
		}
	})
}
