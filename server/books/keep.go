package books

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
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
// or it cannot be read, or not all of it; then it is to be read anew.
func (v *vault) open(ctx context.Context, tenant, kind string, header any, each func(id string, plain []byte) error) bool {
	found, err := v.tryOpen(ctx, tenant, kind, header, each)
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
	if err != nil || sealed == nil {
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
	return err == nil
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
// does not bring it back.
func (b *Books) Forget(ctx context.Context, tenantID string) error {
	id := strings.ToLower(tenantID)
	b.mu.Lock()
	s := b.shelves[id]
	delete(b.shelves, id)
	b.mu.Unlock()
	if s != nil {
		s.keeping.Lock()
		defer s.keeping.Unlock()
		s.gone = true
	}
	defer b.notify()
	state, err := b.cfg.State(ctx)
	if err != nil {
		return err
	}
	return state.DeleteBooks(ctx, id)
}

// tidy forgets organisations that no sign-in reaches any more, until ctx ends.
func (b *Books) tidy(ctx context.Context) {
	for status := range b.cfg.Connections.Watch(ctx) {
		if !listed(status) {
			continue
		}
		if err := b.forgetAllBut(ctx, status.Organisations()); err != nil && ctx.Err() == nil {
			b.log.Error("books of a disconnected organisation are not deleted yet", "err", err)
		}
	}
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

func (b *Books) forgetAllBut(ctx context.Context, reached []xero.Organisation) error {
	state, err := b.cfg.State(ctx)
	if err != nil {
		return err
	}
	kept, err := state.Tenants(ctx)
	if err != nil {
		return err
	}
	b.mu.Lock()
	for id := range b.shelves {
		kept = append(kept, id)
	}
	b.mu.Unlock()
	for _, id := range kept {
		known := false
		for _, o := range reached {
			known = known || strings.EqualFold(o.TenantID, id)
		}
		if !known {
			b.log.Info("an organisation is not connected any more; its books are deleted", "tenant", id)
			if err := b.Forget(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}
