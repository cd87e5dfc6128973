package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"

	"financial-command-center/assets/words"
	"financial-command-center/server/assistant"
	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

func (s *Server) mcpRoutes() []route {
	return []route{{pattern: "POST /mcp", who: key, handle: s.mcp}}
}

// newDesk is where assistants are served.
func (s *Server) newDesk() *assistant.Desk {
	return assistant.New(assistant.Config{
		Version: s.cfg.Version, Demo: s.cfg.Mode == Demo, Address: s.BaseURL(), Books: s.books, Log: s.log,
		Status: s.cfg.Connections.Status, NotConnected: s.notConnected, Budget: s.cfg.Connections.Budget,
		Explain: func(err error) assistant.Problem { return s.inWordsFor(asFailure(err)) },
	})
}

// inWordsFor is a failure for an assistant: with the link of its button, which a person
// can open.
func (s *Server) inWordsFor(f *failure) assistant.Problem {
	p := assistant.Problem{Problem: f.Problem, Organisations: f.organisations}
	link := f.button.Link
	if link == "" {
		link = answers[f.Code].button.Link
	}
	if link == "/login" { // the start page says more, and has the button
		link = "/"
	}
	if strings.HasPrefix(link, "/") {
		p.Link = s.BaseURL() + link
	}
	return p
}

// mcp answers an assistant. It sees the tools that its key may use.
func (s *Server) mcp(w http.ResponseWriter, r *http.Request, c *call) error {
	if len(c.key.Families) > 0 && !slices.Contains(c.key.Families, "accounting") {
		return fail(codeTenantNotAllowed).saying(words.Say("assistant.no-accounting"), words.Say("assistant.no-accounting-do"))
	}
	s.desk.Serve(w, r, assistant.Caller{
		Write: c.key.Write, Reaches: c.key.Reaches,
		Fetch: func(ctx context.Context, tenantID, path string) ([]byte, error) {
			answer, err := s.askXero(ctx, assistant.Write{TenantID: tenantID, Method: http.MethodGet, Path: path})
			return answer.Body, err
		},
		Send: func(ctx context.Context, write assistant.Write) (assistant.Written, error) {
			return s.writeFor(ctx, c, write)
		},
		Written: func(_ context.Context, id string) (assistant.Written, error) { return s.writtenFor(c, id) },
	})
	return nil
}

// accountingPath is what paths of the Accounting API begin with.
const accountingPath = "/api.xro/2.0/"

// mostWritten bounds what is read of an answer to one record.
const mostWritten = 4 << 20

// askXero sends one request of an assistant's. To a GET any answer but 200 is an error;
// to what writes only one that says that the sign-in does not allow it, or that Xero
// did not look at it.
func (s *Server) askXero(ctx context.Context, ask assistant.Write) (done assistant.Written, err error) {
	session, ok := s.cfg.Connections.Find(ask.TenantID)
	if !ok {
		return done, fail(xero.CodeTenantRequired).saying(words.Say("books.not-connected"), words.Say("books.not-connected-do"))
	}
	r, err := http.NewRequestWithContext(ctx, ask.Method, s.cfg.Connections.API().JoinPath(accountingPath, ask.Path).String(), bytes.NewReader(ask.Body))
	if err != nil {
		return done, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Xero-Tenant-Id", ask.TenantID)
	if ask.Method != http.MethodGet {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", ask.IdempotencyKey)
	}
	answer, err := session.Transport().RoundTrip(r)
	if err != nil {
		return done, err
	}
	defer answer.Body.Close()
	refused := answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusTooManyRequests
	switch {
	case refused && strings.Contains(answer.Header.Get("WWW-Authenticate"), "insufficient_scope") && ask.Scope != "":
		return done, mayNot(ask)
	case refused, ask.Method == http.MethodGet && answer.StatusCode != http.StatusOK, answer.StatusCode >= http.StatusInternalServerError:
		return done, books.Refused(answer)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostWritten))
	if err != nil && ask.Method == http.MethodGet {
		return done, err
	}
	return assistant.Written{State: assistant.Sent, Status: answer.StatusCode, Body: body}, nil
}

// mayNot says which scope a write lacks.
func mayNot(ask assistant.Write) error {
	return &books.Trouble{
		Problem: xero.Problem{Code: xero.CodeNeedsLogin, Message: words.Say("assistant.may-not-write"), Action: words.Say("assistant.allow-it")},
		Scope:   ask.Scope,
	}
}

// writeFor writes what an assistant asked for, or has it wait for a person. What the
// sign-in does not allow nobody is asked about.
func (s *Server) writeFor(ctx context.Context, c *call, write assistant.Write) (assistant.Written, error) {
	if !c.key.Write {
		return assistant.Written{}, fail(codeKeyReadOnly)
	}
	for _, connection := range s.cfg.Connections.Status().Connections {
		reaches := func(o xero.Organisation) bool { return strings.EqualFold(o.TenantID, write.TenantID) }
		if slices.ContainsFunc(connection.Organisations, reaches) && len(connection.Scopes) > 0 && !slices.ContainsFunc(connection.Scopes, write.Allowed) {
			return assistant.Written{}, mayNot(write)
		}
	}
	send := func(ctx context.Context) (assistant.Written, error) { return s.askXero(ctx, write) }
	if !c.key.Ask {
		return send(ctx)
	}
	if s.asked == nil {
		return assistant.Written{}, fail(codeWriteRefused).saying(words.Say("assistant.nobody-to-ask"), words.Say("assistant.nobody-to-ask-do"))
	}
	return s.asked.hold(c, write, send)
}

// A writeGuard has writes wait for a person. hold returns at once: a write that waits has
// an id, and send is called when it was allowed. outcome tells the program that asked for
// it, and nobody else, what became of it; false when it is not known.
type writeGuard interface {
	hold(c *call, write assistant.Write, send func(context.Context) (assistant.Written, error)) (assistant.Written, error)
	outcome(c *call, id string) (assistant.Written, bool)
}

// writtenFor tells what became of a write that waited.
func (s *Server) writtenFor(c *call, id string) (assistant.Written, error) {
	if s.asked != nil {
		if done, ok := s.asked.outcome(c, id); ok {
			return done, nil
		}
	}
	return assistant.Written{}, fail(codeNotFound).saying(words.Say("assistant.no-such-write"), words.Say("assistant.ask-anew"))
}
