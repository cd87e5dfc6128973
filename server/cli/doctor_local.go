package cli

import (
	"errors"
	"fmt"
	"os"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/xero"
)

// The checks that need no running FCC.

func (s settings) checkSettings() server.Check {
	const name = "Settings"
	switch {
	case s.damaged:
		return warn(name, s.settingsFile()+" is damaged", "At its next start FCC keeps it aside and goes on with the defaults. Mend or remove it.")
	case s.clientID == "":
		return warn(name, "there is no client id of a Xero app yet", "Open FCC and follow its set-up page, or give --client-id.")
	}
	return well(name, fmt.Sprintf("client id %s, issuer %s", s.clientID, s.issuer))
}

func (s settings) checkFolder() server.Check {
	const name = "Data folder and disk"
	info, err := os.Stat(s.dataDir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return well(name, s.dataDir+" is not there yet; FCC makes it at its first start")
	case err != nil:
		return bad(name, err.Error(), "Name another folder with --data-dir.")
	case !info.IsDir():
		return bad(name, s.dataDir+" is no folder", "Name another with --data-dir.")
	case !isPrivate(info):
		return bad(name, s.dataDir+" is open to other users", fmt.Sprintf("Close it: chmod 700 %q", s.dataDir))
	}
	trial, err := os.CreateTemp(s.dataDir, ".trial-")
	if err != nil {
		return bad(name, s.dataDir+" cannot be written: "+err.Error(), "Make room or give yourself the right to write there; or name another folder with --data-dir.")
	}
	defer os.Remove(trial.Name())
	_, err = trial.Write(make([]byte, 1<<20))
	if err = errors.Join(err, trial.Sync(), trial.Close()); err != nil {
		return bad(name, s.dataDir+" takes no file of 1 MB: "+err.Error(), "Make room on the disk.")
	}
	return well(name, s.dataDir+" takes files, and is this user's alone")
}

func (c *call) checkKeystore(s settings) server.Check {
	const name = "Keychain"
	var passphrase keystore.Secret
	if s.keystore == "file" {
		var err error
		if passphrase, err = readPassphrase(c.Env); err != nil {
			return bad(name, err.Error(), "FCC cannot start without it.")
		}
	}
	store, err := s.openKeystore(passphrase)
	switch {
	case errors.Is(err, keystore.ErrDamaged) && passphrase.IsZero():
		return bad(name, err.Error(), "FCC puts that file aside when it starts, and you sign in to Xero again.")
	case err != nil:
		return bad(name, s.keystoreFailure(err, passphrase).Error(), "FCC cannot start before that is mended.")
	}
	ctx, cancel := bounded(c.ctx)
	defer cancel()
	switch _, err = store.Get(ctx, "session-secret"); {
	case err == nil:
		return well(name, s.keystore+": opens, and holds the session secret")
	case errors.Is(err, keystore.ErrNotFound):
		return well(name, s.keystore+": opens, and holds nothing of FCC's yet")
	}
	p := xero.KeystoreProblem(err)
	return bad(name, fmt.Sprintf("%s: %s (%v)", s.keystore, p.Message, err), p.Action)
}
