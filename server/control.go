package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

// A command does what one of the command line's asks, as JSON.
type command func(ctx context.Context, c *call, question json.RawMessage) (answer any, err error)

// asks makes a command of a function whose question is a Q. A field that Q has not may be
// a limit to what is asked for, of an fcc of another version: such a question is refused.
// Where a field changes its meaning, or one is taken away, the command has another name.
func asks[Q any](do func(context.Context, Q) (any, error)) command {
	return func(ctx context.Context, _ *call, question json.RawMessage) (any, error) {
		var q Q
		in := json.NewDecoder(bytes.NewReader(question))
		in.DisallowUnknownFields()
		if err := in.Decode(&q); err != nil {
			return nil, otherVersion(codeBadRequest).because(err)
		}
		return do(ctx, q)
	}
}

func otherVersion(code xero.Code) *failure {
	return fail(code).saying(words.Say("requests.version.message"), words.Say("requests.version.action"))
}

// unknownCommand is asked for by an fcc of another version.
func unknownCommand(context.Context, *call, json.RawMessage) (any, error) {
	return nil, otherVersion(codeNotFound)
}

func (s *Server) controlRoutes() []route {
	commands := map[string]command{
		"status":          asks(s.commandStatus),
		"open":            s.commandOpen,
		"login-begin":     asks(s.commandLoginBegin),
		"login-finish":    asks(s.commandLoginFinish),
		"login-wait":      asks(s.commandLoginWait),
		"token":           asks(s.commandToken),
		"disconnect":      asks(s.commandDisconnect),
		"key-make":        asks(s.commandKeyMake),
		"key-list":        asks(s.commandKeyList),
		"key-revoke":      asks(s.commandKeyRevoke),
		"assistant":       asks(s.commandAssistant),
		"assistant-entry": asks(s.commandAssistantEntry),
		"health":          asks(s.commandHealth),
		"secret-rotate":   asks(s.commandSecretRotate),
		"stop":            asks(s.commandStop),
	}
	desk := newControlDesk(s.cfg.ControlKey)
	routes := []route{{pattern: "POST /control/hello", who: control, handle: desk.handleHello}}
	routes = append(routes, route{pattern: "/control/", who: control, handle: s.proved(desk, unknownCommand)})
	for name, do := range commands {
		routes = append(routes, route{pattern: "POST /control/" + name, who: control, handle: s.proved(desk, do)})
	}
	return routes
}

func (d *controlDesk) handleHello(w http.ResponseWriter, r *http.Request, _ *call) error {
	var hello ControlHello
	if err := json.NewDecoder(r.Body).Decode(&hello); err != nil {
		return fail(codeBadRequest).because(err)
	}
	client, err := ParseControlNonce(hello.Nonce)
	if err != nil || d.key.IsZero() {
		return fail(codeBadRequest).because(err)
	}
	p := ControlProver{Key: d.key, Client: client, Server: d.nonce()}
	writeJSON(w, http.StatusOK, ControlHello{Nonce: p.Server.String(), Proof: p.Hello()})
	return nil
}

// proved runs do for who has proved to know the control key, and proves the
// answer, whatever it is.
func (s *Server) proved(desk *controlDesk, do command) func(http.ResponseWriter, *http.Request, *call) error {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		question, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		proof, ok := desk.admit(r.Header.Get(ControlHeader), r.Method, r.URL.Path, question)
		if !ok {
			return fail(codeKeyRequired).saying(words.Say("requests.control.message"), words.Say("requests.control.action"))
		}
		sealed := &sealedAnswer{ResponseWriter: w}
		ctx := xero.WithCaller(r.Context(), xero.Caller{Kind: xero.ByCommand})
		if answer, err := do(ctx, c, question); err != nil {
			s.refuse(sealed, r, c, err)
		} else {
			writeJSON(sealed, http.StatusOK, answer)
		}
		w.Header().Set(ControlHeader, proof.Answer(sealed.status, sealed.body.Bytes()))
		w.WriteHeader(sealed.status)
		_, _ = w.Write(sealed.body.Bytes()) // the caller has gone
		return nil
	}
}

// sealedAnswer holds an answer back until its proof can go ahead of it.
type sealedAnswer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (a *sealedAnswer) WriteHeader(status int)      { a.status = status }
func (a *sealedAnswer) Write(p []byte) (int, error) { return a.body.Write(p) }

func (s *Server) commandStatus(context.Context, struct{}) (any, error) { return s.Status(), nil }

func (s *Server) commandOpen(_ context.Context, c *call, question json.RawMessage) (any, error) {
	var q ControlOpen
	if err := json.Unmarshal(question, &q); err != nil {
		return nil, fail(codeBadRequest).because(err)
	}
	next, err := url.Parse(q.Next)
	if err != nil || next.Host != "" || next.Scheme != "" || !strings.HasPrefix(next.Path, "/") {
		return nil, fail(codeBadRequest)
	}
	query := url.Values{"ticket": {s.Ticket()}}
	if q.Next != "/" {
		query.Set("next", q.Next)
	}
	return ControlLink{
		Address: s.BaseURL() + next.String(),
		Link:    s.BaseURL() + "/open?" + query.Encode(),
		Visit:   c.peer == peerSame,
	}, nil
}

