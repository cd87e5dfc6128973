package desktop

import (
	"fmt"

	"github.com/atotto/clipboard"
)

// HasClipboard reports whether Copy can work: on Linux it takes wl-copy, xclip or
// xsel.
func HasClipboard() bool { return !clipboard.Unsupported }

// Copy puts text on the clipboard.
func Copy(text string) error {
	if err := clipboard.WriteAll(text); err != nil {
		return fmt.Errorf("write the clipboard: %w", err)
	}
	return nil
}
