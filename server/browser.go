package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"financial-command-center/server/store"
)

// What is promised about browser sessions.
const (
	sessionLife   = 7 * 24 * time.Hour
	renewAfter    = time.Hour // a session slides at most this often
	trialLife     = 24 * time.Hour
	mostSessions  = 1000
	sweepSessions = 100 // this many new ones are a reason to sweep
	sessionBytes  = 32
	defaultPort   = 8000
)

// browsers keeps the sessions of browsers; it is a sessions.Store. A cookie
// carries a random id under a signature and nothing else, and only the id's hash
// is kept. What is in use is in memory, so that a request does not wait for the
// disk, and a disk that fails costs nobody a session while FCC runs.
//
// A session is on trial until its cookie comes back: a script that visits without
// keeping cookies cannot push out the browsers that do.
type browsers struct {
	cookie string
	state  func() *store.Store
	report func(error) // how the last use of the disk went

	disk   sync.Mutex // held over writes, so that an older one never comes last, and over reads
	mu     sync.Mutex // held for moments
	held   secrets
	codecs []securecookie.Codec // of held, the current one first
	known  map[[32]byte]*browser
	begun  int           // since the last sweep
	news   chan struct{} // closed, and made anew, when a session ends or holds something else
}

// browser is one session in memory. It is replaced, not changed, save for unsaved.
type browser struct {
	data    []byte // the session's values, a JSON object
	created time.Time
	expires time.Time
	unsaved bool // the disk has something older
	ended   bool // kept only until the disk has forgotten it too
}

func newBrowsers(port int, state func() *store.Store, report func(error)) *browsers {
	b := &browsers{cookie: "fcc_session", state: state, report: report, known: map[[32]byte]*browser{}, news: make(chan struct{})}
	if port != defaultPort { // browsers share cookies between the ports of a host
		b.cookie += "_" + strconv.Itoa(port)
	}
	return b
}

// Get returns the session that r's cookie names, or a new one that is not kept
// until it is saved. A request has one, however often it is asked for.
func (b *browsers) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(b, name)
}

// New reads the session of r's cookie. It never fails: what cannot be read is a
// new session.
func (b *browsers) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(b, name)
	session.IsNew = true
	id, _ := b.idOf(r)
	if id == nil {
		return session, nil
	}
	hash := sha256.Sum256(id)
	kept, ok := b.load(r.Context(), hash)
	if !ok {
		return session, nil
	}
	var values map[string]any
	if json.Unmarshal(kept.data, &values) != nil {
		return session, nil
	}
	for name, value := range values {
		session.Values[name] = value
	}
	session.Values[asLoaded{}] = values
	session.ID, session.IsNew = hex.EncodeToString(hash[:]), false
	return session, nil
}

// load returns the session with this hash, from memory or else from the disk.
func (b *browsers) load(ctx context.Context, hash [32]byte) (browser, bool) {
	now := time.Now()
	b.mu.Lock()
	kept, ok := b.known[hash]
	if ok {
		defer b.mu.Unlock()
		return *kept, !kept.ended && now.Before(kept.expires)
	}
	b.mu.Unlock()
	b.disk.Lock() // a session that ends meanwhile is in known until its row is gone
	defer b.disk.Unlock()
	row, err := b.state().Session(ctx, hash)
	if err != nil {
		if !errors.Is(err, store.ErrNotFound) {
			b.report(err)
		}
		return browser{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if kept, ok = b.known[hash]; !ok {
		kept = &browser{data: row.Data, created: row.Created, expires: row.Expires}
		b.known[hash] = kept
	}
	return *kept, !kept.ended && now.Before(kept.expires)
}

// asLoaded is the name under which a session's values hold what they were when
// they were read: Save keeps the changes, so that two requests of one browser at
// once do not undo each other's.
type asLoaded struct{}

// Save keeps what session's values were changed to; their names are strings. A new
// session gets an id, and the browser its cookie; one with Options.MaxAge below
// zero ends.
func (b *browsers) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options.MaxAge < 0 {
		return b.end(r.Context(), w, session)
	}
	was, _ := session.Values[asLoaded{}].(map[string]any)
	values := make(map[string]any, len(session.Values))
	for name, value := range session.Values {
		if text, ok := name.(string); ok {
			values[text] = value
		}
	}
	session.Values[asLoaded{}] = values
	if session.ID == "" {
		return b.begin(r.Context(), w, session, values)
	}
	var failed error
	err := b.change(r.Context(), session, func(next *browser) bool {
		next.data, failed = merge(next.data, was, values)
		return failed == nil
	})
	return errors.Join(err, failed)
}

func (b *browsers) begin(ctx context.Context, w http.ResponseWriter, session *sessions.Session, values map[string]any) error {
	data, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("session values: %w", err)
	}
	id := make([]byte, sessionBytes)
	rand.Read(id)
	if err := b.setCookie(w, id); err != nil {
		return err
	}
	hash, now := sha256.Sum256(id), time.Now()
	session.ID, session.IsNew = hex.EncodeToString(hash[:]), false
	b.keep(ctx, hash, browser{data: data, created: now, expires: now.Add(trialLife)})
	return nil
}

// merge makes the changes from was to values in kept, a JSON object.
func merge(kept []byte, was, values map[string]any) ([]byte, error) {
	var now map[string]any
	if err := json.Unmarshal(kept, &now); err != nil {
		return nil, fmt.Errorf("session values: %w", err)
	}
	for name := range was {
		if _, stays := values[name]; !stays {
			delete(now, name)
		}
	}
	for name, value := range values {
		if old, there := was[name]; !there || !reflect.DeepEqual(old, value) {
			now[name] = value
		}
	}
	data, err := json.Marshal(now)
	if err != nil {
		return nil, fmt.Errorf("session values: %w", err)
	}
	return data, nil
}

