package server

import (
	"context"
	"net/http"
	"runtime"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

func (s *Server) secretRoutes() []route {
	return []route{
		{pattern: "GET /settings/move", who: page, handle: s.movePage},
		{pattern: "POST /settings/move", who: session, handle: s.moveSecrets},
		{pattern: "POST /settings/rotate", who: session, handle: s.rotate},
		{pattern: "GET /settings/sign-out", who: page, handle: s.signOutPage},
		{pattern: "POST /settings/sign-out", who: session, handle: s.signOutEverywhere},
	}
}

// keystoreKind is the kind of keystore in use, "" where nobody said.
func (s *Server) keystoreKind() string {
	if s.cfg.Host.Keystore == nil {
		return ""
	}
	return s.cfg.Host.Keystore()
}

// keystoreWords name a kind of keystore to a person.
func keystoreWords(kind string) string {
	switch kind {
	case "os":
		switch runtime.GOOS {
		case "windows":
			return "the keychain of this computer (Windows Credential Manager)"
		case "darwin":
			return "the keychain of this computer (Keychain Access)"
		}
		return "the keychain of this computer (Secret Service)"
	case "file":
		return "an encrypted file in the data folder"
	case "memory":
		return "memory only: they are gone when FCC ends"
	}
	return ""
}

// moveTargets are the kinds that secrets can be moved to, in words.
func (s *Server) moveTargets() []choice {
	if s.cfg.Host.MoveSecrets == nil {
		return nil
	}
	switch s.keystoreKind() {
	case "os":
		return []choice{{Value: "file", Label: "Move to an encrypted file…"}}
	case "file":
		return []choice{{Value: "os", Label: "Move to the keychain…"}}
	}
	return nil // what is in memory goes on being in memory
}

func (s *Server) mayMove(to string) bool {
	for _, target := range s.moveTargets() {
		if target.Value == to {
			return true
		}
	}
	return false
}

func (s *Server) movePage(w http.ResponseWriter, r *http.Request, c *call) error {
	to := r.URL.Query().Get("to")
	if !s.mayMove(to) {
		return notHere()
	}
	what := confirmation{
		Title: "Move the secrets", Lead: "From " + keystoreWords(s.keystoreKind()) + " to " + keystoreWords(to) + ".",
		Points: []string{
			"The sign-ins to Xero, what signs browser sessions, and the key of the kept books are copied and read back. Only then FCC goes on with the copies, and deletes them where they were.",
			"Nobody has to sign in again. Should something go wrong, all stays where it is.",
			"What FCC may have kept there at an earlier time is replaced.",
		},
		Action: "/settings/move", Name: "to", Value: to, Label: "Move the secrets", Back: "/settings#secrets",
	}
	if to == "file" && !keystore.PassphraseOptional {
		what.Points = append(what.Points, "The file opens with the passphrase that FCC was started with, now and at every start.")
	}
	if err := s.cfg.Host.MayMoveSecrets(to); err != nil {
		what.Trouble = &asFailure(err).Problem
	}
	return s.confirm(w, r, c, what)
}

func (s *Server) moveSecrets(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	to := r.PostForm.Get("to")
	if !s.mayMove(to) {
		return notHere()
	}
	// What is begun is finished, whoever stops waiting.
	if err := s.cfg.Host.MoveSecrets(context.WithoutCancel(r.Context()), to); err != nil {
		return asFailure(err).offering("Settings", "/settings#secrets")
	}
	return s.settled(w, r, c, "The secrets are in "+keystoreWords(to)+" now.", "/settings#secrets")
}

func (s *Server) rotate(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := s.RotateSecret(r.Context()); err != nil {
		return err
	}
	return s.settled(w, r, c, "There is a new session secret. Browsers stay signed in: the one before counts for seven more days.", "/settings#sessions")
}

func (s *Server) signOutPage(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.confirm(w, r, c, confirmation{
		Title: "Sign out everywhere", Lead: "Nothing happens before you press the button.",
		Points: []string{
			"Every other browser loses its session with FCC, also one that somebody copied. This browser gets a new one and goes on.",
			"Who uses this computer under your name may simply visit again.",
			"The sign-in to Xero, and programs with keys, go on as they are.",
		},
		Action: "/settings/sign-out", Label: "Sign out everywhere", Back: "/settings#sessions",
	})
}

// signOutEverywhere ends every session, this one's id too: this browser alone gets
// a new one.
func (s *Server) signOutEverywhere(w http.ResponseWriter, r *http.Request, c *call) error {
	s.cfg.Connections.Abandon(c.session.ID)
	if err := s.notice(w, r, c, "Every other browser is signed out."); err != nil {
		return err
	}
	if err := s.browsers.renew(w, r, c.session); err != nil {
		return err
	}
	if err := s.browsers.endOthers(r.Context(), c.session); err != nil {
		return stateFailure(err).offering("Settings", "/settings#sessions")
	}
	http.Redirect(w, r, "/settings#sessions", http.StatusSeeOther)
	return nil
}

// What is moved when the secrets are: see KeystoreItems.
var ownItems = []string{secretItem, previousItem, booksKeyItem}

// KeystoreItems names all that FCC keeps in ks, each item before those that are
// found by it: who copies in this order, and deletes in the other, is at no moment
// left with something that nobody finds. clientIDs tell where the secret of a Xero app
// is that nobody has signed in through yet; "" stands for none.
func KeystoreItems(ctx context.Context, ks keystore.Store, clientIDs []string) ([]string, error) {
	items, err := xero.KeystoreItems(ctx, ks, clientIDs)
	if err != nil {
		return nil, err
	}
	items = append(items, ownItems...)
	var aside []string
	for _, item := range items {
		kept, err := keystore.Aside(ctx, ks, item)
		if err != nil {
			return nil, err
		}
		aside = append(aside, kept...)
	}
	return append(items, aside...), nil
}
