package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"hash/crc32"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"financial-command-center/assets/words"
	"financial-command-center/keystore"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// apiKey is what a key may do.
type apiKey = store.Key

// The form of a key: the prefix, 43 characters that spell 256 random bits in base
// 62, and 6 that spell the CRC-32 of all before, so that a mistyped key is known
// for one without a look-up.
const (
	keyPrefix   = "fcc_"
	keyBytes    = 32
	keyDigits   = 43 // 62^43 > 2^256
	checkDigits = 6  // 62^6 > 2^32
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
	return len(text) == body+checkDigits && strings.HasPrefix(text, keyPrefix) && keyCheck(text[:body]) == text[body:]
}

func keyCheck(text string) string {
	var digits [checkDigits]byte // big.Int would cost every request more
	sum := crc32.ChecksumIEEE([]byte(text))
	for i := range digits {
		digits[checkDigits-1-i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[sum%62]
		sum /= 62
	}
	return string(digits[:])
}

func base62(n *big.Int, digits int) string {
	text := n.Text(62)
	return strings.Repeat("0", digits-len(text)) + text
}

// keyHash is what is kept of a key. One round of SHA-256 is enough: with 256
// random bits there is nothing to guess, which is what slow hashes are for.
func keyHash(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// keyring holds the keys in memory: a request with a key does not wait for the
// disk.
type keyring struct {
	known atomic.Pointer[[]apiKey] // as last read from the state

	change sync.Mutex // held from a change of the state until known shows it

	mu      sync.Mutex
	used    map[string]time.Time // last uses that the state has not seen
	streams map[*stream]struct{} // see watch
}

// keyOf returns the key that r brings: nil and no error when it brings none,
// key_required when it is not one of ours.
func (s *Server) keyOf(r *http.Request) (*apiKey, error) {
	text := keyIn(r.Header)
	if text == "" {
		return nil, nil
	}
	if !wellFormed(text) {
		return nil, fail(codeKeyRequired).saying(words.Say("keys.mistyped.message"), words.Say("keys.mistyped.action"))
	}
	hash := keyHash(text)
	if known := s.keys.known.Load(); known != nil {
		for _, k := range *known {
			if subtle.ConstantTimeCompare(k.Hash[:], hash[:]) == 1 {
				s.keys.touch(k.Name, time.Now())
				return &k, nil
			}
		}
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
	return strings.TrimSpace(h.Get("X-API-Key"))
}

func (k *keyring) touch(name string, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.used == nil {
		k.used = map[string]time.Time{}
	}
	k.used[name] = now
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
	s.keys.known.Store(&list)
	s.keys.endStreams()
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
			for name, at := range s.keys.used {
				used[name] = at
			}
			s.keys.used = used
			return err
		}
	}
	return s.loadKeys(ctx)
}

// addKey makes the key that want describes (its name and rights) and returns it,
// this once. warning is a sentence for a person, or "".
func (s *Server) addKey(ctx context.Context, want apiKey) (made keystore.Secret, warning string, err error) {
	state, err := s.keysState(ctx)
	if err != nil {
		return made, "", err
	}
	if !goodName(want.Name) {
		return made, "", fail(codeBadRequest).saying(words.Say("keys.bad-name.message", "Name", strconv.Quote(want.Name)), words.Say("keys.bad-name.action", "Most", mostName))
	}
	status := s.cfg.Connections.Status()
	for n, id := range want.Tenants {
		all := status.Organisations()
		i := slices.IndexFunc(all, func(o xero.Organisation) bool { return strings.EqualFold(o.TenantID, id) })
		if i < 0 {
			f := fail(xero.CodeTenantRequired).saying(words.Say("keys.bad-organisation.message"), words.Say("keys.bad-organisation.action"))
			f.organisations = all
			return made, "", f
		}
		want.Tenants[n] = all[i].TenantID
	}
	made = newKey()
	want.Hash, want.Created, want.LastUsed = keyHash(made.Reveal()), time.Now(), time.Time{}

	s.keys.change.Lock()
	defer s.keys.change.Unlock()
	err = state.AddKey(ctx, want)
	if err == nil || errors.Is(err, store.ErrExists) {
		err = errors.Join(err, s.loadKeysLocked(ctx))
	}
	switch {
	case errors.Is(err, store.ErrExists):
		return keystore.Secret{}, "", fail(codeBadRequest).saying(words.Say("keys.taken.message", "Name", strconv.Quote(want.Name), "Names", s.keyNames()), words.Say("keys.taken.action"))
	case err != nil:
		return keystore.Secret{}, "", stateFailure(err)
	}
	s.log.Info("key added", "name", want.Name, "write", want.Write, "tenants", want.Tenants, "any_user", want.AnyUser)
	if want.Write && !mayWrite(status, s.cfg.Connections.App(), &want) {
		warning = words.Say("keys.read-only") + " " + answers[codeWriteRefused].action
	}
	return made, warning, nil
}

// listKeys lists the keys by name, with the last uses that are not written yet.
func (s *Server) listKeys(ctx context.Context) ([]apiKey, error) {
	if _, err := s.keysState(ctx); err != nil {
		return nil, err
	}
	if err := s.loadKeys(ctx); err != nil {
		return nil, stateFailure(err)
	}
	list := slices.Clone(*s.keys.known.Load())
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	for i, k := range list {
		if at, ok := s.keys.used[k.Name]; ok {
			list[i].LastUsed = at.UTC()
		}
	}
	return list, nil
}

// revokeKey ends a key: the next request with it is refused.
func (s *Server) revokeKey(ctx context.Context, name string) error {
	state, err := s.keysState(ctx)
	if err != nil {
		return err
	}
	s.keys.change.Lock()
	defer s.keys.change.Unlock()
	err = state.RevokeKey(ctx, name)
	if err == nil || errors.Is(err, store.ErrNotFound) {
		err = errors.Join(err, s.loadKeysLocked(ctx))
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fail(codeNotFound).saying(words.Say("keys.missing.message", "Name", strconv.Quote(name), "Names", s.keyNames()), words.Say("keys.missing.action"))
	case err != nil:
		return stateFailure(err)
	}
	s.log.Info("key revoked", "name", name)
	return nil
}

// keysState is the state, unless it is only one in memory that stands in for a
// file: a key made there would be gone at the next start, unsaid.
func (s *Server) keysState(ctx context.Context) (*store.Store, error) {
	state, err := s.openedState(ctx)
	if err != nil {
		return nil, err
	}
	if p := s.stateLost.problem(); p != nil {
		return nil, &failure{Problem: *p}
	}
	return state, nil
}

func (s *Server) keyNames() string {
	var names []string
	if known := s.keys.known.Load(); known != nil {
		for _, k := range *known {
			names = append(names, k.Name)
		}
	}
	return cmp.Or(strings.Join(names, ", "), words.Say("keys.no-names"))
}

func goodName(name string) bool {
	return name != "" && utf8.RuneCountInString(name) <= mostName && strings.TrimSpace(name) == name &&
		utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}

// mayWrite reports whether a sign-in that reaches an organisation of the key's was
// granted more than reading. Without a sign-in it is about the one to come.
func mayWrite(status xero.Status, next xero.App, k *apiKey) bool {
	scopes := next.Scopes
	for _, c := range status.Connections {
		reaches := func(o xero.Organisation) bool { return k.Reaches(o.TenantID) }
		if len(k.Tenants) == 0 || slices.ContainsFunc(c.Organisations, reaches) {
			if slices.ContainsFunc(c.Scopes, writes) {
				return true
			}
			scopes = nil
		}
	}
	return slices.ContainsFunc(scopes, writes)
}

// writes reports whether a scope is for more than reading: all names of Xero's
// that are not end in .read, but for those of OpenID Connect.
func writes(scope string) bool {
	return !strings.HasSuffix(scope, ".read") && !slices.Contains([]string{"openid", "profile", "email", "offline_access"}, scope)
}
