package server

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

// terms are on which who asks an address of our own takes what is read of the books.
// They are said as to the gateway, by X-FCC-Max-Age, X-FCC-Stale and X-FCC-Max-Wait, and
// the first two else by the key; nobody waits longer than books.MostWait.
type terms struct {
	server *Server
	of     xero.Organisation
	ledger *books.Ledger
	who    xero.Caller
	ctx    context.Context // ends when the caller waits no longer
	begun  time.Time
	maxAge time.Duration
	stale  bool // any age will do while Xero gives no answer

	at time.Time // when Xero last confirmed the oldest of what was given
}

// onTerms is the handler of an address that reads the books. Who says nothing takes what
// is no older than usual.
func (s *Server) onTerms(usual time.Duration, handle func(http.ResponseWriter, *http.Request, *terms) error) func(http.ResponseWriter, *http.Request, *call) error {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		want := wish{}
		if c.key != nil {
			want.maxAge, want.stale = c.key.MaxAge, c.key.Stale
		}
		named, err := want.hear(r.Header)
		if err != nil {
			return err
		}
		if !named && want.maxAge == 0 {
			want.maxAge = usual
		}
		wait, err := maxWait(r.Header, books.MostWait)
		if err != nil {
			return err
		}
		o, _, err := s.organisation(r, c)
		if err != nil {
			return err
		}
		// Xero's limits are waited for as long as the caller says, and what comes through
		// them as much longer as where the caller says nothing.
		most := wait + xeroPatience - usualWait
		ctx, cancel := context.WithTimeout(r.Context(), most)
		defer cancel()
		limits := time.AfterFunc(max(wait, keptPatience), func() {
			look := time.NewTicker(keptPatience)
			defer look.Stop()
			for ctx.Err() == nil && s.cfg.Connections.Still(o.TenantID, c.caller()) == nil {
				select {
				case <-look.C:
				case <-ctx.Done():
				}
			}
			cancel()
		})
		defer limits.Stop()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(most + ownWriteTimeout)) // not every writer has one
		t := &terms{
			server: s, of: o, ledger: s.books.Of(o.TenantID), who: c.caller(),
			ctx: ctx, begun: time.Now().Round(0), maxAge: want.maxAge, stale: want.stale,
		}
		if err := handle(w, r, t); err != nil {
			s.tellBudget(w.Header(), o.TenantID)
			return err
		}
		return nil
	}
}

// given is a part of the books that t takes. Its age is that of the answer.
func given[T any](t *terms, read func(context.Context, time.Duration) books.Reading[T]) (books.Reading[T], error) {
	out, err := reading(t, t.maxAge, read)
	if err == nil && (t.at.IsZero() || out.At.Before(t.at)) {
		t.at = out.At
	}
	return out, err
}

// reading is one that is not older than maxAge, or was not when t began; or any, where t
// takes that and Xero gives none.
func reading[T any](t *terms, maxAge time.Duration, read func(context.Context, time.Duration) books.Reading[T]) (out books.Reading[T], err error) {
	for range 2 { // what another was reading already may be from before
		out = read(t.ctx, maxAge)
		if !out.At.Round(0).Before(t.begun.Add(-maxAge)) { // counts a sleep of the computer
			return out, nil
		}
		if out.Trouble != nil || out.Loading {
			break
		}
	}
	if err = unread(out.Trouble); out.Trouble == nil {
		err = cmp.Or(t.held(), err)
	}
	if t.stale && !out.At.IsZero() && noAnswer(err) && !lacksScope(err) {
		return out, nil
	}
	return out, err
}

// held is why nothing came within the time that t has, where that is Xero's limits.
func (t *terms) held() error {
	return t.server.cfg.Connections.Held(t.of.TenantID, t.who)
}

// tell says how old an answer is, what it came from, and what is left of Xero's limits.
func (t *terms) tell(h http.Header) {
	source := sourceCache
	switch at := t.at.Round(0); {
	case !at.Before(t.begun):
		source = sourceLive
	case at.Before(t.begun.Add(-t.maxAge)):
		source = sourceStale
	}
	h.Set("Age", seconds(max(0, time.Since(t.at.Round(0)))))
	h.Set("X-FCC-Source", source)
	t.server.tellBudget(h, t.of.TenantID)
}
