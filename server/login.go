package server

func (s *Server) loginRoutes() []route { return nil }
