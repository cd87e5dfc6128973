package update_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/update"
)

var setup = bytes.Repeat([]byte("MZ setup "), 5000)

func TestANewerVersionIsOfferedAndThePersonToldOnce(t *testing.T) {
	p := newPublisher(t)
	p.publish("1.3.0", setup)
	r := newReader(t, p)
	if found := r.look(); found == nil || found.Version != "1.3.0" || found.Notes == "" || !found.HasInstaller() || !r.isNew {
		t.Fatalf("%+v, new %v", found, r.isNew)
	}
	r.again()
	if r.found == nil || r.isNew {
		t.Errorf("after a restart: %+v, new %v; want the same offer, and no word", r.found, r.isNew)
	}
	p.publish("1.4.0", setup)
	if found := r.look(); found == nil || found.Version != "1.4.0" || !r.isNew {
		t.Errorf("the next: %+v, new %v", found, r.isNew)
	}
	r.cfg.Version = "1.4.0" // installed
	r.again()
	if r.found != nil {
		t.Errorf("it is offered what it is: %+v", r.found)
	}
	if seen := r.seen(); seen.Newest != "1.4.0" || time.Since(seen.Looked).Abs() > time.Minute || seen.Wrong != "" {
		t.Errorf("%+v", seen)
	}
}

// What is laid at the address, and is not taken.
func TestWhatIsNoNewerVersionOfTheMakersIsNotOffered(t *testing.T) {
	stranger := newPublisher(t)
	type lay = func(p *publisher) []byte
	huge := func(p *publisher) []byte {
		m := manifest("1.3.0", setup)
		m.Files = map[string]update.File{}
		for i := range 1000 {
			m.Files[fmt.Sprintf("windows/amd%d", i)] = manifest("1.3.0", setup).Files[platform]
		}
		return p.sign(m)
	}
	cases := map[string]struct {
		lay  lay
		says string // in the log; "" where nothing is wrong
	}{
		"signed by somebody else": {func(*publisher) []byte { return stranger.sign(manifest("1.3.0", setup)) }, "signature"},
		"signature of other bytes": {func(p *publisher) []byte {
			one, other := p.sign(manifest("1.3.0", setup)), p.sign(manifest("1.4.0", setup))
			return append(one[:bytes.IndexByte(one, '\n')], other[bytes.IndexByte(other, '\n'):]...)
		}, "signature"},
		"one byte changed": {func(p *publisher) []byte {
			return bytes.Replace(p.sign(manifest("1.3.0", setup)), []byte("1.3.0"), []byte("9.3.0"), 1)
		}, "signature"},
		"one byte more": {func(p *publisher) []byte { return append(p.sign(manifest("1.3.0", setup)), ' ') }, "signature"},
		"without a purpose": {func(p *publisher) []byte {
			signed := p.sign(manifest("1.3.0", setup))
			body := signed[bytes.IndexByte(signed, '\n')+1:]
			return append([]byte(base64.StdEncoding.EncodeToString(ed25519.Sign(p.key, body))+"\n"), body...)
		}, "signature"},
		"no signature":      {func(p *publisher) []byte { return []byte(`{"version":"1.3.0"}`) }, "signature"},
		"an empty one":      {func(p *publisher) []byte { return []byte("\n{}") }, "signature"},
		"empty":             {func(p *publisher) []byte { return nil }, "signature"},
		"a page of a hotel": {func(p *publisher) []byte { return []byte("<html>\n<body>Welcome</body></html>") }, "signature"},
		"signed, no JSON":   {func(p *publisher) []byte { return update.SignBytes(p.key, []byte("1.3.0")) }, "no manifest"},
		"signed, no version": {func(p *publisher) []byte {
			return update.SignBytes(p.key, []byte(`{"version":"latest"}`))
		}, "version"},
		"the same version":  {func(p *publisher) []byte { return p.sign(manifest("1.2.0", setup)) }, ""},
		"a downgrade":       {func(p *publisher) []byte { return p.sign(manifest("1.1.9", setup)) }, ""},
		"a candidate of it": {func(p *publisher) []byte { return p.sign(manifest("1.2.0-rc.1", setup)) }, ""},
		"too large":         {huge, "too large"},
		"nothing for this platform": {func(p *publisher) []byte {
			m := manifest("1.3.0", setup)
			m.Files = map[string]update.File{"plan9/386": m.Files[platform]}
			return p.sign(m)
		}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPublisher(t)
			p.layBytes("/fcc/update", c.lay(p))
			r := newReader(t, p)
			if found := r.look(); found != nil {
				t.Errorf("offered: %+v", found)
			}
			if log := r.log.String(); c.says == "" && strings.Contains(log, "WARN") || !strings.Contains(log, c.says) || strings.Contains(log, "ERROR") {
				t.Errorf("want %q, logged: %s", c.says, log)
			}
			if seen := r.seen(); (seen.Wrong == "") != (c.says == "") || seen.Looked.IsZero() {
				t.Errorf("%+v", seen)
			}
			p.publish("1.3.0", setup)
			if found := r.look(); found == nil {
				t.Error("and the true one is not offered afterwards")
			}
		})
	}
}

