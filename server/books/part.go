package books

import (
	"context"
	"sync"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

// A shelf is what is in memory of one organisation.
type shelf struct {
	books  *Books
	tenant string // id, lower case

	keeping sync.Mutex // held over writes to the state; guards gone
	gone    bool       // forgotten: what still comes is thrown away

	mu           sync.Mutex // guards all below, and is never held over a call to anybody
	organisation document[Organisation]
	cash         document[Cash]
	months       document[[]Month]
	statements   spans[Statement]
	balances     spans[Statement]
	transactions spans[dated[BankTransaction]]
	payments     spans[dated[Payment]]
	accounts     document[[]Account]
	invoices     set[Invoice]
	contacts     set[Contact]
}

// A part is what every part of the books has: whether the state was looked at, the
// reading under way, and how the last one failed.
type part struct {
	loaded  bool
	flight  *flight
	trouble *Trouble
	pause   time.Time // no reading begins before
}

// A flight is one reading, whoever waits for it.
type flight struct {
	who xero.Caller // began it
	// refused is why Xero was not asked any more on behalf of who, and may be for the
	// others that wait; nil else. May be read once done is closed.
	refused *Trouble
	done    chan struct{}
	cover   int  // how much of the part it reads
	whole   bool // see work
	asked   bool // it came to asking Xero; may be read once done is closed
}

// work is how a part is read. fresh is called with shelf.mu held, and so are the
// functions that load and read return: these take what came into memory.
type work struct {
	need  need
	cover int
	whole bool        // nothing but a new reading of all that cover holds will do
	kept  bool        // what is kept will do, and when nothing is, nothing
	fresh func() bool // what is in memory will do
	load  func(context.Context) func()
	read  func(context.Context, *asking) (func(), error)
	lose  func() // forgets what is in memory
	keep  func(context.Context)
}

const (
	failurePause = 10 * time.Second
	keepPatience = 10 * time.Second // for the disk, when FCC ends meanwhile
)

// bring sees that the part is as fresh as w wants it, or that a reading is under
// way or has failed. It waits until ctx ends, and returns with shelf.mu held. refused is
// why Xero is not asked for this caller, and says nothing of the part.
func (s *shelf) bring(ctx context.Context, p *part, w work) (refused *Trouble) {
	s.mu.Lock()
	for joined := false; !p.loaded || !joined && !w.will(); {
		if p.flight == nil {
			if p.loaded && s.barred(p, w.need) || time.Now().Before(p.pause) {
				return nil
			}
			if err := s.books.cfg.Connections.MayCall(ctx); err != nil && p.loaded {
				return troubleOf(err)
			}
			if !s.begin(ctx, p, w) {
				return nil
			}
		}
		f := p.flight
		s.mu.Unlock()
		select {
		case <-f.done:
			s.mu.Lock()
			if f.refused != nil && f.who == xero.CallerOf(ctx) {
				return f.refused
			}
			joined = f.asked && f.refused == nil && f.cover >= w.cover && (f.whole || !w.whole)
		case <-ctx.Done():
			s.mu.Lock()
			return nil
		}
	}
	return nil
}

// will reports whether what is in memory will do. The caller holds shelf.mu.
func (w work) will() bool { return w.kept || !w.whole && w.fresh() }

// barred notes what stands in the way of asking at all. That costs no call, so it is
// looked at each time, and it comes before how the last reading failed: the pause that
// this asked for is over once nothing stands in the way any more.
func (s *shelf) barred(p *part, n need) bool {
	_, trouble := s.books.reach(s.tenant, n)
	if trouble != nil && (p.trouble == nil || p.trouble.Problem != trouble.Problem) {
		p.trouble, p.pause = trouble, time.Time{}
		s.books.notify()
	}
	return trouble != nil
}

// begin starts a reading that goes on without its caller until FCC ends. False: it
// is ending.
func (s *shelf) begin(ctx context.Context, p *part, w work) bool {
	if !s.books.begin() {
		return false
	}
	f := &flight{who: xero.CallerOf(ctx), done: make(chan struct{}), cover: w.cover, whole: w.whole}
	p.flight = f
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(s.books.running, cancel)
	go func() {
		defer s.books.busy.Done()
		defer cancel()
		defer stop()
		if s.fly(ctx, p, w) {
			_ = s.books.safely(w.need.part, s.tenant, func() error {
				s.keep(ctx, w)
				return nil
			})
		}
	}()
	s.books.notify()
	return true
}

// fly does the reading, and reports whether anything came of it that is to be kept.
func (s *shelf) fly(ctx context.Context, p *part, w work) bool {
	var take func()
	fresh, asked := false, false
	err := s.books.safely(w.need.part, s.tenant, func() (err error) {
		if fresh = s.load(ctx, p, w); fresh {
			return nil
		}
		a, trouble := s.books.reach(s.tenant, w.need)
		if trouble != nil {
			return trouble
		}
		asked = true
		take, err = w.read(ctx, a)
		return err
	})
	s.mu.Lock()
	defer s.books.notify()
	defer s.mu.Unlock()
	f := p.flight
	f.asked, p.flight = asked, nil
	defer close(f.done)
	if err == nil && !fresh {
		err = s.books.safely(w.need.part, s.tenant, func() error {
			p.loaded = false // should it stop half way
			take()
			p.loaded = true
			return nil
		})
	}
	if !p.loaded { // what the state has is taken anew
		w.lose()
	}
	switch {
	case fresh || err != nil && ctx.Err() != nil: // FCC is ending
	case err != nil && troubleOf(err).Code == xero.CodeKeyLimit:
		f.refused = troubleOf(err)
	case err != nil:
		p.trouble = troubleOf(err)
		if asked && !p.trouble.Kept || p.trouble.Code == xero.CodeInternal { // whoever asks next may be a person
			p.pause = time.Now().Add(failurePause)
			if p.trouble.Retry.After(p.pause) {
				p.pause = p.trouble.Retry
			}
			s.books.log.Warn("not read from Xero", "what", w.need.part, "tenant", s.tenant, "err", p.trouble)
		}
	default:
		p.trouble, p.pause = nil, time.Time{}
		return true
	}
	return false
}

// load takes in what the state has, once, and reports whether that will do.
func (s *shelf) load(ctx context.Context, p *part, w work) (fresh bool) {
	s.mu.Lock()
	loaded := p.loaded
	s.mu.Unlock()
	if loaded {
		return false
	}
	take := w.load(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	take()
	p.loaded = true
	if fresh = w.will(); !fresh {
		s.books.notify()
	}
	return fresh
}

// keep writes what came to the state, unless the organisation was forgotten.
func (s *shelf) keep(ctx context.Context, w work) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepPatience)
	defer cancel()
	s.keeping.Lock()
	defer s.keeping.Unlock()
	if !s.gone {
		w.keep(ctx)
	}
}

