package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/xero"
)

// keystoreLeft is the setting that names a kind of keystore which may hold copies
// of FCC's secrets besides the one in use: where a move was cut off. They are
// deleted at the next start.
const keystoreLeft = "keystore_left"

// A movableStore is the store in use, which may become another while FCC runs.
type movableStore struct {
	mu     sync.Mutex // held for moments
	kind   string
	store  keystore.Store
	moving chan struct{}  // closed at the end of the move under way; nil without one
	calls  sync.WaitGroup // under way; none is begun during a move
}

// movePatience is how long a call waits for a move to end.
const movePatience = 5 * time.Second

func (m *movableStore) inUse() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kind
}

// begin is the store to ask, for a call that is ended with calls.Done.
func (m *movableStore) begin(ctx context.Context) (keystore.Store, error) {
	patience := time.NewTimer(movePatience)
	defer patience.Stop()
	for {
		m.mu.Lock()
		moving := m.moving
		if moving == nil {
			m.calls.Add(1)
			defer m.mu.Unlock()
			return m.store, nil
		}
		m.mu.Unlock()
		select {
		case <-moving:
		case <-patience.C:
			return nil, fmt.Errorf("%w: the secrets are being moved", keystore.ErrTimeout)
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", keystore.ErrTimeout, ctx.Err())
		}
	}
}

func (m *movableStore) Get(ctx context.Context, name string) (keystore.Secret, error) {
	store, err := m.begin(ctx)
	if err != nil {
		return keystore.Secret{}, err
	}
	defer m.calls.Done()
	return store.Get(ctx, name)
}

func (m *movableStore) Set(ctx context.Context, name string, value keystore.Secret) error {
	store, err := m.begin(ctx)
	if err != nil {
		return err
	}
	defer m.calls.Done()
	return store.Set(ctx, name, value)
}

func (m *movableStore) Delete(ctx context.Context, name string) error {
	store, err := m.begin(ctx)
	if err != nil {
		return err
	}
	defer m.calls.Done()
	return store.Delete(ctx, name)
}

func (m *movableStore) Clear(ctx context.Context) error {
	store, err := m.begin(ctx)
	if err != nil {
		return err
	}
	defer m.calls.Done()
	return store.Clear(ctx)
}

// move runs do while nobody else uses the store, which do may replace.
func (m *movableStore) move(do func(kind string, store keystore.Store) (string, keystore.Store)) {
	m.mu.Lock()
	for m.moving != nil {
		moving := m.moving
		m.mu.Unlock()
		<-moving
		m.mu.Lock()
	}
	m.moving = make(chan struct{})
	kind, store := m.kind, m.store
	m.mu.Unlock()
	m.calls.Wait()
	kind, store = do(kind, store)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kind, m.store = kind, store
	close(m.moving)
	m.moving = nil
}

// A removal is one move of all secrets between two stores of one data folder. A
// crash at any point leaves settings that name a store which has them all, and
// keystoreLeft naming the other.
type removal struct {
	from, to         keystore.Store
	fromKind, toKind string
	clientIDs        []string
	save             func(map[string]any) error        // all fields at once
	saved            func() (map[string]string, error) // what the settings say
	said             func(what string, err error)
}

// run copies, reads back, switches and deletes. moved says whether the settings
// name the new store; an error then is about what is left in the old one.
func (r removal) run(ctx context.Context) (moved bool, err error) {
	items, err := server.KeystoreItems(ctx, r.from, r.clientIDs)
	if err != nil {
		return false, err
	}
	if err := r.save(map[string]any{keystoreLeft: r.toKind}); err != nil {
		return false, fmt.Errorf("settings: %w", err)
	}
	if err := r.copy(ctx, items); err != nil {
		if undone := empty(ctx, r.to, r.clientIDs); undone != nil {
			r.said("copies of secrets are left, and deleted at the next start", undone)
		} else if undone := r.save(map[string]any{keystoreLeft: nil}); undone != nil {
			r.said("settings not saved", undone)
		}
		return false, err
	}
	if err := r.save(map[string]any{"keystore": r.toKind, keystoreLeft: r.fromKind}); err != nil {
		// A save may fail when all is written. Then the next start goes by what is
		// written, and so must this FCC; the copies wait for that start.
		said, unread := r.saved()
		return unread == nil && said["keystore"] == r.toKind, fmt.Errorf("settings: %w", err)
	}
	if err := empty(ctx, r.from, r.clientIDs); err != nil {
		return true, err
	}
	return true, r.save(map[string]any{keystoreLeft: nil})
}

// copy brings items to the new store, the place of what an earlier time left there,
// and reads them back when all are there.
func (r removal) copy(ctx context.Context, items []string) error {
	if err := empty(ctx, r.to, r.clientIDs); err != nil {
		return err
	}
	copied := map[string]keystore.Secret{}
	for _, item := range items {
		value, err := r.from.Get(ctx, item)
		if errors.Is(err, keystore.ErrNotFound) {
			continue
		}
		if err == nil {
			err = r.to.Set(ctx, item, value)
		}
		if err != nil {
			return err
		}
		copied[item] = value
	}
	for item, value := range copied {
		back, err := r.to.Get(ctx, item)
		if err != nil {
			return fmt.Errorf("read %s back: %w", item, err)
		}
		if !back.Equal(value) {
			return fmt.Errorf("%s: %w: it holds something else than was written", item, keystore.ErrFailed)
		}
	}
	return nil
}

