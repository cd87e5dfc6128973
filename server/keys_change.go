package server

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"financial-command-center/assets/words"
	"financial-command-center/keystore"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// The most that a key is given.
const (
	mostDaily  = 1_000_000
	mostMaxAge = 7 * 24 * time.Hour
)

// addKey makes the key that want describes (its name, rights and limits) and returns
// it, this once. warning is a sentence for a person, or "".
func (s *Server) addKey(ctx context.Context, want apiKey) (made keystore.Secret, warning string, err error) {
	state, err := s.keysState(ctx)
	if err != nil {
		return made, "", err
	}
	if err := s.checkKey(&want, nil); err != nil {
		return made, "", err
	}
	made = newKey()
	want.Hash, want.Created, want.LastUsed, want.Program = keyHash(made.Reveal()), time.Now(), time.Time{}, ""

	s.keys.change.Lock()
	defer s.keys.change.Unlock()
	err = state.AddKey(ctx, want)
	if err == nil || errors.Is(err, store.ErrExists) {
		err = errors.Join(err, s.loadKeysLocked(ctx))
	}
	switch {
	case errors.Is(err, store.ErrExists):
		return keystore.Secret{}, "", fail(codeBadRequest).saying(words.Say("keys.taken.message", "Name", strconv.Quote(want.Name), "Names", s.keyNames()), words.Say("keys.taken.action")).at("name")
	case err != nil:
		return keystore.Secret{}, "", stateFailure(err)
	}
	s.logKey("added", want)
	return made, s.keyWarning(&want), nil
}

// changeKey gives the key of want's name the rights and limits of want, from its next
// request on. The key itself stays.
func (s *Server) changeKey(ctx context.Context, want apiKey) (warning string, err error) {
	state, err := s.keysState(ctx)
	if err != nil {
		return "", err
	}
	if err := s.loadKeys(ctx); err != nil {
		return "", stateFailure(err)
	}
	had := s.keys.entry(want.Name)
	if had == nil {
		return "", s.noKey(want.Name)
	}
	if err := s.checkKey(&want, had); err != nil {
		return "", err
	}
	s.keys.change.Lock()
	defer s.keys.change.Unlock()
	err = state.ChangeKey(ctx, want)
	if err == nil || errors.Is(err, store.ErrNotFound) {
		err = errors.Join(err, s.loadKeysLocked(ctx))
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", s.noKey(want.Name)
	case err != nil:
		return "", stateFailure(err)
	}
	s.logKey("changed", want)
	return s.keyWarning(&want), nil
}

// checkKey puts what want asks for in order, or says what is wrong with it. What a key
// had already may stay.
func (s *Server) checkKey(want, had *apiKey) error {
	wrong := func(id, field string, data ...any) error {
		return fail(codeBadRequest).saying(words.Say("keys."+id+".message", data...), words.Say("keys."+id+".action", data...)).at(field)
	}
	if had == nil {
		had = &apiKey{}
		if !goodName(want.Name) {
			return wrong("bad-name", "name", "Name", strconv.Quote(want.Name), "Most", mostName)
		}
	}
	want.Write = want.Write || want.Ask
	all := s.cfg.Connections.Status().Organisations()
	want.Tenants = slices.Clone(want.Tenants)
	for n, id := range want.Tenants {
		same := func(other string) bool { return strings.EqualFold(other, id) }
		i := slices.IndexFunc(all, func(o xero.Organisation) bool { return same(o.TenantID) })
		switch {
		case i >= 0:
			want.Tenants[n] = all[i].TenantID
		case !slices.ContainsFunc(had.Tenants, same):
			f := fail(xero.CodeTenantRequired).saying(words.Say("keys.bad-organisation.message"), words.Say("keys.bad-organisation.action")).at("organisation")
			f.organisations = all
			return f
		}
	}
	want.Tenants = slices.CompactFunc(slices.Sorted(slices.Values(want.Tenants)), strings.EqualFold)
	for _, name := range want.Families {
		if !slices.ContainsFunc(families, func(f family) bool { return f.name == name }) {
			return wrong("bad-family", "family", "Name", strconv.Quote(name), "Names", familyNames())
		}
	}
	want.Families = slices.Compact(slices.Sorted(slices.Values(want.Families)))
	switch {
	case want.Ended(time.Now()) && !want.Expires.Equal(had.Expires):
		return wrong("bad-end", "ends")
	case want.Daily < 0 || want.Daily > mostDaily:
		return wrong("bad-daily", "daily", "Most", mostDaily)
	case want.MaxAge < 0 || want.MaxAge > mostMaxAge:
		return wrong("bad-age", "age", "Most", int(mostMaxAge.Minutes()))
	}
	return nil
}

// keyWarning says what stands in the way of a key's rights, "" where nothing does.
func (s *Server) keyWarning(k *apiKey) string {
	if k.Write && !mayWrite(s.cfg.Connections.Status(), s.cfg.Connections.App(), k) {
		return words.Say("keys.read-only") + " " + answers[codeWriteRefused].action
	}
	return ""
}

func (s *Server) logKey(done string, k apiKey) {
	s.log.Info("key "+done, "name", k.Name, "write", k.Write, "ask", k.Ask, "tenants", k.Tenants, "families", k.Families, "any_user", k.AnyUser,
		"expires", k.Expires, "daily", k.Daily, "max_age", k.MaxAge, "stale", k.Stale)
}

func (s *Server) noKey(name string) error {
	return fail(codeNotFound).saying(words.Say("keys.missing.message", "Name", strconv.Quote(name), "Names", s.keyNames()), words.Say("keys.missing.action"))
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
		if use, ok := s.keys.used[k.Name]; ok {
			list[i].LastUsed, list[i].Program = use.At.UTC(), use.Program
		}
	}
	return list, nil
}

// revokeKey ends a key: the next request with it is refused, and those under way break
// off.
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
		return s.noKey(name)
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
