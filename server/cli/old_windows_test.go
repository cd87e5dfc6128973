package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"financial-command-center/keystore"
)

// The old launcher's note may lead to a share that is away, for which every look
// would wait.
func TestAnOldProgramOnANetworkDriveIsNotLookedFor(t *testing.T) {
	for folder, looked := range map[string]bool{
		t.TempDir():            true,
		`\\server\share\fcc`:   false,
		`//server/share/fcc`:   false,
		`\\?\UNC\server\share`: false,
		`Q:\no such drive`:     false,
		`relative`:             false,
		``:                     false,
	} {
		local := t.TempDir()
		note, err := json.Marshal(map[string]string{"app_dir": folder})
		if err == nil {
			err = os.MkdirAll(filepath.Join(local, "Financial Command Center"), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(local, "Financial Command Center", "install_state.json"), note, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		s := settings{dataDir: filepath.Join(local, "data")}
		s.service = keystore.Service(s.dataDir, true)
		folders := s.oldFolders(func(name string) string {
			if name == "LOCALAPPDATA" {
				return local
			}
			return ""
		})
		if slices.Contains(folders, folder) != looked {
			t.Errorf("%q: it looks into %q", folder, folders)
		}
	}
}
