package xerosim

import "net/http"

func (s *Sim) routesControl(mux *http.ServeMux) {}
