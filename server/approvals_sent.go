package server

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

const (
	mostHeard   = 1 << 20 // bytes of an answer that are looked through for ids
	mostIDs     = 100     // of one write that are kept
	mostWaiting = 5000    // writes, while the disk takes none: the oldest are dropped
)

// A heardAnswer passes an answer on and keeps what says which records were written.
type heardAnswer struct {
	http.ResponseWriter
	status int
	kept   []byte
	long   bool
}

func (a *heardAnswer) WriteHeader(status int) {
	if status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *heardAnswer) Write(p []byte) (int, error) {
	a.status = cmp.Or(a.status, http.StatusOK)
	if a.long = a.long || len(a.kept)+len(p) > mostHeard; !a.long {
		a.kept = append(a.kept, p...)
	}
	return a.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (a *heardAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// records are those of the answer.
func (a *heardAnswer) records(resource string) []field {
	if a.long || a.status >= 300 {
		return nil
	}
	body := a.kept
	if a.Header().Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil
		}
		if body, err = io.ReadAll(io.LimitReader(unpacked, mostHeard)); err != nil {
			return nil
		}
	}
	fields, err := fieldsOf(a.Header().Get("Content-Type"), body)
	if err != nil && !errors.Is(err, errTwoMeanings) {
		return nil
	}
	return fields.at(resource).below
}

// sent notes what came of a write that was sent on: h, where a person was asked.
func (s *Server) sent(answer *heardAnswer, r *http.Request, c *call, o xero.Organisation, h *heldWrite) {
	now, t := time.Now(), targetOf(r.URL.Path)
	w := store.Write{At: now, Name: c.key.Name, Tenant: o.TenantID, Path: plainPath(r.URL.Path), Outcome: string(sent), Status: answer.status}
	if answer.status == 0 {
		w.Outcome = string(unsent)
	}
	records := answer.records(t.resource)
	w.Many = len(records)
	for _, one := range records {
		if id := idOf(t.resource, one); isID(id) && strings.Trim(id, "0-") != "" && len(w.Records) < mostIDs {
			w.Records = append(w.Records, id)
		}
	}
	if h == nil {
		w.ID, w.What = rand.Text(), whatOf(t, r.Method, records)
		if isID(t.key) && w.Records == nil {
			w.Records = []string{t.key}
		}
	} else {
		w.ID, w.At, w.What, w.Asked = h.id, h.at, h.card.what, true
		w.Many = max(w.Many, len(h.card.Records))
		if w.Records == nil {
			w.Records = h.card.ids[:min(len(h.card.ids), mostIDs)]
		}
		s.approvals.mu.Lock()
		h.status = answer.status
		s.approvals.mu.Unlock()
		s.approvals.settle(h, allowed, heldState(w.Outcome), now)
	}
	s.note(w)
}

// whatOf is the kind of a write that nobody was asked about, by Xero's answer to it.
func whatOf(t target, method string, records []field) string {
	var one field
	if len(records) > 0 {
		one = records[0]
	}
	act := "save"
	switch status := one.at("Status"); {
	case method == http.MethodDelete:
		return "other-delete"
	case t.family != "accounting" || len(records) > 1 && t.resource != "Contacts":
		return "other-save"
	case strings.EqualFold(t.part, "Attachments"):
		return "attachment-new"
	case t.resource == "Invoices" && strings.EqualFold(t.part, "Email"):
		return "email-send"
	case t.part != "":
		return "other-save"
	case status.is("DELETED"):
		act = "delete"
	case status.is("VOIDED"):
		act = "void"
	case method == http.MethodPut && status.is("AUTHORISED", "PAID"):
		act = "approve-new"
	case method == http.MethodPut && status.is("SUBMITTED"):
		act = "submit"
	case method == http.MethodPut:
		act = "draft"
	}
	switch t.resource {
	case "Invoices":
		if one.at("Type").is("ACCPAY") {
			return "bill-" + act
		}
		return "invoice-" + act
	case "CreditNotes":
		if one.at("Type").is("ACCPAYCREDIT") {
			return "supplier-credit-" + act
		}
		return "credit-" + act
	case "Contacts":
		if act == "draft" {
			act = "new"
		}
		return "contact-" + act
	case "Payments":
		if act != "delete" {
			act = "new"
		}
		return "payment-" + act
	case "BankTransactions":
		if act != "delete" {
			act = "save"
		}
		return "bank-" + act
	case "ManualJournals":
		if one.at("Status").is("POSTED") {
			act = "post"
		}
		return "journal-" + act
	}
	return "other-save"
}

