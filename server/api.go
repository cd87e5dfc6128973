package server

func (s *Server) apiRoutes() []route { return nil }
