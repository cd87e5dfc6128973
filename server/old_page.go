package server

import (
	"cmp"
	"net/http"
	"strings"
	"sync"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

func (s *Server) oldRoutes() []route {
	return []route{{pattern: "POST /old-sign-in", who: session, handle: s.dealWithOld}}
}

// oldView is the card about an older program; nil where it left nothing.
type oldView struct {
	OldSignIn
	Startup []string // what still starts it
}

// Starts are the names of what still starts it.
func (v oldView) Starts() string { return strings.Join(v.Startup, ", ") }

// oldFresh is how long a look at what an older program left is believed: it reads
// some twenty folders and the registry.
const oldFresh = time.Minute

// An oldLook is the last look.
type oldLook struct {
	mu   sync.Mutex
	at   time.Time
	seen oldView
}

// lookForOld returns what an older program left, as it was at most oldFresh ago.
func (s *Server) lookForOld() oldView {
	s.old.mu.Lock()
	defer s.old.mu.Unlock()
	if s.old.at.IsZero() || time.Since(s.old.at) >= oldFresh {
		s.old.seen = oldView{}
		s.old.seen.OldSignIn, _ = FindOldSignIn(s.cfg.OldFolders)
		if s.cfg.OldStartup != nil {
			s.old.seen.Startup = s.cfg.OldStartup()
		}
		s.old.at = time.Now()
	}
	return s.old.seen
}

// lookAnew has the next look be a new one.
func (s *Server) lookAnew() {
	s.old.mu.Lock()
	defer s.old.mu.Unlock()
	s.old.at = time.Time{}
}

func (s *Server) oldView() *oldView {
	v := s.lookForOld()
	if len(v.Files) == 0 && len(v.Startup) == 0 {
		return nil
	}
	return &v
}

// What the form asks for.
const (
	oldTake   = "take"
	oldDelete = "delete"
)

// dealWithOld takes over what the older program left, or only deletes it. Files are
// deleted once the keychain has what came of them, and never before.
func (s *Server) dealWithOld(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	defer s.lookAnew()
	old, there := FindOldSignIn(s.cfg.OldFolders)
	switch {
	case !there:
		return fail(codeNotFound).saying(words.Say("old.none.message"), words.Say("old.none.action"))
	case r.PostForm.Get("mark") != old.Mark(): // consent is to what the page showed
		return fail(codeBadRequest).saying(words.Say("old.changed.message"), words.Say("old.changed.action")).offering(words.Say("old.start"), "/")
	}
	said := words.Say("old.done.deleted")
	done := old.found
	connections := []string{}
	switch r.PostForm.Get("do") {
	case oldTake:
		taken, err := s.takeOld(r, old)
		if err != nil {
			return err
		}
		said, done, connections = taken.said(len(old.found)), taken.files, taken.connections
	case oldDelete:
	default:
		return fail(codeBadRequest)
	}
	left, err := deleteOld(done)
	if err != nil {
		s.log.Warn("what an older program left was not deleted", "err", err)
		return fail(codeStateUnavailable).because(err).
			saying(words.Say("old.undeleted.message", "Files", strings.Join(left, ", ")), words.Say("old.undeleted.action"))
	}
	deleted := []string{}
	for _, f := range done {
		deleted = append(deleted, f.path)
	}
	s.log.Info("what an older program left is deleted", "files", deleted, "taken_over", len(connections))
	if !wantsPage(r) {
		writeJSON(w, http.StatusOK, map[string]any{"connections": connections, "deleted": deleted})
		return nil
	}
	if err := s.notice(w, r, c, said); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// taken is what became of a take-over.
type taken struct {
	connections   []string
	organisations []xero.Organisation
	files         []oldFile // that hold nothing that is not FCC's now
	why           string    // one of the others was not taken over; "" when all were
}

func (t taken) said(found int) string {
	said := words.Say("old.done.taken")
	if len(t.organisations) > 0 {
		said = words.Say("old.done.taken-for", "Organisations", names(t.organisations))
	}
	if len(t.files) < found {
		said += " " + words.Say("old.done.another", "Why", t.why)
	}
	return said
}

// takeOld has the sign-ins taken over that can be, and keeps the app of the first as
// FCC's own where FCC has none. One that Xero refuses does not stand in the way of
// the next, and its file stays.
func (s *Server) takeOld(r *http.Request, old OldSignIn) (done taken, err error) {
	if old.Wrong != "" {
		return done, fail(codeBadRequest).saying(words.Say("old.refused.message", "Why", old.Wrong), words.Say("old.refused.action"))
	}
	if !s.cfg.KeysStored {
		return done, fail(codeKeystoreUnavailable).saying(words.Say("old.memory.message"), words.Say("old.memory.action"))
	}
	var refused *failure         // the first
	adopted := map[string]bool{} // by refresh token
	in := map[string]bool{}      // folders with one that is FCC's now: the other there is of the same program's debugging
	for _, f := range old.found {
		token := f.grant.RefreshToken.Reveal()
		if f.wrong != "" || adopted[token] || in[f.folder] {
			continue
		}
		signIn, err := s.takeOne(r, f.grant)
		if err == nil {
			adopted[token], in[f.folder] = true, true
			done.connections = append(done.connections, signIn.Connection)
			done.organisations = append(done.organisations, signIn.Organisations...)
			continue
		}
		switch why := asFailure(err); why.Code {
		case xero.CodeNeedsLogin, xero.CodeLoginFailed, codeBadRequest:
			refused = cmp.Or(refused, why.offering(words.Say("old.start"), "/"))
		default:
			return done, err // what was taken over by now is found again
		}
	}
	if len(adopted) == 0 {
		return done, refused
	}
	if refused != nil {
		done.why = refused.Message
	}
	for _, f := range old.found {
		if in[f.folder] || adopted[f.grant.RefreshToken.Reveal()] {
			done.files = append(done.files, f)
		} else {
			done.why = cmp.Or(done.why, f.wrong)
		}
	}
	return done, nil
}

// takeOne takes one over. The client id is kept first: tried again after an error,
// it is still FCC's first.
func (s *Server) takeOne(r *http.Request, grant xero.OldGrant) (xero.SignIn, error) {
	if wrong := s.wrongClientID(grant.ClientID); wrong != "" {
		return xero.SignIn{}, fail(codeBadRequest).saying(words.Say("old.bad-client.message"), words.Say("old.refused.action"))
	}
	done, err := s.cfg.Connections.Adopt(r.Context(), grant)
	if err != nil {
		return done, err
	}
	app := s.cfg.Connections.App()
	if app.ClientID != "" {
		return done, nil
	}
	app.ClientID = grant.ClientID
	if err := s.cfg.SaveClientID(app.ClientID); err != nil {
		return done, fail(codeStateUnavailable).because(err).saying(words.Say("old.unsaved.message"), words.Say("old.unsaved.action"))
	}
	return done, s.cfg.Connections.SetApp(r.Context(), app)
}
