// Package xerosim is a simulated Xero: sign-in, tokens, the connections list,
// the Accounting API, a little of the others, and their troubles, over plain HTTP
// and with invented books. It is what "fcc demo" signs in to, and the far end of the tests.
//
// It behaves as Xero's public pages, SDKs and support threads say that Xero
// does; where they are silent, Unknowns chooses. Nothing in it is secret, yet
// every token, code and secret it gives out holds one of Markers, so that a
// test can look for them where none may be.
package xerosim

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Options is what a Sim is made from.
type Options struct {
	// Base URLs without a slash at the end. At Xero the login page is on
	// another host than the issuer, so that coming back from it is a cross-site
	// navigation: on one port, http://localhost:P and http://127.0.0.1:P do the
	// same. Login and API are the Issuer unless set.
	Issuer, Login, API string

	Clients []Client // the apps registered in the developer portal; at least one

	// Lives of what is given out. Zero means Xero's own: 30 minutes, 5 minutes,
	// 5 minutes, 30 minutes from the first use, 60 days from the issue
	// (developer.xero.com/faq/oauth2).
	TokenLife, IDTokenLife, CodeLife, Grace, RefreshLife time.Duration

	Seed uint64 // of the books and of all ids that a restart must not change

	// DayLimit is how many calls a day an app may make to one organisation:
	// 1,000 for a Starter app, 5,000 above. Zero means 1,000.
	DayLimit int

	// MostConnections is how many organisations the app may have connected, over
	// all people: 5 for a Starter app, 50 and more above. Zero means 5.
	MostConnections int

	// Books are more organisations, that the first person reaches. Those made up
	// are there too.
	Books []Ledger

	Unknowns
}

// Unknowns are the points on which no public source says what Xero does. The
// zero value is the likeliest behaviour. Assume changes them later.
type Unknowns struct {
	// SiblingsDie: of several refresh tokens born from one in its grace only
	// the latest lives. Otherwise all do.
	SiblingsDie bool `json:"siblings_die"`
	// SignInEndsOlder: a person's new sign-in to the same app ends the refresh
	// tokens of earlier ones. Otherwise they live on.
	SignInEndsOlder bool `json:"sign_in_ends_older"`
	// RefreshEndsAccess, RevokeEndsAccess: access tokens given out before die
	// at a refresh of the same sign-in, at a revocation. Otherwise they live
	// until they expire.
	RefreshEndsAccess bool `json:"refresh_ends_access"`
	RevokeEndsAccess  bool `json:"revoke_ends_access"`
	// RefreshOmitsIDToken: no id_token in the answer to a refresh.
	RefreshOmitsIDToken bool `json:"refresh_omits_id_token"`
	// CancelOmitsState: a cancelled consent comes back without state.
	CancelOmitsState bool `json:"cancel_omits_state"`
	// OmitNonce: the id token does not repeat the nonce.
	OmitNonce bool `json:"omit_nonce"`
	// MissingClientError is the answer to a token request without any client
	// id; invalid_client when empty.
	MissingClientError string `json:"missing_client_error"`
	// RevocationNeedsSecret: an app without a secret cannot revoke.
	RevocationNeedsSecret bool `json:"revocation_needs_secret"`
	// AllowNothing: the consent page lets a person go on with no organisation
	// ticked.
	AllowNothing bool `json:"allow_nothing"`
}

// Sim is one simulated Xero. Its methods may be called at any time by anyone.
type Sim struct {
	opt     Options
	handler http.Handler
	ahead   atomic.Int64 // nanoseconds by which Now is ahead of the machine's clock

	// mu guards all below, and what hangs on it: people, organisations, grants
	// and their connections change while the simulated Xero runs.
	mu            sync.Mutex
	unknowns      Unknowns
	clients       []*client
	people        []*person
	organisations []*organisation
	grants        []*grant

	identity identity
	journal  journal
	faults   []*Fault
	released chan struct{} // closed, and made anew, by Release
	dateSkew time.Duration

	api api
}

// New checks opt and makes a Sim of it. It opens nothing and starts nothing.
func New(opt Options) (*Sim, error) {
	opt.Login = cmp.Or(opt.Login, opt.Issuer)
	opt.API = cmp.Or(opt.API, opt.Issuer)
	for _, base := range []string{opt.Issuer, opt.Login, opt.API} {
		if u, err := url.Parse(base); err != nil || u.Host == "" || u.Path != "" {
			return nil, fmt.Errorf("simulated Xero: %q is no base URL like http://localhost:9000", base)
		}
	}
	opt.TokenLife = cmp.Or(opt.TokenLife, 30*time.Minute)
	opt.IDTokenLife = cmp.Or(opt.IDTokenLife, 5*time.Minute)
	opt.CodeLife = cmp.Or(opt.CodeLife, 5*time.Minute)
	opt.Grace = cmp.Or(opt.Grace, 30*time.Minute)
	opt.RefreshLife = cmp.Or(opt.RefreshLife, 60*24*time.Hour)

	s := &Sim{opt: opt, unknowns: opt.Unknowns, released: make(chan struct{})}
	if len(opt.Clients) == 0 {
		return nil, errors.New("simulated Xero: no client")
	}
	for _, c := range opt.Clients {
		known, err := register(c)
		if err != nil {
			return nil, fmt.Errorf("simulated Xero: client %s: %w", c.ID, err)
		}
		s.clients = append(s.clients, known)
	}
	if err := s.settle(opt.Seed); err != nil {
		return nil, err
	}
	s.identity.open()
	s.journal.open()
	if err := s.openAPI(); err != nil {
		return nil, fmt.Errorf("simulated Xero: %w", err)
	}
	s.handler = s.routes()
	return s, nil
}

// Handler answers for all hosts of the simulated Xero: identity, login page,
// API and controls are told apart by path.
func (s *Sim) Handler() http.Handler { return s.handler }

func (s *Sim) routes() http.Handler {
	xero := http.NewServeMux()
	s.routesIdentity(xero)
	s.routesAPI(xero)

	all := http.NewServeMux()
	all.Handle("/", s.recorded(xero))
	s.routesControl(all)
	// A page elsewhere must not press this one's buttons.
	return http.NewCrossOriginProtection().Handler(all)
}

// Now is the simulated Xero's time.
func (s *Sim) Now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// Advance moves the simulated Xero's clock on by d, or back. The machine's own
// clock stays, so to others Xero's clock is wrong from then on.
func (s *Sim) Advance(d time.Duration) { s.ahead.Add(int64(d)) }

// Unknowns is what the simulated Xero assumes now.
func (s *Sim) Unknowns() Unknowns {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unknowns
}

// Assume changes what the simulated Xero does where Xero is unknown.
func (s *Sim) Assume(u Unknowns) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unknowns = u
}
