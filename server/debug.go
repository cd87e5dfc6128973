package server

func (s *Server) debugRoutes() []route { return nil }
