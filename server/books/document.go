package books

import (
	"cmp"
	"context"
	"time"
)

// A document is a part that is read whole each time.
type document[T any] struct {
	part
	value T
	at    time.Time
}

// kept is a document as it is sealed.
type kept[T any] struct {
	At    time.Time
	Value T
}

// paper is how a document is read.
type paper[T any] struct {
	name string // in the state
	need need
	read func(context.Context, *asking) (T, error)
	// fits reports whether what is in the state is this document: of several with
	// the same name only the last is kept there. Optional.
	fits func(T) bool
}

// readDocument returns what is known of d, read anew when it is older than maxAge.
func readDocument[T any](ctx context.Context, s *shelf, d *document[T], p paper[T], maxAge time.Duration) Reading[T] {
	refused := s.bring(ctx, &d.part, work{
		need:  p.need,
		kept:  maxAge == Kept,
		fresh: func() bool { return !outdated(d.at, maxAge) },
		load: func(ctx context.Context) func() {
			var k kept[T]
			found := s.books.vault.open(ctx, s.tenant, p.name, &k, nil)
			return func() {
				if found && (p.fits == nil || p.fits(k.Value)) {
					d.value, d.at = k.Value, k.At
				}
			}
		},
		read: func(ctx context.Context, a *asking) (func(), error) {
			began := time.Now().UTC()
			value, err := p.read(ctx, a)
			return func() { d.value, d.at = value, began }, err
		},
		lose: func() {
			var nothing T
			d.value, d.at = nothing, time.Time{}
		},
		keep: func(ctx context.Context) {
			s.mu.Lock()
			k := kept[T]{d.at, d.value}
			s.mu.Unlock()
			s.books.vault.save(ctx, s.tenant, p.name, k, nil, nil, false)
		},
	})
	defer s.mu.Unlock()
	return Reading[T]{Value: d.value, At: d.at, Loading: d.flight != nil, Trouble: cmp.Or(refused, d.trouble)}
}

// A span is the days that a document is about, both included. A zero one is no bound.
type span struct{ from, to time.Time }

func daysBetween(from, to time.Time) span { return span{midnight(from), midnight(to)} }

// spans are documents of one kind, each of other days.
type spans[T any] map[span]*document[T]

// mostSpans of one kind are held in memory; the last that was read is kept in the state.
const mostSpans = 16

func (all spans[T]) of(s *shelf, days span) *document[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := all[days]; d != nil {
		return d
	}
	for other, d := range all {
		if len(all) >= mostSpans && d.flight == nil {
			delete(all, other)
		}
	}
	d := &document[T]{}
	all[days] = d
	return d
}
