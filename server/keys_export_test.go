package server

import (
	"context"
	"net/http"
	"time"

	"financial-command-center/server/store"
)

// KeyDay counts as the server does.
type KeyDay struct{ day keyDay }

func (d *KeyDay) Take(name string, most int) (done func(sent bool), ok bool) {
	done, err := d.day.take(name, most, nil, time.Now())
	return done, err == nil
}

// Aside keeps a call for a write that waits for so long.
func (d *KeyDay) Aside(name string, most int, wait time.Duration) (giveBack func(), ok bool) {
	now := time.Now()
	kept, err := d.day.setAside(name, most, now.Add(wait), now)
	return func() { d.day.giveBack(kept) }, err == nil
}

func (d *KeyDay) Made(name string) int {
	return d.day.made(name, time.Now())
}

// Wait is when the next call may come, as it is told to who comes too early.
func (d *KeyDay) Wait(name string, most int) time.Duration {
	if err := d.day.may(name, most, time.Now()); err != nil {
		return asFailure(err).retryAfter
	}
	return 0
}

// CallsOf is from when to when the list of calls is of a day.
func CallsOf(day string, now time.Time) (from, to time.Time, err error) {
	which, err := activityFilter{Day: day}.which(now)
	return which.From, which.To, err
}

var (
	DayBegins = dayBegins
	LastWords = lastWords
)

// ChangeKey changes a key as the page does.
func (s *Server) ChangeKey(ctx context.Context, want store.Key) error {
	_, err := s.changeKey(ctx, want)
	return err
}

func KeyIn(h http.Header) string             { return keyIn(h) }
func ProgramOf(r *http.Request) string       { return productOf(r) }
func (s *Server) KeyEnds(k store.Key) string { return lastWords(k.Expires) }
