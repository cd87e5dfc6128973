package xerosim

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Client is an app registered in the developer portal.
type Client struct {
	ID     string // 32 upper-case hex digits
	Name   string // shown to people; "Financial Command Center" when empty
	Secret string // of a "Web app"; a "Mobile or desktop app" has none
	// Redirects are compared exactly, port and trailing slash included. At most
	// 50; http only for the name localhost (developer.xero.com/faq/oauth2).
	Redirects []string
	// Broad: the app is from before 2 March 2026 and may use the broad scopes
	// beside the granular ones (developer.xero.com/faq/granular-scopes).
	Broad bool
}

// DemoClientID and DemoClientSecret serve whoever needs a client and does not
// care which. The secret makes it a Web app, and holds a marker.
const (
	DemoClientID     = "FCC0DE305EC2E700A1B2C3D4E5F60718"
	DemoClientSecret = marker + "secret-of-a-web-app-0123456789"
)

type client struct {
	Client
	elsewhere int // organisations of people elsewhere that are connected to it
}

func register(c Client) (*client, error) {
	if len(c.ID) != 32 || strings.Trim(c.ID, "0123456789ABCDEF") != "" {
		return nil, errors.New("the id must be 32 upper-case hex digits")
	}
	if len(c.Redirects) > 50 {
		return nil, fmt.Errorf("%d redirect URIs, 50 are allowed", len(c.Redirects))
	}
	for _, redirect := range c.Redirects {
		if err := mayRedirect(redirect); err != nil {
			return nil, fmt.Errorf("redirect URI %q: %w", redirect, err)
		}
	}
	if c.Name == "" {
		c.Name = "Financial Command Center"
	}
	if strings.Contains(strings.ToLower(c.Name), "xero") {
		return nil, errors.New(`an app's name may not contain "Xero"`)
	}
	c.Redirects = slices.Clone(c.Redirects)
	return &client{Client: c}, nil
}

func mayRedirect(redirect string) error {
	u, err := url.Parse(redirect)
	switch {
	case err != nil || u.Host == "":
		return errors.New("no absolute URL")
	case strings.Contains(redirect, "*"):
		return errors.New("wildcards are not allowed")
	case u.Fragment != "":
		return errors.New("a fragment is not allowed")
	case u.Scheme == "https", u.Scheme == "http" && u.Hostname() == "localhost":
		return nil
	case u.Scheme == "http":
		return errors.New("http is allowed for localhost only")
	}
	return errors.New("custom schemes are not allowed")
}
