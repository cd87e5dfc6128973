package update

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Config is what a Looker is made from. All fields are needed but those that say
// otherwise.
type Config struct {
	Address  string            // of what is published
	Key      string            // its makers' public key: base64 of 32 bytes
	Version  string            // of this program
	Platform string            // windows/amd64
	Folder   string            // of the Looker's own; it is made
	On       bool              // look
	HTTP     http.RoundTripper // the way there
	Log      *slog.Logger

	// Found is told of the version to offer, nil for none, and whether the person has
	// yet to be told. It is called by Run and SetOn, never twice at a time.
	Found func(r *Release, isNew bool)
}

// A Release is a newer version.
type Release struct {
	Version, Notes string
	Page           string // where a person finds it; "" where nothing is said
	file           *File  // nil: there is no installer for this platform
}

// HasInstaller reports whether Fetch can bring it.
func (r *Release) HasInstaller() bool { return r.file != nil }

// Looker looks once a day. Its methods are safe for concurrent use.
type Looker struct {
	cfg    Config
	key    ed25519.PublicKey
	base   *url.URL
	http   *http.Client
	log    *slog.Logger
	jitter time.Duration
	retry  time.Time     // when to look again though it is not due, guarded by mu; zero: no
	wake   chan struct{} // one slot: it was switched on

	fetching sync.Mutex // one installer at a time
	telling  sync.Mutex // over calls of Found; locked before mu

	mu   sync.Mutex
	on   bool
	seen Seen
}

// ErrVersion: this program has no version that others could be compared with, as a
// build from a checkout has none.
var ErrVersion = errors.New("this program has no release version")

// New checks cfg. Nothing is read or sent before Run.
func New(cfg Config) (*Looker, error) {
	cfg.Version = strings.TrimPrefix(cfg.Version, "v")
	if !isVersion(cfg.Version) {
		return nil, ErrVersion
	}
	if err := checkAddress(cfg.Address); err != nil {
		return nil, fmt.Errorf("the address of updates %q: %w", cfg.Address, err)
	}
	base, err := url.Parse(cfg.Address)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(cfg.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, errors.New("the key of updates is no Ed25519 public key in base64")
	}
	l := &Looker{
		cfg: cfg, key: key, base: base, on: cfg.On, wake: make(chan struct{}, 1),
		log: cfg.Log.With("part", "update"), jitter: rand.N(time.Hour),
	}
	l.http = l.client()
	return l, nil
}

const (
	// firstPause keeps a computer that starts, and its network, in peace.
	firstPause = 2 * time.Minute
	// longestSleep bounds how late it is seen that the computer slept.
	longestSleep = 10 * time.Minute
	// retryPause is for a look that reached nobody: the network was not up.
	retryPause = time.Hour
)

// Run offers what was found before, and looks when it is due, until ctx ends. What
// goes wrong is logged, and tried again a day later.
func (l *Looker) Run(ctx context.Context) error {
	l.begin()
	pause := firstPause + rand.N(firstPause)
	for {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-l.wake:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		timer.Stop()
		pause = longestSleep
		l.mu.Lock()
		look := l.on && (due(time.Now(), l.seen.Looked, l.jitter) || !l.retry.IsZero() && !time.Now().Before(l.retry))
		l.mu.Unlock()
		if look {
			l.look(ctx)
		}
	}
}

// begin reads what is known, and removes what an earlier click has fetched: the
// program that runs now is what became of it.
func (l *Looker) begin() {
	seen, err := ReadSeen(l.cfg.Folder)
	if err != nil {
		l.log.Warn("what was seen of updates is not known", "err", err)
	}
	l.mu.Lock()
	l.seen = seen
	l.mu.Unlock()
	entries, err := os.ReadDir(l.cfg.Folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.log.Warn("the folder of updates is not read", "err", err)
	}
	for _, entry := range entries {
		if name := entry.Name(); fileName.MatchString(name) || strings.HasSuffix(name, partEnding) {
			_ = os.Remove(filepath.Join(l.cfg.Folder, name))
		}
	}
	l.tell()
}

// look asks once. That it was asked is written down first: a start that crashes and
// comes again must not ask each time.
func (l *Looker) look(ctx context.Context) {
	l.mu.Lock()
	l.seen.Looked = time.Now().UTC().Truncate(time.Second)
	seen := l.seen
	l.mu.Unlock()
	if err := seen.write(l.cfg.Folder); err != nil {
		l.log.Warn("not looked for an update: that it was could not be kept", "err", err)
		return
	}
	published, m, err := l.ask(ctx)
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	l.retry = time.Time{}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" { // nobody was asked
		l.retry = time.Now().Add(retryPause)
	}
	l.seen.Wrong = ""
	if err == nil && l.seen.Newest != "" && newer(l.seen.Newest, m.Version) {
		err = fmt.Errorf("version %s is older than %s, which was seen before", m.Version, l.seen.Newest)
	}
	if err != nil {
		l.seen.Wrong = err.Error()
	} else {
		l.seen.Newest = m.Version
	}
	seen = l.seen
	l.mu.Unlock()
	if err == nil {
		err = writeFile(filepath.Join(l.cfg.Folder, manifestFile), published)
	}
	if err := errors.Join(err, seen.write(l.cfg.Folder)); err != nil {
		l.log.Warn("an update was looked for and not found", "err", err)
		return
	}
	l.log.Debug("looked for an update", "newest", m.Version)
	l.tell()
}

// tell offers the release that is known.
func (l *Looker) tell() {
	l.telling.Lock()
	defer l.telling.Unlock()
	l.mu.Lock()
	on, seen := l.on, l.seen
	l.mu.Unlock()
	r := l.known(seen)
	if !on || r == nil {
		l.cfg.Found(nil, false)
		return
	}
	isNew := seen.Told != r.Version
	l.cfg.Found(r, isNew)
	if !isNew {
		return
	}
	l.mu.Lock()
	l.seen.Told = r.Version
	seen = l.seen
	l.mu.Unlock()
	if err := seen.write(l.cfg.Folder); err != nil {
		l.log.Warn("that the person was told of an update is not kept", "err", err)
	}
}

// known is the release of the manifest that is kept, if it is to be offered. It is
// checked anew: the folder is less safe than the signature.
func (l *Looker) known(seen Seen) *Release {
	published, err := os.ReadFile(filepath.Join(l.cfg.Folder, manifestFile))
	if err != nil {
		return nil
	}
	m, err := open(published, l.key)
	if err != nil {
		l.log.Warn("the kept manifest is not used", "err", err)
		return nil
	}
	if !newer(m.Version, l.cfg.Version) || seen.Newest != "" && newer(seen.Newest, m.Version) {
		return nil
	}
	r := &Release{Version: m.Version, Notes: m.Notes, Page: m.Page}
	if f, ok := m.Files[l.cfg.Platform]; ok {
		r.file = &f
	}
	if r.file == nil && r.Page == "" {
		return nil // nothing that this person could do
	}
	return r
}

// SetOn turns looking on or off. While it is off nothing is asked and nothing
// offered.
func (l *Looker) SetOn(on bool) {
	l.mu.Lock()
	same := l.on == on
	l.on = on
	l.mu.Unlock()
	if same {
		return
	}
	if on {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
	l.tell()
}
