//go:build !linux

package wine

import (
	"context"
	"errors"
	"net"
	"os"
)

func newNetwork() (*os.File, error) { return nil, errors.ErrUnsupported }

func dialIn(context.Context, *os.File, string, string) (net.Conn, error) {
	return nil, errors.ErrUnsupported
}
