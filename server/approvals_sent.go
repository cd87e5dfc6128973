package server

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

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
	w := store.Write{At: now, Name: c.key.Name, Key: c.key.Hash, Tenant: o.TenantID, Path: plainPath(r.URL.Path), Outcome: string(sent), Status: answer.status}
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
	if len(records) == 1 {
		w.Number = shortNumber(numberOf(records[0]))
	}
	if h == nil {
		w.ID, w.What = rand.Text(), whatOf(t, r.Method, records)
		if id := plainID(t.key); isID(id) && w.Records == nil {
			w.Records = []string{id}
		}
	} else {
		w.ID, w.At, w.What, w.Asked = h.id, h.at, h.card.what, true
		w.Many = max(w.Many, h.card.many)
		if w.Records == nil {
			w.Records = h.card.ids[:min(len(h.card.ids), mostIDs)]
		}
		w.Number = cmp.Or(w.Number, shortNumber(h.card.number))
		s.approvals.mu.Lock()
		h.status, h.records, w.Known = answer.status, w.Records, h.known
		s.approvals.mu.Unlock()
		s.approvals.settle(h, allowed, heldState(w.Outcome), now)
	}
	s.note(w)
}

// shortNumber is as much of a record's number as is kept: that of a bill is whatever
// somebody typed.
func shortNumber(number string) string {
	number = short(number)
	if all := []rune(number); len(all) > mostNumber {
		number = string(all[:mostNumber-1]) + "…"
	}
	return number
}

const mostNumber = 40

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
