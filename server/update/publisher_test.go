package update_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"financial-command-center/server/update"
)

const (
	platform  = "windows/amd64"
	setupName = "FCC-Setup-1.3.0.exe"
)

// A publisher has a key, and a place on the web where it lays things.
type publisher struct {
	t      *testing.T
	key    ed25519.PrivateKey
	public string

	mu    sync.Mutex
	laid  map[string]http.HandlerFunc // by path
	asked []*http.Request
}

func newPublisher(t *testing.T) *publisher {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &publisher{t: t, key: key, public: base64.StdEncoding.EncodeToString(public), laid: map[string]http.HandlerFunc{}}
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r)
	answer := p.laid[r.URL.Path]
	p.mu.Unlock()
	if answer == nil {
		http.NotFound(w, r)
		return
	}
	answer(w, r)
}

func (p *publisher) lay(path string, answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.laid[path] = answer
}

func (p *publisher) layBytes(path string, data []byte) {
	p.lay(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) })
}

// asks counts what was asked for.
func (p *publisher) asks(path string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.asked {
		if r.URL.Path == path {
			n++
		}
	}
	return n
}

// manifest announces setup as version.
func manifest(version string, setup []byte) update.Manifest {
	sum := sha256.Sum256(setup)
	return update.Manifest{
		Version: version, Notes: "Reports open twice as fast.",
		Files: map[string]update.File{platform: {Name: setupName, Size: int64(len(setup)), SHA256: hex.EncodeToString(sum[:])}},
	}
}

func (p *publisher) sign(m update.Manifest) []byte {
	p.t.Helper()
	published, err := update.Sign(p.key, m)
	if err != nil {
		p.t.Fatal(err)
	}
	return published
}

// publish lays manifest and setup.
func (p *publisher) publish(version string, setup []byte) {
	p.t.Helper()
	p.layBytes("/fcc/update", p.sign(manifest(version, setup)))
	p.layBytes("/fcc/"+setupName, setup)
}

// A reader is one FCC 1.2.0 and the folder that it keeps.
type reader struct {
	*update.Looker
	t   *testing.T
	cfg update.Config
	log *logbook

	mu    sync.Mutex
	found *update.Release
	isNew bool
}

func newReader(t *testing.T, p *publisher, changes ...func(*update.Config)) *reader {
	t.Helper()
	web := httptest.NewServer(p)
	t.Cleanup(web.Close)
	return newReaderAt(t, p, web.URL+"/fcc/update", changes...)
}

func newReaderAt(t *testing.T, p *publisher, address string, changes ...func(*update.Config)) *reader {
	t.Helper()
	r := &reader{t: t, log: &logbook{}}
	r.cfg = update.Config{
		Address: address, Key: p.public, Version: "1.2.0", Platform: platform, On: true,
		Folder: filepath.Join(t.TempDir(), "updates"), HTTP: http.DefaultTransport,
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Found: func(found *update.Release, isNew bool) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.found, r.isNew = found, isNew
		},
	}
	for _, change := range changes {
		change(&r.cfg)
	}
	r.again()
	return r
}

// again is a start of the program.
func (r *reader) again() {
	r.t.Helper()
	looker, err := update.New(r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Looker, r.found, r.isNew = looker, nil, false
	r.Begin()
}

// look looks, and returns what is offered then.
func (r *reader) look() *update.Release {
	r.t.Helper()
	r.Look(r.t.Context())
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.found
}

func (r *reader) seen() update.Seen {
	r.t.Helper()
	seen, err := update.ReadSeen(r.cfg.Folder)
	if err != nil {
		r.t.Fatal(err)
	}
	return seen
}

// files are those in the folder.
func (r *reader) files() (names []string) {
	r.t.Helper()
	entries, err := os.ReadDir(r.cfg.Folder)
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

type logbook struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}
