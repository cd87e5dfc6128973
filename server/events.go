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

func (s *Server) eventRoutes() []route {
	return []route{{pattern: "GET /events", who: session, stream: true, once: true, handle: s.events}}
}

// events sends /api/status at once and on every change, as server-sent events
// (html.spec.whatwg.org, 9.2), until the browser leaves, its session ends, or FCC
// does.
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
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var now xero.Status
	var said []byte
	for {
		alive, ended := s.browsers.alive(ctx, c.session)
		if !alive {
			return nil
		}
		comment := false
		select {
		case status, ok := <-changes:
			if !ok {
				return nil
			}
			now = status
		case <-beat.C:
			comment = true
		case <-ended: // somebody's; look whose
			continue
		case <-ctx.Done():
			return nil
		}
		// The server's own trouble comes and goes without a change of now.
		data, err := json.Marshal(s.statusOf(now))
		switch {
		case err != nil: // a Status always marshals
		case !bytes.Equal(data, said):
			said = data
			err = send("event: status\ndata: %s\n\n", data)
		case comment:
			err = send(": still here\n\n")
		}
		if err != nil {
			return nil // the browser has gone
		}
	}
}
