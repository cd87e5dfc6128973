package books

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// A vault seals what is kept in the state, and opens it.
//
// AES-256-GCM with a random nonce. What a row is about is authenticated with it: a
// row that stands in another's place does not open. Without a key, or with a full
// disk, nothing is kept, and the books go on in memory.
type vault struct {
	books *Books

	opening sync.Mutex  // one at a time asks the keychain; guards the next three
	aead    cipher.AEAD // nil until the key was read
	failed  error       // why it was not
	asked   time.Time   // when

	mu   sync.Mutex
	shut string // why the last save failed, "" when it did not
}

// form is part of what is authenticated. A change of it has rows of another form
// read anew from Xero.
const form = "fcc books 1"

// A record is one row to be sealed.
type record struct {
	id    string
	value any
}

// key reads the key at its first use. A keychain that does not open may take long to
// say so, and is not asked again for a while.
func (v *vault) key(ctx context.Context) (cipher.AEAD, error) {
	v.opening.Lock()
	defer v.opening.Unlock()
	if v.aead == nil && (v.failed == nil || time.Since(v.asked) >= failurePause) {
		v.aead, v.failed = v.readKey(ctx)
		v.asked = time.Now()
	}
	return v.aead, v.failed
}

func (v *vault) readKey(ctx context.Context) (cipher.AEAD, error) {
	secret, err := v.books.cfg.Key(ctx)
	if err != nil {
		return nil, fmt.Errorf("key of the records: %w", err)
	}
	raw, err := base64.StdEncoding.DecodeString(secret.Reveal())
	if err != nil || len(raw) != 32 {
		return nil, errors.New("key of the records: it is none")
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// about is what a row is bound to. Ids and names hold no zero byte.
func about(tenant, kind, id string) []byte {
	return []byte(strings.Join([]string{form, tenant, kind, id}, "\x00"))
}

func (v *vault) seal(aead cipher.AEAD, tenant, kind, id string, value any) ([]byte, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, about(tenant, kind, id)), nil
}

// open reads what save kept: into header, and each record. False: there is nothing,
// or it cannot be read, or not all of it; then it is to be read anew. A panic is no
// exception: it would come each time, and before Xero is asked.
func (v *vault) open(ctx context.Context, tenant, kind string, header any, each func(id string, plain []byte) error) bool {
	found := false
	err := v.books.safely(kind, tenant, func() (err error) {
		found, err = v.tryOpen(ctx, tenant, kind, header, each)
		return err
	})
	if err != nil {
		v.books.log.Warn("kept records cannot be read; they are read anew from Xero", "tenant", tenant, "kind", kind, "err", err)
	}
	return found && err == nil
}

func (v *vault) tryOpen(ctx context.Context, tenant, kind string, header any, each func(id string, plain []byte) error) (found bool, err error) {
	state, err := v.books.cfg.State(ctx)
	if err != nil {
		return false, err
	}
	rows, sealed, err := state.Records(ctx, tenant, kind)
	if err != nil || sealed == nil || v.books.isOwed(tenant) {
		return false, err
	}
	aead, err := v.key(ctx)
	if err != nil {
		return false, err
	}
	plain, err := aead.Open(nil, nil, sealed, about(tenant, kind, ""))
	if err != nil {
		return false, err
	}
	if err := parse(plain, header); err != nil {
		return false, err
	}
	for _, row := range rows {
		if plain, err = aead.Open(plain[:0], nil, row.Data, about(tenant, kind, row.ID)); err != nil {
			return false, err
		}
		if err := each(row.ID, plain); err != nil {
			return false, err
		}
	}
	return true, nil
}

// save seals and keeps a reading: see store.SaveRecords. It reports whether the
// state has it now.
func (v *vault) save(ctx context.Context, tenant, kind string, header any, put []record, drop []string, all bool) bool {
	err := v.trySave(ctx, tenant, kind, header, put, drop, all)
	v.saved(kind, err)
	return err == nil
}

// saved notes how a save went, and says so when that has changed.
func (v *vault) saved(kind string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case err != nil && v.shut != err.Error():
		v.shut = err.Error()
		v.books.log.Error("records are not kept on the disk; they go on in memory", "kind", kind, "err", err)
	case err == nil && v.shut != "":
		v.shut = ""
		v.books.log.Info("records are kept on the disk again")
	}
}

