package xerosim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// An access is what an access token that was given out lets its holder do.
type access struct {
	*grant
	signIn  *signIn
	scopes  []string  // when it was given out: later consent does not widen it
	expires time.Time // behind Sim.mu: a control may end it early
	dead    bool      // behind Sim.mu
}

// A refusal is a 401 of the gateway or of userinfo.
type refusal struct {
	detail    string // "Detail" of the body
	challenge string // WWW-Authenticate
}

func (r *refusal) Error() string { return r.detail }

// grantOf returns what r's access token allows. The error is a *refusal. Scope
// and tenant are the caller's to check; connections are read under Sim.mu.
func (s *Sim) grantOf(r *http.Request) (*access, error) {
	bad := &refusal{"AuthenticationUnsuccessful", "Bearer error=invalid_token"}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, bad
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range s.identity.keys {
		payload, err := jws.Verify(key.public)
		if err != nil {
			continue
		}
		var claims struct {
			ID string `json:"jti"`
		}
		if json.Unmarshal(payload, &claims) != nil {
			return nil, bad
		}
		a := s.identity.accesses[claims.ID]
		if a == nil || a.dead {
			return nil, bad
		}
		if !s.Now().Before(a.expires) {
			return nil, &refusal{
				fmt.Sprintf("TokenExpired: token expired at %s", a.expires.UTC().Format("01/02/2006 15:04:05")),
				"Bearer error=invalid_token",
			}
		}
		return a, nil
	}
	return nil, bad
}