// commandOwner has the attempts of fcc login; they are no browser session's.
const commandOwner = "fcc login"

func (s *Server) commandLoginBegin(ctx context.Context, _ struct{}) (any, error) {
	begun, err := s.cfg.Connections.Begin(ctx, commandOwner, "/")
	if err != nil {
		return nil, err
	}
	return ControlLogin{begun.URL, s.cfg.Connections.RedirectURI(), begun.Expires}, nil
}

func (s *Server) commandLoginFinish(ctx context.Context, q ControlCallback) (any, error) {
	query, err := url.ParseQuery(q.Query)
	if err != nil {
		return nil, fail(codeBadRequest).because(err)
	}
	done, err := s.cfg.Connections.Finish(ctx, callbackOf(query))
	if err != nil {
		return nil, err
	}
	return ControlSignedIn{done.Organisations}, nil
}

// loginPatience is how long one login-wait lasts: less than a command may take.
const loginPatience = 25 * time.Second

// commandLoginWait answers when no sign-in is open any more, or after a while: the
// browser may be on this computer and end what fcc login began.
func (s *Server) commandLoginWait(ctx context.Context, _ struct{}) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, loginPatience)
	defer cancel()
	for status := range s.cfg.Connections.Watch(ctx) {
		if !status.SigningIn {
			break
		}
	}
	return s.Status(), nil
}

func (s *Server) commandToken(ctx context.Context, q ControlTenant) (any, error) {
	status := s.cfg.Connections.Status()
	if len(status.Connections) == 0 {
		return nil, s.notConnected(status)
	}
	choose := fail(xero.CodeTenantRequired).saying(words.Say("requests.token.message"), words.Say("requests.token.action"))
	choose.organisations = status.Organisations()
	var session *xero.Session
	var found bool
	switch {
	case q.Tenant != "":
		session, found = s.cfg.Connections.Find(q.Tenant)
	case len(status.Connections) == 1:
		session, found = s.cfg.Connections.Get(status.Connections[0].ID)
	}
	if !found {
		return nil, choose
	}
	token, err := session.Token(ctx)
	if err != nil {
		return nil, err
	}
	return ControlToken{token.Token.Reveal(), token.Expires}, nil
}

func (s *Server) commandKeyMake(ctx context.Context, q ControlKeyRights) (any, error) {
	want := apiKey{
		Name: q.Name, Write: q.Write, Ask: q.Ask, Tenants: q.Tenants, Families: q.Families, AnyUser: q.AnyUser,
		Daily: q.Daily, MaxAge: time.Duration(q.MaxAge) * time.Second, Stale: q.Stale,
	}
	if q.Expires != nil {
		want.Expires = *q.Expires
	}
	key, warning, err := s.addKey(ctx, want)
	if err != nil {
		return nil, err
	}
	return ControlKeyMade{key.Reveal(), warning}, nil
}

func (s *Server) commandKeyList(ctx context.Context, _ struct{}) (any, error) {
	list, err := s.listKeys(ctx)
	if err != nil {
		return nil, err
	}
	answer, now := ControlKeys{Keys: []ControlKey{}}, time.Now()
	for _, k := range list {
		shown := ControlKey{ControlKeyRights: ControlKeyRights{
			Name: k.Name, Write: k.Write, Ask: k.Ask, Tenants: k.Tenants, Families: k.Families, AnyUser: k.AnyUser,
			Daily: k.Daily, MaxAge: int(k.MaxAge / time.Second), Stale: k.Stale,
		}, Ended: k.Ended(now), Created: k.Created, Program: k.Program}
		shown.CallsToday = s.keys.today.made(k.Name, now)
		if !k.Expires.IsZero() {
			shown.Expires = &k.Expires
		}
		if !k.LastUsed.IsZero() {
			shown.LastUsed = &k.LastUsed
		}
		answer.Keys = append(answer.Keys, shown)
	}
	return answer, nil
}

func (s *Server) commandKeyRevoke(ctx context.Context, q ControlName) (any, error) {
	return struct{}{}, s.revokeKey(ctx, q.Name)
}

func (s *Server) commandHealth(context.Context, struct{}) (any, error) {
	return ControlHealth{
		Checks:       s.Checks(),
		SecretLength: s.browsers.secrets().current.Len(),
		ClientID:     s.cfg.Connections.App().ClientID,
	}, nil
}

func (s *Server) commandDisconnect(ctx context.Context, q ControlDisconnect) (any, error) {
	done, err := s.leave(ctx, q.Connection, q.Organisation)
	if err != nil {
		return nil, err
	}
	return ControlDisconnected{done.Organisations, done.Untold}, nil
}

func (s *Server) commandSecretRotate(ctx context.Context, _ struct{}) (any, error) {
	return struct{}{}, s.RotateSecret(ctx)
}

func (s *Server) commandStop(context.Context, struct{}) (any, error) {
	s.cfg.Stop() // the answer still goes out: the shutdown waits for requests under way
	return struct{}{}, nil
}
