package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"financial-command-center/assets/words"
)

const (
	// While a request with a key is under way its key is looked at this often: it may
	// have ended, or another process that shares the state may have revoked it.
	watchEvery = 500 * time.Millisecond
	// lastWord is how long the request of a key that is good no more may go on reading
	// and writing, so that it can be told.
	lastWord = 300 * time.Millisecond
)

// A watch is one request that lasts no longer than its key.
type watch struct {
	held *apiKey
	end  context.CancelCauseFunc
}

// watch ends ctx, with a failure as its cause, when the key is revoked, when its time is
// over, or when what it may do is changed. The function that it returns ends the watch.
func (k *keyring) watch(ctx context.Context, held *apiKey) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	w := &watch{held, end}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.watches == nil {
		k.watches = map[*watch]struct{}{}
	}
	k.watches[w] = struct{}{}
	if len(k.watches) == 1 {
		select {
		case k.begun <- struct{}{}:
		default:
		}
	}
	if err := k.over(held, time.Now()); err != nil {
		end(err)
	}
	return ctx, func() {
		end(nil)
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.watches, w)
	}
}

// are takes in which keys there are, and ends the requests of those that are not good
// any more.
func (k *keyring) are(list []apiKey) {
	k.known.Store(&list)
	k.look(time.Now())
}

func (k *keyring) look(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for w := range k.watches {
		if err := k.over(w.held, now); err != nil {
			w.end(err)
		}
	}
}

// over is why a key that a request was let in with is not good for it any more.
func (k *keyring) over(held *apiKey, now time.Time) error {
	switch entry := k.entry(held.Name); {
	case entry == nil || entry.Hash != held.Hash:
		return fail(codeKeyRequired).saying(words.Say("keys.unknown.message"), words.Say("keys.unknown.action"))
	case entry.Ended(now):
		return keyEnded(entry)
	case entry.Write != held.Write || entry.Ask != held.Ask || entry.AnyUser != held.AnyUser ||
		!slices.Equal(entry.Tenants, held.Tenants) || !slices.Equal(entry.Families, held.Families):
		return fail(codeKeyRequired).saying(words.Say("keys.changed.message"), words.Say("keys.changed.action"))
	}
	return nil
}

func (k *keyring) watching() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.watches) > 0
}

// watchKeys looks at the keys while there are watches, until ctx ends.
func (s *Server) watchKeys(ctx context.Context) {
	for {
		select {
		case <-s.keys.begun:
		case <-ctx.Done():
			return
		}
		look := time.NewTicker(watchEvery)
		for s.keys.watching() && ctx.Err() == nil {
			select {
			case <-look.C:
				if s.loadKeys(ctx) != nil { // settle notes what is wrong with the disk
					s.keys.look(time.Now())
				}
			case <-ctx.Done():
			}
		}
		look.Stop()
	}
}

// withKey runs rt's handler under ctx, for as long as the key of c is good. What has not been
// answered by then is refused; what is being answered breaks off.
func (s *Server) withKey(ctx context.Context, w http.ResponseWriter, r *http.Request, rt route, c *call) error {
	if f := familyNeeded(r.URL.Path); f != "" && !c.key.Covers(f) {
		return fail(codeKeyFamily)
	}
	ctx, end := s.keys.watch(ctx, c.key)
	defer end()
	defer context.AfterFunc(ctx, func() {
		deadlines := http.NewResponseController(w)
		_ = deadlines.SetReadDeadline(time.Now().Add(lastWord)) // not every writer has one
		_ = deadlines.SetWriteDeadline(time.Now().Add(lastWord))
	})()
	err := rt.handle(w, r.WithContext(ctx), c)
	if why, over := errors.AsType[*failure](context.Cause(ctx)); over && err != nil {
		return why
	}
	return err
}
