package cli

import (
	"os"
	"path/filepath"
	"time"

	"financial-command-center/keystore"
)

// dataFolder settles where the state is and which keychain service goes with it:
// another folder has a service of its own, so that two FCCs never share an item.
func dataFolder(f settingFlags, env environ) (dir, service string, err error) {
	standard, standardErr := defaultDataDir(env)
	switch {
	case f.DataDir != nil:
		dir = *f.DataDir
	case env("FCC_DATA_DIR") != "":
		dir = env("FCC_DATA_DIR")
	case standardErr != nil:
		return "", "", failf(exitUsage, "There is no home folder to keep FCC's state in (%v). Name a folder with --data-dir.", standardErr)
	default:
		dir = standard
	}
	if dir == "" {
		return "", "", failf(exitUsage, "The data folder (from --data-dir) is empty.")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", "", failf(exitUsage, "The data folder %s cannot be found: %v.", dir, err)
	}
	return dir, keystore.Service(dir, standardErr == nil && dir == filepath.Clean(standard)), nil
}

// prepareFolder makes the data folder, 0700, and tries to write in it. A folder
// that is there already and open to others is made private only when it is the
// standard one or empty: what else lies there may not be FCC's to hide.
func (s settings) prepareFolder() error {
	dir := s.dataDir
	unusable := func(err error) error {
		return failf(exitFailed, "The data folder %s cannot be used: %v. Name another with --data-dir.", dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unusable(err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return unusable(err)
	}
	if !isPrivate(info) {
		files, err := os.ReadDir(dir)
		if err != nil {
			return unusable(err)
		}
		if len(files) > 0 && !s.standard() {
			return failf(exitFailed, "The data folder %s is open to other users of this computer. Close it (chmod 700 %[1]q), or name another with --data-dir.", dir)
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			return unusable(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o700); err != nil {
		return unusable(err)
	}
	trial, err := os.CreateTemp(dir, ".trial-")
	if err != nil {
		return unusable(err)
	}
	trial.Close()
	return os.Remove(trial.Name())
}

// setAside renames a damaged file, so that what it held can still be looked at.
func setAside(path string, now time.Time) (string, error) {
	aside := path + ".damaged-" + now.Format("20060102-150405")
	return aside, os.Rename(path, aside)
}

// writeFile replaces a file whole, readable by this user only: after a crash the
// old content or the new one is there. After an error too: the new one may be there
// and not be certain to outlive a power cut.
func writeFile(path string, data []byte) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Sync()
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path)) // the new name is in it
	}
	return err
}
