package cli

import (
	"context"
	"errors"

	"financial-command-center/keystore"
	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

// Where the keychain is not there, or turned off by a policy, FCC offers to keep
// its secrets in the encrypted file instead, if that opens without a question and the
// keychain was not chosen by hand. It never changes over by itself.

// A watchedStore tells how each of its calls went.
type watchedStore struct {
	keystore.Store
	tell func(error)
}

func (w watchedStore) Get(ctx context.Context, name string) (keystore.Secret, error) {
	value, err := w.Store.Get(ctx, name)
	w.tell(err)
	return value, err
}

func (w watchedStore) Set(ctx context.Context, name string, value keystore.Secret) error {
	err := w.Store.Set(ctx, name, value)
	w.tell(err)
	return err
}

func (w watchedStore) Delete(ctx context.Context, name string) error {
	err := w.Store.Delete(ctx, name)
	w.tell(err)
	return err
}

// offerFile is told how each call of the keychain went, and offers the file while
// there is no keychain to wait for.
func (a *app) offerFile(err error) {
	wanted := errors.Is(err, keystore.ErrAbsent) || errors.Is(err, keystore.ErrPolicy)
	silent := errors.Is(err, keystore.ErrTimeout) // which says nothing of it
	if silent || a.fileOffered.Swap(wanted) == wanted {
		return
	}
	if !wanted {
		a.offers.Set(keystoreOffer, nil)
		return
	}
	a.offers.Set(keystoreOffer, &desktop.Offer{
		Label: "Keep secrets in an encrypted file",
		Title: "FCC cannot keep your sign-in",
		Text:  xero.KeystoreProblem(err).Message + " FCC can keep it in an encrypted file of its own: choose that in the menu. You sign in to Xero once more then.",
		Take:  a.moveToFile,
	})
}

// moveToFile writes the choice down and starts FCC again with it.
func (a *app) moveToFile() {
	if err := a.save("keystore", "file"); err != nil {
		a.log.Error("the choice of the encrypted file is not saved", "err", err)
		a.say("The settings could not be saved (%v): FCC goes on as it is.", err)
		return
	}
	a.log.Info("secrets are kept in the encrypted file from now on, by choice")
	a.say("FCC starts again, and keeps its secrets in an encrypted file in %s.", a.dataDir)
	a.stop(errRestart)
}
