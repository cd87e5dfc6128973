package server

import (
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
	if _, err := namedBy(r.Header); err != nil { // tools are told the organisation in their own words
		return err
	}
	s.desk.Serve(w, r, assistant.Caller{
		Write: c.key.Write, Reaches: c.key.Reaches,
		Fetch: s.fetch,
		Send: func(ctx context.Context, write assistant.Write) (assistant.Written, error) {
			return s.writeFor(ctx, c, write)
		},
		Written: func(ctx context.Context, tenantID, id string) (assistant.Written, error) {
			done, err := s.writeOutcome(ctx, tenantID, id, c.key)
			return assistant.Written(done), err
		},
	})
	return nil
}

// mostRecord bounds what is read of one record.
const mostRecord = 4 << 20

// fetch reads one record as Xero has it now.
func (s *Server) fetch(ctx context.Context, tenantID, path string) ([]byte, error) {
	session, ok := s.cfg.Connections.Find(tenantID)
	if !ok {
		return nil, notReached()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.Connections.API().JoinPath(accountingPath, path).String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Xero-Tenant-Id", tenantID)
	answer, err := session.Transport().RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, books.Refused(answer)
	}
	return io.ReadAll(io.LimitReader(answer.Body, mostRecord))
}

func notReached() error {
	return fail(xero.CodeTenantRequired).saying(words.Say("books.not-connected"), words.Say("books.not-connected-do"))
}

// writeFor writes what an assistant asked for, or has it wait for a person. What the
// sign-in does not allow nobody is asked about.
func (s *Server) writeFor(ctx context.Context, c *call, write assistant.Write) (assistant.Written, error) {
	for _, connection := range s.cfg.Connections.Status().Connections {
		i := slices.IndexFunc(connection.Organisations, func(o xero.Organisation) bool { return strings.EqualFold(o.TenantID, write.TenantID) })
		switch {
		case i < 0:
			continue
		case len(connection.Scopes) > 0 && !slices.ContainsFunc(connection.Scopes, write.Allowed):
			return assistant.Written{}, &books.Trouble{
				Problem: xero.Problem{Code: codeWriteRefused, Message: words.Say("assistant.may-not-write"), Action: words.Say("assistant.allow-it")},
				Scope:   write.Scope,
			}
		}
		done, err := s.requestWrite(ctx, c, connection.Organisations[i], write.Method, accountingPath+write.Path, http.Header{
			"Accept": {"application/json"}, "Content-Type": {"application/json"}, "Idempotency-Key": {write.IdempotencyKey},
		}, write.Body)
		return assistant.Written(done), err
	}
	return assistant.Written{}, notReached()
}