// plainPath is a path without what may name a record.
func plainPath(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	var kept []string
	for _, part := range parts[:min(3, len(parts))] {
		if strings.Trim(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.") != "" || len(part) > 32 {
			break
		}
		kept = append(kept, part)
	}
	return "/" + strings.Join(kept, "/")
}

// note keeps what became of a write for the disk, which nobody waits for.
func (s *Server) note(w store.Write) {
	w.Tenant = strings.ToLower(w.Tenant)
	s.log.Info("write", "id", w.ID, "key", w.Name, "tenant", w.Tenant, "what", w.What, "asked", w.Asked, "outcome", w.Outcome, "status", w.Status)
	a := s.approvals
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done = append(a.done, w); len(a.done) > mostWaiting {
		a.done = slices.Clone(a.done[1:])
	}
}

// flushWrites writes what waits for the disk. After an error it waits on.
func (s *Server) flushWrites(ctx context.Context) error {
	a := s.approvals
	a.mu.Lock()
	done := slices.Clone(a.done)
	a.mu.Unlock()
	if len(done) == 0 {
		return nil
	}
	if err := s.state.AddWrites(ctx, done); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done = slices.DeleteFunc(a.done, func(w store.Write) bool {
		return slices.ContainsFunc(done, func(written store.Write) bool { return written.ID == w.ID })
	})
	return nil
}

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
	if err := s.MayCall(c.caller()); err != nil {
		return written{}, err
	}
	r, err := s.writeRequest(ctx, o, method, path, header, body)
	if err != nil {
		return written{}, err
	}
	asked, err := takeProposal(&memoryAnswer{header: http.Header{}}, r)
	if err != nil {
		return written{}, err
	}
	h, err := s.hold(ctx, c.key, o, asked, true)
	if err != nil {
		return written{}, err
	}
	c = &call{peer: c.peer, key: c.key}
	s.approvals.busy.Go(func() {
		running, done := s.keys.watch(s.approvals.running, c.key)
		defer done()
		running = xero.WithCaller(context.WithValue(running, allowedKey{}, h), c.caller())
		if s.await(running, h) != nil {
			return
		}
		_, err := s.sendWrite(running, c, o, method, path, header, body)
		if err != nil {
			s.end(h, allowed, unsent) // it did not come to Xero
			s.approvals.mu.Lock()
			h.failed = err
			s.approvals.mu.Unlock()
		}
	})
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
	if h, ok := ctx.Value(allowedKey{}).(*heldWrite); ok {
		s.approvals.mu.Lock()
		h.answer = w
		s.approvals.mu.Unlock()
	}
	if err := s.forward(w, r, c); err != nil {
		return written{}, err
	}
	return written{State: writtenSent, Status: w.status, Body: w.body.Bytes()}, nil
}

// writeOutcome tells the program with the key of this name what became of a write.
func (s *Server) writeOutcome(ctx context.Context, id, name string) (written, error) {
	if h := s.approvals.find(id); h != nil && h.key.Name == name {
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
	case err != nil || w.Name != name:
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

// linkOf leads to a record in Xero, "" where no address is known.
func linkOf(o books.Organisation, what, id string) string {
	switch kind, _, _ := strings.Cut(what, "-"); kind {
	case "invoice", "email":
		return o.InvoiceLink(id)
	case "bill":
		return o.BillLink(id)
	case "credit", "supplier":
		return o.CreditNoteLink(id)
	case "contact":
		return o.ContactLink(id)
	case "payment", "bank":
		return o.PaymentLink(id)
	}
	return ""
}
