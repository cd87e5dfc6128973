package xerosim

import (
	"encoding/json"
	"net/http"
	"time"
)

// identity is what identity.xero.com keeps, behind Sim.mu.
type identity struct {
	keys     []*signingKey // the last one signs
	codes    map[string]*code
	refresh  map[string]*refreshToken
	accesses map[string]*access // by jti
	nbfSkew  time.Duration
}

func (i *identity) open() {
	i.keys = []*signingKey{keyNumber(0)}
	i.codes = map[string]*code{}
	i.refresh = map[string]*refreshToken{}
	i.accesses = map[string]*access{}
}

// A signIn is one consent and all tokens that come of it.
type signIn struct {
	grant         *grant
	authEventID   string
	session       string // sid
	globalSession string
	nonce         string
	at            time.Time
	dead          bool // its refresh tokens are no good any more
}

// A code is the authorization code of a sign-in.
type code struct {
	signIn    *signIn
	redirect  string
	challenge string // S256; empty where a Web app sent none
	expires   time.Time
}

// A refreshToken is good until RefreshLife after its issue, and once used for
// Grace more.
type refreshToken struct {
	signIn   *signIn
	issued   time.Time
	used     time.Time // first; zero: not yet
	children []*refreshToken
	dead     bool
}

func (s *Sim) routesIdentity(mux *http.ServeMux) {}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own plain values
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
