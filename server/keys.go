package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"hash/crc32"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/keystore"
	"financial-command-center/server/store"
)

// apiKey is what a key may do.
type apiKey = store.Key

// The form of a key: the prefix, 43 characters that spell 256 random bits in base
// 62, and 6 that spell the CRC-32 of all before, so that a mistyped key is told
// from one that was revoked.
const (
	keyPrefix   = "fcc_"
	keyBytes    = 32
	keyDigits   = 43 // 62^43 > 2^256
	checkDigits = 6  // 62^6 > 2^32
	keyLength   = len(keyPrefix) + keyDigits + checkDigits
	mostName    = 64 // characters of a key's name
)

func newKey() keystore.Secret {
	raw := make([]byte, keyBytes)
	rand.Read(raw)
	text := keyPrefix + base62(new(big.Int).SetBytes(raw), keyDigits)
	return keystore.NewSecret(text + keyCheck(text))
}

// wellFormed reports whether text could be a key.
func wellFormed(text string) bool {
	const body = len(keyPrefix) + keyDigits
	return len(text) == keyLength && strings.HasPrefix(text, keyPrefix) && keyCheck(text[:body]) == text[body:]
}

func keyCheck(text string) string {
	return base62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(text)))), checkDigits)
}

func base62(n *big.Int, digits int) string {
	text := n.Text(62)
	return strings.Repeat("0", digits-len(text)) + text
}

// keyHash is what is kept of a key. One round of SHA-256 is enough: with 256
// random bits there is nothing to guess, which is what slow hashes are for.
func keyHash(text string) [32]byte {
	var space [keyLength]byte // with every request, so without a copy on the heap
	return sha256.Sum256(append(space[:0], text...))
}

// keyring holds the keys in memory: a request with a key does not wait for the
// disk.
type keyring struct {
	known atomic.Pointer[[]apiKey] // as last read from the state
	today keyDay

	change sync.Mutex // held from a change of the state until known shows it

	mu      sync.Mutex
	used    map[string]store.Use // last uses that the state has not seen
	watches map[*watch]struct{}
	begun   chan struct{} // one slot: there are watches
}

// entry is the key of this name, ended or not; nil for none.
func (k *keyring) entry(name string) *apiKey {
	return k.find(func(key *apiKey) bool { return key.Name == name })
}

func (k *keyring) find(is func(*apiKey) bool) *apiKey {
	if known := k.known.Load(); known != nil {
		for i := range *known {
			if key := &(*known)[i]; is(key) {
				return key
			}
		}
	}
	return nil
}

// keyOf returns the key that r brings: nil and no error when it brings none,
// key_required when it is not one of ours.
func (s *Server) keyOf(r *http.Request) (*apiKey, error) {
	text := keyIn(r.Header)
	if text == "" {
		return nil, nil
	}
	// A good key is looked up without its check digits being computed. What has another
	// length is not even hashed: nobody is known yet.
	if len(text) == keyLength {
		now := time.Now()
		hash := s.lent.entry(keyHash(text), now)
		if k := s.keys.find(func(k *apiKey) bool { return subtle.ConstantTimeCompare(k.Hash[:], hash[:]) == 1 }); k != nil {
			if k.Ended(now) {
				return nil, keyEnded(k)
			}
			s.keys.touch(k.Name, store.Use{At: now, Program: productOf(r)})
			return k, nil
		}
	}
	if !wellFormed(text) {
		return nil, fail(codeKeyRequired).saying(words.Say("keys.mistyped.message"), words.Say("keys.mistyped.action"))
	}
	if p := s.stateLost.problem(); p != nil {
		return nil, &failure{Problem: *p} // whether it is a key cannot be known
	}
	return nil, fail(codeKeyRequired).saying(words.Say("keys.unknown.message"), words.Say("keys.unknown.action"))
}

// keyIn finds what looks like a key of ours. Another Authorization, as a Xero
// client sends one of its own, is none.
func keyIn(h http.Header) string {
	if scheme, token, _ := strings.Cut(h.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		if token = strings.TrimSpace(token); strings.HasPrefix(token, keyPrefix) {
			return token
		}
	}
	return strings.TrimSpace(h.Get("X-Api-Key"))
}

// keyEnded says that k's time is over.
func keyEnded(k *apiKey) error {
	return fail(codeKeyRequired).saying(words.Say("keys.ended.message", "When", lastWords(k.Expires)), words.Say("keys.ended.action"))
}

// lastWords is when a key ends or ended: the day that was its last, or a time of day.
func lastWords(expires time.Time) string {
	if last, whole := LastDay(expires); whole {
		return last.Format("2 January 2006")
	}
	return expires.Local().Format("2 January 2006, 15:04")
}

// productOf is what r's program calls itself, "" where it does not: the first token of
// its User-Agent (RFC 9110, 10.1.5), a name, and mostly a version. What comes after,
// which may name a computer or a person, is not kept.
func productOf(r *http.Request) string {
	agent := r.UserAgent()
	end := tokenEnd(agent)
	if rest := agent[end:]; end > 0 && strings.HasPrefix(rest, "/") {
		if version := tokenEnd(rest[1:]); version > 0 {
			end += 1 + version
		}
	}
	return agent[:min(end, mostName)]
}

// tokenEnd is where a token (RFC 9110, 5.6.2) at the beginning of text ends. It runs
// with every request, so it is no regular expression.
func tokenEnd(text string) int {
	for n := range len(text) {
		c := text[n]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && strings.IndexByte("!#$%&'*+-.^_|~", c) < 0 {
			return n
		}
	}
	return len(text)
}

func (k *keyring) touch(name string, use store.Use) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.used == nil {
		k.used = map[string]store.Use{}
	}
	k.used[name] = use
}

// loadKeys reads the keys from the state.
func (s *Server) loadKeys(ctx context.Context) error {
	s.keys.change.Lock()
	defer s.keys.change.Unlock()
	return s.loadKeysLocked(ctx)
}

func (s *Server) loadKeysLocked(ctx context.Context) error {
	list, err := s.state.Keys(ctx)
	if err != nil {
		return err
	}
	s.keys.are(list)
	return nil
}

// flushKeys writes when keys were last used, and reads what another process that
// shares the state has changed.
func (s *Server) flushKeys(ctx context.Context) error {
	s.keys.mu.Lock()
	used := s.keys.used
	s.keys.used = nil
	s.keys.mu.Unlock()
	if len(used) > 0 {
		if err := s.state.TouchKeys(ctx, used); err != nil {
			s.keys.mu.Lock()
			defer s.keys.mu.Unlock()
			maps.Copy(used, s.keys.used)
			s.keys.used = used
			return err
		}
	}
	return s.loadKeys(ctx)
}
