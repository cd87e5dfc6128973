package xero

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"financial-command-center/assets/words"
	"financial-command-center/keystore"
)

// OldGrant is a sign-in that another program kept, as it was found.
type OldGrant struct {
	Issuer       string // as its tokens name it, "" where they do not: Xero's then
	ClientID     string
	Secret       keystore.Secret // of the Xero app; a PKCE app has none
	RefreshToken keystore.Secret
	// IDToken says who signed in, where a renewal does not. Optional.
	IDToken keystore.Secret
}

// Adopt takes over a sign-in that another program kept. Its refresh token is used
// once; what it buys is in the keychain before anybody can use it, and the app's
// secret with it. A connection of the same person through the same app that stands
// already goes on instead.
//
// On error what was found is to be kept: CodeUnreachable and
// CodeKeystoreUnavailable end by trying again, CodeNeedsLogin (Xero ended the
// grant) and CodeLoginFailed (it refuses the app, or did not say whose it is) do
// not. Trying again after a crash or an error finds what was taken over by then:
// its record holds the old token's fingerprint. Without a record Xero honours the
// old token for half an hour more.
func (c *Connections) Adopt(ctx context.Context, old OldGrant) (SignIn, error) {
	c.adopting.Lock()
	defer c.adopting.Unlock()
	c.mu.Lock()
	loaded, starting := c.loaded, startingProblem(c.problem)
	c.mu.Unlock()
	switch {
	case !loaded:
		return SignIn{}, &Error{Problem: starting}
	case cmp.Or(old.Issuer, XeroIssuer) != c.cfg.Issuer: // no grant is sent to another issuer
		return SignIn{}, &Error{Problem: problem(CodeLoginFailed,
			words.Say("xero.adopt.issuer", "Old", cmp.Or(old.Issuer, XeroIssuer), "Ours", c.cfg.Issuer), words.Say("xero.adopt.issuer-action"))}
	case !c.begin():
		return SignIn{}, &Error{Problem: problem(CodeUnreachable, words.Say("xero.stopping.message"), words.Say("xero.stopping.adopt"))}
	}
	defer c.work.Done()
	s, isNew, err := c.adopt(context.WithoutCancel(ctx), old) // a token that Xero has seen is a new one's price
	if err != nil {
		e := adoptError(err)
		c.log.Warn("a sign-in of another program was not taken over", "err", err)
		return SignIn{}, e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.unsaved {
		return SignIn{}, &Error{Problem: *s.shut}
	}
	c.log.Info("a sign-in of another program was taken over", "connection", s.id)
	return SignIn{Connection: s.id, New: isNew, Organisations: append([]Organisation(nil), s.profile.Organisations...)}, nil
}

func (c *Connections) adopt(ctx context.Context, old OldGrant) (s *Session, isNew bool, err error) {
	from := fingerprint(old.RefreshToken.Reveal())
	c.mu.Lock()
	for _, other := range c.sessions {
		if other.grant.From == from {
			s = other
		}
	}
	c.mu.Unlock()
	if s != nil {
		if c.isUnsaved(s) {
			s.saveAgain(ctx)
		}
		return s, false, nil
	}
	issuer, err := c.issuer(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", errUnsent, err)
	}
	secret, undo, err := c.keepSecret(ctx, old)
	if err != nil {
		return nil, false, err
	}
	got, err := c.tokenRequest(ctx, issuer.endpoints.Token, old.ClientID, secret, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {old.RefreshToken.Reveal()},
	})
	var id identity
	if err == nil {
		id, err = c.whose(ctx, issuer, old, got)
	}
	if err != nil {
		// What was bought and is nobody's is not revoked: at Xero that would end the
		// person's connections through this app too, which the older program and others
		// may use. Nobody holds it, and it ends by itself in 60 days.
		undo()
		return nil, false, err
	}
	if got.RefreshToken.IsZero() { // an issuer that does not replace them
		got.RefreshToken = old.RefreshToken
	}
	if s := c.standing(old.ClientID, id.key()); s != nil {
		return s, false, nil
	}
	s, isNew = c.accept(ctx, id, got, grant{ClientID: old.ClientID, From: from})
	s.begun(ctx)
	return s, isNew, nil
}

func (c *Connections) isUnsaved(s *Session) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.unsaved
}

// standing is this person's connection through this app, if it needs nobody.
func (c *Connections) standing(clientID, subject string) *Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sessions {
		if s.grant.sameOwner(c.cfg.Issuer, clientID, subject) && s.state != NeedsLogin {
			return s
		}
	}
	return nil
}

