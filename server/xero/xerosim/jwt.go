package xerosim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// A signingKey signs tokens. Like Xero's its id is the hex of what x5t has in
// base64, here not of a certificate but of the key.
type signingKey struct {
	public  *rsa.PublicKey
	kid     string // 40 hex digits
	x5t     string // 27 characters
	signer  jose.Signer
	private *rsa.PrivateKey
}

// The keys are made once a process, for their making is slow, and handed to
// each Sim in the same order.
var (
	keysMu sync.Mutex
	keys   []*signingKey
)

// keyNumber returns the n-th key of the process.
func keyNumber(n int) *signingKey {
	keysMu.Lock()
	defer keysMu.Unlock()
	for len(keys) <= n {
		keys = append(keys, newKey())
	}
	return keys[n]
}

func newKey() *signingKey {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(fmt.Sprintf("simulated Xero: make a signing key: %v", err)) // 2048 bits are always allowed
	}
	thumb := sha1.Sum(x509.MarshalPKCS1PublicKey(&private.PublicKey))
	prefix, _ := hex.DecodeString(hexMarker)
	copy(thumb[:], prefix)
	k := &signingKey{
		public: &private.PublicKey, private: private,
		kid: strings.ToUpper(hex.EncodeToString(thumb[:])),
		x5t: base64.RawURLEncoding.EncodeToString(thumb[:]),
	}
	k.signer, err = jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: k.kid}},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("x5t", k.x5t))
	if err != nil {
		panic(fmt.Sprintf("simulated Xero: use a signing key: %v", err))
	}
	return k
}

// sign makes a JWT of claims, a struct whose first field holds a marker.
func (k *signingKey) sign(claims any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(fmt.Sprintf("simulated Xero: claims: %v", err)) // plain structs only
	}
	jws, err := k.signer.Sign(payload)
	if err != nil {
		panic(fmt.Sprintf("simulated Xero: sign: %v", err))
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		panic(fmt.Sprintf("simulated Xero: sign: %v", err))
	}
	return token
}

// accessClaims are those of a real access token (the tenant is not among them).
type accessClaims struct {
	ID            string   `json:"jti"`
	NotBefore     int64    `json:"nbf"`
	Expires       int64    `json:"exp"`
	Issuer        string   `json:"iss"`
	Audience      string   `json:"aud"`
	ClientID      string   `json:"client_id"`
	Subject       string   `json:"sub"`
	AuthTime      int64    `json:"auth_time"`
	UserID        string   `json:"xero_userid"`
	GlobalSession string   `json:"global_session_id"`
	AuthEvent     string   `json:"authentication_event_id"`
	Scope         []string `json:"scope"`
	Methods       []string `json:"amr"`
}

// idClaims are those of a real id token.
type idClaims struct {
	Session       string   `json:"sid"`
	NotBefore     int64    `json:"nbf"`
	Expires       int64    `json:"exp"`
	Issuer        string   `json:"iss"`
	Audience      string   `json:"aud"`
	IssuedAt      int64    `json:"iat"`
	AccessHash    string   `json:"at_hash"`
	Nonce         string   `json:"nonce,omitempty"`
	Subject       string   `json:"sub"`
	AuthTime      int64    `json:"auth_time"`
	UserID        string   `json:"xero_userid"`
	GlobalSession string   `json:"global_session_id"`
	PreferredName string   `json:"preferred_username"`
	Email         string   `json:"email,omitempty"`
	GivenName     string   `json:"given_name,omitempty"`
	FamilyName    string   `json:"family_name,omitempty"`
	Methods       []string `json:"amr"`
}

// atHash binds an id token to an access token (OpenID Connect Core 3.1.3.6).
func atHash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
