package server

import (
	"context"
	"slices"
	"sync"
	"time"

	"financial-command-center/assets/words"
)

// AssistantName is the entry of the keys list that fcc mcp is, unless it is told
// another.
const AssistantName = "assistant"

// fcc mcp runs where an assistant starts it, from a settings file that holds a name and
// no key. Who proves to know the control key is lent one: it is good for what the entry
// of that name is good for, for as long as that entry is there, until this process ends,
// and for lentFor at most. Nothing of it is written anywhere.
const (
	lentFor  = 12 * time.Hour
	mostLent = 200 // at once; the oldest goes
)

// lent are the keys that were lent out.
type lent struct {
	making sync.Mutex // held while an entry may be made

	mu   sync.RWMutex
	keys []lentKey // the oldest first
}

type lentKey struct {
	hash, entry [32]byte // of the key, and of the entry's own
	until       time.Time
}

func (l *lent) lend(entry [32]byte, now time.Time) (text string) {
	key := newKey().Reveal()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys = slices.DeleteFunc(l.keys, func(k lentKey) bool { return now.After(k.until) })
	l.keys = append(l.keys[max(0, len(l.keys)-mostLent+1):], lentKey{keyHash(key), entry, now.Add(lentFor)})
	return key
}

// entry is the hash of the entry that a key was lent for, and of other keys their own.
func (l *lent) entry(hash [32]byte, now time.Time) [32]byte {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, k := range l.keys { // by hashes: how long it takes tells nothing of a key
		if k.hash == hash && now.Before(k.until) {
			return k.entry
		}
	}
	return hash
}

// commandAssistantEntry refuses what an assistant's settings cannot name: a demo, and an
// entry that is not there and is not made by itself.
func (s *Server) commandAssistantEntry(ctx context.Context, q ControlName) (any, error) {
	if s.cfg.Mode == Demo {
		return nil, entersNowhere()
	}
	entry, err := s.keyNamed(ctx, q.Name)
	if err == nil && entry == nil && q.Name != AssistantName {
		err = s.noEntry(q.Name)
	}
	return nil, err
}

func (s *Server) noEntry(name string) error {
	return fail(codeNotFound).saying(words.Say("assistant.no-program", "Name", name, "Names", s.keyNames()), words.Say("assistant.no-program-do", "Name", name))
}

// commandAssistant lends fcc mcp a key. The entry of AssistantName is made, to read
// only, when it is wanted for the first time ever.
func (s *Server) commandAssistant(ctx context.Context, q ControlName) (any, error) {
	s.lent.making.Lock()
	defer s.lent.making.Unlock()
	entry, err := s.keyNamed(ctx, q.Name)
	if err != nil {
		return nil, err
	}
	if entry == nil && q.Name == AssistantName {
		first, err := s.state.FirstUse(ctx, q.Name)
		switch {
		case err != nil:
			return nil, stateFailure(err)
		case !first:
			return nil, fail(codeKeyRequired).saying(words.Say("assistant.revoked", "Name", q.Name), words.Say("assistant.revoked-do", "Name", q.Name))
		}
		if _, _, err := s.addKey(ctx, apiKey{Name: q.Name}); err != nil {
			return nil, err
		}
		if entry, err = s.keyNamed(ctx, q.Name); err != nil {
			return nil, err
		}
	}
	if entry == nil {
		return nil, s.noEntry(q.Name)
	}
	return ControlKeyMade{Key: s.lent.lend(entry.Hash, time.Now())}, nil
}
