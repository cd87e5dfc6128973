package server

func (s *Server) controlRoutes() []route { return nil }
