package xero

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// /connections of a firm with thousands of clients is a few MB.
	connectionsLimit = 16 << 20
	// The organisations are asked for again this long after it failed, or after an
	// answer said 403.
	lookPause = time.Minute
)

// tenant is one element of the array that GET /connections answers
// (github.com/XeroAPI/Xero-OpenAPI, xero-identity.yaml).
type tenant struct {
	ID       string `json:"id"` // of the link, for DELETE
	TenantID string `json:"tenantId"`
	Type     string `json:"tenantType"` // ORGANISATION, or a practice
	Name     string `json:"tenantName"`
}

// organisations asks Xero what this session reaches. An empty list is a good
// answer: signed in, nothing connected.
func (s *Session) organisations(ctx context.Context, way http.RoundTripper) ([]Organisation, error) {
	resp, err := s.call(ctx, way, http.MethodGet, "/connections")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, &answerError{status: resp.StatusCode, retryAfter: retryAfter(resp.Header)}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, connectionsLimit))
	if err != nil {
		return nil, err
	}
	var tenants []tenant
	if err := json.Unmarshal(body, &tenants); err != nil {
		return nil, &answerError{status: resp.StatusCode, detail: errors.New("not a list of connections")}
	}
	found := []Organisation{}
	for _, t := range tenants {
		if t.Type == "ORGANISATION" {
			found = append(found, Organisation{TenantID: t.TenantID, Name: t.Name, ConnectionID: t.ID})
		}
	}
	sortOrganisations(found)
	return found, nil
}

// call sends a request without a body to the API's own paths.
func (s *Session) call(ctx context.Context, way http.RoundTripper, method, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(s.set.cfg.API, "/")+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	return way.RoundTrip(req)
}

// look asks for the organisations and publishes them. One that is gone is gone; no
// other takes its place. A refused token is not renewed for it: a look follows
// every renewal, and the two would chase each other.
func (s *Session) look(ctx context.Context) {
	s.set.mu.Lock()
	s.looked = time.Now()
	s.looks++
	this := s.looks
	s.set.mu.Unlock()
	calling, cancel := context.WithTimeout(ctx, patience)
	found, err := s.organisations(calling, (*once)(s))
	cancel()
	s.set.mu.Lock()
	if s.grant.Leaving || this < s.shown {
		s.set.mu.Unlock() // too late, or older than what is shown
		return
	}
	s.lookFailed = err != nil
	if err != nil {
		s.set.mu.Unlock()
		if ctx.Err() == nil {
			s.set.log.Warn("organisations not read", "connection", s.id, "err", err)
		}
		return
	}
	s.shown = this
	changed := s.profile.Organisations == nil || !slices.Equal(found, s.profile.Organisations)
	s.profile.Organisations = found
	s.set.publishLocked()
	s.set.mu.Unlock()
	if changed {
		s.remember(ctx)
	}
}

// remember keeps who it is and what is reached for a start without a network.
func (s *Session) remember(ctx context.Context) {
	if s.set.cfg.Remember == nil {
		return
	}
	s.set.mu.Lock()
	p := s.profile
	s.set.mu.Unlock()
	s.set.cfg.Remember(ctx, s.id, p)
}

// lookAgain has the loop ask for the organisations after a 403, which may mean
// that one was disconnected at Xero; at most once in lookPause.
func (s *Session) lookAgain() {
	s.set.mu.Lock()
	due := time.Since(s.looked) > lookPause
	if due {
		s.lookFailed = true
		s.looked = time.Time{}
	}
	s.set.mu.Unlock()
	if due {
		s.nudge()
	}
}
