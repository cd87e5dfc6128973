//go:build !windows

package cli

import "financial-command-center/server"

// checkSystemPorts: nobody but Windows sets ranges of ports apart.
func (c *call) checkSystemPorts(settings) []server.Check { return nil }
