package xerosim

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// verifierForm is RFC 7636 4.1's.
var verifierForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// A tokenAnswer is what a code or refresh token is exchanged for.
type tokenAnswer struct {
	IDToken      string `json:"id_token,omitempty"`
	AccessToken  string `json:"access_token"`
	ExpiresIn    int64  `json:"expires_in"`
	TokenType    string `json:"token_type"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
}

func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store, no-cache, max-age=0")
	_ = r.ParseForm() // a bad body has no grant_type
	answer, wrong := s.tokenFor(r)
	if wrong != "" {
		tokenError(w, wrong)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Sim) tokenFor(r *http.Request) (tokenAnswer, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var exchange func(*client, url.Values) (tokenAnswer, string)
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		exchange = s.exchange
	case "refresh_token":
		exchange = s.renew
	default:
		return tokenAnswer{}, "unsupported_grant_type"
	}
	c, wrong := s.authenticate(r)
	if wrong != "" {
		return tokenAnswer{}, wrong
	}
	return exchange(c, r.PostForm)
}

// tokenError is all that Xero says of a refusal: no description.
func tokenError(w http.ResponseWriter, wrong string) {
	writeJSON(w, http.StatusBadRequest, map[string]string{"error": wrong})
}

// authenticate finds the app that sent r, or the error it gets. An app without
// a secret names itself in the body and must send no Authorization header; one
// with a secret sends it either way. The caller has parsed the form, and holds
// Sim.mu.
func (s *Sim) authenticate(r *http.Request) (c *client, wrong string) {
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	basicID, basicSecret, basic := r.BasicAuth()
	if basic {
		// Both were form-encoded first (RFC 6749 2.3.1).
		id, _ = url.QueryUnescape(basicID)
		secret, _ = url.QueryUnescape(basicSecret)
	}
	c = s.client(id)
	switch {
	case id == "":
		return nil, cmp.Or(s.unknowns.MissingClientError, "invalid_client")
	case c == nil, c.Secret == "" && basic, !same(c.Secret, secret):
		return nil, "invalid_client"
	}
	return c, ""
}

func (s *Sim) client(id string) *client {
	if i := slices.IndexFunc(s.clients, func(c *client) bool { return c.ID == id }); i >= 0 {
		return s.clients[i]
	}
	return nil
}

// exchange takes a code, which is spent by the first who shows it. The caller
// holds Sim.mu.
func (s *Sim) exchange(c *client, form url.Values) (tokenAnswer, string) {
	value := form.Get("code")
	code := s.identity.codes[value]
	if code == nil || code.signIn.grant.client != c {
		return tokenAnswer{}, "invalid_grant"
	}
	delete(s.identity.codes, value)
	verifier := form.Get("code_verifier")
	sum := sha256.Sum256([]byte(verifier))
	switch {
	case !s.Now().Before(code.expires), form.Get("redirect_uri") != code.redirect:
		return tokenAnswer{}, "invalid_grant"
	case code.challenge == "" && verifier == "":
	case !verifierForm.MatchString(verifier),
		!same(base64.RawURLEncoding.EncodeToString(sum[:]), code.challenge):
		return tokenAnswer{}, "invalid_grant"
	}
	if s.unknowns.SignInEndsOlder {
		for _, t := range s.identity.refresh {
			t.signIn.dead = t.signIn.dead || t.signIn.grant == code.signIn.grant
		}
	}
	answer := s.mint(code.signIn, nil)
	if slices.Contains(code.signIn.scopes, "openid") {
		nonce := code.signIn.nonce
		if s.unknowns.OmitNonce {
			nonce = ""
		}
		answer.IDToken = s.idToken(code.signIn, answer.AccessToken, nonce)
	}
	return answer, ""
}

// renew takes a refresh token. From its first use it is good for Grace more,
// as often as it is shown. The caller holds Sim.mu.
func (s *Sim) renew(c *client, form url.Values) (tokenAnswer, string) {
	now := s.Now()
	t := s.identity.refresh[form.Get("refresh_token")]
	switch {
	case t == nil, t.signIn.grant.client != c, t.dead, t.signIn.dead,
		!now.Before(t.issued.Add(s.opt.RefreshLife)),
		!t.used.IsZero() && !now.Before(t.used.Add(s.opt.Grace)):
		return tokenAnswer{}, "invalid_grant"
	}
	if t.used.IsZero() {
		t.used = now
	}
	if s.unknowns.SiblingsDie {
		t.endChildren()
	}
	for _, a := range s.identity.accesses {
		a.dead = a.dead || s.unknowns.RefreshEndsAccess && a.signIn == t.signIn
	}
	answer := s.mint(t.signIn, t)
	if slices.Contains(t.signIn.scopes, "openid") && !s.unknowns.RefreshOmitsIDToken {
		answer.IDToken = s.idToken(t.signIn, answer.AccessToken, "")
	}
	return answer, ""
}

func (t *refreshToken) endChildren() {
	for _, child := range t.children {
		child.dead = true
		child.endChildren()
	}
}

// mint gives out an access token and, if allowed, a refresh token born of
// parent. Their scope is all that the person had allowed the app when signing
// in, be it more than was asked for. The caller holds Sim.mu.
func (s *Sim) mint(in *signIn, parent *refreshToken) tokenAnswer {
	now, g := s.Now(), in.grant
	a := &access{grant: g, signIn: in, scopes: in.scopes, expires: now.Add(s.opt.TokenLife)}
	claims := accessClaims{
		ID:        newID(),
		NotBefore: now.Add(s.identity.nbfSkew).Unix(),
		Expires:   a.expires.Add(s.identity.nbfSkew).Unix(),
		Issuer:    s.opt.Issuer, Audience: s.opt.Issuer + "/resources", ClientID: g.client.ID,
		Subject: g.person.sub, UserID: g.person.userID, AuthTime: in.at.Unix(),
		GlobalSession: in.globalSession, AuthEvent: in.authEventID,
		Scope: a.scopes, Methods: []string{"pwd", "mfa", "otp"},
	}
	s.identity.accesses[claims.ID] = a
	answer := tokenAnswer{
		AccessToken: s.signer().sign(claims),
		ExpiresIn:   int64(s.opt.TokenLife / time.Second),
		TokenType:   "Bearer",
		Scope:       strings.Join(in.scopes, " "),
	}
	if slices.Contains(in.scopes, "offline_access") {
		t := &refreshToken{signIn: in, issued: now}
		if parent != nil {
			parent.children = append(parent.children, t)
		}
		answer.RefreshToken = newSecret("refresh")
		s.identity.refresh[answer.RefreshToken] = t
	}
	return answer
}

// idToken says who signed in, for the app. The caller holds Sim.mu.
func (s *Sim) idToken(in *signIn, accessToken, nonce string) string {
	now, p := s.Now().Add(s.identity.nbfSkew), in.grant.person
	claims := idClaims{
		Session: in.session, NotBefore: now.Unix(), IssuedAt: now.Unix(), Expires: now.Add(s.opt.IDTokenLife).Unix(),
		Issuer: s.opt.Issuer, Audience: in.grant.client.ID, AccessHash: atHash(accessToken), Nonce: nonce,
		Subject: p.sub, UserID: p.userID, AuthTime: in.at.Unix(), GlobalSession: in.globalSession,
		PreferredName: p.email, Methods: []string{"pwd", "mfa", "otp"},
	}
	if slices.Contains(in.scopes, "email") {
		claims.Email = p.email
	}
	if slices.Contains(in.scopes, "profile") {
		claims.GivenName, claims.FamilyName = p.given, p.family
	}
	return s.signer().sign(claims)
}

// signer is the newest key. The caller holds Sim.mu.
func (s *Sim) signer() *signingKey { return s.identity.keys[len(s.identity.keys)-1] }

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
