package xero

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"financial-command-center/assets/words"
)

// DisconnectResult says what Disconnect did, and what Xero could not be told yet (it
// is told again while FCC runs, also after a restart).
type DisconnectResult struct {
	Connection    string
	Organisations []Organisation // no longer reached
	Untold        []string       // sentences for a person
}

// Disconnect ends a sign-in: its organisations are disconnected at Xero, the
// grant revoked, then forgotten. With a tenantID only that organisation is
// disconnected and nothing revoked. An empty id means the only connection there
// is, CodeBadRequest when there are several. CodeNotFound when there is no such
// connection or organisation.
func (c *Connections) Disconnect(ctx context.Context, id, tenantID string) (DisconnectResult, error) {
	s, err := c.toDisconnect(id, tenantID)
	if err != nil {
		return DisconnectResult{}, err
	}
	if !c.begin() {
		return DisconnectResult{}, &Error{Problem: problem(CodeUnreachable, words.Say("xero.stopping.message"), words.Say("xero.stopping.disconnect"))}
	}
	defer c.work.Done()
	// What is begun is finished, whoever stops waiting.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if tenantID != "" {
		return s.disconnectOne(ctx, tenantID)
	}
	result, err := s.disconnectAll(ctx)
	if err != nil {
		result.Untold = append(result.Untold, words.Say("xero.disconnect.untold", "Message", apiError(err).Message))
	}
	return result, nil
}

// DisconnectAll ends every sign-in there is, as Disconnect does, and tells Xero now
// of those that were disconnected before and that it could not be told of. It
// waits until the keychain was read: when ctx ends before, it fails with
// CodeKeystoreUnavailable. Untold says why Xero was not told, once for each sign-in.
func (c *Connections) DisconnectAll(ctx context.Context) ([]DisconnectResult, error) {
	for status := range c.Watch(ctx) {
		if status.State != Starting {
			break
		}
	}
	c.mu.Lock()
	all, leaving, elsewhere := slices.Clone(c.sessions), slices.Clone(c.leaving), c.elsewhere
	loaded, starting := c.loaded, startingProblem(c.problem)
	c.mu.Unlock()
	if !loaded || !c.begin() {
		return nil, &Error{Problem: starting}
	}
	defer c.work.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	results := make([]DisconnectResult, len(all)+len(leaving))
	var working sync.WaitGroup
	for i, s := range append(all, leaving...) {
		working.Go(func() {
			result, err := DisconnectResult{Connection: s.id}, error(nil)
			if i < len(all) {
				result, err = s.disconnectAll(ctx)
			} else {
				err = s.farewell(ctx)
			}
			if err != nil {
				result.Untold = []string{apiError(err).Message}
			}
			results[i] = result
		})
	}
	working.Wait()
	for id, issuer := range elsewhere {
		results = append(results, DisconnectResult{Connection: id, Untold: []string{words.Say("xero.disconnect.elsewhere", "Issuer", issuer)}})
	}
	return results, nil
}

func (c *Connections) toDisconnect(id, tenantID string) (*Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var fit []*Session
	for _, s := range c.sessions {
		if (id == "" || s.id == id) && (tenantID == "" || s.reachesLocked(tenantID)) {
			fit = append(fit, s)
		}
	}
	switch {
	case !c.loaded:
		return nil, &Error{Problem: startingProblem(c.problem)}
	case len(c.sessions) == 0:
		return nil, &Error{Problem: problem(CodeNotFound, words.Say("xero.disconnect.nobody"), words.Say("xero.disconnect.nobody-action"))}
	case len(fit) == 0:
		return nil, &Error{Problem: problem(CodeNotFound, words.Say("xero.disconnect.missing"), words.Say("xero.disconnect.missing-action"))}
	case len(fit) > 1:
		return nil, &Error{Problem: problem(CodeBadRequest, words.Say("xero.disconnect.several"), words.Say("xero.disconnect.several-action"))}
	}
	return fit[0], nil
}

// disconnectOne ends one organisation, and changes nothing when Xero cannot be told.
func (s *Session) disconnectOne(ctx context.Context, tenantID string) (DisconnectResult, error) {
	found, err := s.organisations(ctx, s.Transport())
	if err != nil {
		return DisconnectResult{}, apiError(err)
	}
	at := slices.IndexFunc(found, func(o Organisation) bool { return strings.EqualFold(o.TenantID, tenantID) })
	result := DisconnectResult{Connection: s.id}
	if at >= 0 {
		if err := s.deleteConnection(ctx, found[at].ConnectionID); err != nil {
			return DisconnectResult{}, apiError(err)
		}
		result.Organisations = found[at : at+1]
	}
	s.look(ctx)
	return result, nil
}

// apiError makes an Error of what organisations, deleteConnection or farewell said.
func apiError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if isKeystore(err) {
		return keystoreError(err)
	}
	if RefusedApp(err) != "" {
		return &Error{Problem: refusedApp(err), Err: err}
	}
	return unreachable(err)
}

