package server

import (
	"context"
	"net/http"
	"runtime"

	"financial-command-center/assets/words"
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
			return words.Say("settings.places.os-windows")
		case "darwin":
			return words.Say("settings.places.os-mac")
		}
		return words.Say("settings.places.os-linux")
	case "file":
		return words.Say("settings.places.file")
	case "memory":
		return words.Say("settings.places.memory")
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
		return []choice{{Value: "file", Label: words.Say("settings.move.to-file")}}
	case "file":
		return []choice{{Value: "os", Label: words.Say("settings.move.to-os")}}
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
		Title: words.Say("settings.move.title"), Lead: words.Say("settings.move.lead", "From", keystoreWords(s.keystoreKind()), "To", keystoreWords(to)),
		Points: []string{
			words.Say("settings.move.copied"),
			words.Say("settings.move.nobody"),
			words.Say("settings.move.replaced"),
		},
		Action: "/settings/move", Name: "to", Value: to, Label: words.Say("settings.move.title"), Back: "/settings#secrets",
	}
	if to == "file" && !keystore.PassphraseOptional {
		what.Points = append(what.Points, words.Say("settings.move.passphrase"))
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
		return asFailure(err).offering(words.Say("settings.title"), "/settings#secrets")
	}
	return s.settled(w, r, c, words.Say("settings.move.moved", "Place", keystoreWords(to)), "/settings#secrets")
}

func (s *Server) rotate(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := s.RotateSecret(r.Context()); err != nil {
		return err
	}
	return s.settled(w, r, c, words.Say("settings.sessions.renewed"), "/settings#sessions")
}

func (s *Server) signOutPage(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.confirm(w, r, c, confirmation{
		Title: words.Say("settings.sessions.sign-out"), Lead: words.Say("settings.nothing-yet"),
		Points: []string{
			words.Say("settings.sessions.sign-out-browsers"),
			words.Say("settings.sessions.sign-out-visit"),
			words.Say("settings.sessions.sign-out-stays"),
		},
		Action: "/settings/sign-out", Label: words.Say("settings.sessions.sign-out"), Back: "/settings#sessions",
	})
}

// signOutEverywhere ends every session, this one's id too: this browser alone gets
// a new one.
func (s *Server) signOutEverywhere(w http.ResponseWriter, r *http.Request, c *call) error {
	s.cfg.Connections.Abandon(c.session.ID)
	if err := s.notice(w, r, c, words.Say("settings.sessions.signed-out")); err != nil {
		return err
	}
	if err := s.browsers.renew(w, r, c.session); err != nil {
		return err
	}
	if err := s.browsers.endOthers(r.Context(), c.session); err != nil {
		return stateFailure(err).offering(words.Say("settings.title"), "/settings#sessions")
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
