package proof

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// An otherIssuer is somebody else's OpenID provider, and an API that takes its
// tokens. It shares nothing with the simulated Xero: other paths, an issuer with
// a path, ES256, opaque access tokens, no revocation.
type otherIssuer struct {
	*httptest.Server
	key *ecdsa.PrivateKey

	mu     sync.Mutex
	codes  map[string]url.Values // the authorize request that each came from
	grants map[string]bool       // refresh tokens that are good
	access map[string]bool
}

const otherOrganisation = "Somebody Else's Books"

func startOtherIssuer(t testing.TB) *otherIssuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := &otherIssuer{key: key, codes: map[string]url.Values{}, grants: map[string]bool{}, access: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /realms/books/.well-known/openid-configuration", o.discovery)
	mux.HandleFunc("GET /door", o.authorize)
	mux.HandleFunc("POST /exchange/tokens", o.token)
	mux.HandleFunc("GET /public/keys.json", o.keys)
	mux.HandleFunc("GET /connections", o.needsToken(fmt.Sprintf(
		`[{"id":"e1eede29-f875-4a5d-8470-17f6a29a88b1","tenantId":"70784a63-d24b-46a9-a4db-0e70a274b056",
		"tenantType":"ORGANISATION","tenantName":%q}]`, otherOrganisation)))
	mux.HandleFunc("GET /api.xro/2.0/Organisation", o.needsToken(fmt.Sprintf(`{"Organisations":[{"Name":%q}]}`, otherOrganisation)))
	o.Server = httptest.NewServer(mux)
	t.Cleanup(o.Close)
	return o
}

func (o *otherIssuer) issuer() string { return o.URL + "/realms/books" }

func (o *otherIssuer) discovery(w http.ResponseWriter, r *http.Request) {
	answerJSON(w, map[string]any{
		"issuer":                 o.issuer(),
		"authorization_endpoint": o.URL + "/door",
		"token_endpoint":         o.URL + "/exchange/tokens",
		"jwks_uri":               o.URL + "/public/keys.json",
		"response_types_supported": []string{
			"code",
		},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
	})
}

// authorize lets everybody in.
func (o *otherIssuer) authorize(w http.ResponseWriter, r *http.Request) {
	code := rand.Text()
	o.mu.Lock()
	o.codes[code] = r.URL.Query()
	o.mu.Unlock()
	back := url.Values{"code": {code}, "state": {r.FormValue("state")}}
	http.Redirect(w, r, r.FormValue("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
}

func (o *otherIssuer) token(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	nonce, ok := "", false
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		var asked url.Values
		if asked, ok = o.codes[r.PostFormValue("code")]; ok {
			sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
			ok = asked.Get("code_challenge") == base64.RawURLEncoding.EncodeToString(sum[:]) &&
				asked.Get("redirect_uri") == r.PostFormValue("redirect_uri")
			nonce = asked.Get("nonce")
			delete(o.codes, r.PostFormValue("code"))
		}
	case "refresh_token":
		ok = o.grants[r.PostFormValue("refresh_token")]
		delete(o.grants, r.PostFormValue("refresh_token"))
	}
	if !ok {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return
	}
	access, refresh := rand.Text(), rand.Text()
	o.access[access], o.grants[refresh] = true, true
	answer := map[string]any{"access_token": access, "refresh_token": refresh, "token_type": "bearer", "expires_in": 600}
	if nonce != "" {
		answer["id_token"] = o.sign(map[string]any{
			"iss": o.issuer(), "aud": "any-client", "sub": "somebody", "nonce": nonce, "name": "Some Body",
			"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		})
	}
	answerJSON(w, answer)
}

// sign makes a JWT (RFC 7519) with ES256 (RFC 7518, section 3.4).
func (o *otherIssuer) sign(claims map[string]any) string {
	part := func(v any) string {
		b, _ := json.Marshal(v) // maps of plain values
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(map[string]string{"alg": "ES256", "kid": "one", "typ": "JWT"}) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, o.key, sum[:])
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (o *otherIssuer) keys(w http.ResponseWriter, r *http.Request) {
	point, err := o.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		panic(err)
	}
	answerJSON(w, map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "one",
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}}})
}

func (o *otherIssuer) needsToken(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		o.mu.Lock()
		good := o.access[token]
		o.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if !good {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, body)
	}
}

func answerJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // fails only with the connection
}

func TestAnotherIssuerWorksBySettingsAlone(t *testing.T) {
	o := startOtherIssuer(t)
	i := install(t, freePort(t), "FCC_XERO_ISSUER="+o.issuer(), "FCC_XERO_API="+o.URL, "XERO_CLIENT_ID=any-client")
	f := i.start(t)
	b := openBrowser(t, profileFolder(t))
	b.follow(t, f.link)
	b.signIn(t)
	b.sees(t, otherOrganisation)
	key := i.addKey(t, "sheet")
	f.kill()
	i.start(t) // holds no access token, so it renews
	i.connected(t, key)
	if got := i.organisation(t, key); got != otherOrganisation {
		t.Errorf("the key opens the books of %q", got)
	}
}
