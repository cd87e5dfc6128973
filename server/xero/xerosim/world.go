package xerosim

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A person has a Xero login.
type person struct {
	sub, userID          string // 32 hex digits, GUID
	given, family, email string
	organisations        []*organisation
	noReports            bool // the role was set to "no reports": 403 on reports
}

func (p *person) name() string { return p.given + " " + p.family }

// An organisation is one set of books.
type organisation struct {
	tenantID string // a demo reset gives it a new one
	name     string
	kind     string   // tenantType, ORGANISATION
	profile  *profile // what its books are made from; nil for what has none

	otherApps int // uncertified apps of others that are connected to it
}

// A connection lets one app see one organisation by one person's leave. It
// keeps its id and place when it is ended and made again.
type connection struct {
	id           string
	organisation *organisation
	tenantID     string // the organisation's at the time
	authEventID  string // the sign-in that made it, or made it again
	created      time.Time
	updated      time.Time
	ended        bool // by the app, by the person in Xero's pages, by a demo reset
}

// A grant is what one person allows one app, over all sign-ins: scopes and
// connections only ever add up, until a revocation.
type grant struct {
	client *client
	person *person
	scopes []string

	connections []*connection // in the order of their ids, which means nothing
}

// live yields the connections that are not ended. The caller holds Sim.mu.
func (g *grant) live() []*connection {
	return slices.DeleteFunc(slices.Clone(g.connections), func(c *connection) bool { return c.ended })
}

// connect makes or renews the connection to o. The caller holds Sim.mu.
func (g *grant) connect(o *organisation, authEventID string, now time.Time) {
	for _, c := range g.connections {
		if c.organisation == o && c.tenantID == o.tenantID {
			c.authEventID, c.updated, c.ended = authEventID, now, false
			return
		}
	}
	g.connections = append(g.connections, &connection{
		id: newGUID(), organisation: o, tenantID: o.tenantID,
		authEventID: authEventID, created: now, updated: now,
	})
	slices.SortFunc(g.connections, func(a, b *connection) int { return strings.Compare(a.id, b.id) })
}

// settle makes the people and organisations that are there from the start.
func (s *Sim) settle(seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	for _, p := range profiles {
		s.organisations = append(s.organisations,
			&organisation{tenantID: seededGUID(r), name: p.name, kind: "ORGANISATION", profile: p})
	}
	joinery, café, kauri := s.organisations[0], s.organisations[1], s.organisations[2]
	s.people = []*person{
		{given: "Aroha", family: "Ngata", email: "aroha@example.com", organisations: []*organisation{joinery, café, kauri}},
		{given: "Ben", family: "O’Leary", email: "ben@example.com", organisations: []*organisation{café, kauri}},
	}
	for _, p := range s.people {
		p.userID = seededGUID(r)
		p.sub = strings.ReplaceAll(seededGUID(r), "-", "")
	}
	for _, l := range s.opt.Books {
		if _, err := s.organisation(l.Name); err == nil {
			return fmt.Errorf("simulated Xero: there are two organisations %q", l.Name)
		}
		p, err := l.profile(s.Now())
		if err != nil {
			return err
		}
		o := &organisation{tenantID: seededGUID(r), name: p.name, kind: "ORGANISATION", profile: p}
		s.organisations = append(s.organisations, o)
		s.people[0].organisations = append(s.people[0].organisations, o)
	}
	return nil
}

// Organisation is one of the simulated Xero's organisations.
type Organisation struct{ TenantID, Name string }

// Organisations lists those there are: a joinery, a café, a big one, and those of
// Options.Books.
func (s *Sim) Organisations() []Organisation {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Organisation
	for _, o := range s.organisations {
		list = append(list, Organisation{o.tenantID, o.name})
	}
	return list
}

// Person is one of the simulated Xero's logins.
type Person struct{ Name, Email, UserID string }

// People lists who can sign in. The first does unless another is asked for, and
// reaches all organisations; the second reaches the café and the big one.
func (s *Sim) People() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Person
	for _, p := range s.people {
		list = append(list, Person{p.name(), p.email, p.userID})
	}
	return list
}

// seededGUID is the next version 4 GUID of r, the same for the same seed.
func seededGUID(r *rand.Rand) string {
	var b [16]byte
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return guid(b)
}

func guid(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
