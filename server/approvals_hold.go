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
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

// hold reads the request whole, puts its body back, and shows it to a person. It has its
// place before anything of it is read.
func (s *Server) hold(w http.ResponseWriter, r *http.Request, key *apiKey, o xero.Organisation, later bool) (*heldWrite, error) {
	most := int64(mostAsked)
	if t := targetOf(r.URL.Path); t.attaches() || t.family == "files" {
		most = mostFile
	}
	if r.ContentLength > most {
		return nil, tooLargeToAsk(most)
	}
	now, size := time.Now(), r.ContentLength
	if size < 0 {
		size = most
	}
	h := &heldWrite{id: rand.Text(), key: *key, organisation: o, at: now, until: now.Add(askTime), size: size, later: later, decided: make(chan struct{})}
	a := s.approvals
	if err := a.add(h, now); err != nil {
		return nil, err
	}
	shown := false
	defer func() { // also when describing it fails badly
		if !shown {
			a.drop(h)
			s.keys.today.giveBack(h.aside)
		}
	}()
	// Before anything is looked up for the card: that could else use up the last call.
	var err error
	if h.aside, err = s.keys.today.setAside(key.Name, s.keys.daily(key.Name), h.until, now); err != nil {
		return nil, err
	}
	if h.proposal, err = takeProposal(w, r, most); err != nil {
		return nil, err
	}
	card, err := s.describe(r.Context(), key, o, h.proposal)
	if err == nil && r.Context().Err() != nil {
		err = fail(codeWriteRefused).saying(words.Say("approvals.gone"), words.Say("approvals.gone-action")).because(r.Context().Err())
	}
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now = time.Now()
	h.size = card.size() + int64(len(h.proposal.body))
	if err := a.fullLocked(h, now); err != nil {
		return nil, err
	}
	shown = true
	h.card, h.state, h.at, h.until = card, waiting, now, now.Add(askTime)
	s.keys.today.keepUntil(h.aside, h.until)
	s.log.Info("a write waits for consent", "id", h.id, "key", key.Name, "tenant", o.TenantID, "what", card.what)
	a.tell()
	return h, nil
}

func tooLargeToAsk(most int64) error {
	return fail(codeTooLarge).saying(words.Say("approvals.too-large", "Size", sizeWords(most)), words.Say("approvals.too-large-action"))
}

// takeProposal reads the whole body of r, and puts it back.
func takeProposal(w http.ResponseWriter, r *http.Request, most int64) (proposal, error) {
	p := proposal{
		method: r.Method, path: r.URL.Path, query: r.URL.Query(), address: r.URL.RequestURI(), contentType: strings.Join(r.Header.Values("Content-Type"), ", "),
		encoded: cmp.Or(r.Header.Get("Content-Encoding"), "identity") != "identity",
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
		return p, tooLargeToAsk(most)
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.body)), nil }
	r.Body, _ = r.GetBody()
	r.ContentLength, r.TransferEncoding = int64(len(p.body)), nil
	return p, nil
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
	if err := a.fullLocked(h, now); err != nil {
		return err
	}
	a.held = append(a.held, h)
	return nil
}

// fullLocked is why there is no place for h beside the others.
func (a *approvals) fullLocked(h *heldWrite, now time.Time) error {
	n, own, all, first := 0, h.size, h.size, h.until
	for _, other := range a.held {
		if other == h || !other.ended.IsZero() {
			continue
		}
		all += other.size
		if other.key.Name == h.key.Name {
			n, own = n+1, own+other.size
			if other.until.Before(first) {
				first = other.until
			}
		}
	}
	if n < mostHeld && own <= mostOwn && all <= mostBytes {
		return nil
	}
	f := fail(codeKeyLimit).saying(words.Say("approvals.full", "N", n), words.Say("approvals.full-action"))
	f.retryAfter = max(time.Second, first.Sub(now))
	return f
}

// A Consent is how many changes to the books wait for a person. Of a single one it says
// what it is; what stands there was written by a program.
type Consent struct {
	N                      int
	Program, Title, Amount string
}

// waiting is what waits: how many, and what a single one is.
func (a *approvals) waiting() (c Consent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.held {
		if h.state != waiting {
			continue
		}
		if c.N++; c.N > 1 {
			c = Consent{N: c.N}
			continue
		}
		c.Program, c.Title, c.Amount = h.key.Name, h.card.Title, cmp.Or(h.card.Sum, h.card.amount)
	}
	return c
}

// Waiting yields what waits for a person, at once and after each change.
func (s *Server) Waiting(ctx context.Context) iter.Seq[Consent] {
	return func(yield func(Consent) bool) {
		for {
			changed := s.approvals.Changed()
			if !yield(s.approvals.waiting()) {
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
