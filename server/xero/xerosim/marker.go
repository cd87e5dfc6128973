package xerosim

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

const (
	// marker begins every code, refresh token and client secret. Its length is
	// a multiple of three, so that a secret's base64 begins alike too.
	marker = "SimulatedXero--"
	// hexMarker begins the ids in a JWT that are otherwise random hex.
	hexMarker = "5EC2E75EC2E7"
)

// Markers are texts of which at least one is in every token, code and secret
// that a Sim gives out: as it stands, in a JWT's header and payload, and in the
// base64 of HTTP Basic with a client id of 32 characters.
func Markers() []string {
	return []string{
		marker,
		base64.StdEncoding.EncodeToString([]byte(marker)),
		jwtMarker(`{"alg":"RS256","kid":"`),
		jwtMarker(`{"jti":"`),
		jwtMarker(`{"sid":"`),
	}
}

// jwtMarker is how base64 begins when text, then hexMarker, is at its start.
func jwtMarker(text string) string {
	b := []byte(text + hexMarker)
	return base64.RawURLEncoding.EncodeToString(b[:len(b)/3*3])
}

// newSecret is an opaque token with a marker, in 43 characters as Xero's codes.
func newSecret(kind string) string {
	return (marker + kind + "-" + rand.Text() + rand.Text())[:43]
}

// newID is 32 hex digits that begin with the hexMarker.
func newID() string {
	b := make([]byte, 10)
	_, _ = rand.Read(b) // never fails
	return hexMarker + strings.ToUpper(hex.EncodeToString(b))
}

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return guid(b)
}
