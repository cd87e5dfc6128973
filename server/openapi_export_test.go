package server

import "strings"

// ForPrograms are the rows that answer programs in FCC's own shapes, as OpenAPI names
// them: those that take a key, /health, and the stream of events. Xero's own paths are
// described by Xero, those of the Python original only with --debug there.
func (s *Server) ForPrograms() (all []string) {
	for _, rt := range s.routes() {
		method, path, ok := strings.Cut(rt.pattern, " ")
		if !ok || familyOf(path) != "" {
			continue
		}
		if rt.who == key || rt.who == sessionOrKey || path == "/health" || path == "/events" {
			all = append(all, method+" "+path)
		}
	}
	return all
}