func TestAVersionOlderThanTheNewestSeenIsAReplay(t *testing.T) {
	p := newPublisher(t)
	p.publish("1.5.0", setup)
	r := newReader(t, p)
	r.look()
	p.publish("1.4.0", setup) // newer than this program all the same
	for range 2 {
		if found := r.look(); found == nil || found.Version != "1.5.0" {
			t.Errorf("offered: %+v", found)
		}
		if seen := r.seen(); seen.Newest != "1.5.0" || !strings.Contains(seen.Wrong, "1.4.0 is older") {
			t.Errorf("%+v", seen)
		}
		r.again()
	}
	// Nor does one count that was put into the folder.
	if err := os.WriteFile(filepath.Join(r.cfg.Folder, "manifest"), p.sign(manifest("1.4.0", setup)), 0o600); err != nil {
		t.Fatal(err)
	}
	r.again()
	if r.found != nil {
		t.Errorf("offered from the folder: %+v", r.found)
	}
}

func TestWhatTheServerDoesIsBounded(t *testing.T) {
	p := newPublisher(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked for %s", r.URL)
	}))
	defer elsewhere.Close()
	r := newReader(t, p)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		found  bool
	}{
		"a redirect to another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/fcc/update", http.StatusFound)
		}, false},
		"a redirect to another scheme": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+r.Host+"/fcc/update", http.StatusFound)
		}, false},
		"a redirect to itself": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/fcc/update", http.StatusFound) }, false},
		"a redirect with a name": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://you@"+r.Host+"/fcc/update", http.StatusFound)
		}, false},
		"404": {http.NotFound, false},
		"500": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, false},
		"an answer that is cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write([]byte("x"))
		}, false},
		"a redirect within its own one": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/fcc/latest", http.StatusFound) }, true},
	} {
		p.publish("1.3.0", setup)
		p.layBytes("/fcc/latest", p.sign(manifest("1.3.0", setup)))
		p.lay("/fcc/update", c.answer)
		if err := os.RemoveAll(r.cfg.Folder); err != nil {
			t.Fatal(err)
		}
		r.again()
		if found := r.look(); (found != nil) != c.found {
			t.Errorf("%s: offered %+v", name, found)
		}
	}
	if n := p.asks("/fcc/update"); n > 15 {
		t.Errorf("it asked %d times", n)
	}
}

func TestNothingOfThePersonIsSent(t *testing.T) {
	p := newPublisher(t)
	r := newReader(t, p)
	p.lay("/fcc/update", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "id", Value: "you"})
		w.Header().Set("ETag", `"you"`)
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		_, _ = w.Write(p.sign(manifest("1.3.0", setup)))
	})
	for range 2 {
		r.look()
	}
	want := map[string]string{"User-Agent": "fcc/1.2.0", "Accept-Encoding": "identity"}
	for _, asked := range p.asked {
		for name, values := range asked.Header {
			if want[name] != strings.Join(values, "|") {
				t.Errorf("%s: %v is sent", name, values)
			}
		}
		if asked.URL.RawQuery != "" || asked.ContentLength > 0 {
			t.Errorf("asked %s with %d bytes", asked.URL, asked.ContentLength)
		}
	}
}

