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
	return d.day.take(name, most, time.Now())
}

func (d *KeyDay) Made(name string) int {
	n, _ := d.day.made(name, 0, time.Now())
	return n
}

// ChangeKey changes a key as the page does.
func (s *Server) ChangeKey(ctx context.Context, want store.Key) error {
	_, err := s.changeKey(ctx, want)
	return err
}

func KeyIn(h http.Header) string       { return keyIn(h) }
func ProgramOf(r *http.Request) string { return productOf(r) }
