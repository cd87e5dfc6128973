package update_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"financial-command-center/server/update"
)

func TestTheInstallerIsFetchedCheckedAndStarted(t *testing.T) {
	p := newPublisher(t)
	p.publish("1.3.0", setup)
	r := newReader(t, p)
	found := r.look()
	for range 2 { // the second click finds it there
		path, err := r.Fetch(t.Context(), found)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, setup) || filepath.Base(path) != setupName {
			t.Errorf("%s holds %d bytes, %v", path, len(got), err)
		}
	}
	if n := p.asks("/fcc/" + setupName); n != 1 {
		t.Errorf("it was fetched %d times", n)
	}
	started := ""
	if err := r.Start(found, func(path string) error { started = path; return nil }); err != nil || started != filepath.Join(r.cfg.Folder, setupName) {
		t.Errorf("started %q, %v", started, err)
	}
	r.again() // which is what the installer does at its end
	if slices.Contains(r.files(), setupName) {
		t.Error("the installer is kept for ever")
	}
}

func TestAnInstallerThatIsNotTheOneAnnouncedIsRemoved(t *testing.T) {
	send := func(data []byte, length int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if length >= 0 {
				w.Header().Set("Content-Length", strconv.Itoa(length))
			} else {
				w.(http.Flusher).Flush() // chunked: nobody knows how long
			}
			_, _ = w.Write(data)
		}
	}
	other := slices.Clone(setup)
	other[len(other)-1]++
	for name, answer := range map[string]http.HandlerFunc{
		"cut":                    send(setup[:1000], len(setup)),
		"cut, of unknown length": send(setup[:1000], -1),
		"shorter":                send(setup[:1000], 1000),
		"longer":                 send(append(slices.Clone(setup), 'x'), len(setup)+1),
		"longer, without a word": send(append(slices.Clone(setup), 'x'), -1),
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(setup); err != nil {
					return
				}
			}
		},
		"of the same size": send(other, len(other)),
		"empty":            send(nil, 0),
		"not there":        http.NotFound,
		"on another host": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/"+setupName, http.StatusFound)
		},
		"a redirect to another name": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/fcc/nothing.exe", http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPublisher(t)
			p.publish("1.3.0", setup)
			r := newReader(t, p)
			found := r.look()
			before := r.files()
			p.lay("/fcc/"+setupName, answer)
			if path, err := r.Fetch(t.Context(), found); err == nil {
				t.Errorf("it was taken: %s", path)
			}
			if after := r.files(); !slices.Equal(before, after) {
				t.Errorf("left behind: %v", after)
			}
			if err := r.Start(found, func(string) error { t.Error("it was started"); return nil }); err == nil {
				t.Error("there was something to start")
			}
			p.layBytes("/fcc/"+setupName, setup)
			if _, err := r.Fetch(t.Context(), found); err != nil {
				t.Errorf("the true one afterwards: %v", err)
			}
		})
	}
}

func TestAFetchThatIsGivenUpLeavesNothing(t *testing.T) {
	p := newPublisher(t)
	p.publish("1.3.0", setup)
	r := newReader(t, p)
	found := r.look()
	ctx, cancel := context.WithCancel(t.Context())
	p.lay("/fcc/"+setupName, func(w http.ResponseWriter, asked *http.Request) {
		_, _ = w.Write(setup[:1000])
		w.(http.Flusher).Flush()
		cancel()
		<-asked.Context().Done()
	})
	if _, err := r.Fetch(ctx, found); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if files := r.files(); slices.ContainsFunc(files, func(name string) bool { return strings.HasPrefix(name, "FCC") }) {
		t.Errorf("left behind: %v", files)
	}
}

// Between the fetch and the start somebody puts another file in its place.
func TestAnInstallerThatWasChangedIsNotStarted(t *testing.T) {
	p := newPublisher(t)
	p.publish("1.3.0", setup)
	r := newReader(t, p)
	found := r.look()
	path, err := r.Fetch(t.Context(), found)
	if err != nil {
		t.Fatal(err)
	}
	other := slices.Clone(setup)
	other[0]++
	for _, changed := range [][]byte{other, append(slices.Clone(setup), 'x'), setup[:10]} {
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := r.Start(found, func(string) error { t.Error("it was started"); return nil }); err == nil {
			t.Error("nothing was said")
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("it is still there: %v", err)
		}
	}
	if err := os.WriteFile(path, other, 0o600); err != nil { // before the next click
		t.Fatal(err)
	}
	if _, err := r.Fetch(t.Context(), found); err != nil {
		t.Errorf("fetched anew: %v", err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, setup) {
		t.Error("the changed file was taken for the true one")
	}
}

func TestWithoutAnInstallerForThePlatformThereIsAPage(t *testing.T) {
	p := newPublisher(t)
	m := manifest("1.3.0", setup)
	m.Page = "https://example.com/download"
	p.layBytes("/fcc/update", p.sign(m))
	r := newReader(t, p, func(c *update.Config) { c.Platform = "linux/amd64" })
	found := r.look()
	if found == nil || found.HasInstaller() || found.Page != m.Page {
		t.Fatalf("%+v", found)
	}
	if _, err := r.Fetch(t.Context(), found); err == nil {
		t.Error("something was fetched")
	}
	if err := r.Start(found, func(string) error { t.Error("something was started"); return nil }); err == nil {
		t.Error("nothing was said")
	}
}
