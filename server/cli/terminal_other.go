//go:build !windows

package cli

import "context"

// withTerminal does nothing: here the terminal's signals come to FCC itself.
func withTerminal(ctx context.Context, _ environ) context.Context { return ctx }
