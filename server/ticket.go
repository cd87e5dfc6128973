package server

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"financial-command-center/assets/words"
)

// One-time tickets let a browser in where a visit proves nothing.
const (
	ticketLife  = 10 * time.Minute
	ticketBytes = 16
	mostTickets = 64 // open at once; the oldest goes
)

// tickets keeps the hashes of open tickets. Looking one up compares hashes, so
// the time it takes says nothing about a ticket.
type tickets struct {
	mu   sync.Mutex
	open map[[32]byte]time.Time // until when
}

func (t *tickets) issue(now time.Time) string {
	raw := make([]byte, ticketBytes)
	rand.Read(raw)
	text := base64.RawURLEncoding.EncodeToString(raw)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[[32]byte]time.Time{}
	}
	var oldest [32]byte
	for hash, until := range t.open {
		if !now.Before(until) {
			delete(t.open, hash)
		} else if first, ok := t.open[oldest]; !ok || until.Before(first) {
			oldest = hash
		}
	}
	if len(t.open) >= mostTickets {
		delete(t.open, oldest)
	}
	t.open[sha256.Sum256([]byte(text))] = now.Add(ticketLife)
	return text
}

// spend reports whether text is an open ticket, which it then is no more.
func (t *tickets) spend(text string, now time.Time) bool {
	hash := sha256.Sum256([]byte(text))
	t.mu.Lock()
	defer t.mu.Unlock()
	until, ok := t.open[hash]
	delete(t.open, hash)
	return ok && now.Before(until)
}

// Ticket makes a one-time ticket for /open: 128 bits, ten minutes, one use. It
// lets in whoever has it, so it goes to this OS user alone.
func (s *Server) Ticket() string { return s.tickets.issue(time.Now()) }

// open lets a browser in. A session that it has already is kept, so that a link
// from the tray does not sign anybody out of what was chosen.
func (s *Server) open(w http.ResponseWriter, r *http.Request, c *call) error {
	query := r.URL.Query()
	if !s.tickets.spend(query.Get("ticket"), time.Now()) {
		f := fail(codeTicketInvalid)
		if c.session != nil {
			f = f.offering(words.Say("requests.start-page"), "/")
		}
		return f
	}
	if err := s.startSession(w, r, c); err != nil {
		return err
	}
	http.Redirect(w, r, localPath(query.Get("next")), http.StatusSeeOther)
	return nil
}

// startSession gives the browser that sent r a session, unless it has one, and
// puts it into c.
func (s *Server) startSession(w http.ResponseWriter, r *http.Request, c *call) error {
	if c.session != nil {
		return nil
	}
	session, err := s.browsers.Get(r, s.browsers.cookie)
	if err != nil {
		return err
	}
	if err := session.Save(r, w); err != nil {
		return err
	}
	c.session = session
	return nil
}