// empty deletes what FCC keeps in the store, what others are found by last.
func empty(ctx context.Context, store keystore.Store, clientIDs []string) error {
	items, err := server.KeystoreItems(ctx, store, clientIDs)
	if err != nil {
		return err
	}
	for _, item := range slices.Backward(items) {
		if err := store.Delete(ctx, item); err != nil {
			return err
		}
	}
	return nil
}

// clientIDs are those that the secret of a Xero app may be kept under before anybody
// has signed in: the one of the start, and what the set-up page was told since.
func (a *app) clientIDs() []string {
	ids := []string{a.clientID, a.connections.App().ClientID}
	if values, err := a.saved(); err == nil {
		ids = append(ids, values["client_id"])
	}
	return ids
}

// keystoreOf opens a store of another kind than the one in use.
func (a *app) keystoreOf(kind string) (keystore.Store, error) {
	if kind == "file" && a.passphraseErr != nil {
		return nil, a.noPassphrase()
	}
	other := a.settings
	other.keystore = kind
	passphrase := a.passphrase
	store, err := other.openKeystore(passphrase)
	if err != nil {
		return nil, &xero.Error{Problem: xero.Problem{
			Code: xero.CodeKeystoreUnavailable, Message: other.keystoreFailure(err, passphrase).Error(), Action: "The secrets stay where they are.",
		}, Err: err}
	}
	return store, nil
}

func (a *app) noPassphrase() error {
	return &xero.Error{Problem: xero.Problem{
		Code:    xero.CodeBadRequest,
		Message: "FCC could not open the encrypted file at its next start: it was started without a passphrase.",
		Action:  "Write a passphrase into a file that only you can read, set FCC_KEYSTORE_PASSPHRASE_FILE to its path wherever FCC is started, start FCC again, and come back.",
	}, Err: a.passphraseErr}
}

// mayMove says why the secrets could not be moved, as far as that is known without
// a look at the other keystore, which may ask its owner to unlock it.
func (a *app) mayMove(to string) error {
	if a.keystoreFixed != "" {
		return &xero.Error{Problem: xero.Problem{
			Code:    xero.CodeBadRequest,
			Message: "FCC was started with " + a.keystoreFixed + ", which counts at every start: it would look for the secrets where they are no more.",
			Action:  "Start FCC without it, then move them here.",
		}}
	}
	if to == "file" && a.passphraseErr != nil {
		return a.noPassphrase()
	}
	return nil
}

// moveSecrets moves all secrets to another kind of keystore, and goes on with it.
func (a *app) moveSecrets(ctx context.Context, to string) (err error) {
	a.removing.Lock()
	defer a.removing.Unlock()
	if err := a.mayMove(to); err != nil {
		return err
	}
	target, err := a.keystoreOf(to)
	if err != nil {
		return err
	}
	// Its owner may have to unlock it. Meanwhile all others use the one in use.
	waiting, cancel := context.WithTimeout(ctx, keychainPatience)
	defer cancel()
	if _, err := target.Get(waiting, "session-secret"); err != nil && !errors.Is(err, keystore.ErrNotFound) {
		return &xero.Error{Problem: xero.KeystoreProblem(err), Err: err}
	}
	a.secretsIn.move(func(kind string, store keystore.Store) (string, keystore.Store) {
		if kind == to {
			return kind, store // somebody else was quicker
		}
		var moved bool
		moved, err = removal{from: store, to: target, fromKind: kind, toKind: to, clientIDs: a.clientIDs(), save: a.saveAll, saved: a.saved, said: func(what string, err error) {
			a.log.Warn(what, "keystore", to, "err", err)
		}}.run(ctx)
		if !moved {
			return kind, store
		}
		a.log.Info("secrets moved", "from", kind, "to", to)
		if err != nil {
			a.log.Warn("copies of secrets are left, and deleted at the next start", "keystore", kind, "err", err)
			err = nil
		}
		return to, target
	})
	if _, worded := errors.AsType[*xero.Error](err); err == nil || worded {
		return err
	}
	p := xero.KeystoreProblem(err)
	p.Message = "The secrets were not moved, and are where they were. " + p.Message
	return &xero.Error{Problem: p, Err: err}
}

// emptyLeft deletes the copies that a move which was cut off has left. Where it
// cannot, the next start tries again.
func (a *app) emptyLeft(ctx context.Context) error {
	a.removing.Lock()
	defer a.removing.Unlock()
	values, err := a.saved()
	left := values[keystoreLeft]
	if err != nil || left != "os" && left != "file" {
		return nil
	}
	if left != a.secretsIn.inUse() { // else it was chosen by hand meanwhile
		var store keystore.Store
		if store, err = a.keystoreOf(left); err == nil {
			err = empty(ctx, store, a.clientIDs())
		}
	}
	if err == nil {
		err = a.save(keystoreLeft, nil)
	}
	if err != nil {
		a.log.Warn("copies of secrets that a move has left are not deleted yet", "keystore", left, "err", err)
		return nil
	}
	a.log.Info("copies of secrets that a move had left are deleted", "keystore", left)
	return nil
}
