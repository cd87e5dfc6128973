package server

func (s *Server) eventRoutes() []route { return nil }
