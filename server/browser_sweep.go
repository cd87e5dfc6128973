package server

import (
	"context"
	"slices"
	"time"

	"github.com/gorilla/sessions"
)

// flush brings to the disk what is not there yet.
func (b *browsers) flush(ctx context.Context) error {
	b.mu.Lock()
	waiting := map[[32]byte]*browser{}
	for hash, kept := range b.known {
		if kept.unsaved {
			waiting[hash] = kept
		}
	}
	b.mu.Unlock()
	for hash, kept := range waiting {
		if err := b.save(ctx, hash, kept); err != nil {
			return err
		}
	}
	return nil
}

// sweep ends what has expired and, of the rest, all but the most that are allowed,
// those first that expire first.
func (b *browsers) sweep(ctx context.Context, now time.Time) error {
	b.mu.Lock()
	b.begun = 0
	var live [][32]byte
	for hash, kept := range b.known {
		switch {
		case kept.ended:
		case now.Before(kept.expires):
			live = append(live, hash)
		default:
			delete(b.known, hash)
		}
	}
	if len(live) > mostSessions {
		slices.SortFunc(live, func(x, y [32]byte) int { return b.known[y].expires.Compare(b.known[x].expires) })
		for _, hash := range live[mostSessions:] {
			delete(b.known, hash)
		}
	}
	b.mu.Unlock()
	_, err := b.state().SweepSessions(ctx, now, mostSessions)
	return err
}

// endOthers ends every session but keep: those in use at once, whatever the disk
// says. After an error some may be left on the disk.
func (b *browsers) endOthers(ctx context.Context, keep *sessions.Session) error {
	hash, err := hashOf(keep)
	if err != nil {
		return err
	}
	b.disk.Lock() // nobody reads one from the disk meanwhile
	defer b.disk.Unlock()
	b.mu.Lock()
	for other := range b.known {
		if other != hash {
			b.known[other] = &browser{ended: true, unsaved: true}
		}
	}
	b.tellLocked()
	b.mu.Unlock()
	err = b.state().DeleteOtherSessions(context.WithoutCancel(ctx), hash)
	if err != nil {
		b.report(err)
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for other, kept := range b.known {
		if kept.ended && other != hash {
			delete(b.known, other)
		}
	}
	return nil
}

// knownFor is how old session is, 0 where that is not known.
func (b *browsers) knownFor(ctx context.Context, session *sessions.Session) time.Duration {
	hash, err := hashOf(session)
	if err != nil {
		return 0
	}
	kept, alive := b.load(ctx, hash)
	if !alive {
		return 0
	}
	return max(time.Nanosecond, time.Since(kept.created))
}
