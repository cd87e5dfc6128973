package xerosim

import "net/http"

type journal struct{}

func (j *journal) open() {}

func (s *Sim) recorded(next http.Handler) http.Handler { return next }
