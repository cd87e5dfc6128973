package xerosim

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Paths of the identity half. Those below /identity/ belong to the login host.
const (
	discoveryPath  = "/.well-known/openid-configuration"
	jwksPath       = "/.well-known/openid-configuration/jwks"
	authorizePath  = "/identity/connect/authorize"
	consentPath    = "/identity/consent"
	tokenPath      = "/connect/token"
	revocationPath = "/connect/revocation"
	userinfoPath   = "/connect/userinfo"
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
	scopes        []string // all that the person had allowed the app by then
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

func (s *Sim) routesIdentity(mux *http.ServeMux) {
	mux.HandleFunc("GET "+discoveryPath, s.discovery)
	mux.HandleFunc("GET "+jwksPath, s.jwks)
	mux.HandleFunc("GET "+authorizePath, s.authorize)
	mux.HandleFunc("POST "+consentPath, s.consent)
	mux.HandleFunc("POST "+tokenPath, s.token)
	mux.HandleFunc("POST "+revocationPath, s.revocation)
	mux.HandleFunc("GET "+userinfoPath, s.userinfo)
}

// discovery says what is known of the real document. Like Xero's it names no
// registration endpoint, and an authorize page on another host.
func (s *Sim) discovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                s.opt.Issuer,
		"authorization_endpoint":                s.opt.Login + authorizePath,
		"token_endpoint":                        s.opt.Issuer + tokenPath,
		"userinfo_endpoint":                     s.opt.Issuer + userinfoPath,
		"revocation_endpoint":                   s.opt.Issuer + revocationPath,
		"jwks_uri":                              s.opt.Issuer + jwksPath,
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token"},
		"subject_types_supported":               []string{"public"},
		"scopes_supported":                      identityScopes,
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"code_challenge_methods_supported":      []string{"S256"},
	})
}

// jwks publishes the signing key, and those before it.
func (s *Sim) jwks(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	keys := slices.Clone(s.identity.keys)
	s.mu.Unlock()
	var set jose.JSONWebKeySet
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.public, KeyID: k.kid, Algorithm: "RS256", Use: "sig"})
	}
	writeJSON(w, http.StatusOK, set)
}

// userinfo says who signed in.
func (s *Sim) userinfo(w http.ResponseWriter, r *http.Request) {
	a, err := s.grantOf(r)
	if err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer error=invalid_token")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	p := a.person
	writeJSON(w, http.StatusOK, map[string]string{
		"sub": p.sub, "xero_userid": p.userID, "preferred_username": p.email, "email": p.email,
		"name": p.name(), "given_name": p.given, "family_name": p.family,
	})
}

// revocation ends the sign-in of a refresh token, and with it all connections
// of this person to this app (Xero-Java and xero-ruby READMEs). An unknown token
// is answered alike (RFC 7009 2.2).
func (s *Sim) revocation(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	if wrong := s.revoke(r); wrong != "" {
		tokenError(w, wrong)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Sim) revoke(r *http.Request) (wrong string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, wrong := s.authenticate(r)
	switch t := s.identity.refresh[r.PostForm.Get("token")]; {
	case wrong != "":
		return wrong
	case c.Secret == "" && s.unknowns.RevocationNeedsSecret:
		return "invalid_client"
	case t != nil && t.signIn.grant.client == c:
		s.end(t.signIn)
	}
	return ""
}

// end revokes a sign-in. The caller holds Sim.mu.
func (s *Sim) end(in *signIn) {
	in.dead = true
	in.grant.scopes = nil
	for _, c := range in.grant.connections {
		c.ended = true
	}
	for _, a := range s.identity.accesses {
		a.dead = a.dead || s.unknowns.RevokeEndsAccess && a.grant == in.grant
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own plain values
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