// deleteConnection ends the link between app and organisation at Xero. One that is
// gone already is no error.
func (s *Session) deleteConnection(ctx context.Context, id string) error {
	resp, err := s.call(ctx, s.Transport(), http.MethodDelete, "/connections/"+url.PathEscape(id))
	if err != nil {
		return err
	}
	resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK, http.StatusNoContent, http.StatusNotFound:
		return nil
	}
	return &answerError{status: resp.StatusCode, retryAfter: retryAfter(resp.Header)}
}

// disconnectAll tells Xero while there is a token to tell it with, then takes the
// session out of sight. What could not be told stays in the keychain, marked, until
// it is; the error says why.
func (s *Session) disconnectAll(ctx context.Context) (DisconnectResult, error) {
	result := DisconnectResult{Connection: s.id}
	s.set.mu.Lock()
	result.Organisations = slices.Clone(s.profile.Organisations)
	damaged := s.grant.RefreshToken == ""
	s.set.mu.Unlock()
	if damaged {
		result.Untold = append(result.Untold, words.Say("xero.disconnect.damaged"))
	}
	if found, err := s.organisations(ctx, s.Transport()); err == nil {
		if result.Organisations == nil {
			result.Organisations = found
		}
		for _, o := range found {
			if err := s.deleteConnection(ctx, o.ConnectionID); err != nil {
				s.set.log.Warn("organisation not disconnected at Xero", "connection", s.id, "err", err)
			}
		}
	}
	s.leave(ctx)
	err := s.farewell(ctx)
	if err != nil {
		s.set.log.Warn("Xero was not told of a disconnect; trying again", "connection", s.id, "err", err)
		s.set.mu.Lock()
		s.nextTry = time.Now().Add(backoff(s.failures))
		s.set.mu.Unlock()
		s.nudge()
	}
	return result, err
}

// leave takes the session out of the set that others see and notes that in the
// keychain before Xero is told: whatever ends FCC now, the disconnect goes on at
// the next start.
func (s *Session) leave(ctx context.Context) {
	c := s.set
	c.accepting.Lock() // a sign-in renews this session, or finds it gone
	c.mu.Lock()
	c.sessions = slices.DeleteFunc(c.sessions, func(other *Session) bool { return other == s })
	c.leaving = append(c.leaving, s)
	s.grant.Leaving, s.failures = true, 0
	s.nextTry = time.Now().Add(longestSleep)
	s.access = access{}
	c.publishLocked()
	c.mu.Unlock()
	c.accepting.Unlock()
	if err := c.save(context.WithoutCancel(ctx), s); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		s.unsavedLocked(err)
	}
}

// farewell revokes the grant, which at Xero also ends its connections
// (github.com/XeroAPI/Xero-Java, README), and forgets it. Revoking is RFC 7009: a
// token that is unknown already is answered with 200. A person who has signed in
// anew since would lose these connections again; then the old grant is forgotten
// only, and so it is when its 60 days are over.
func (s *Session) farewell(ctx context.Context) error {
	c := s.set
	c.mu.Lock()
	r := s.renewal // the last: a session that leaves begins no other
	c.mu.Unlock()
	if r != nil {
		select {
		case <-r.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.mu.Lock()
	g := s.grant
	again := slices.ContainsFunc(c.sessions, func(other *Session) bool {
		return other.grant.sameOwner(g.Issuer, g.ClientID, g.Subject)
	})
	c.mu.Unlock()
	if g.RefreshToken != "" && !again {
		if err := c.revoke(ctx, g); err != nil && !deadGrant(err) && time.Now().Before(g.renewBy()) {
			return err
		}
	}
	if err := c.forget(ctx, s); err != nil {
		return err
	}
	if c.cfg.Forget != nil {
		c.cfg.Forget(ctx, s.id)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaving = slices.DeleteFunc(c.leaving, func(other *Session) bool { return other == s })
	s.stop()
	return nil
}

func (c *Connections) revoke(ctx context.Context, g grant) error {
	issuer, err := c.issuer(ctx)
	if err != nil || issuer.endpoints.Revocation == "" {
		return err
	}
	secret, err := c.secretFor(ctx, g.ClientID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	resp, err := c.postForm(ctx, issuer.endpoints.Revocation, g.ClientID, secret, url.Values{
		"token": {g.RefreshToken}, "token_type_hint": {"refresh_token"},
	})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, tokenAnswerLimit))
	if err != nil {
		return err
	}
	_, err = parseAnswer(resp, body)
	return err
}

// leaveStep tries a farewell that failed, when it is due.
func (s *Session) leaveStep(ctx context.Context, now time.Time) {
	s.set.mu.Lock()
	due := !now.Before(s.nextTry)
	s.set.mu.Unlock()
	if !due {
		return
	}
	err := s.farewell(ctx)
	if err == nil {
		s.set.log.Info("Xero was told of a disconnect", "connection", s.id)
		return
	}
	s.set.mu.Lock()
	defer s.set.mu.Unlock()
	s.failures++
	pause := min(10*backoff(s.failures), settingPause)
	if RefusedApp(err) != "" {
		pause = time.Hour
	}
	s.nextTry = now.Add(pause)
}
