package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

// xeroPatience is how long Xero may keep a caller of our own routes waiting for all
// that they ask: xero_unreachable is promised within 35 seconds. Through the gateway
// it is the Transport that keeps this promise.
const xeroPatience = 34 * time.Second

func (s *Server) gatewayRoutes() []route {
	routes := []route{{pattern: "GET /connections", who: key, handle: s.listConnections}}
	for _, f := range families {
		times := s.metrics.gatewayTimes(f.name)
		routes = append(routes, route{pattern: f.prefix, who: key, xeros: true, stream: true, atHand: times.atHand(s.known), handle: times.whole(s.forward)})
	}
	return routes
}

// mayForward is about the method, the key and the path as it was written: what is not
// sent on byte for byte is not sent on.
func mayForward(w http.ResponseWriter, r *http.Request, c *call) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		if !c.key.Write {
			return fail(codeKeyReadOnly)
		}
	default: // TRACE would show the access token
		w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
		return fail(codeMethodNotAllowed)
	}
	if r.URL.RequestURI() != r.RequestURI {
		return oddPath(r.URL.Path)
	}
	for name, values := range r.Header {
		if describing.has(name) && (len(values) > 1 || name != http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))) {
			return fail(codeBadRequest).saying(words.Say("gateway.described.message"), words.Say("gateway.described.action"))
		}
	}
	return nil
}

// describing are the headers that say how a body is to be read: FCC and Xero are to read
// it in the same way, so that each stands there once, and in its own spelling.
var describing = namesOf("content-type", "content-encoding")

// oddPath refuses a path that is not written in the one way that is sent on.
func oddPath(path string) *failure {
	if familyOf(path) == "" {
		return fail(codeNotFound)
	}
	return fail(codeNotFound).saying(words.Say("gateway.path.message"), words.Say("gateway.path.action"))
}

// forward sends the request to Xero as it is, but for who sends it, and streams
// the answer back. Nothing is repeated or waited for here: that a request waits for
// Xero's limits, or with a dead token is sent once more, is the session's doing.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := mayForward(w, r, c); err != nil {
		return err
	}
	wait, err := maxWait(r.Header, mostWait)
	if err != nil {
		return err
	}
	repeat, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	organisation, session, err := s.organisation(r, c)
	if err != nil {
		return err
	}
	r = r.WithContext(xero.WithPatience(r.Context(), wait))
	p := passage{organisation.TenantID, repeat, session.Transport()}
	answered, err := s.together(w, r, c, p)
	if !answered && err == nil {
		err = s.sendOn(w, r, c, organisation, p)
	}
	switch {
	case err == nil:
		return nil
	case r.Context().Err() == nil:
		s.tellBudget(w.Header(), organisation.TenantID)
		return err
	}
	return fail(xero.CodeUnreachable).saying(words.Say("gateway.stopped.message"), words.Say("gateway.stopped.action")).because(err)
}

// sendOn has Xero answer r itself.
func (s *Server) sendOn(w http.ResponseWriter, r *http.Request, c *call, o xero.Organisation, p passage) error {
	if err := s.inVain(r.Context(), r.Method, r.URL.Path, c, o); err != nil {
		return err // before anybody is asked for consent
	}
	w, r, written, err := s.consent(w, r, c, o)
	if err != nil {
		return err
	}
	defer written()
	if p.repeat != "" {
		w.Header().Set("Idempotency-Key", p.repeat)
	}
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).EnableFullDuplex() // net/http would else eat the rest of a body when Xero answers early
	}
	return s.pass(w, r, p)
}

// listConnections answers as Xero does, for all sign-ins together: what each
// reaches, once. A locked key sees only its own organisation.
func (s *Server) listConnections(w http.ResponseWriter, r *http.Request, c *call) error {
	status := s.cfg.Connections.Status()
	if len(status.Connections) == 0 {
		return s.notConnected(status)
	}
	ctx, cancel := context.WithTimeout(r.Context(), xeroPatience)
	defer cancel()
	list, seen := []json.RawMessage{}, map[string]bool{}
	var failed error
	answered := false
	for _, connection := range status.Connections {
		session, ok := s.cfg.Connections.Get(connection.ID)
		if !ok {
			continue
		}
		tenants, err := s.connectionsOf(ctx, session)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		answered = true
		for _, raw := range tenants {
			var tenant struct{ TenantID string }
			if json.Unmarshal(raw, &tenant) != nil {
				continue
			}
			id := strings.ToLower(tenant.TenantID)
			if seen[id] || !c.key.Reaches(id) {
				continue
			}
			seen[id] = true
			list = append(list, raw)
		}
	}
	if !answered {
		return failed
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// mostAnswer bounds what is read of the list of connections.
const mostAnswer = 4 << 20

// connectionsOf asks Xero what a sign-in reaches.
func (s *Server) connectionsOf(ctx context.Context, session *xero.Session) ([]json.RawMessage, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.Connections.API().JoinPath("/connections").String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json") // Xero answers XML else
	answer, err := session.Transport().RoundTrip(r)
	switch {
	case err != nil && ctx.Err() != nil: // too late, or nobody waits for it any more
		return nil, fail(xero.CodeUnreachable).saying(words.Say("gateway.late.message"), words.Say("gateway.late.action")).because(err)
	case err != nil:
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, books.Refused(answer)
	}
	var all []json.RawMessage
	if json.NewDecoder(io.LimitReader(answer.Body, mostAnswer)).Decode(&all) != nil {
		return nil, fail(xero.CodeUnreachable).saying(words.Say("common.broken.message"), words.Say("common.broken.action")).because(errors.New("an answer that is no JSON"))
	}
	return all, nil
}
