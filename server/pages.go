package server

import (
	"fmt"
	"net/http"
)

type pages struct{}

func parsePages() (pages, error) { return pages{}, nil }

// errorPage shows f to somebody who reads.
func (s *Server) errorPage(w http.ResponseWriter, r *http.Request, c *call, status int, f *failure) {
	http.Error(w, fmt.Sprintf("%s %s", f.Message, f.Action), status)
}

func (s *Server) pageRoutes() []route   { return nil }
func (s *Server) staticRoutes() []route { return nil }
