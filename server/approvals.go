package server

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// What a program that has to ask may count on.
const (
	askTime   = 2 * time.Minute // so long a write waits for a person
	mostHeld  = 20              // writes of one key wait at once
	mostAsked = 1 << 20         // bytes of one, which a person is to look through,
	mostFile  = 10 << 20        // or of a file, of which there is name and size to see
	mostOwn   = 24 << 20        // of one key's that wait, with what is shown of them,
	mostBytes = 64 << 20        // and of all

	mostSeen   = 8               // sessions are known that were shown all of one
	mostEnded  = 20              // of one key are known after they have ended
	shownAfter = 2 * time.Minute // what has ended stays on the page so long, and
	toldAfter  = time.Hour       // what nobody waited for can be asked for so long
)

// A heldState is how far a write has come that a person is asked about.
type heldState string

// The states. The last five are outcomes of store.Write too; sent is one that Xero
// has answered, unsent one that was allowed and brought no answer.
const (
	arriving   heldState = "" // its card is being made
	waiting    heldState = "waiting"
	allowed    heldState = "allowed"
	sent       heldState = "sent"
	unsent     heldState = "unsent"
	refused    heldState = "refused"
	unanswered heldState = "unanswered"
	gone       heldState = "gone" // the program did not wait, or FCC ended
)

// A heldWrite is a request of a program that waits for a person. What was shown is what
// is sent: its bytes are kept.
type heldWrite struct {
	id           string
	key          apiKey
	organisation xero.Organisation
	proposal     proposal
	later        bool // nobody waits for the answer: it is asked for

	decided chan struct{} // closed when state is no longer waiting
	aside   *setAside     // the call that is kept for it of its key's day

	// Behind approvals.mu.
	at, until time.Time // until is when nobody is waited for any more
	size      int64     // bytes, before it has come the most that it can have
	card      askedCard
	state     heldState
	shown     [][32]byte    // sessions that were shown all of it lately
	known     time.Duration // how long FCC had known the browser in which it was decided
	ended     time.Time
	status    int           // of Xero's answer, once it was sent
	records   []string      // the ids that are known of what was written
	answer    *memoryAnswer // of Xero's, to one that is asked for later
	failed    error         // why there is none
}

// approvals are the writes that wait for a person, those that have ended since a
// moment, and, for the disk, what became of all.
type approvals struct {
	mu      sync.Mutex
	held    []*heldWrite // in the order in which they came
	changed chan struct{}
	done    []store.Write // not written yet

	running context.Context // of what goes on though its caller has gone
	end     context.CancelFunc
	busy    sync.WaitGroup
}

func newApprovals() *approvals {
	a := &approvals{changed: make(chan struct{})}
	a.running, a.end = context.WithCancel(context.Background())
	return a
}

// begin reports whether FCC goes on; its end then waits for busy.Done.
func (a *approvals) begin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running.Err() != nil {
		return false
	}
	a.busy.Add(1)
	return true
}

// tell has everybody look anew. The caller holds a.mu.
func (a *approvals) tell() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// Changed is closed at the next change of what waits.
func (a *approvals) Changed() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.changed
}

// list is what the page shows: all that waits, and what has ended lately.
func (a *approvals) list(now time.Time) (all []heldWrite) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(now)
	for _, h := range a.held {
		if h.state != arriving && (h.ended.IsZero() || now.Sub(h.ended) < shownAfter) {
			all = append(all, *h)
		}
	}
	return all
}

// forget drops what nobody will ask for. The caller holds a.mu.
func (a *approvals) forget(now time.Time) {
	a.held = slices.DeleteFunc(a.held, func(h *heldWrite) bool {
		kept := shownAfter
		if h.later {
			kept = toldAfter
		}
		return !h.ended.IsZero() && now.Sub(h.ended) >= kept
	})
}

// find is the write with this id, nil when there is none any more.
func (a *approvals) find(id string) *heldWrite {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.IndexFunc(a.held, func(h *heldWrite) bool { return h.id == id && h.state != arriving }); i >= 0 {
		return a.held[i]
	}
	return nil
}

// show notes that a session was shown all that is in h.
func (a *approvals) show(h *heldWrite, session [32]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if slices.Contains(h.shown, session) {
		return
	}
	if len(h.shown) == mostSeen {
		h.shown = h.shown[1:]
	}
	h.shown = append(h.shown, session)
}

// settle brings h from one state to another, and reports whether it was in it.
func (a *approvals) settle(h *heldWrite, from, to heldState, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.settleLocked(h, from, to, now)
}

func (a *approvals) settleLocked(h *heldWrite, from, to heldState, now time.Time) bool {
	if h.state != from {
		return false
	}
	h.state = to
	if from == waiting {
		close(h.decided)
	}
	if to != allowed { // what was in it is kept no longer
		h.ended = now
		h.card, h.proposal, h.size = h.card.ended(), proposal{path: plainPath(h.proposal.path)}, 0
		a.forgetOldest(h.key.Name)
	}
	a.tell()
	return true
}

