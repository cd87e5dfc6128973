package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"financial-command-center/keystore"
	"financial-command-center/server/desktop"
)

// oldFolders are where the Python program may have left a sign-in. It kept it in the
// folder that it ran from, which was a checkout, an unpacked download or what its
// installer made; its settings lie in FCC's data folder. Only the FCC of the
// standard data folder looks beyond that.
func (s settings) oldFolders(env environ) []string {
	if !s.standard() {
		return []string{s.dataDir}
	}
	var folders []string
	home := env("HOME")
	if runtime.GOOS == "windows" {
		home = env("USERPROFILE")
		for _, programs := range []string{env("ProgramFiles"), env("ProgramFiles(x86)")} {
			folders = append(folders, filepath.Join(programs, "Financial Command Center AI"))
		}
		launcher := filepath.Join(env("LOCALAPPDATA"), "Financial Command Center")
		folders = append(folders, launcher, oldInstalledIn(filepath.Join(launcher, "install_state.json")))
	}
	for _, place := range []string{"", "Documents", "Documents/GitHub", "Desktop", "Downloads"} {
		for _, name := range []string{"Financial-Command-Center-AI", "Financial-Command-Center-AI-main", "Financial-Command-Center-AI-main/Financial-Command-Center-AI-main"} {
			folders = append(folders, filepath.Join(home, filepath.FromSlash(place), filepath.FromSlash(name)))
		}
	}
	slices.Sort(folders)
	folders = slices.DeleteFunc(slices.Compact(folders), func(folder string) bool {
		return folder == s.dataDir || !filepath.IsAbs(folder) // a variable is not set
	})
	return append([]string{s.dataDir}, folders...)
}

// standard reports whether the data folder is the one that FCC has without being
// told.
func (s settings) standard() bool { return s.service == keystore.Service(s.dataDir, true) }

// oldInstalledIn is the folder that the old launcher noted, or "". One on a network
// drive is left out: a page would wait for a drive that is away.
func oldInstalledIn(path string) string {
	info, err := os.Stat(path)
	if err != nil || info.Size() > 64<<10 {
		return ""
	}
	var state struct {
		AppDir string `json:"app_dir"`
	}
	if data, err := os.ReadFile(path); err != nil || json.Unmarshal(data, &state) != nil || !onOwnDrive(state.AppDir) {
		return ""
	}
	return state.AppDir
}

// oldWords tell the Python program's own ways to start: its launcher, its script, its
// batch file, and the name of the shortcuts that it makes. It puts none of them on
// the list of what starts at sign-in; people did.
var oldWords = []string{
	"financial command center ai", "financial-command-center-launcher", "financial_launcher.py", "app_with_setup_wizard.py",
	"ultimate_cert_fix.cmd", "launch-financial-command-center.cmd", "financial-command-center-ai.cmd",
}

// oldStartup names what starts the Python program when its user signs in to the
// computer. It is of no concern to an FCC beside the standard one.
func (s settings) oldStartup() (names []string) {
	if !s.standard() {
		return nil
	}
	for _, entry := range desktop.StartedAtSignIn() {
		text := strings.ToLower(entry.Name + "\n" + entry.Command)
		if slices.ContainsFunc(oldWords, func(word string) bool { return strings.Contains(text, word) }) {
			names = append(names, entry.Name)
		}
	}
	return names
}
