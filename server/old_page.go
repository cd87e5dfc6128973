package server

import (
	"fmt"
	"net/http"
	"strings"

	"financial-command-center/server/xero"
)

func (s *Server) oldRoutes() []route {
	return []route{{pattern: "POST /old-sign-in", who: session, handle: s.dealWithOld}}
}

// oldView is the card about an older program; nil where it left nothing.
type oldView struct {
	OldSignIn
	There   bool     // a sign-in
	Startup []string // what still starts it
}

func (s *Server) oldView() *oldView {
	v := oldView{Startup: s.oldStartup()}
	v.OldSignIn, v.There = FindOldSignIn(s.cfg.OldFolders)
	if !v.There && len(v.Startup) == 0 {
		return nil
	}
	return &v
}

func (s *Server) oldStartup() []string {
	if s.cfg.OldStartup == nil {
		return nil
	}
	return s.cfg.OldStartup()
}

// What the form asks for.
const (
	oldTake   = "take"
	oldDelete = "delete"
)

// dealWithOld takes over what the older program left, or only deletes it. Its files
// are deleted once the keychain has what came of them, and never before.
func (s *Server) dealWithOld(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	found, there := FindOldSignIn(s.cfg.OldFolders)
	if !there {
		return fail(codeNotFound).saying("There is no sign-in of an older program any more.", "Nothing needs doing.")
	}
	said := "What the older program left is deleted. At Xero that sign-in ends by itself when it was not used for 60 days."
	var connection string
	switch r.PostForm.Get("do") {
	case oldTake:
		done, err := s.takeOld(r, found)
		if err != nil {
			return err
		}
		connection = done.Connection
		said = "The sign-in of the older program is FCC's now, and its file is deleted."
		if len(done.Organisations) > 0 {
			said = fmt.Sprintf("The sign-in of the older program, for %s, is FCC's now, and its file is deleted.", names(done.Organisations))
		}
	case oldDelete:
	default:
		return fail(codeBadRequest)
	}
	left, err := found.delete(s.cfg.OldFolders)
	if err != nil {
		s.log.Warn("what an older program left was not deleted", "err", err)
		return fail(codeStateUnavailable).because(err).
			saying("These files of the older program could not be deleted: "+strings.Join(left, ", ")+".", "End the older program if it runs, then delete them here or by hand.")
	}
	s.log.Info("what an older program left is deleted", "files", found.Files, "taken_over", connection != "")
	if !wantsPage(r) {
		writeJSON(w, http.StatusOK, map[string]any{"connection": connection, "deleted": found.Files})
		return nil
	}
	if err := s.notice(w, r, c, said); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// takeOld has the sign-in taken over, and keeps its app as FCC's own where FCC has
// none.
func (s *Server) takeOld(r *http.Request, found OldSignIn) (xero.SignIn, error) {
	if found.Wrong != "" {
		return xero.SignIn{}, fail(codeBadRequest).saying("The sign-in of the older program cannot be taken over. "+found.Wrong, "Sign in to Xero from FCC, and delete what it left.")
	}
	if wrong := s.wrongClientID(found.grant.ClientID); wrong != "" {
		return xero.SignIn{}, fail(codeBadRequest).saying("The sign-in of the older program cannot be taken over: the client id of its Xero app is none.", "Sign in to Xero from FCC, and delete what it left.")
	}
	if !s.cfg.KeysStored {
		return xero.SignIn{}, fail(codeKeystoreUnavailable).saying("FCC keeps secrets in memory only now, and would lose the sign-in at its end.", "Start FCC with a keychain, or with --keystore file, and take it over then.")
	}
	done, err := s.cfg.Connections.Adopt(r.Context(), found.grant)
	if err != nil {
		f := asFailure(err)
		if f.Code == xero.CodeNeedsLogin || f.Code == xero.CodeLoginFailed {
			f = f.offering("Go to the start page", "/")
		}
		return done, f
	}
	app := s.cfg.Connections.App()
	if app.ClientID != "" {
		return done, nil
	}
	app.ClientID = found.grant.ClientID
	if err := s.cfg.Connections.SetApp(r.Context(), app); err != nil {
		return done, err
	}
	if err := s.cfg.SaveClientID(app.ClientID); err != nil {
		return done, fail(codeStateUnavailable).because(err).saying("The sign-in of the older program is FCC's now. The client id of its Xero app could not be kept in the settings file.", "Make the data folder writable, then take it over once more.")
	}
	return done, nil
}
