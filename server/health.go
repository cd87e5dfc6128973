package server

func (s *Server) healthRoutes() []route { return nil }
