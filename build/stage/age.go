package stage

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/store"
)

// What the records are sealed with, and the kinds of them (server/books/keep.go).
const (
	booksKey = "books-key"
	booksAs  = "fcc books 1"
)

var booksKinds = []string{"organisation", "cash", "months", "invoices", "contacts"}

// age makes all that is kept of the books older. FCC does not run meanwhile: its
// clock is the computer's, so old figures are made where they are kept.
func (s *Stage) age(by time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	secrets, err := keystore.OpenFile(filepath.Join(s.data(), "keystore.enc"), keystore.NewSecret(passphrase))
	if err != nil {
		return err
	}
	key, err := secrets.Get(ctx, booksKey)
	if err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(key.Reveal())
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return err
	}
	state, err := store.Open(ctx, filepath.Join(s.data(), "state.db"))
	if err != nil {
		return err
	}
	defer state.Close()
	tenants, err := state.Tenants(ctx)
	if err != nil {
		return err
	}
	aged := 0
	for _, tenant := range tenants {
		for _, kind := range booksKinds {
			_, sealed, err := state.Records(ctx, tenant, kind)
			if err != nil {
				return err
			}
			if sealed == nil {
				continue
			}
			about := []byte(strings.Join([]string{booksAs, tenant, kind, ""}, "\x00"))
			plain, err := aead.Open(nil, nil, sealed, about)
			if err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			if plain, err = older(plain, by); err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			if err := state.SaveRecords(ctx, tenant, kind, aead.Seal(nil, nil, plain, about), false, nil, nil); err != nil {
				return err
			}
			aged++
		}
	}
	if aged < 3 {
		return fmt.Errorf("only %d parts of the books are kept", aged)
	}
	return nil
}

// older moves each field At of a JSON text back.
func older(text []byte, by time.Duration) ([]byte, error) {
	read := json.NewDecoder(bytes.NewReader(text))
	read.UseNumber()
	var whole any
	if err := read.Decode(&whole); err != nil {
		return nil, err
	}
	var walk func(any) error
	walk = func(value any) error {
		switch value := value.(type) {
		case []any:
			for _, each := range value {
				if err := walk(each); err != nil {
					return err
				}
			}
		case map[string]any:
			for name, each := range value {
				at, isText := each.(string)
				if name != "At" || !isText {
					if err := walk(each); err != nil {
						return err
					}
					continue
				}
				t, err := time.Parse(time.RFC3339Nano, at)
				if err != nil {
					return err
				}
				if !t.IsZero() {
					value[name] = t.Add(-by)
				}
			}
		}
		return nil
	}
	if err := walk(whole); err != nil {
		return nil, err
	}
	return json.Marshal(whole)
}
