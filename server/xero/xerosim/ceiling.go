package xerosim

import (
	"cmp"
	"fmt"
	"slices"
)

// Xero's ceilings of apps that are not certified (developer.xero.com/faq/
// pricing-and-policy-updates): so many organisations connected to an app, and two
// such apps connected to an organisation. Both end at a page of Xero's own, and
// the app is told nothing.
const (
	starterConnections = 5
	mostUncertified    = 2
)

// connected are the organisations that anybody connected to an app, by tenant id.
// The caller holds Sim.mu.
func (s *Sim) connected(c *client) map[string]bool {
	all := map[string]bool{}
	for _, g := range s.grants {
		if g.client == c {
			for _, one := range g.live() {
				if one.organisation.kind == "ORGANISATION" {
					all[one.tenantID] = true
				}
			}
		}
	}
	return all
}

func (s *Sim) mostConnections() int { return cmp.Or(s.opt.MostConnections, starterConnections) }

// full is what Xero says before a person can pick anything
// (community.xero.com/developer/discussion/124574507). Who has something
// connected goes on, as Xero's FAQ says of consent that is given again.
func (s *Sim) full(c *client, p *person) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.grant(c, p).live()) > 0 || len(s.connected(c))+c.elsewhere < s.mostConnections() {
		return ""
	}
	return tooMany(c)
}

func tooMany(c *client) string {
	return c.Name + " has reached its connection limit. It needs to complete certification before it can connect to more Xero organisations"
}

// exceeded is what Xero says of the organisations that a person ticked.
func (s *Sim) exceeded(c *client, p *person, tenantIDs []string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.connected(c)
	before := len(all)
	for _, o := range p.organisations {
		if !slices.Contains(tenantIDs, o.tenantID) || all[o.tenantID] {
			continue
		}
		all[o.tenantID] = true
		apps := o.otherApps
		for _, other := range s.clients {
			if other != c && s.connected(other)[o.tenantID] {
				apps++
			}
		}
		if apps >= mostUncertified {
			return fmt.Sprintf("%s is already connected to %d uncertified apps. Disconnect one before you connect %s", o.name, apps, c.Name)
		}
	}
	if len(all) > before && len(all)+c.elsewhere > s.mostConnections() {
		return tooMany(c)
	}
	return ""
}

// ConnectElsewhere makes so many organisations of people elsewhere count as
// connected to every app.
func (s *Sim) ConnectElsewhere(organisations int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		c.elsewhere = organisations
	}
}

// ConnectOtherApps makes an organisation (by name or tenant id) have so many
// uncertified apps of others.
func (s *Sim) ConnectOtherApps(organisation string, apps int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organisation(organisation)
	if err != nil {
		return err
	}
	o.otherApps = apps
	return nil
}