// touch slides the session of r: its first return ends the trial, and later ones
// count once an hour.
func (b *browsers) touch(w http.ResponseWriter, r *http.Request, session *sessions.Session) error {
	due, now := false, time.Now()
	err := b.change(r.Context(), session, func(next *browser) bool {
		if due = next.expires.Sub(now) < sessionLife-renewAfter; due {
			next.expires = now.Add(sessionLife)
		}
		return due
	})
	if err != nil {
		return err
	}
	if id, stale := b.idOf(r); id != nil && (due || stale) {
		return b.setCookie(w, id)
	}
	return nil
}

// change keeps what do makes of session, if it says so. A session that was ended
// meanwhile stays ended.
func (b *browsers) change(ctx context.Context, session *sessions.Session, do func(*browser) bool) error {
	hash, err := hashOf(session)
	if err != nil {
		return err
	}
	b.mu.Lock()
	kept, ok := b.known[hash]
	if !ok || kept.ended {
		b.mu.Unlock()
		return nil
	}
	next := *kept
	if !do(&next) {
		b.mu.Unlock()
		return nil
	}
	full := b.putLocked(hash, &next)
	b.mu.Unlock()
	b.write(ctx, hash, &next, full)
	return nil
}

// renew gives session a new id and ends the old one, so that whoever knew the id
// before the sign-in knows nothing after it.
func (b *browsers) renew(w http.ResponseWriter, r *http.Request, session *sessions.Session) error {
	old, err := hashOf(session)
	if err != nil {
		return err
	}
	was, _ := b.load(r.Context(), old)
	session.ID = ""
	if err := b.Save(r, w, session); err != nil {
		return err
	}
	b.forget(r.Context(), old)
	return b.change(r.Context(), session, func(next *browser) bool { // it is the same browser
		next.created = was.created
		return !was.created.IsZero()
	})
}

func (b *browsers) end(ctx context.Context, w http.ResponseWriter, session *sessions.Session) error {
	w.Header().Set("Set-Cookie", b.newCookie("", -1).String())
	hash, err := hashOf(session)
	if err != nil {
		return err
	}
	b.forget(ctx, hash)
	return nil
}

// keep puts a session into memory and on the disk; the disk may follow later.
func (b *browsers) keep(ctx context.Context, hash [32]byte, next browser) {
	b.mu.Lock()
	full := b.putLocked(hash, &next)
	b.mu.Unlock()
	b.write(ctx, hash, &next, full)
}

// putLocked reports whether sessions want sweeping.
func (b *browsers) putLocked(hash [32]byte, next *browser) (full bool) {
	next.unsaved = true
	was, ok := b.known[hash]
	if !ok {
		b.begun++
	} else if !bytes.Equal(was.data, next.data) {
		b.tellLocked()
	}
	b.known[hash] = next
	return b.begun >= sweepSessions
}

func (b *browsers) write(ctx context.Context, hash [32]byte, next *browser, full bool) {
	b.report(b.save(ctx, hash, next))
	if full {
		b.report(b.sweep(ctx, time.Now()))
	}
}

// look returns what session holds now, a JSON object; not alive once it has ended.
// news is closed when a session, this one or another, ends or holds something else
// after that.
func (b *browsers) look(ctx context.Context, session *sessions.Session) (data []byte, alive bool, news <-chan struct{}) {
	hash, err := hashOf(session)
	if err != nil {
		return nil, false, nil
	}
	news = b.changed()
	kept, alive := b.load(ctx, hash)
	return kept.data, alive, news
}

// changed is closed when a session ends or holds something else.
func (b *browsers) changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.news
}

// holds reports whether a session that is in use has value, a random text, among its
// own.
func (b *browsers) holds(value string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for _, kept := range b.known {
		if !kept.ended && now.Before(kept.expires) && bytes.Contains(kept.data, []byte(value)) {
			return true
		}
	}
	return false
}

func (b *browsers) tellLocked() {
	close(b.news)
	b.news = make(chan struct{})
}

// forget ends a session, in memory at once.
func (b *browsers) forget(ctx context.Context, hash [32]byte) {
	gone := &browser{ended: true, unsaved: true}
	b.mu.Lock()
	b.known[hash] = gone
	b.tellLocked()
	b.mu.Unlock()
	b.report(b.save(ctx, hash, gone))
}

// save brings one session to the disk, unless it was changed since. A caller that
// hangs up does not stop it.
func (b *browsers) save(ctx context.Context, hash [32]byte, kept *browser) error {
	ctx = context.WithoutCancel(ctx)
	b.disk.Lock()
	defer b.disk.Unlock()
	b.mu.Lock()
	changed := b.known[hash] != kept
	b.mu.Unlock()
	if changed {
		return nil
	}
	var err error
	if kept.ended {
		err = b.state().DeleteSession(ctx, hash)
	} else {
		err = b.state().SaveSession(ctx, store.Session{Hash: hash, Data: kept.data, Created: kept.created, Expires: kept.expires})
	}
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if kept.unsaved = false; kept.ended && b.known[hash] == kept {
		delete(b.known, hash)
	}
	return nil
}

// hashOf is the hash that a session's ID spells in hex. The id itself is nowhere
// but in the browser.
func hashOf(session *sessions.Session) (hash [32]byte, err error) {
	raw, err := hex.DecodeString(session.ID)
	if err != nil || len(raw) != len(hash) {
		return hash, errors.New("a session without an id")
	}
	copy(hash[:], raw)
	return hash, nil
}
