package server

import (
	"encoding/base64"
	"testing"

	"financial-command-center/keystore"
)

func TestTheBooksKeyIsMadeOnceAndAnewWhenItIsNone(t *testing.T) {
	s := &Server{cfg: Config{Keystore: keystore.Memory()}}
	key := func() keystore.Secret {
		t.Helper()
		made, err := s.booksKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := base64.StdEncoding.DecodeString(made.Reveal()); err != nil || len(raw) != 32 {
			t.Fatalf("%d bytes, %v", len(raw), err)
		}
		return made
	}
	first := key()
	if !key().Equal(first) {
		t.Error("two keys were made")
	}
	for _, spoilt := range []string{"", "no key", "c2hvcnQ="} {
		if err := s.cfg.Keystore.Set(t.Context(), booksKeyItem, keystore.NewSecret(spoilt)); err != nil {
			t.Fatal(err)
		}
		second := key()
		if second.Equal(first) || !key().Equal(second) {
			t.Errorf("after %q the key is not a new one that is kept", spoilt)
		}
	}
}
