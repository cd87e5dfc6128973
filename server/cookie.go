package server

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"net/http"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"financial-command-center/keystore"
)

func (b *browsers) secrets() secrets {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

// use signs with the current secret from now on, and reads both.
func (b *browsers) use(held secrets) error {
	var codecs []securecookie.Codec
	for _, secret := range []keystore.Secret{held.current, held.previous} {
		if secret.IsZero() {
			continue
		}
		signing, err := cookieKey(secret)
		if err != nil {
			return err
		}
		codec := securecookie.New(signing, nil)
		codec.SetSerializer(securecookie.NopEncoder{})
		codec.MaxAge(int(sessionLife.Seconds()))
		codecs = append(codecs, codec)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held, b.codecs = held, codecs
	return nil
}

// idOf is the id in r's cookie, nil without a good one; stale when it was signed
// with the previous secret. Another program on this host can set cookies of our
// name for some paths, so the first good one counts.
func (b *browsers) idOf(r *http.Request) (id []byte, stale bool) {
	b.mu.Lock()
	codecs := b.codecs
	b.mu.Unlock()
	for _, cookie := range r.CookiesNamed(b.cookie) {
		for i, codec := range codecs {
			if err := codec.Decode(b.cookie, cookie.Value, &id); err == nil && len(id) == sessionBytes {
				return id, i > 0
			}
		}
	}
	return nil, false
}

// setCookie replaces a cookie that is set already: an answer sets one at most.
func (b *browsers) setCookie(w http.ResponseWriter, id []byte) error {
	b.mu.Lock()
	codecs := b.codecs
	b.mu.Unlock()
	value, err := securecookie.EncodeMulti(b.cookie, id, codecs...)
	if err != nil {
		return fmt.Errorf("session cookie: %w", err)
	}
	w.Header().Set("Set-Cookie", b.newCookie(value, int(sessionLife.Seconds())).String())
	return nil
}

// newCookie is Secure although FCC speaks http: browsers treat http://localhost as
// secure (w3c.github.io/webappsec-secure-contexts, section 3.1).
func (b *browsers) newCookie(value string, maxAge int) *http.Cookie {
	return sessions.NewCookie(b.cookie, value, &sessions.Options{
		Path: "/", MaxAge: maxAge, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// cookieKey derives what signs cookies: the secret itself never meets a cookie.
func cookieKey(secret keystore.Secret) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(secret.Reveal()), nil, "financial-command-center cookie signature v1", 32)
}
