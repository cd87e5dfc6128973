package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"financial-command-center/keystore"
)

// The session secret signs the cookies of browsers. It is 64 random bytes in
// URL-safe base64, 86 characters, as the Python original made it.
const (
	secretItem   = "session-secret"
	previousItem = "session-secret-previous" // the secret, a space, and until when it counts
	secretBytes  = 64
	weakestTaken = 32 // characters of an older secret that is taken over
	keepPrevious = sessionLife
)

// secrets are the session secret and, for a week after a rotation, the one before.
type secrets struct {
	current, previous keystore.Secret
	until             time.Time // when previous ends; zero without one
}

// openSecrets reads the session secret, takes an older one over, or makes one, also
// in the place of what is none: that is kept aside, and browsers begin anew.
func (s *Server) openSecrets(ctx context.Context, now time.Time) (secrets, error) {
	current, err := s.cfg.Keystore.Get(ctx, secretItem)
	if err == nil && !usable(current) {
		if err := s.spare(ctx, secretItem, current); err != nil {
			return secrets{}, err
		}
		err = keystore.ErrNotFound
	}
	switch {
	case errors.Is(err, keystore.ErrNotFound):
		if current, err = s.firstSecret(ctx); err != nil {
			return secrets{}, err
		}
	case err != nil:
		return secrets{}, fmt.Errorf("read the session secret: %w", err)
	}
	if err := s.retireFlaskKey(current); err != nil {
		s.log.Warn("the old session secret was taken over and its file could not be removed", "err", err)
	}
	found := secrets{current: current}
	text, err := s.cfg.Keystore.Get(ctx, previousItem)
	switch {
	case errors.Is(err, keystore.ErrNotFound):
		return found, nil
	case err != nil:
		return secrets{}, fmt.Errorf("read the previous session secret: %w", err)
	}
	at := strings.LastIndex(text.Reveal(), " ") // a FLASK_SECRET_KEY may hold spaces
	secret, until := text.Reveal()[:max(at, 0)], text.Reveal()[at+1:]
	ends, err := time.Parse(time.RFC3339, until)
	damaged := err != nil || !usable(keystore.NewSecret(secret))
	if damaged {
		if err := s.spare(ctx, previousItem, text); err != nil {
			return secrets{}, err
		}
	}
	if damaged || !now.Before(ends) {
		if err := s.cfg.Keystore.Delete(ctx, previousItem); err != nil {
			s.log.Warn("the previous session secret has ended and could not be removed", "err", err)
		}
		return found, nil
	}
	found.previous, found.until = keystore.NewSecret(secret), ends
	return found, nil
}

// usable reports whether a text will do as a session secret: long enough, and not
// bytes that something else has left.
func usable(secret keystore.Secret) bool {
	text := secret.Reveal()
	return len(text) >= weakestTaken && utf8.ValidString(text) && strings.IndexFunc(text, unicode.IsControl) < 0
}

// spare keeps aside what was found in the place of a session secret.
func (s *Server) spare(ctx context.Context, item string, text keystore.Secret) error {
	as, err := keystore.KeepAside(ctx, s.cfg.Keystore, item, text)
	if err != nil {
		return fmt.Errorf("keep a damaged session secret aside: %w", err)
	}
	s.log.Warn("a session secret in the keychain is damaged; it is kept aside", "item", item, "as", as, "length", text.Len())
	return nil
}

// firstSecret is the Python original's, from its file or the environment, else a
// new one. It is in the keychain, and was read back, when this returns.
func (s *Server) firstSecret(ctx context.Context) (keystore.Secret, error) {
	from, secret := "made", newSecret()
	if usable(s.cfg.FlaskSecret) {
		from, secret = "FLASK_SECRET_KEY", s.cfg.FlaskSecret
	}
	old, err := s.flaskKey()
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		s.log.Warn("the old session secret cannot be read", "err", err)
	case usable(old):
		from, secret = "config/flask_secret.key", old
	case err == nil:
		s.log.Warn("the old session secret in config/flask_secret.key is too short or damaged, and is not used")
	}
	if err := s.cfg.Keystore.Set(ctx, secretItem, secret); err != nil {
		return keystore.Secret{}, fmt.Errorf("keep the session secret: %w", err)
	}
	kept, err := s.cfg.Keystore.Get(ctx, secretItem)
	if err != nil {
		return keystore.Secret{}, fmt.Errorf("read the session secret back: %w", err)
	}
	s.log.Info("session secret", "origin", from)
	return kept, nil
}

func newSecret() keystore.Secret {
	raw := make([]byte, secretBytes)
	rand.Read(raw)
	return keystore.NewSecret(base64.RawURLEncoding.EncodeToString(raw))
}

func (s *Server) flaskKeyPath() string {
	return filepath.Join(s.cfg.DataDir, "config", "flask_secret.key")
}

func (s *Server) flaskKey() (keystore.Secret, error) {
	text, err := os.ReadFile(s.flaskKeyPath())
	return keystore.NewSecret(strings.TrimSpace(string(text))), err
}

// retireFlaskKey removes the Python original's file once the keychain holds the
// same secret. One that holds another is left: it may be somebody's.
func (s *Server) retireFlaskKey(kept keystore.Secret) error {
	if !s.cfg.KeysStored {
		return nil // what holds the secret now ends with the process
	}
	old, err := s.flaskKey()
	if errors.Is(err, fs.ErrNotExist) || err == nil && !old.Equal(kept) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Remove(s.flaskKeyPath())
}

// RotateSecret makes a new session secret. Browsers go on with cookies of the one
// before for seven days, and get a new one at their next visit.
func (s *Server) RotateSecret(ctx context.Context) error {
	if p := s.closed.problem(); p != nil {
		return &failure{Problem: *p}
	}
	s.rotating.Lock()
	defer s.rotating.Unlock()
	now := time.Now()
	old := s.browsers.secrets()
	next := secrets{current: newSecret(), previous: old.current, until: now.Add(keepPrevious).UTC().Truncate(time.Second)}
	// The previous one first: a crash between the two leaves it equal to the current.
	kept := keystore.NewSecret(next.previous.Reveal() + " " + next.until.Format(time.RFC3339))
	if err := s.cfg.Keystore.Set(ctx, previousItem, kept); err != nil {
		return keystoreFailure(err)
	}
	if err := s.cfg.Keystore.Set(ctx, secretItem, next.current); err != nil {
		return keystoreFailure(err)
	}
	s.log.Info("session secret rotated", "previous_until", next.until)
	return s.browsers.use(next)
}

// endPrevious forgets the previous secret when its week is over.
func (s *Server) endPrevious(ctx context.Context, now time.Time) error {
	s.rotating.Lock()
	defer s.rotating.Unlock()
	held := s.browsers.secrets()
	if held.until.IsZero() || now.Before(held.until) {
		return nil
	}
	if err := s.browsers.use(secrets{current: held.current}); err != nil {
		return err
	}
	return s.cfg.Keystore.Delete(ctx, previousItem)
}