// answer settles what waits as a person says, whose browser FCC has known for so long.
func (a *approvals) answer(h *heldWrite, as heldState, known time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.settleLocked(h, waiting, as, time.Now()) {
		return false
	}
	h.known = known
	return true
}

// forgetOldest keeps mostEnded of one key.
func (a *approvals) forgetOldest(name string) {
	over := -mostEnded
	for _, h := range a.held {
		if !h.ended.IsZero() && h.key.Name == name {
			over++
		}
	}
	a.held = slices.DeleteFunc(a.held, func(h *heldWrite) bool {
		if over <= 0 || h.ended.IsZero() || h.key.Name != name {
			return false
		}
		over--
		return true
	})
}

// allowedKey is the value of a context under which a write is sent that a person has
// allowed: the *heldWrite.
type allowedKey struct{}

// allowedIn is the write that was allowed and is sent under ctx, nil for anything else.
func allowedIn(ctx context.Context) *heldWrite {
	h, _ := ctx.Value(allowedKey{}).(*heldWrite)
	return h
}

// consent returns once r may be sent on: at once, unless its key's writes wait for a
// person. What is sent is the request that it returns, the answer goes through the writer,
// and done notes what came of it.
func (s *Server) consent(w http.ResponseWriter, r *http.Request, c *call, o xero.Organisation) (to http.ResponseWriter, out *http.Request, done func(), err error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return w, r, func() {}, nil
	}
	h := allowedIn(r.Context())
	if c.key.Ask && h == nil {
		if h, err = s.hold(w, r, c.key, o, false); err != nil {
			return nil, nil, nil, err
		}
		if err := s.await(r.Context(), h); err != nil {
			return nil, nil, nil, err
		}
		r = r.WithContext(context.WithValue(r.Context(), allowedKey{}, h))
	}
	answer := &heardAnswer{ResponseWriter: w}
	return answer, r, func() {
		if h != nil {
			s.keys.today.giveBack(h.aside) // it may not have come to sending it
		}
		s.sent(answer, r, c, o, h)
	}, nil
}

// await returns once a person has allowed h, or with why it is not sent. Run waits for
// it before it writes for the last time.
func (s *Server) await(ctx context.Context, h *heldWrite) (err error) {
	defer func() {
		if err != nil {
			s.keys.today.giveBack(h.aside)
		}
	}()
	if !s.approvals.begin() {
		return s.tooLate(h)
	}
	defer s.approvals.busy.Done()
	late := time.NewTimer(time.Until(h.until))
	defer late.Stop()
	select {
	case <-h.decided:
	case <-late.C:
		s.end(h, waiting, unanswered)
	case <-ctx.Done():
		s.end(h, waiting, gone)
	case <-s.approvals.running.Done():
		s.end(h, waiting, gone)
	}
	s.approvals.mu.Lock()
	state, ended := h.state, h.ended
	s.approvals.mu.Unlock()
	if err := s.keys.over(&h.key, time.Now()); err != nil { // it was revoked, changed, or has ended
		s.end(h, allowed, gone)
		return err
	}
	if state == allowed {
		return nil
	}
	return whyNot(state, ended)
}

// tooLate ends h, which came when FCC had ended already or was allowed then.
func (s *Server) tooLate(h *heldWrite) error {
	s.end(h, waiting, gone)
	s.end(h, allowed, gone)
	return whyNot(gone, time.Now())
}

// whyNot is what the program is told of a write that is not sent.
func whyNot(state heldState, ended time.Time) *failure {
	f := fail(codeWriteRefused).offering(words.Say("approvals.look"), "/approvals")
	switch state {
	case refused:
		return f.saying(words.Say("approvals.refused", "At", moment(ended)), words.Say("approvals.refused-action"))
	case unanswered:
		return f.saying(words.Say("approvals.unanswered"), words.Say("approvals.unanswered-action"))
	}
	return f.saying(words.Say("approvals.gone"), words.Say("approvals.gone-action"))
}

// end notes that h is over without having been sent, and reports whether it was not
// before.
func (s *Server) end(h *heldWrite, from, outcome heldState) bool {
	if !s.approvals.settle(h, from, outcome, time.Now()) {
		return false
	}
	s.noteEnd(h)
	return true
}

// noteEnd notes what became of h, which is over.
func (s *Server) noteEnd(h *heldWrite) {
	s.note(store.Write{
		ID: h.id, At: h.at, Name: h.key.Name, Key: h.key.Hash, Tenant: h.organisation.TenantID, What: h.card.what, Path: h.proposal.path,
		Many: h.card.many, Records: h.card.ids, Number: shortNumber(h.card.number), Asked: true, Known: h.known, Outcome: string(h.state),
	})
}
