package xero

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/keystore"
)

// What a start finds in the keychain.

// load reads index and records. Either all could be read, or none is taken: a
// keychain that fails half way is not one with fewer connections.
func (c *Connections) load(ctx context.Context) {
	if c.cfg.Learnt != nil {
		c.limits.recall(c.cfg.Learnt(ctx), time.Now())
	}
	for failures := 0; ; failures++ {
		found, err := c.read(ctx)
		if err == nil {
			c.keychain.Lock()
			c.ids = found.ids
			c.keychain.Unlock()
			c.mu.Lock()
			c.loaded, c.problem = true, cmp.Or(found.problem, c.cfg.Lost)
			c.elsewhere = found.elsewhere
			for _, s := range found.sessions {
				c.addLocked(s)
			}
			c.publishLocked()
			c.mu.Unlock()
			return
		}
		c.log.Warn("keychain not read", "err", err)
		p := keystoreError(err).Problem
		c.mu.Lock()
		c.problem = &p
		c.publishLocked()
		c.mu.Unlock()
		select {
		case <-time.After(backoff(failures)):
		case <-ctx.Done():
			return
		}
	}
}

// What read found in the keychain.
type readResult struct {
	sessions []*Session
	ids      []string // the index
	problem  *Problem // of the index

	elsewhere map[string]string // ids of sign-ins with other issuers, and those
}

func (c *Connections) read(ctx context.Context) (found readResult, err error) {
	if err := c.readClientSecret(ctx); err != nil {
		return found, err
	}
	listed, damaged, err := readIndex(ctx, c.cfg.Keystore)
	if err != nil {
		return found, err
	}
	found.elsewhere = map[string]string{}
	for _, id := range listed {
		text, err := c.cfg.Keystore.Get(ctx, grantItem+id)
		if errors.Is(err, keystore.ErrNotFound) {
			continue // a sign-in that was cut off between index and record
		}
		if err != nil {
			return found, err
		}
		found.ids = append(found.ids, id)
		s := newSession(c, id)
		if c.cfg.Recall != nil {
			s.profile, _ = c.cfg.Recall(ctx, id)
		}
		s.grant, err = decodeGrant(text)
		switch {
		case err != nil:
			c.spoil(ctx, s, text, err)
		case s.grant.Issuer != c.cfg.Issuer:
			c.log.Info("a sign-in with another issuer is left alone", "connection", id, "issuer", s.grant.Issuer)
			found.elsewhere[id] = s.grant.Issuer
			continue
		}
		found.sessions = append(found.sessions, s)
	}
	if damaged {
		found.problem = indexProblem(len(found.ids))
		c.log.Error("the list of sign-ins in the keychain was damaged; it is kept aside", "found", len(found.ids))
		if len(found.ids) > 0 { // else it stays, and is said at every start, until somebody signs in
			err = writeIndex(ctx, c.cfg.Keystore, found.ids)
		}
	}
	return found, err
}

// spoil makes s one that waits for a sign-in, and keeps what is in the place of its
// record aside. The record itself stays until a sign-in or a disconnect takes its
// place: a newer FCC may still read it.
func (c *Connections) spoil(ctx context.Context, s *Session, text keystore.Secret, why error) {
	c.log.Error("a record in the keychain cannot be read; it is left as it is", "item", grantItem+s.id, "err", why)
	c.keychain.Lock()
	s.spoiled = text
	if err := c.spareLocked(ctx, s); err != nil { // tried again before the record is touched
		c.log.Warn("a damaged record is not kept aside yet", "connection", s.id, "err", err)
	}
	c.keychain.Unlock()
	if errors.Is(why, errNewer) {
		s.endLocked(needsLogin(words.Say("xero.needs-login.newer")))
		return
	}
	s.endLocked(needsLogin(words.Say("xero.needs-login.damaged")))
}

// indexProblem says what became of a damaged list of sign-ins, of which so many
// were found again.
func indexProblem(found int) *Problem {
	p := needsLogin(words.Say("xero.needs-login.list-damaged", "Item", "aside-"+indexItem))
	if found > 0 {
		p = problem(CodeNeedsLogin, words.Say("xero.list-damaged.message"), words.Say("xero.list-damaged.action"))
	}
	return &p
}

// readClientSecret completes the app from the keychain, or keeps there the secret
// that came with the settings.
func (c *Connections) readClientSecret(ctx context.Context) error {
	c.mu.Lock()
	app := c.app
	c.mu.Unlock()
	if app.ClientID == "" {
		return nil
	}
	kept, err := c.clientSecret(ctx, app.ClientID)
	if err != nil {
		return err
	}
	if app.Secret.IsZero() {
		app.Secret = kept
	} else if !app.Secret.Equal(kept) {
		if err := c.cfg.Keystore.Set(ctx, clientSecretItem+strings.ToLower(app.ClientID), app.Secret); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.app.ClientID == app.ClientID { // or SetApp came in between
		c.app.Secret = app.Secret
	}
	return nil
}

// clientSecret reads the secret of a Xero app; most have none.
func (c *Connections) clientSecret(ctx context.Context, clientID string) (keystore.Secret, error) {
	secret, err := c.cfg.Keystore.Get(ctx, clientSecretItem+strings.ToLower(clientID))
	if errors.Is(err, keystore.ErrNotFound) {
		return keystore.Secret{}, nil
	}
	return secret, err
}
