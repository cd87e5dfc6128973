package cli

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"strings"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/xero"
)

type eraseCmd struct {
	Yes bool `help:"Do not ask."`
}

func (eraseCmd) Help() string {
	return "Ends the running FCC, disconnects every sign-in at Xero, and removes what FCC keeps of you on this computer: what is in the keychain, " +
		"the files in the data folder, the start at sign-in, the entry in assistants' settings. Files that are not FCC's stay and are named. Asks first. " +
		"Exit code: 0 nothing is left, 1 something is, and it is said what."
}

// byHand is where a person ends what FCC could not.
const byHand = "End it there yourself: sign in at https://go.xero.com, open Settings, then Connected apps, and disconnect this app."

// erasure is one run of fcc erase.
type erasure struct {
	*call
	settings
	left bool // something is
	did  bool // something was there to remove
}

// remains says what could not be done.
func (e *erasure) remains(format string, args ...any) {
	e.left = true
	e.say(format, args...)
}

func (cmd eraseCmd) Run(c *call) error {
	s, err := readSettings(c.flags, c.Env)
	if err != nil {
		return err
	}
	if !cmd.Yes && !c.sure(s) {
		return failf(exitFailed, "Nothing was erased.")
	}
	e := &erasure{call: c, settings: s}
	only, untold, err := e.end()
	if err != nil {
		return err
	}
	err = e.empty(untold)
	if only != nil {
		only.release()
	}
	if err != nil {
		return err
	}
	e.removeFiles()
	e.removeStartup()
	e.leaveAssistants()
	switch {
	case e.left:
		return &failure{code: exitFailed}
	case e.did:
		c.say("All that FCC kept of you on this computer is erased.")
	default:
		c.say("There was nothing to erase.")
	}
	return nil
}

// sure asks the person. No answer is no.
func (c *call) sure(s settings) bool {
	c.say("This ends every sign-in to Xero, and removes the keys, the settings and the log of FCC (%s).", s.dataDir)
	c.say("Type yes to erase it all:")
	line, _ := bufio.NewReader(c.Stdin).ReadString('\n')
	return strings.EqualFold(strings.TrimSpace(line), "yes")
}

