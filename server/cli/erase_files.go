package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"financial-command-center/server"
	"financial-command-center/server/assistant"
	"financial-command-center/server/desktop"
)

// ownFiles are the files that FCC makes in its data folder, by the folder in it, as
// patterns of filepath.Match. Whatever else lies there is somebody's.
var ownFiles = map[string][]string{
	"": {
		"settings.json", "settings.json.damaged-*", ".settings.json-*",
		"run.json", ".run.json-*", "fcc.lock", "open.html", ".open.html-*", ".trial-*", ".export-*", "excelize-*",
		"keystore.enc", "keystore.enc.new", "keystore.enc.lock", "keystore.enc.dpapi", "keystore.enc.dpapi.new", "keystore.enc.damaged-*", "keystore.enc.dpapi.damaged-*",
		"state.db", "state.db-wal", "state.db-shm", "state.db-journal",
		"discovery-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f].json",
	},
	"logs":    {"fcc.log", "crash.log", "crash-before.log", "fcc-????-??-??T??-??-??.???.log"}, // lumberjack's names
	"debug":   {"token-backup.json", "token-backup.json.next"},
	"updates": {"seen.json", "manifest", "*.part", "FCC-Setup*.exe"},
}

// removeFiles empties the data folder of what is FCC's, and removes it if that was
// all. Each file goes by itself: nothing of somebody else's goes with a folder.
func (e *erasure) removeFiles() {
	if _, err := os.Lstat(e.dataDir); errors.Is(err, fs.ErrNotExist) {
		return
	}
	e.did = true
	for _, emptied := range []string{"config", "tokens"} { // by taking over what the Python original kept there
		dir := filepath.Join(e.dataDir, emptied)
		if info, err := os.Lstat(dir); err == nil && info.IsDir() {
			_ = os.Remove(dir)
		}
	}
	var foreign []string
	whole := true
	for _, folder := range []string{"logs", "debug", "updates", ""} { // the data folder itself last
		left, err := removeFrom(e.dataDir, folder)
		foreign = append(foreign, left...)
		if err != nil {
			whole = false
			e.remains("What FCC keeps in %s could not be removed: %v.", filepath.Join(e.dataDir, folder), err)
		}
	}
	slices.Sort(foreign)
	for _, path := range foreign {
		e.remains("%s is not FCC's, and stays.", path)
	}
	if old, there := server.FindOldSignIn([]string{e.dataDir}); there {
		e.remains("%s is of an older Financial Command Center, and holds a sign-in in the clear. Delete it if you do not use that program any more.", strings.Join(old.Files, ", "))
	}
	if whole && len(foreign) == 0 {
		if err := os.Remove(e.dataDir); err != nil {
			e.remains("The data folder %s could not be removed: %v.", e.dataDir, err)
		}
	}
}

// removeStartup takes this program off the list of those that start at sign-in,
// where the folder is the one that it starts with.
func (e *erasure) removeStartup() {
	this, err := os.Executable()
	if err != nil || !e.standard() {
		return
	}
	for _, entry := range desktop.StartedAtSignIn() {
		if entry.Remove == nil || !entry.Starts(this) {
			continue
		}
		e.did = true
		if err := entry.Remove(); err != nil {
			e.remains("FCC still starts when you sign in to this computer (%s): %v.", entry.Name, err)
		}
	}
}

// leaveAssistants takes this FCC out of the settings of assistants. An entry that
// somebody has made otherwise stays, and is named.
func (e *erasure) leaveAssistants() {
	entry, err := assistantEntry(server.AssistantName, e.settings, e.Env)
	if err != nil {
		return
	}
	clients, err := assistantClients(e.Env)
	if err != nil {
		return
	}
	for _, one := range clients {
		same, err := one.Install(entry)
		switch {
		case !one.Installed():
		case err == nil && same.None():
			e.did = true
			if err := leave(one, entry); err != nil {
				e.remains("%s still starts FCC, by its settings %s: %v.", one.Name, one.Path, err)
				continue
			}
			e.say("%s does not know FCC any more: %s.", one.Name, one.Path)
		case e.standard():
			e.say("%s still starts an FCC, by its settings %s. Take it out: fcc mcp uninstall --client %s", one.Name, one.Path, one.Key)
		}
	}
}

// leave takes FCC out of a file, and removes what was kept beside it where that is the
// same then.
func leave(from assistant.Client, entry assistant.Entry) error {
	ch, err := from.Uninstall(entry)
	if err != nil {
		return err
	}
	if err := from.Apply(ch); err != nil {
		return err
	}
	if kept, err := os.ReadFile(from.Backup()); err == nil && bytes.Equal(kept, ch.After) {
		return os.Remove(from.Backup())
	}
	return nil
}

// removeFrom removes FCC's own files of the data folder or of one that it has made
// in it, and then that one. It returns what is not FCC's.
func removeFrom(dataDir, folder string) (foreign []string, err error) {
	dir := filepath.Join(dataDir, folder)
	if folder != "" {
		// A link may lead to somebody's folder; it is foreign itself.
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
			return nil, nil
		}
	}
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		_, dealtWith := ownFiles[entry.Name()]
		switch {
		case !entry.IsDir() && isOwn(folder, entry.Name()):
			err = errors.Join(err, os.Remove(filepath.Join(dir, entry.Name())))
		case !entry.IsDir() || folder != "" || !dealtWith:
			foreign = append(foreign, filepath.Join(dir, entry.Name()))
		}
	}
	if folder != "" && len(foreign) == 0 && err == nil {
		err = os.Remove(dir)
	}
	return foreign, err
}

func isOwn(folder, name string) bool {
	return slices.ContainsFunc(ownFiles[folder], func(pattern string) bool {
		ok, err := filepath.Match(pattern, name)
		return ok && err == nil
	})
}
