package xerosim

import (
	"fmt"
	"strings"
)

// What happens at Xero without the app being told. In all of it the tokens stay
// good and renewal goes on.

// Disconnect ends the connections to an organisation (by name or tenant id), as
// a person does in Xero's own pages.
func (s *Sim) Disconnect(organisation string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organisation(organisation)
	if err != nil {
		return err
	}
	s.disconnect(o)
	return nil
}

// disconnect ends all connections to o. The caller holds Sim.mu.
func (s *Sim) disconnect(o *organisation) {
	for _, g := range s.grants {
		for _, c := range g.connections {
			if c.organisation == o {
				c.ended = true
			}
		}
	}
}

// ResetDemo gives an organisation a new tenant id and fresh books, as happens to
// Xero's demo company every 28 days. Connections to the old one end.
func (s *Sim) ResetDemo(organisation string) (tenantID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organisation(organisation)
	if err != nil {
		return "", err
	}
	s.disconnect(o)
	o.tenantID = newGUID()
	return o.tenantID, nil
}

// SetReports gives a person's role the reports, or takes them away.
func (s *Sim) SetReports(email string, may bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.person(email)
	if err != nil {
		return err
	}
	p.noReports = !may
	return nil
}

// RevokeGrant ends all sign-ins of a person, of everybody when email is empty:
// the refresh tokens get invalid_grant from then on. Connections go too.
func (s *Sim) RevokeGrant(email string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if email != "" {
		if _, err := s.person(email); err != nil {
			return err
		}
	}
	for _, t := range s.identity.refresh {
		if email == "" || strings.EqualFold(t.signIn.grant.person.email, email) {
			s.end(t.signIn)
		}
	}
	return nil
}

// person finds one by e-mail address. The caller holds Sim.mu.
func (s *Sim) person(email string) (*person, error) {
	for _, p := range s.people {
		if strings.EqualFold(p.email, email) {
			return p, nil
		}
	}
	return nil, fmt.Errorf("simulated Xero: there is no person %q", email)
}
