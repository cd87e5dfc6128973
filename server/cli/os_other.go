//go:build !windows && !darwin

package cli

import (
	"errors"
	"path/filepath"
)

// defaultDataDir follows the XDG Base Directory Specification, which has
// relative paths ignored.
func defaultDataDir(env environ) (string, error) {
	data := env("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		home := env("HOME")
		if home == "" {
			return "", errors.New("HOME is not set")
		}
		data = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(data, "financial-command-center-ai"), nil
}

// hasDisplay: without one xdg-open tries browsers for the terminal.
func hasDisplay(env environ) bool { return env("DISPLAY") != "" || env("WAYLAND_DISPLAY") != "" }