func TestSwitchedOffNothingIsOfferedAndSwitchedOnItIsAgain(t *testing.T) {
	p := newPublisher(t)
	p.publish("1.3.0", setup)
	r := newReader(t, p)
	r.look()
	r.SetOn(false)
	if r.found != nil {
		t.Errorf("offered: %+v", r.found)
	}
	r.SetOn(true)
	if r.found == nil || r.isNew {
		t.Errorf("offered: %+v, new %v", r.found, r.isNew)
	}
	r.cfg.On = false
	r.again()
	if r.found != nil {
		t.Errorf("offered after a restart: %+v", r.found)
	}
}

func TestABuildWithoutAVersionAnAddressOrAKeyDoesNotLook(t *testing.T) {
	p := newPublisher(t)
	for name, change := range map[string]func(*update.Config){
		"a checkout":       func(c *update.Config) { c.Version = "devel" },
		"half a version":   func(c *update.Config) { c.Version = "1.2" },
		"http":             func(c *update.Config) { c.Address = "http://example.com/fcc/update" },
		"a user":           func(c *update.Config) { c.Address = "https://me@example.com/fcc/update" },
		"no address":       func(c *update.Config) { c.Address = "" },
		"a file":           func(c *update.Config) { c.Address = "file:///fcc/update" },
		"a query":          func(c *update.Config) { c.Address = "https://example.com/fcc/update?" },
		"no key":           func(c *update.Config) { c.Key = "" },
		"half a key":       func(c *update.Config) { c.Key = c.Key[:20] },
		"no base64 at all": func(c *update.Config) { c.Key = "key!" },
	} {
		cfg := update.Config{
			Address: "https://example.com/fcc/update", Key: p.public, Version: "v1.2.0", Platform: platform, Folder: t.TempDir(),
			Log: newReader(t, p).cfg.Log, Found: func(*update.Release, bool) {},
		}
		if _, err := update.New(cfg); err != nil {
			t.Fatal(err)
		}
		change(&cfg)
		if _, err := update.New(cfg); err == nil {
			t.Errorf("%s: it looks", name)
		} else if strings.Contains(name, "version") && !errors.Is(err, update.ErrVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestItIsTimeADayAfterTheLastLook(t *testing.T) {
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		looked time.Time
		want   bool
	}{
		"never":                     {time.Time{}, true},
		"just now":                  {now, false},
		"almost a day ago":          {now.Add(-update.LookEvery), false}, // the jitter
		"a day ago":                 {now.Add(-update.LookEvery - time.Hour), true},
		"a month ago":               {now.AddDate(0, -1, 0), true},
		"by a clock that was wrong": {now.AddDate(10, 0, 0), true},
		"in another zone, just now": {now.In(time.FixedZone("", 13*3600)), false},
	} {
		if got := update.Due(now, c.looked, time.Hour); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestDamagedNotesOfEarlierLooksStopNothing(t *testing.T) {
	p := newPublisher(t)
	p.publish("1.3.0", setup)
	for _, damaged := range []string{"", "{", "[]", `{"newest":"../../etc"}`, strings.Repeat("x", 1<<16)} {
		r := newReader(t, p)
		if err := os.MkdirAll(r.cfg.Folder, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"seen.json", "manifest"} {
			if err := os.WriteFile(filepath.Join(r.cfg.Folder, name), []byte(damaged), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r.again()
		if r.found != nil {
			t.Errorf("%.10q: offered %+v", damaged, r.found)
		}
		if found := r.look(); found == nil {
			t.Errorf("%.10q: nothing is offered any more", damaged)
		}
	}
}
