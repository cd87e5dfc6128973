package server

import (
	"net/http"
	"runtime"
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
		return &iconHint{Taskbar: true, Text: "It is at the end of the taskbar, where the clock is. Windows puts new icons behind the ^ there: click it, and drag the icon " +
			"down beside the clock, where it stays in sight. A left click on it opens this page, a right click the menu."}
	case "darwin":
		return &iconHint{Text: "It is in the menu bar. A click on it opens the menu."}
	}
	return &iconHint{Text: "It is in your desktop's panel. A click on it opens the menu."}
}

// foundIcon takes the hint away.
func (s *Server) foundIcon(w http.ResponseWriter, r *http.Request, _ *call) error {
	s.iconFound.Store(true)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
