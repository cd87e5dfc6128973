package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"financial-command-center/keystore"
)

// One FCC runs per data folder: the one that holds the lock on fcc.lock, which
// the system lets go of however the process ends. run.json tells the commands
// where it listens. After a kill -9 run.json is still there and says nothing:
// its address is believed only once its owner has proved to know the control key.

// runFile is run.json.
type runFile struct {
	Address    string `json:"address"` // 127.0.0.1:8000
	PID        int    `json:"pid"`
	Version    string `json:"version"`
	Issuer     string `json:"issuer"` // for fcc doctor, as the API
	API        string `json:"api"`
	ControlKey string `json:"control_key"` // base64, of this start only
}

func (r runFile) key() keystore.Secret { return keystore.NewSecret(r.ControlKey) }

type instance struct {
	lock *flock.Flock
	dir  string
}

var errRunning = errors.New("another FCC has this data folder")

// claim makes this process the folder's one FCC, or fails with errRunning.
func claim(dir string) (*instance, error) {
	i := &instance{flock.New(filepath.Join(dir, "fcc.lock"), flock.SetPermissions(0o600)), dir}
	got, err := i.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if !got {
		return nil, errRunning
	}
	if err := os.Remove(runFilePath(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		_ = i.lock.Unlock()
		return nil, fmt.Errorf("remove the run.json of an earlier start: %w", err)
	}
	return i, nil
}

// publish tells the commands where this FCC is.
func (i *instance) publish(r runFile) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return writeFile(runFilePath(i.dir), data)
}

// release lets the next one in. The lock file stays: were it removed, a process
// that has it open would lock a file that nobody else sees.
func (i *instance) release() {
	_ = os.Remove(runFilePath(i.dir))
	_ = os.Remove(ticketPagePath(i.dir))
	_ = i.lock.Unlock()
}

func runFilePath(dir string) string { return filepath.Join(dir, "run.json") }

// errNotRunning: nobody has published a run.json, or what it says is stale.
var errNotRunning = errors.New("FCC is not running")

func readRunFile(dir string) (runFile, error) {
	var r runFile
	data, err := os.ReadFile(runFilePath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return r, errNotRunning
	}
	if err != nil {
		return r, err
	}
	if json.Unmarshal(data, &r) != nil || r.Address == "" || r.ControlKey == "" {
		return r, fmt.Errorf("%w: run.json is damaged", errNotRunning)
	}
	return r, nil
}

// awaitEnd waits until no process holds the folder's lock.
func awaitEnd(ctx context.Context, dir string) error {
	lock := flock.New(filepath.Join(dir, "fcc.lock"), flock.SetPermissions(0o600))
	got, err := lock.TryLockContext(ctx, 20*time.Millisecond)
	if got {
		err = lock.Unlock()
	}
	return err
}
