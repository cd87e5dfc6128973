package update

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

const (
	askTimeout = 30 * time.Second
	// An installer may take long on a slow line, but not stand still.
	fetchTimeout = 30 * time.Minute
	stallTimeout = 30 * time.Second
	maxRedirects = 3
)

// client follows redirects within the address's own host alone.
func (l *Looker) client() *http.Client {
	return &http.Client{
		Transport: l.cfg.HTTP,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			switch {
			case len(via) > maxRedirects:
				return errors.New("it leads from one address to the next")
			case req.URL.Host != l.base.Host || req.URL.Scheme != l.base.Scheme || req.URL.User != nil:
				return errors.New("it leads to another host")
			}
			req.Header.Del("Referer")
			return nil
		},
	}
}

// get asks for one file. The caller closes its body.
func (l *Looker) get(ctx context.Context, address string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "fcc/"+l.cfg.Version)
	req.Header.Set("Accept-Encoding", "identity") // sizes and sums are of the file itself
	resp, err := l.http.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the address
		}
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("answer %d", resp.StatusCode)
	}
	return resp, nil
}

// ask reads what is published and checks it.
func (l *Looker) ask(ctx context.Context) (published []byte, m Manifest, err error) {
	defer l.http.CloseIdleConnections() // the next is a day away
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	resp, err := l.get(ctx, l.cfg.Address)
	if err != nil {
		return nil, m, err
	}
	defer resp.Body.Close()
	published, err = io.ReadAll(io.LimitReader(resp.Body, manifestLimit+1))
	if err != nil {
		return nil, m, err
	}
	if len(published) > manifestLimit {
		return nil, m, errors.New("the manifest is too large")
	}
	m, err = open(published, l.key)
	return published, m, err
}

// errCut: what came is not what the manifest says.
var errCut = errors.New("the file is not the one that was announced")

// Fetch brings the installer of r and returns its path. What came in part, or
// wrong, is removed.
func (l *Looker) Fetch(ctx context.Context, r *Release) (path string, err error) {
	l.fetching.Lock()
	defer l.fetching.Unlock()
	defer l.http.CloseIdleConnections()
	if r.file == nil {
		return "", errors.New("there is no installer for this platform")
	}
	path = filepath.Join(l.cfg.Folder, r.file.Name)
	if file, err := openSealed(path); err == nil { // fetched before, and not started
		err = r.file.matches(file)
		file.Close()
		if err == nil {
			return path, nil
		}
		if err := os.Remove(path); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(l.cfg.Folder, 0o700); err != nil {
		return "", err
	}
	part := path + partEnding
	_ = os.Remove(part)
	if err := l.download(ctx, part, r.file); err != nil {
		_ = os.Remove(part)
		return "", err
	}
	if err := os.Rename(part, path); err != nil {
		_ = os.Remove(part)
		return "", err
	}
	return path, nil
}

// download writes the file's bytes, no more than were announced, to a new file.
func (l *Looker) download(ctx context.Context, part string, f *File) (err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	stalled := time.AfterFunc(stallTimeout, cancel)
	defer stalled.Stop()
	resp, err := l.get(ctx, l.base.ResolveReference(&url.URL{Path: f.Name}).String())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.ContentLength >= 0 && resp.ContentLength != f.Size {
		return fmt.Errorf("%w: %d bytes are offered, %d were announced", errCut, resp.ContentLength, f.Size)
	}
	out, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, sum), &moving{io.LimitReader(resp.Body, f.Size+1), stalled})
	if err == nil {
		err = f.fits(n, sum)
	}
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// moving puts the stall off with every byte that comes.
type moving struct {
	io.Reader
	stalled *time.Timer
}

func (m *moving) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if n > 0 {
		m.stalled.Reset(stallTimeout)
	}
	return n, err
}

// fits compares what came with what was announced.
func (f *File) fits(size int64, sum hash.Hash) error {
	want, err := hex.DecodeString(f.SHA256)
	switch {
	case err != nil:
		return err
	case size != f.Size:
		return fmt.Errorf("%w: %d bytes came, %d were announced", errCut, size, f.Size)
	case subtle.ConstantTimeCompare(sum.Sum(nil), want) != 1:
		return fmt.Errorf("%w: its SHA-256 is another", errCut)
	}
	return nil
}

func (f *File) matches(r io.Reader) error {
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(r, f.Size+1))
	if err != nil {
		return err
	}
	return f.fits(n, sum)
}

// Start hands the fetched installer of r to start, having hashed it once more. On
// Windows nobody can write or replace it until start returns, which is to be when
// the system has opened it.
func (l *Looker) Start(r *Release, start func(path string) error) error {
	l.fetching.Lock()
	defer l.fetching.Unlock()
	if r.file == nil {
		return errors.New("there is no installer for this platform")
	}
	path := filepath.Join(l.cfg.Folder, r.file.Name)
	file, err := openSealed(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := r.file.matches(file); err != nil {
		file.Close()
		_ = os.Remove(path)
		return err
	}
	return start(path)
}
