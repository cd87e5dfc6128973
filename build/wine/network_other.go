//go:build !linux

package wine

import (
	"errors"
	"os"
)

func newNetwork() (*os.File, error) { return nil, errors.ErrUnsupported }
