package xero

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"financial-command-center/keystore"
)

// An id token may look this much too young or too old: users' clocks differ by
// minutes, and Xero's nbf was seen 70 seconds ahead
// (github.com/XeroAPI/xero-node/issues/327). An hour's difference is measured
// from Xero's Date header and taken off before.
const idTokenLeeway = 5 * time.Minute

// identity is what is taken of an id token.
type identity struct {
	Subject    string `json:"sub"`
	UserID     string `json:"xero_userid"`
	Name       string `json:"name"`
	GivenName  string `json:"given_name"`
	FamilyName string `json:"family_name"`
	Email      string `json:"email"`
	Nonce      string `json:"nonce"`
}

// key is Xero's stable id of a person; other issuers have sub.
func (i identity) key() string {
	if i.UserID != "" {
		return i.UserID
	}
	return i.Subject
}

func (i identity) person() Person {
	name := i.Name
	if name == "" {
		name = strings.TrimSpace(i.GivenName + " " + i.FamilyName)
	}
	return Person{Name: name, Email: i.Email}
}

// errClock: an id token is all right but for its times.
var errClock = errors.New("id token")

// checkIDToken checks signature, issuer, audience and times (OpenID Connect Core,
// section 3.1.3.7), by Xero's clock and with idTokenLeeway. The nonce is the
// caller's to compare.
func (c *Connections) checkIDToken(ctx context.Context, i *issuer, clientID string, raw keystore.Secret) (identity, error) {
	if raw.IsZero() {
		return identity{}, errors.New("no id token: the scopes lack openid")
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout) // the keys may have to be fetched
	defer cancel()
	keys := &heardKeys{KeySet: i.keys}
	verifier := oidc.NewVerifier(i.endpoints.Issuer, keys, &oidc.Config{
		ClientID:             clientID,
		SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256},
		SkipExpiryCheck:      true, // below, with our leeway
	})
	token, err := verifier.Verify(ctx, raw.Reveal())
	switch {
	case isNetwork(keys.err):
		return identity{}, bare(keys.err)
	case errors.Unwrap(keys.err) != nil: // a signature that is wrong wraps nothing
		return identity{}, &answerError{detail: errors.New("the keys of id tokens could not be read")}
	case err != nil:
		return identity{}, fmt.Errorf("id token: %w", err)
	}
	var id identity
	now := c.xeroNow()
	switch {
	case now.Add(-idTokenLeeway).After(token.Expiry):
		return identity{}, fmt.Errorf("%w: it is too old", errClock)
	case now.Add(idTokenLeeway).Before(token.IssuedAt):
		return identity{}, fmt.Errorf("%w: it was issued in the future", errClock)
	}
	if err := token.Claims(&id); err != nil {
		return identity{}, fmt.Errorf("id token: %w", err)
	}
	if id.key() == "" {
		return identity{}, errors.New("id token: it names nobody")
	}
	return id, nil
}
