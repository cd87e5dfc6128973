package server

import (
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

// A query is what a flight is for. What is written to the organisation begins another, and
// nobody waits for Xero's limits longer or shorter than they want.
type query struct {
	tenant   string
	question books.Question
	edition  uint64
	patience string
}

// flights are the questions that Xero is being asked for all who want to know at once.
type flights struct {
	mu  sync.Mutex
	now map[query]*flight // who comes may join
}

// A flight is one question to Xero. It goes on while anybody waits for it.
type flight struct {
	query   query
	began   time.Time
	waiting int                // guarded by flights.mu
	claimed bool               // somebody takes what is too large; guarded by flights.mu
	cancel  context.CancelFunc // guarded by flights.mu

	landed chan struct{} // closed when the rest may be read
	idle   bool          // nobody but its leader is served: the key may not ask, or need not
	err    error         // why no answer came
	status int
	header http.Header
	body   []byte
	large  bool // body is only how it begins

	taker chan http.ResponseWriter // who takes a large answer
	over  chan struct{}            // closed when all is done
	whole bool                     // all of a large answer was handed on; may be read then
}

// join finds the flight that is for the same and began no longer ago than maxAge, or
// begins one that the caller leads. Who joins has to leave.
func (l *flights) join(a query, maxAge time.Duration) (f *flight, lead bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f = l.now[a]; f != nil && time.Since(f.began) <= maxAge {
		f.waiting++
		return f, false
	}
	f = &flight{
		query: a, began: time.Now(), waiting: 1, cancel: func() {},
		landed: make(chan struct{}), taker: make(chan http.ResponseWriter), over: make(chan struct{}),
	}
	if l.now == nil {
		l.now = map[query]*flight{}
	}
	l.now[a] = f
	return f, true
}

// leave is for who is done with f. When all are, Xero need not answer.
func (l *flights) leave(f *flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.cancel()
		l.closeLocked(f)
	}
}

// closeLocked lets nobody join f any more.
func (l *flights) closeLocked(f *flight) {
	if l.now[f.query] == f {
		delete(l.now, f.query)
	}
}

// land has those who wait see what came.
func (l *flights) land(f *flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closeLocked(f)
	close(f.landed)
}

// callOff is for a leader who need not ask.
func (l *flights) callOff(f *flight) {
	f.idle = true
	l.land(f)
}

// claim reports whether its caller is the one who takes a large answer.
func (l *flights) claim(f *flight) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := !f.claimed
	f.claimed = true
	return first
}

// takeOff asks Xero as the caller of r does, who may leave meanwhile, and keeps the
// answer.
func (s *Server) takeOff(f *flight, r *http.Request, p passage) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	s.flights.mu.Lock()
	f.cancel = cancel
	s.flights.mu.Unlock()
	r = r.Clone(ctx)
	go func() {
		defer cancel()
		defer close(f.over)
		c := &catch{flight: f, flights: &s.flights, ctx: ctx, header: http.Header{}}
		err := s.passWhole(c, r, p)
		if f.large {
			f.whole = err == nil
			return
		}
		f.err, f.status, f.header = err, c.status, c.header
		if err != nil {
			f.idle = asFailure(err).Code == codeKeyLimit
		} else if a := answerOf(f.began, f.status, f.header, f.body); a != nil {
			s.books.Of(p.tenant).KeepAnswer(f.query.question, f.query.edition, a)
		}
		s.flights.land(f)
	}()
}

// passWhole is pass where no handler's panic can end the connection: that an answer
// broke off is an error.
func (s *Server) passWhole(w http.ResponseWriter, r *http.Request, p passage) (err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			err = &failure{Problem: xero.UnreachableProblem(io.ErrUnexpectedEOF), cause: io.ErrUnexpectedEOF}
		default:
			s.panicked(r.Method, r.URL.Path, v)
			err = fail(codeInternal)
		}
	}()
	return s.pass(w, r, p)
}

// handOut answers one of those who waited for f. It reports false when only one of them
// could be, and it was another.
func (s *Server) handOut(w http.ResponseWriter, r *http.Request, f *flight, led bool) (bool, error) {
	switch {
	case f.err != nil:
		return true, f.err
	case !f.large:
		h := w.Header()
		for name, values := range f.header {
			h[name] = slices.Clip(values)
		}
		if !led {
			h["Age"] = []string{seconds(time.Since(f.began))}
		}
		w.WriteHeader(f.status)
		_, _ = w.Write(f.body) // the caller has gone
		return true, nil
	case !s.flights.claim(f):
		return false, nil
	}
	stop := context.AfterFunc(r.Context(), f.cancel)
	defer stop()
	select {
	case f.taker <- w:
		<-f.over
		if !f.whole {
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
		return true, nil
	case <-f.over:
		return true, r.Context().Err()
	}
}

// A catch holds the answer to a flight: all of it, or when it is too large for that, its
// beginning, until somebody takes it as it comes.
type catch struct {
	flight  *flight
	flights *flights
	ctx     context.Context // of the flight
	header  http.Header
	status  int
	taker   http.ResponseWriter
}

func (c *catch) Header() http.Header { return c.header }

func (c *catch) WriteHeader(status int) { c.status = status }

func (c *catch) Write(part []byte) (int, error) {
	if c.taker == nil {
		size, _ := strconv.Atoi(c.header.Get("Content-Length"))
		if max(size, len(c.flight.body)+len(part)) <= mostKeptAnswer {
			c.flight.body = append(c.flight.body, part...)
			return len(part), nil
		}
		if err := c.handOn(); err != nil {
			return 0, err
		}
	}
	return c.taker.Write(part)
}

// handOn has one of those who wait take what came so far.
func (c *catch) handOn() error {
	f := c.flight
	f.status, f.header, f.large = c.status, c.header, true
	c.flights.land(f)
	select {
	case c.taker = <-f.taker:
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
	maps.Copy(c.taker.Header(), c.header)
	c.taker.WriteHeader(c.status)
	_, err := c.taker.Write(f.body)
	return err
}

// FlushError is for http.ResponseController.
func (c *catch) FlushError() error {
	if c.taker == nil {
		return nil
	}
	return http.NewResponseController(c.taker).Flush()
}
