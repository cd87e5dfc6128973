package server

func (s *Server) gatewayRoutes() []route { return nil }
