package server

import (
	"net/http"

	"financial-command-center/assets/words"
)

// sessionLook is the value of a session that holds how its pages look: "light",
// "dark", or nothing for what the system says.
const sessionLook = "look"

func (s *Server) lookRoutes() []route {
	return []route{{pattern: "POST /settings/look", who: session, handle: s.saveLook}}
}

// lookOf is what a page's html element says about itself.
func lookOf(c *call) string {
	if c == nil || c.session == nil {
		return ""
	}
	look, _ := c.session.Values[sessionLook].(string)
	return look
}

// saveLook keeps the choice with this browser's session.
func (s *Server) saveLook(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	switch look := r.PostForm.Get("look"); look {
	case "light", "dark":
		c.session.Values[sessionLook] = look
	case "system":
		delete(c.session.Values, sessionLook)
	default:
		return fail(codeBadRequest).saying(words.Say("requests.look.message"), words.Say("requests.look.action"))
	}
	if err := c.session.Save(r, w); err != nil {
		return err
	}
	http.Redirect(w, r, localPath(r.PostForm.Get("next")), http.StatusSeeOther)
	return nil
}