func (v *vault) trySave(ctx context.Context, tenant, kind string, header any, put []record, drop []string, all bool) error {
	aead, err := v.key(ctx)
	if err != nil {
		return err
	}
	state, err := v.books.cfg.State(ctx)
	if err != nil {
		return err
	}
	sealed, err := v.seal(aead, tenant, kind, "", header)
	if err != nil {
		return err
	}
	rows := make([]store.Record, 0, len(put))
	for _, r := range put {
		data, err := v.seal(aead, tenant, kind, r.id, r.value)
		if err != nil {
			return err
		}
		rows = append(rows, store.Record{ID: r.id, Data: data})
	}
	return state.SaveRecords(ctx, tenant, kind, sealed, all, rows, drop)
}

// Forget deletes all that is kept of an organisation. A reading that is under way
// does not bring it back. What fails is tried again until it is done, while FCC runs;
// till then nothing kept of it is shown.
func (b *Books) Forget(ctx context.Context, tenantID string) error {
	id := strings.ToLower(tenantID)
	// Its shelf stays in its place until all is deleted: another would find what is not.
	s := b.keeping(id)
	defer s.keeping.Unlock()
	s.gone = true
	state, err := b.cfg.State(ctx)
	if err == nil {
		err = state.DeleteBooks(ctx, id)
	}
	b.front.drop(id, false)
	defer b.notify()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.shelves, id)
	if b.owed[id] = true; err == nil {
		delete(b.owed, id)
	}
	return err
}

// keeping is the shelf of an organisation, not a forgotten one, with its lock held.
func (b *Books) keeping(id string) *shelf {
	for {
		s := b.shelf(id)
		s.keeping.Lock()
		if !s.gone {
			return s
		}
		s.keeping.Unlock() // somebody else has just forgotten it
	}
}

// isOwed reports whether what is kept of an organisation should be deleted by now.
func (b *Books) isOwed(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.owed[id]
}

// tidyAgain is the pause after which what could not be deleted is tried again.
const tidyAgain = time.Minute

// tidy forgets organisations that no sign-in reaches any more, until ctx ends. Who
// disconnects one here has it forgotten at once; this finds those that were
// disconnected at Xero, and goes on with what failed.
func (b *Books) tidy(ctx context.Context) {
	changed := make(chan struct{}, 1)
	var watching sync.WaitGroup
	defer watching.Wait()
	watching.Go(func() {
		for range b.cfg.Connections.Watch(ctx) {
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	})
	tick := time.NewTicker(tidyAgain)
	defer tick.Stop()
	said := ""
	for failed := false; ; {
		select {
		case <-changed:
		case <-tick.C:
			if !failed && !b.owes() {
				continue
			}
		case <-ctx.Done():
			return
		}
		err := b.safely("tidying", "", func() error { return b.forgetUnreached(ctx) })
		failed = err != nil
		switch {
		case err == nil:
			said = ""
		case ctx.Err() == nil && said != err.Error():
			said = err.Error()
			b.log.Error("books of a disconnected organisation are not deleted yet", "err", err)
		}
	}
}

func (b *Books) owes() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.owed) > 0
}

// listed reports whether what the sign-ins reach is known: the keychain was read,
// and of each the organisations have been asked for, now or before an earlier stop.
// One that reaches none says so only while Xero answers.
func listed(status xero.Status) bool {
	if status.State == xero.Starting {
		return false
	}
	for _, c := range status.Connections {
		none := c.Problem != nil && c.Problem.Code == xero.CodeTenantRequired
		if len(c.Organisations) == 0 && !none {
			return false
		}
	}
	return true
}

// forgetUnreached forgets what should be forgotten by now, and what is kept of
// organisations that no sign-in reaches, if that is known.
func (b *Books) forgetUnreached(ctx context.Context) error {
	b.mu.Lock()
	forget, there := slices.Collect(maps.Keys(b.owed)), slices.Collect(maps.Keys(b.shelves))
	b.mu.Unlock()
	state, err := b.cfg.State(ctx)
	if err != nil {
		return err
	}
	kept, err := state.Tenants(ctx)
	if err != nil {
		return err
	}
	// After what is there was listed: what a new sign-in brings is in neither.
	if status := b.cfg.Connections.Status(); listed(status) {
		reached := status.Organisations()
		for _, id := range append(kept, there...) {
			if !slices.ContainsFunc(reached, func(o xero.Organisation) bool { return strings.EqualFold(o.TenantID, id) }) && !slices.Contains(forget, id) {
				b.log.Info("an organisation is not connected any more; its books are deleted", "tenant", id)
				forget = append(forget, id)
			}
		}
	}
	for _, id := range forget {
		if err := b.Forget(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