// end ends the running FCC, if any, after it has disconnected what it is signed in
// to, and makes this process the folder's one: nobody starts while its secrets are
// emptied. One that somebody starts meanwhile is ended as well. The instance is nil
// where there is no folder. untold are the ids of sign-ins that it could not tell
// Xero of, nil when none ran.
func (e *erasure) end() (only *instance, untold map[string]bool, err error) {
	if _, err := os.Stat(e.dataDir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	ctx, cancel := context.WithTimeout(e.ctx, handOverTimeout)
	defer cancel()
	for {
		only, err := claim(e.dataDir)
		if err == nil {
			return only, untold, nil
		}
		if !errors.Is(err, errRunning) {
			return nil, nil, failf(exitFailed, "The data folder %s cannot be used: %v. Nothing was erased.", e.dataDir, err)
		}
		if untold != nil && ctx.Err() != nil {
			return nil, nil, failf(exitFailed, "FCC was ended, and started again in %s meanwhile. End what starts it, then erase again. No file was erased.", e.dataDir)
		}
		running, err := dial(e.dataDir)
		if err == nil {
			var more map[string]bool
			if more, err = e.disconnectIn(running); err == nil {
				if untold == nil {
					untold = map[string]bool{}
				}
				maps.Copy(untold, more)
				e.did = true
				err = stopCmd{}.Run(e.call)
			}
		}
		if err != nil && (!errors.Is(err, errNotRunning) || ctx.Err() != nil) {
			return nil, nil, failf(exitFailed, "FCC runs in %s and could not be ended: %v. End that process, then erase again. Nothing was erased.", e.dataDir, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// disconnectIn has the running FCC disconnect its sign-ins: its keystore may be in
// its memory alone, or open with a passphrase that only it has.
func (e *erasure) disconnectIn(running *client) (untold map[string]bool, err error) {
	untold = map[string]bool{}
	var st server.Status
	if err := running.call(e.ctx, "status", nil, &st); err != nil {
		return nil, err
	}
	for _, conn := range st.Connections {
		var done server.ControlDisconnected
		err := running.call(e.ctx, "disconnect", server.ControlDisconnect{Connection: conn.ID}, &done)
		if refused, ok := errors.AsType[*refusal](err); ok && refused.Code == xero.CodeNotFound {
			continue // somebody else was quicker
		}
		if err != nil || len(done.Untold) > 0 {
			untold[conn.ID] = true
		} else {
			e.disconnected(done.Organisations)
		}
	}
	return untold, nil
}

func (e *erasure) disconnected(organisations []xero.Organisation) {
	if len(organisations) == 0 {
		e.say("A sign-in was disconnected from Xero.")
		return
	}
	e.say("Disconnected from Xero: %s.", names(organisations))
}

// empty disconnects the sign-ins that the keystore holds, and then empties it. What
// the FCC that ran could not tell Xero is tried once more where its keystore is
// this one. Before a secrets file that does not open it stops, with an error: Xero
// cannot be told of what is in it, and it may yet be opened.
func (e *erasure) empty(untold map[string]bool) error {
	store, err := e.openThere()
	switch {
	case err == nil:
		e.emptyStore(store, untold)
	case errors.Is(err, keystore.ErrDamaged):
		e.remains("%s is damaged, so Xero could not be told that the sign-ins in it have ended. %s", e.keystoreFile(), byHand)
	case untold == nil:
		return failf(exitFailed, "%v Nothing was erased. Erase again with the passphrase; if it is lost, delete %s yourself first. Xero then is not told that the sign-ins in it have ended. %s", e.unopened(err), e.keystoreFile(), byHand)
	default: // the FCC that ran has disconnected what it was signed in to
		e.remains("%v So it is not known whether a sign-in is in it that Xero was not told of. %s", e.unopened(err), byHand)
	}
	for range untold {
		e.remains("Xero could not be told that a sign-in has ended. %s", byHand)
	}
	e.emptyOthers()
	return nil
}

// emptyOthers does the same with the stores that the settings do not name, which may
// have been chosen before. A keychain that is not there is none.
func (e *erasure) emptyOthers() {
	if e.keystore != "os" {
		store := keystore.OS(e.service)
		switch _, err := store.Get(e.ctx, "connections"); {
		case err == nil, errors.Is(err, keystore.ErrNotFound):
			e.emptyStore(store, nil)
		case !errors.Is(err, keystore.ErrAbsent) && !errors.Is(err, keystore.ErrPolicy) && e.everStarted():
			e.remains("%s What FCC may have kept there before, under the name %q, is left.", xero.KeystoreProblem(err).Message, e.service)
		}
	}
	if e.keystore != "file" {
		file := *e
		file.keystore = "file"
		if store, err := file.openThere(); err == nil {
			e.emptyStore(store, nil)
		} else {
			e.remains("%v So Xero could not be told of the sign-ins that may be in that file, which FCC used before. %s", e.unopened(err), byHand)
		}
	}
}

// emptyStore disconnects the sign-ins in the store, and empties it.
func (e *erasure) emptyStore(store keystore.Store, untold map[string]bool) {
	if !e.disconnectKept(store, untold) {
		return
	}
	if err := store.Clear(e.ctx); err != nil {
		e.remains("%s What FCC keeps there, under the name %q, is left: erase again, or remove it with the keychain's own program.", xero.KeystoreProblem(err).Message, e.service)
	}
}

// openThere opens the store of the settings; a secrets file that is not there is an
// empty one.
func (e *erasure) openThere() (keystore.Store, error) {
	var passphrase keystore.Secret
	if e.keystore == "file" {
		if _, err := os.Stat(e.keystoreFile()); errors.Is(err, fs.ErrNotExist) {
			return keystore.Memory(), nil
		}
		var err error
		if passphrase, err = readPassphrase(e.Env); err != nil {
			return nil, err
		}
	}
	return e.openKeystore(passphrase)
}

// unopened says why openThere failed.
func (e *erasure) unopened(err error) error {
	switch {
	case errors.Is(err, keystore.ErrPassphrase):
		return failf(exitFailed, "%s does not open with the passphrase that was given, or without one.", e.keystoreFile())
	case errors.Is(err, keystore.ErrDamaged):
		return failf(exitFailed, "%s is damaged.", e.keystoreFile())
	case errors.Is(err, keystore.ErrFailed):
		return failf(exitFailed, "%s cannot be used: %v.", e.keystoreFile(), err)
	}
	return err // of the passphrase's file
}

// keychainPatience is how long a keychain that is shut is waited for.
const keychainPatience = 20 * time.Second

// disconnectKept runs as much of FCC as it takes to end the sign-ins in the store,
// and takes those that Xero was told of from untold. It reports whether the store
// is worth emptying.
func (e *erasure) disconnectKept(store keystore.Store, untold map[string]bool) bool {
	ctx, cancel := context.WithTimeout(e.ctx, keychainPatience)
	defer cancel()
	_, err := store.Get(ctx, "connections")
	switch {
	case errors.Is(err, keystore.ErrNotFound):
		_, err := store.Get(ctx, "session-secret")
		e.did = e.did || err == nil
		return true
	case errors.Is(err, keystore.ErrAbsent) && !e.did && !e.everStarted():
		return false
	case err != nil:
		e.say("%s It is waited for.", xero.KeystoreProblem(err).Message)
	}
	e.did = true
	connections, err := xero.New(xero.Config{
		App:    xero.App{ClientID: e.clientID, Secret: e.clientSecret, Scopes: e.scopes},
		Issuer: e.issuer, API: e.api, RedirectURI: "http://localhost/callback", // nobody signs in
		Keystore: store, DataDir: e.dataDir, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		e.remains("What is kept of the sign-ins cannot be read: %v. %s", err, byHand)
		return true
	}
	working, stop := context.WithCancel(e.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = connections.Run(working)
	}()
	defer func() {
		stop()
		<-ended
	}()
	results, err := connections.DisconnectAll(ctx)
	if failed, ok := errors.AsType[*xero.Error](err); ok {
		e.remains("%s So Xero could not be told that the sign-ins in it have ended. %s", failed.Message, byHand)
	}
	for _, result := range results {
		if len(result.Untold) == 0 {
			e.disconnected(result.Organisations)
		} else {
			e.remains("Xero could not be told that a sign-in has ended: %s %s", strings.Join(result.Untold, " "), byHand)
		}
		delete(untold, result.Connection)
	}
	return true
}

// everStarted reports whether an FCC has run in the data folder.
func (e *erasure) everStarted() bool {
	_, err := os.Stat(e.statePath())
	return err == nil
}
