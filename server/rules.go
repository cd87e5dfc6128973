package server

import (
	"net/http"
	"slices"
)

// rules are what answers say to browsers, while sign-ins lead to that host. The values
// are shared by all answers: who changes a header puts another list there.
type rules struct {
	login string
	all   http.Header // what every answer says
	// documents: what this server's own answers say, too. A browser cannot send a key with
	// what it loads, so no answer of Xero's becomes a document there; to write these and
	// to have them read is a third of what the gateway costs.
	documents http.Header
}

func (s *Server) rulesNow() *rules {
	login := s.cfg.Connections.LoginHost()
	now := s.rules.Load()
	if now == nil || now.login != login {
		now = rulesFor(login, s.cfg.Mode)
		s.rules.Store(now)
	}
	return now
}

func rulesFor(login string, mode Mode) *rules {
	forms := "'self'"
	if login != "" {
		forms += " " + login
	}
	all, documents := http.Header{}, http.Header{}
	all.Set("X-Content-Type-Options", "nosniff")
	all.Set("Cross-Origin-Resource-Policy", "same-origin")
	all.Set("Cache-Control", "no-store")
	if mode == Demo {
		all.Set("X-FCC-Mode", string(Demo))
	}
	documents.Set("Content-Security-Policy", "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action "+forms)
	documents.Set("X-Frame-Options", "DENY")
	documents.Set("Cross-Origin-Opener-Policy", "same-origin")
	// Not no-referrer: browsers then send "Origin: null" with our own forms
	// (fetch.spec.whatwg.org, append a request Origin header).
	documents.Set("Referrer-Policy", "same-origin")
	for _, h := range []http.Header{all, documents} {
		for name, values := range h {
			h[name] = slices.Clip(values)
		}
	}
	return &rules{login, all, documents}
}
