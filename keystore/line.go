package keystore

import (
	"context"
	"fmt"
	"time"
)

// A line lets calls through one at a time, in the order they came. A call that
// its caller has given up keeps its place until it has really ended, so that it
// is followed by the later ones and never overtakes them.
type line struct {
	turn     chan struct{} // holds one element while a call is under way
	patience time.Duration // how long a caller waits, its place in the line included
}

func newLine(patience time.Duration) line {
	return line{turn: make(chan struct{}, 1), patience: patience}
}

// wait runs call when its turn has come and returns what it returned, or
// ErrTimeout. The context given to call ends when nobody waits for it any more.
func wait[T any](ctx context.Context, l line, call func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	ctx, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	if err := ended(ctx); err != nil {
		return *new(T), err
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return *new(T), ended(ctx)
	}
	done := make(chan result, 1)
	go func() {
		value, err := call(ctx)
		<-l.turn
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done: // both at once: what is known counts
		return r.value, r.err
	default:
		return *new(T), ended(ctx)
	}
}

// ended is an ErrTimeout once ctx is done.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrTimeout, context.Cause(ctx))
}
