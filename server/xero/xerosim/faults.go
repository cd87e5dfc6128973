package xerosim

import "net/http"

type Fault struct{}

func (s *Sim) faulty(next http.Handler) http.Handler { return next }
