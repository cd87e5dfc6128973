package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"

	"financial-command-center/keystore"
)

// booksKeyItem names the keychain item with the key that records are sealed with.
const booksKeyItem = "books-key"

// booksKey is that key, 32 random bytes in base64. It is made when there is none, or
// what is there is none: what an earlier one sealed is then read anew from Xero.
func (s *Server) booksKey(ctx context.Context) (keystore.Secret, error) {
	raw := make([]byte, 32)
	kept, err := s.cfg.Keystore.Get(ctx, booksKeyItem)
	if err != nil && !errors.Is(err, keystore.ErrNotFound) {
		return keystore.Secret{}, err
	}
	if n, err := base64.StdEncoding.Decode(make([]byte, base64.StdEncoding.DecodedLen(kept.Len())), []byte(kept.Reveal())); err == nil && n == len(raw) {
		return kept, nil
	}
	rand.Read(raw)
	made := keystore.NewSecret(base64.StdEncoding.EncodeToString(raw))
	return made, s.cfg.Keystore.Set(ctx, booksKeyItem, made)
}
