package xerosim

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// Approve does what the first person does at the consent page: it opens
// authorizeURL, ticks the organisations (by name or tenant id; all that the
// person reaches if none is named) and presses "Allow access". It returns the
// address that the browser is sent back to. A login_hint in authorizeURL makes
// another person of it.
func (s *Sim) Approve(authorizeURL string, organisations ...string) (callbackURL string, err error) {
	return s.visit(authorizeURL, "allow", organisations)
}

// Deny opens authorizeURL as Approve does, and presses "Cancel".
func (s *Sim) Deny(authorizeURL string) (callbackURL string, err error) {
	return s.visit(authorizeURL, "cancel", nil)
}

func (s *Sim) visit(authorizeURL, press string, organisations []string) (string, error) {
	u, err := url.Parse(authorizeURL)
	if err != nil {
		return "", errors.New("simulated Xero: the authorize address is no URL") // the cause holds the state
	}
	if base := u.Scheme + "://" + u.Host; base != s.opt.Login || u.Path != authorizePath {
		return "", fmt.Errorf("simulated Xero: the authorize page is %s, not %s", s.opt.Login+authorizePath, base+u.Path)
	}
	shown, err := s.serve(httptest.NewRequest(http.MethodGet, u.String(), nil))
	if err != nil {
		return "", err
	}
	if shown.Code != http.StatusOK {
		return "", fmt.Errorf("simulated Xero: no consent page but %d: %s", shown.Code, shown.Body)
	}
	tick, err := s.tenantIDs(u.Query().Get("login_hint"), organisations)
	if err != nil {
		return "", err
	}
	form := url.Values{
		"request": {u.RawQuery}, "person": {u.Query().Get("login_hint")}, "do": {press}, "organisation": tick,
	}
	r := httptest.NewRequest(http.MethodPost, s.opt.Login+consentPath, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	pressed, err := s.serve(r)
	if err != nil {
		return "", err
	}
	if pressed.Code != http.StatusFound {
		return "", fmt.Errorf("simulated Xero: not sent back but %d: %s", pressed.Code, pressed.Body)
	}
	return pressed.Header().Get("Location"), nil
}

// serve hands r to the handler without a network.
func (s *Sim) serve(r *http.Request) (w *httptest.ResponseRecorder, err error) {
	defer func() {
		if cut := recover(); cut == http.ErrAbortHandler {
			err = errors.New("simulated Xero: the connection was cut")
		} else if cut != nil {
			panic(cut)
		}
	}()
	w = httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w, nil
}

// tenantIDs translates names, for whom email stands for. An empty name is no
// organisation.
func (s *Sim) tenantIDs(email string, names []string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.personFor(email)
	var ids []string
	for _, o := range p.organisations {
		if len(names) == 0 {
			ids = append(ids, o.tenantID)
		}
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		o, err := s.organisation(name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, o.tenantID)
	}
	return ids, nil
}

// organisation finds one by name or tenant id. The caller holds Sim.mu.
func (s *Sim) organisation(name string) (*organisation, error) {
	for _, o := range s.organisations {
		if o.name == name || strings.EqualFold(o.tenantID, name) {
			return o, nil
		}
	}
	return nil, fmt.Errorf("simulated Xero: there is no organisation %q", name)
}
