package cli

import (
	"errors"
	"path/filepath"
)

func defaultDataDir(env environ) (string, error) {
	home := env("HOME")
	if home == "" {
		return "", errors.New("HOME is not set")
	}
	return filepath.Join(home, "Library", "Application Support", "Financial-Command-Center-AI"), nil
}

func hasDisplay(environ) bool { return true }
