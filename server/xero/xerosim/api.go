package xerosim

import "net/http"

// api is what the API half keeps in a Sim, behind Sim.mu.
type api struct{}

// openAPI makes the books. It runs once, when people and organisations are
// there and before any request.
func (s *Sim) openAPI() error { return nil }

// routesAPI adds what api.xero.com answers: /connections and /api.xro/.
func (s *Sim) routesAPI(mux *http.ServeMux) {}

// controlsAPI are the API half's own switches under /_sim/.
func (s *Sim) controlsAPI() []control { return nil }
