package xero

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// A Field is something held of Xero's token answer, without its value.
type Field struct {
	Name   string `json:"name"`
	Length int    `json:"length"`
	// Fingerprint is the beginning of the value's SHA-256: enough to tell two
	// tokens apart, and nothing to find one by. Empty for what is no secret.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// Held lists what is held of the token answer, in memory or keychain, for those
// who look for a fault.
func (s *Session) Held() []Field {
	s.set.mu.Lock()
	defer s.set.mu.Unlock()
	fields := []Field{}
	for _, name := range s.heldLocked() {
		f := Field{Name: name}
		switch name {
		case "access_token":
			f.Length, f.Fingerprint = s.access.token.Len(), fingerprint(s.access.token.Reveal())
		case "refresh_token":
			f.Length, f.Fingerprint = len(s.grant.RefreshToken), fingerprint(s.grant.RefreshToken)
		case "scope":
			f.Length = len(strings.Join(s.access.scopes, " "))
		case "token_type":
			f.Length = len("Bearer")
		}
		fields = append(fields, f)
	}
	return fields
}

func fingerprint(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:4])
}
