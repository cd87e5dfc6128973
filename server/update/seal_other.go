//go:build !windows

package update

import "os"

// openSealed opens a file for reading. Here nothing keeps this user's own programs
// from writing it meanwhile, and there is no installer to start.
func openSealed(path string) (*os.File, error) { return os.Open(path) }
