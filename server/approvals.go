package server

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
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
	mostBytes = 64 << 20        // of all that wait

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
	at, until    time.Time
	later        bool // nobody waits for the answer: it is asked for

	decided chan struct{} // closed when state is no longer waiting

	// Behind approvals.mu.
	card   askedCard
	state  heldState
	ended  time.Time
	status int           // of Xero's answer, once it was sent
	answer *memoryAnswer // of Xero's, to one that is asked for later
	failed error         // why there is none
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

// count is how many wait.
func (a *approvals) count() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.held {
		if h.state == waiting {
			n++
		}
	}
	return n
}

// Waiting yields how many writes wait for a person, at once and after each change.
func (s *Server) Waiting(ctx context.Context) iter.Seq[int] {
	return func(yield func(int) bool) {
		for {
			changed := s.approvals.Changed()
			if !yield(s.approvals.count()) {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
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

// settle brings h from one state to another, and reports whether it was in it.
func (a *approvals) settle(h *heldWrite, from, to heldState, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if h.state != from {
		return false
	}
	h.state = to
	if from == waiting {
		close(h.decided)
	}
	if to != allowed {
		h.ended, h.proposal.body = now, nil
	}
	a.tell()
	return true
}

// allowedKey is the value of a context under which a write is sent that a person has
// allowed: the *heldWrite.
type allowedKey struct{}

// consent returns once r may be sent on: at once, unless its key's writes wait for a
// person. The answer goes through the writer that it returns, and done notes what came
// of it.
func (s *Server) consent(w http.ResponseWriter, r *http.Request, c *call, o xero.Organisation) (to http.ResponseWriter, done func(), err error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return w, func() {}, nil
	}
	h, _ := r.Context().Value(allowedKey{}).(*heldWrite)
	if c.key.Ask && h == nil {
		asked, err := takeProposal(w, r)
		if err != nil {
			return nil, nil, err
		}
		if h, err = s.hold(r.Context(), c.key, o, asked, false); err != nil {
			return nil, nil, err
		}
		if err := s.await(r.Context(), h); err != nil {
			return nil, nil, err
		}
	}
	answer := &heardAnswer{ResponseWriter: w}
	return answer, func() { s.sent(answer, r, c, o, h) }, nil
}

// takeProposal reads the whole body of r, and puts it back.
func takeProposal(w http.ResponseWriter, r *http.Request) (proposal, error) {
	p := proposal{
		method: r.Method, path: r.URL.Path, query: r.URL.Query(), address: r.URL.RequestURI(), contentType: r.Header.Get("Content-Type"),
		encoded: cmp.Or(r.Header.Get("Content-Encoding"), "identity") != "identity",
	}
	most := int64(mostAsked)
	if t := targetOf(p.path); strings.EqualFold(t.part, "Attachments") || t.family == "files" {
		most = mostFile
	}
	tooLarge := fail(codeTooLarge).saying(words.Say("approvals.too-large", "Size", sizeWords(most)), words.Say("approvals.too-large-action"))
	if r.ContentLength > most {
		return p, tooLarge
	}
	// That the caller hangs up is noticed once the body has come.
	deadlines := http.NewResponseController(w)
	if r.ContentLength != 0 {
		_ = deadlines.SetReadDeadline(time.Now().Add(ownReadTimeout)) // not every writer has one
	}
	var err error
	if p.body, err = io.ReadAll(io.LimitReader(r.Body, most+1)); err != nil {
		return p, fail(codeBadRequest).saying(words.Say("approvals.broke-off"), words.Say("approvals.broke-off-action")).because(err)
	}
	_ = deadlines.SetReadDeadline(time.Time{})
	if int64(len(p.body)) > most {
		return p, tooLarge
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.body)), nil }
	r.Body, _ = r.GetBody()
	r.ContentLength, r.TransferEncoding = int64(len(p.body)), nil
	return p, nil
}

// hold shows the request to a person.
func (s *Server) hold(ctx context.Context, key *apiKey, o xero.Organisation, p proposal, later bool) (*heldWrite, error) {
	now := time.Now()
	h := &heldWrite{
		id: rand.Text(), key: *key, organisation: o, proposal: p, at: now, until: now.Add(askTime), later: later, decided: make(chan struct{}),
	}
	a := s.approvals
	if err := a.add(h, now); err != nil {
		return nil, err
	}
	shown := false
	defer func() { // also when describing it fails badly
		if !shown {
			a.drop(h)
		}
	}()
	card, err := s.describe(ctx, o, p)
	if err == nil && ctx.Err() != nil {
		err = fail(codeWriteRefused).saying(words.Say("approvals.gone"), words.Say("approvals.gone-action")).because(ctx.Err())
	}
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	shown = true
	h.card, h.state = card, waiting
	s.log.Info("a write waits for consent", "id", h.id, "key", key.Name, "tenant", o.TenantID, "what", card.what)
	a.tell()
	return h, nil
}

func (a *approvals) drop(h *heldWrite) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held = slices.DeleteFunc(a.held, func(other *heldWrite) bool { return other == h })
}

// add takes h in, unless there are too many already.
func (a *approvals) add(h *heldWrite, now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(now)
	own, size, first := 0, len(h.proposal.body), h.until
	for _, other := range a.held {
		if !other.ended.IsZero() {
			continue
		}
		size += len(other.proposal.body)
		if other.key.Name == h.key.Name {
			own++
			if other.until.Before(first) {
				first = other.until
			}
		}
	}
	if own >= mostHeld || size > mostBytes {
		f := fail(codeKeyLimit).saying(words.Say("approvals.full", "N", own), words.Say("approvals.full-action"))
		f.retryAfter = max(time.Second, first.Sub(now))
		return f
	}
	a.held = append(a.held, h)
	return nil
}

// await returns once a person has allowed h, or with why it is not sent.
func (s *Server) await(ctx context.Context, h *heldWrite) error {
	late := time.NewTimer(time.Until(h.until))
	defer late.Stop()
	select {
	case <-h.decided:
	case <-late.C:
		s.end(h, waiting, unanswered)
	case <-ctx.Done():
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
	s.note(store.Write{
		ID: h.id, At: h.at, Name: h.key.Name, Tenant: h.organisation.TenantID, What: h.card.what, Path: plainPath(h.proposal.path),
		Many: len(h.card.Records), Records: h.card.ids, Asked: true, Outcome: string(outcome),
	})
	return true
}
