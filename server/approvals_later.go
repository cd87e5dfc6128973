package server

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"

	"financial-command-center/assets/words"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// A memoryAnswer is an answer that nobody listens to.
type memoryAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *memoryAnswer) Header() http.Header { return a.header }

func (a *memoryAnswer) WriteHeader(status int) {
	if status >= 200 && a.status == 0 {
		a.status = status
	}
}

func (a *memoryAnswer) Write(p []byte) (int, error) {
	a.status = cmp.Or(a.status, http.StatusOK)
	if a.body.Len()+len(p) > mostAnswer {
		return 0, errors.New("a longer answer than is kept")
	}
	return a.body.Write(p)
}

// written is what became of a write that its program does not wait for.
type written struct {
	ID     string // "" where nobody is asked
	State  string // one of the three below
	Status int    // of the answer: Xero's, or the one of FCC that refuses
	Body   []byte
}

// The states of what is written.
const (
	writtenSent    = "sent"
	writtenWaiting = "waiting_for_approval"
	writtenRefused = "refused"
)

// requestWrite sends a write, or where the key has to ask shows it to a person and
// returns at once: writeOutcome tells what becomes of it. header are those that Xero is
// to have. The rights of the key are checked as at the gateway.
func (s *Server) requestWrite(ctx context.Context, c *call, o xero.Organisation, method, path string, header http.Header, body []byte) (written, error) {
	if !c.key.Write {
		return written{}, fail(codeKeyReadOnly)
	}
	if !c.key.Ask {
		return s.sendWrite(ctx, c, o, method, path, header, body)
	}
	r, err := s.writeRequest(ctx, o, method, path, header, body)
	if err != nil {
		return written{}, err
	}
	if err := s.inVain(ctx, method, r.URL.Path, c, o); err != nil {
		return written{}, err
	}
	h, err := s.hold(&memoryAnswer{header: http.Header{}}, r, c.key, o, true)
	if err != nil {
		return written{}, err
	}
	c = &call{peer: c.peer, key: c.key}
	if !s.approvals.begin() {
		s.keys.today.giveBack(h.aside)
		return written{}, s.tooLate(h)
	}
	go func() {
		defer s.approvals.busy.Done()
		defer s.keys.today.giveBack(h.aside)
		running, done := s.keys.watch(s.approvals.running, c.key)
		defer done()
		running = xero.WithCaller(context.WithValue(running, allowedKey{}, h), c.caller())
		failed := func(err error) {
			s.end(h, allowed, unsent) // it did not come to Xero
			s.approvals.mu.Lock()
			h.failed = err
			s.approvals.mu.Unlock()
		}
		defer func() {
			if v := recover(); v != nil { // which would be the end of FCC: this is no request of net/http's
				s.panicked(method, path, v)
				s.end(h, waiting, gone)
				failed(fail(codeInternal).saying(words.Say("approvals.unsent"), words.Say("approvals.unsent-action")))
			}
		}()
		if s.await(running, h) != nil {
			return
		}
		if _, err := s.sendWrite(running, c, o, method, path, header, body); err != nil {
			failed(err)
		}
	}()
	return written{ID: h.id, State: writtenWaiting}, nil
}

func (s *Server) writeRequest(ctx context.Context, o xero.Organisation, method, path string, header http.Header, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.BaseURL()+path, bytes.NewReader(body))
	if err != nil {
		return nil, fail(codeBadRequest).because(err)
	}
	if !cleanPath(r.URL) {
		return nil, fail(codeNotFound)
	}
	r.RequestURI = r.URL.RequestURI() // as a server has it
	maps.Copy(r.Header, header)
	r.Header.Set("Xero-Tenant-Id", o.TenantID)
	return r, nil
}

// sendWrite sends a write through the gateway, as its program would.
func (s *Server) sendWrite(ctx context.Context, c *call, o xero.Organisation, method, path string, header http.Header, body []byte) (_ written, err error) {
	defer func() {
		if v := recover(); v == http.ErrAbortHandler { // as ReverseProxy ends an answer that broke off
			err = fail(xero.CodeUnreachable).saying(words.Say("approvals.unsent"), words.Say("approvals.unsent-action"))
		} else if v != nil {
			panic(v)
		}
	}()
	r, err := s.writeRequest(ctx, o, method, path, header, body)
	if err != nil {
		return written{}, err
	}
	w := &memoryAnswer{header: http.Header{}}
	if h := allowedIn(ctx); h != nil {
		s.approvals.mu.Lock()
		h.answer = w
		s.approvals.mu.Unlock()
	}
	if err := s.forward(w, r, c); err != nil {
		return written{}, err
	}
	return written{State: writtenSent, Status: w.status, Body: w.body.Bytes()}, nil
}

// writeOutcome tells the program with this key what became of a write of its own in the
// organisation, which it still has to reach. A new key of the same name is another.
func (s *Server) writeOutcome(ctx context.Context, tenantID, id string, key *apiKey) (written, error) {
	own := func(hash [32]byte, tenant string) bool {
		return hash == key.Hash && strings.EqualFold(tenant, tenantID) && key.Reaches(tenant)
	}
	if h := s.approvals.find(id); h != nil && own(h.key.Hash, h.organisation.TenantID) {
		s.approvals.mu.Lock()
		state, ended, answer, failed := h.state, h.ended, h.answer, h.failed
		s.approvals.mu.Unlock()
		switch {
		case state == waiting, state == allowed:
			return written{ID: id, State: writtenWaiting}, nil
		case state == sent && answer != nil:
			return written{ID: id, State: writtenSent, Status: answer.status, Body: answer.body.Bytes()}, nil
		case state == unsent && failed != nil:
			return written{}, failed
		case state != sent && state != unsent:
			return refusedWrite(id, whyNot(state, ended)), nil
		}
	}
	w, err := s.keptWrite(ctx, id)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return written{}, stateFailure(err)
	case err != nil || !own(w.Key, w.Tenant):
		return written{}, fail(codeNotFound).saying(words.Say("approvals.lost"), words.Say("approvals.lost-action"))
	case w.Outcome == string(sent):
		return written{ID: id, State: writtenSent, Status: w.Status}, nil
	case w.Outcome == string(unsent):
		return written{}, fail(xero.CodeUnreachable).saying(words.Say("approvals.unsent"), words.Say("approvals.unsent-action"))
	}
	return refusedWrite(id, whyNot(heldState(w.Outcome), w.At)), nil
}

// keptWrite is what the disk knows of a write.
func (s *Server) keptWrite(ctx context.Context, id string) (store.Write, error) {
	state, err := s.openedState(ctx)
	if err != nil {
		return store.Write{}, err
	}
	s.stateIs(s.flushWrites(ctx))
	return state.Write(ctx, id)
}

func refusedWrite(id string, f *failure) written {
	body, _ := json.Marshal(map[string]xero.Problem{"error": f.Problem}) // a Problem always marshals
	return written{ID: id, State: writtenRefused, Status: answers[f.Code].status, Body: body}
}
