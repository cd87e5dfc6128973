package xero

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// XeroIssuer is Xero's own. Its endpoints are compiled in, because Xero's edge
// answers 403 to those who fetch the discovery document often.
const XeroIssuer = "https://identity.xero.com"

// endpoints is what is used of an OIDC discovery document.
type endpoints struct {
	Issuer     string `json:"issuer"`
	Authorize  string `json:"authorization_endpoint"`
	Token      string `json:"token_endpoint"`
	Keys       string `json:"jwks_uri"`
	Revocation string `json:"revocation_endpoint"` // "" when the issuer has none
}

var xeroEndpoints = endpoints{
	Issuer:     XeroIssuer,
	Authorize:  "https://login.xero.com/identity/connect/authorize",
	Token:      XeroIssuer + "/connect/token",
	Keys:       XeroIssuer + "/.well-known/openid-configuration/jwks",
	Revocation: XeroIssuer + "/connect/revocation",
}

// A kept discovery document older than this is fetched again, when it can be.
const discoveryLife = 24 * time.Hour

// issuer finds the endpoints once and keeps the keys that id tokens are signed with.
type issuer struct {
	endpoints endpoints
	keys      oidc.KeySet
}

// heardKeys keeps what the keys said of one signature: go-oidc makes a text of it.
type heardKeys struct {
	oidc.KeySet
	err error
}

func (k *heardKeys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, jwt)
	k.err = err
	return payload, err
}

// issuer returns what is known of cfg.Issuer, asking it the first time.
func (c *Connections) issuer(ctx context.Context) (*issuer, error) {
	c.mu.Lock()
	known := c.known
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	found := xeroEndpoints
	if c.cfg.Issuer != XeroIssuer {
		var err error
		if found, err = c.discover(ctx); err != nil {
			return nil, err
		}
	}
	known = &issuer{found, oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), c.http), found.Keys)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = known
	}
	return c.known, nil
}

// discover reads the issuer's discovery document, from the data folder while it is
// young, else over the network, else from the data folder however old it is.
func (c *Connections) discover(ctx context.Context) (endpoints, error) {
	sum := sha256.Sum256([]byte(c.cfg.Issuer))
	path := filepath.Join(c.cfg.DataDir, "discovery-"+hex.EncodeToString(sum[:4])+".json")
	kept, keptErr := os.ReadFile(path)
	if info, err := os.Stat(path); err == nil && keptErr == nil && time.Since(info.ModTime()).Abs() < discoveryLife {
		if found, err := parseDiscovery(kept, c.cfg.Issuer); err == nil {
			return found, nil
		}
	}
	raw, err := c.fetchDiscovery(ctx)
	if err == nil {
		var found endpoints
		if found, err = parseDiscovery(raw, c.cfg.Issuer); err == nil {
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				c.log.Warn("discovery document not kept", "err", err)
			}
			return found, nil
		}
	}
	if keptErr == nil {
		if found, keptErr := parseDiscovery(kept, c.cfg.Issuer); keptErr == nil {
			c.log.Warn("issuer not reached, using the kept discovery document", "err", err)
			return found, nil
		}
	}
	return endpoints{}, fmt.Errorf("discovery: %w", err)
}

func (c *Connections) fetchDiscovery(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	address := strings.TrimSuffix(c.cfg.Issuer, "/") + "/.well-known/openid-configuration"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, &answerError{status: resp.StatusCode}
	}
	return io.ReadAll(io.LimitReader(resp.Body, tokenAnswerLimit))
}

// parseDiscovery checks a discovery document: it must be the issuer's own (OpenID
// Connect Discovery, section 4.3), and lead nowhere without TLS but to this machine.
func parseDiscovery(raw []byte, issuer string) (endpoints, error) {
	var found endpoints
	if err := json.Unmarshal(raw, &found); err != nil {
		return endpoints{}, errors.New("not a discovery document")
	}
	if found.Issuer != issuer {
		return endpoints{}, fmt.Errorf("the document is of %q, not of %q", found.Issuer, issuer)
	}
	for name, address := range map[string]string{
		"authorization_endpoint": found.Authorize, "token_endpoint": found.Token, "jwks_uri": found.Keys,
	} {
		if err := CheckAddress(address); err != nil {
			return endpoints{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	if found.Revocation != "" {
		if err := CheckAddress(found.Revocation); err != nil {
			return endpoints{}, fmt.Errorf("revocation_endpoint: %w", err)
		}
	}
	return found, nil
}

// CheckAddress accepts an https address, or a plain http one on a loopback host,
// without user, query or fragment.
func CheckAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("not a plain web address")
	}
	switch u.Scheme {
	case "https":
		return nil
	case "http":
		switch u.Hostname() {
		case "localhost", "127.0.0.1", "::1":
			return nil
		}
		return errors.New("http is taken only on this computer; use https")
	}
	return errors.New("neither https nor http")
}