// reach finds the sign-in to ask with, or says why there is none.
func (b *Books) reach(tenantID string, n need) (*asking, *Trouble) {
	session, ok := b.cfg.Connections.Find(tenantID)
	status := b.cfg.Connections.Status()
	if !ok {
		switch {
		case status.State == xero.Starting && status.Problem != nil:
			return nil, &Trouble{Problem: *status.Problem}
		case status.State == xero.Starting:
			return nil, &Trouble{Problem: problem(xero.CodeKeystoreUnavailable, words.Say("books.starting"), words.Say("books.starting-do"))}
		}
		return nil, &Trouble{Problem: problem(xero.CodeTenantRequired, words.Say("books.not-connected"), words.Say("books.not-connected-do"))}
	}
	for _, c := range status.Connections {
		if c.ID != session.ID() {
			continue
		}
		if c.State == xero.NeedsLogin && c.Problem != nil {
			return nil, &Trouble{Problem: *c.Problem}
		}
		if len(c.Scopes) > 0 && !n.met(c.Scopes) { // none are known before the first renewal
			return nil, n.missing(nil)
		}
	}
	return &asking{books: b, session: session, tenant: tenantID, need: n}, nil
}

// outdated reports whether something read at is older than maxAge. What was read
// in the future was read by a clock that is not to be trusted.
func outdated(at time.Time, maxAge time.Duration) bool {
	age := time.Since(at.Round(0))
	return at.IsZero() || age > maxAge || age < -time.Minute
}