// keepSecret writes to the keychain, before Xero is sent anything, the app's secret,
// or in want of one the list of connections as it is: a keychain that takes no
// writes must not cost the old token. The secret that FCC has for the app counts
// more than what was found. undo takes back what was written, where the app came to
// nothing.
func (c *Connections) keepSecret(ctx context.Context, old OldGrant) (secret keystore.Secret, undo func(), err error) {
	undo = func() {}
	if secret, err = c.secretFor(ctx, old.ClientID); err != nil {
		return secret, undo, err
	}
	if !secret.IsZero() || old.Secret.IsZero() {
		c.keychain.Lock()
		defer c.keychain.Unlock()
		return secret, undo, writeIndex(ctx, c.cfg.Keystore, c.ids)
	}
	item := clientSecretItem + strings.ToLower(old.ClientID)
	if err := c.cfg.Keystore.Set(ctx, item, old.Secret); err != nil {
		return secret, undo, err
	}
	c.useSecret(old.ClientID, old.Secret)
	return old.Secret, func() {
		c.useSecret(old.ClientID, keystore.Secret{})
		if err := c.cfg.Keystore.Delete(ctx, item); err != nil {
			c.log.Warn("the secret of a Xero app that came to nothing is left in the keychain", "item", item, "err", err)
		}
	}, nil
}

// useSecret tells the app of the settings its secret, if it is that app.
func (c *Connections) useSecret(clientID string, secret keystore.Secret) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.app.ClientID == clientID {
		c.app.Secret = secret
	}
}

// whose finds out who signed in, from the best that there is: the id token of the
// renewal's answer, checked; the claims of that answer's tokens, which came from the
// token endpoint itself over TLS, where no signature is needed (OpenID Connect Core,
// section 3.1.3.7, point 6); the id token that the other program kept with the old
// token. An id token of a renewal need not have a nonce (section 12.2). A grant of
// nobody is not taken: a later sign-in could not tell that it is the same person's.
func (c *Connections) whose(ctx context.Context, i *issuer, old OldGrant, got answer) (identity, error) {
	before, _ := claimsOf(old.IDToken, i, old.ClientID)
	id, err := identity{}, error(nil)
	if !got.IDToken.IsZero() {
		id, err = c.checkIDToken(ctx, i, old.ClientID, got.IDToken)
		_, answered := errors.AsType[*answerError](err)
		if err != nil && !answered && !isNetwork(err) { // else the keys could not be read
			return identity{}, fmt.Errorf("%w: %w", errNobody, err)
		}
		if err != nil {
			id, _ = claimsOf(got.IDToken, i, old.ClientID)
		}
	}
	if id.key() == "" {
		id, _ = claimsOf(got.AccessToken, i, old.ClientID)
	}
	if id.key() == "" {
		id = before
	}
	if id.key() == "" {
		return identity{}, errNobody
	}
	if before.key() == id.key() && id.person() == (Person{}) {
		id = before
	}
	return id, nil
}

var (
	errNobody = errors.New("neither the answer nor what was kept says who signed in")
	errUnsent = errors.New("the old token was not sent")
)

// unsent reports whether an error of the token request came before the request was
// on its way, so that Xero has not seen the old token.
func unsent(err error) bool {
	var op *net.OpError
	var proxy *proxyError
	var untrusted *tls.CertificateVerificationError
	return errors.Is(err, errUnsent) || errors.As(err, &proxy) || errors.As(err, &untrusted) ||
		errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// claimsOf reads a JWT of the issuer for the client without looking at its
// signature. Xero's access tokens name the client in client_id.
func claimsOf(token keystore.Secret, i *issuer, clientID string) (identity, bool) {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 {
		return identity{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return identity{}, false
	}
	var claims struct {
		identity
		Issuer   string          `json:"iss"`
		Client   string          `json:"client_id"`
		Audience json.RawMessage `json:"aud"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Issuer != i.endpoints.Issuer {
		return identity{}, false
	}
	var audience string
	_ = json.Unmarshal(claims.Audience, &audience) // a list of one is not Xero's way
	if !strings.EqualFold(claims.Client, clientID) && !strings.EqualFold(audience, clientID) {
		return identity{}, false
	}
	return claims.identity, true
}

// adoptError puts into words why a sign-in was not taken over.
func adoptError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	switch {
	case isKeystore(err):
		return keystoreError(err)
	case deadGrant(err):
		return &Error{Problem: problem(CodeNeedsLogin, words.Say("xero.adopt.ended"), words.Say("xero.adopt.ended-action")), Err: err}
	case RefusedApp(err) != "":
		return &Error{Problem: problem(CodeLoginFailed, words.Say("xero.adopt.app"), words.Say("xero.adopt.app-action")), Err: err}
	case errors.Is(err, errNobody):
		return &Error{Problem: problem(CodeLoginFailed, words.Say("xero.adopt.nobody"), words.Say("xero.adopt.nobody-action")), Err: err}
	}
	e := unreachable(err)
	e.Action = words.Say("xero.adopt.unreachable-action")
	if unsent(err) {
		e.Action = words.Say("xero.adopt.unsent-action")
	}
	return e
}
