package server

import (
	"net/http"
	"runtime"

	"financial-command-center/assets/words"
)

func (s *Server) iconRoutes() []route {
	return []route{
		{pattern: "POST /icon", who: session, handle: s.foundIcon},
	}
}

// iconHint says where the icon in the tray is, on the start page of a person's
// first start until it was found.
type iconHint struct {
	Text    string
	Taskbar bool // with the picture of Windows' taskbar
}

func (s *Server) iconHint() *iconHint {
	if !s.cfg.ShowIcon || s.iconFound.Load() {
		return nil
	}
	return iconHintFor(runtime.GOOS)
}

func iconHintFor(system string) *iconHint {
	switch system {
	case "windows":
		return &iconHint{Taskbar: true, Text: words.Say("home.icon.windows")}
	case "darwin":
		return &iconHint{Text: words.Say("home.icon.darwin")}
	}
	return &iconHint{Text: words.Say("home.icon.linux")}
}

// foundIcon takes the hint away.
func (s *Server) foundIcon(w http.ResponseWriter, r *http.Request, _ *call) error {
	s.iconFound.Store(true)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
