package update

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Seen is what is known from earlier looks, also those of earlier starts. It is
// seen.json in the folder.
type Seen struct {
	Looked time.Time `json:"looked"`          // when the address was last asked, or about to be
	Newest string    `json:"newest"`          // the newest version that was ever signed; "" for none
	Told   string    `json:"told,omitempty"`  // the newest that the person was told of
	Wrong  string    `json:"wrong,omitempty"` // what was wrong at the last look; for the log and the doctor
}

// What lies in the folder besides an installer.
const (
	seenFile     = "seen.json"
	manifestFile = "manifest" // as it was published
	partEnding   = ".part"
)

// ReadSeen is for those who do not look. Nothing seen yet is no error.
func ReadSeen(folder string) (s Seen, err error) {
	data, err := os.ReadFile(filepath.Join(folder, seenFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if json.Unmarshal(data, &s) != nil || s.Newest != "" && !isVersion(s.Newest) {
		return Seen{}, errors.New("what was seen of updates is damaged")
	}
	return s, nil
}

func (s Seen) write(folder string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(folder, seenFile), append(data, '\n'))
}

// writeFile replaces a file whole, readable by this user only.
func writeFile(path string, data []byte) error {
	next := path + partEnding
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	err := os.WriteFile(next, data, 0o600)
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		_ = os.Remove(next)
	}
	return err
}

// lookEvery is the least time between two looks.
const lookEvery = 24 * time.Hour

// due reports whether it is time to look: a day and the jitter after the last time,
// by the wall clock, which goes on while the computer sleeps. A last time that is
// still to come is that of a clock that was wrong.
func due(now, looked time.Time, jitter time.Duration) bool {
	age := now.Round(0).Sub(looked.Round(0))
	return looked.IsZero() || age < 0 || age >= lookEvery+jitter
}
