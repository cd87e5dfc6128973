package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"financial-command-center/server/xero"
)

// A stream says something at least this often, so that a page learns that FCC has
// gone; and FCC, that the page has.
const (
	heartbeat    = 20 * time.Second
	eventTimeout = 10 * time.Second // for one write
)

// What pages show grows old by the minute. Figures that come in one after the other
// are told of together.
const (
	tick        = time.Minute
	figuresWait = 250 * time.Millisecond
)

// comeBack is how long a browser waits, in milliseconds, before it opens a stream
// that broke off again.
const comeBack = 1000

func (s *Server) eventRoutes() []route {
	return []route{{pattern: "GET /events", who: session, stream: true, once: true, handle: s.events}}
}

// events tells an open page what to paint anew, as server-sent events
// (html.spec.whatwg.org, 9.2), until the browser leaves, its session ends, or FCC
// does:
//   - status: /api/status, at once and on every change;
//   - figures: what is known of the books has changed, or what this browser's
//     session holds, in another window of it;
//   - approvals: another write waits for consent, or one has ended;
//   - tick: a minute has gone by.
func (s *Server) events(w http.ResponseWriter, r *http.Request, c *call) error {
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	changes := make(chan xero.Status)
	go func() {
		defer close(changes)
		for status := range s.cfg.Connections.Watch(ctx) {
			select {
			case changes <- status:
			case <-ctx.Done():
			}
		}
	}()
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	stream := http.NewResponseController(w)
	send := func(text string, arguments ...any) error {
		_ = stream.SetWriteDeadline(time.Now().Add(eventTimeout)) // not every writer has one
		if _, err := fmt.Fprintf(w, text, arguments...); err != nil {
			return err
		}
		return stream.Flush()
	}
	beat, minute := time.NewTicker(heartbeat), time.NewTicker(tick)
	defer beat.Stop()
	defer minute.Stop()
	figures, soon := s.books.Changed(), (<-chan time.Time)(nil)
	approvals := s.approvals.Changed()
	now := <-changes
	var said, held []byte
	for event := ""; ; {
		holds, alive, news := s.browsers.look(ctx, c.session)
		if !alive || ctx.Err() != nil {
			return nil
		}
		if held != nil && !bytes.Equal(held, holds) && event != "approvals" { // after either a page is painted anew
			event = "figures"
		}
		held = holds
		// The server's own trouble comes and goes without a change of now.
		data, err := json.Marshal(s.statusOf(now))
		if err == nil && said == nil { // a Status always marshals
			err = send("retry: %d\n", comeBack)
		}
		if err == nil && !bytes.Equal(data, said) {
			said = data
			err = send("event: %s\ndata: %s\n\n", "status", data)
		}
		switch {
		case err != nil:
		case event == "beat":
			err = send(":\n\n")
		case event != "":
			err = send("event: %s\ndata:\n\n", event)
		}
		if err != nil {
			return nil // the browser has gone
		}
		event = ""
		select {
		case status, ok := <-changes:
			if !ok {
				return nil
			}
			now = status
		case <-figures:
			if figures = s.books.Changed(); soon == nil {
				soon = time.After(figuresWait)
			}
		case <-soon:
			soon, event = nil, "figures"
		case <-approvals:
			approvals, event = s.approvals.Changed(), "approvals"
		case <-minute.C:
			event = "tick"
		case <-beat.C:
			event = "beat"
		case <-news: // somebody's; look whose
		case <-ctx.Done():
			return nil
		}
	}
}
