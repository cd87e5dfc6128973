//go:build proof

package proof

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/xero/xerosim"
)

// big is the size of the files that go through.
const big = 100 << 20

// A streamer is FCC signed in to all of the simulated Xero, and a key to one of its
// organisations that may write.
type streamer struct {
	*fcc
	sim  *simXero
	key  string
	path string // of an attachment of one of its invoices
}

func openStreamer(t *testing.T) *streamer {
	t.Helper()
	port := freePort(t)
	sim := startSim(t, []int{port})
	i := install(t, port, append(sim.settings(), everyScope)...)
	f := i.start(t)
	i.signIn(t, sim, joinery)
	key := i.addKey(t, "scanner", "--write")
	i.connected(t, key)
	answer, err := i.get("/api.xro/2.0/Invoices?page=1&pageSize=1", key)
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Invoices []struct{ InvoiceID string } }
	if err := json.Unmarshal([]byte(answer.body), &list); err != nil || len(list.Invoices) != 1 {
		t.Fatalf("an invoice: %d %s (%v)", answer.status, answer.body, err)
	}
	return &streamer{f, sim, key, "/api.xro/2.0/Invoices/" + list.Invoices[0].InvoiceID + "/Attachments/"}
}

// sends sends body under a name, with its length or as it comes.
func (s *streamer) sends(name string, body io.Reader, length int64) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodPut, s.base()+s.path+name, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = length
	req.Header.Set("Authorization", "Bearer "+s.key)
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("Accept", "application/json")
	return http.DefaultClient.Do(req)
}

func (s *streamer) reads(name string, header ...string) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodGet, s.base()+s.path+name, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	for n := 0; n < len(header); n += 2 {
		req.Header.Set(header[n], header[n+1])
	}
	return http.DefaultClient.Do(req)
}

// up sends a filler; the simulated Xero checks each of its bytes.
func (s *streamer) up(name string, seed uint64, length int64) error {
	answer, err := s.sends(name, xerosim.Filler(seed, big), length)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || !strings.Contains(string(body), fmt.Sprintf(`"ContentLength":%d`, big))) {
		err = fmt.Errorf("up: %s: %s", answer.Status, body)
	}
	return err
}

// down reads it, and compares.
func (s *streamer) down(name string, seed uint64) error {
	answer, err := s.reads(name)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	got, want := sha256.New(), sha256.New()
	n, err := io.Copy(got, answer.Body)
	if err != nil {
		return fmt.Errorf("down, after %d bytes: %w", n, err)
	}
	_, _ = io.Copy(want, xerosim.Filler(seed, big)) // a hash takes all
	if answer.StatusCode != http.StatusOK || answer.ContentLength != big || string(got.Sum(nil)) != string(want.Sum(nil)) {
		return fmt.Errorf("down: %s, %d of %d bytes, and not the same", answer.Status, n, answer.ContentLength)
	}
	return nil
}

var vmHWM = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// peakOf is the most memory, in MB, that a process had while f ran (proc_pid_status(5),
// proc_pid_clear_refs(5)).
func peakOf(t *testing.T, pid int, f func()) float64 {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
	f()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := vmHWM.FindSubmatch(text)
	if found == nil {
		t.Fatalf("no VmHWM in %s", text)
	}
	kB, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return kB * 1024 / 1e6
}

func TestAHundredMegabytesGoUpAndDownInFlatMemory(t *testing.T) {
	s := openStreamer(t)
	const more = 24 // MB beside what it has anyway: a file would be 105, four of them 420
	before := resident(t, s.pid())
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	peak := peakOf(t, s.pid(), func() {
		check(s.up("with its length.bin", 1, big))
		check(s.up("as it comes.bin", 2, -1))
		check(s.down("with its length.bin", 1))
		for _, err := range together(4, func() func() error { // two up and two down at once
			turns := make(chan func() error, 4)
			turns <- func() error { return s.up("a.bin", 3, big) }
			turns <- func() error { return s.up("b.bin", 4, -1) }
			turns <- func() error { return s.down("with its length.bin", 1) }
			turns <- func() error { return s.down("as it comes.bin", 2) }
			return func() error { return (<-turns)() }
		}()) {
			t.Error(err)
		}
	})
	t.Logf("FCC had %.0f MB before, and at most %.0f MB while 700 MB went through", before, peak)
	if peak > before+more {
		t.Errorf("it took %.0f MB", peak-before)
	}
	answer, err := s.reads("a.bin", "Range", fmt.Sprintf("bytes=%d-%d", big/2, big/2+9))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	part, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(io.NewSectionReader(xerosim.Filler(3, big), big/2, 10))
	if answer.StatusCode != http.StatusPartialContent || string(part) != string(want) || err != nil {
		t.Errorf("ten bytes of it: %s %x, not %x", answer.Status, part, want)
	}
}

// A revoked key ends what it has begun within a second, wherever that waits: for
// Xero, for the one who reads, for the one who sends.
func TestARevokedKeyEndsItsStreams(t *testing.T) {
	s := openStreamer(t)
	if err := s.up("big.bin", 1, big); err != nil {
		t.Fatal(err)
	}
	// revoked revokes the key and returns how long after that ended was closed.
	revoked := func(t *testing.T, ended <-chan error) {
		t.Helper()
		s.command(t, "keys", "revoke", "scanner")
		since := time.Now()
		select {
		case err := <-ended:
			if took := time.Since(since); took > time.Second || err == nil {
				t.Errorf("it ended after %v: %v", took, err)
			}
		case <-time.After(patience):
			t.Fatal("it did not end")
		}
		if answer, err := s.get("/api.xro/2.0/Organisation", s.key); err != nil || answer.status != http.StatusUnauthorized {
			t.Errorf("the key still gets %d (%v)", answer.status, err)
		}
		s.key = s.addKey(t, "scanner", "--write")
	}
	begin := func(t *testing.T) *http.Response {
		t.Helper()
		answer, err := s.reads("big.bin")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = answer.Body.Close() })
		if _, err := io.CopyN(io.Discard, answer.Body, 1<<20); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("its beginning: %s (%v)", answer.Status, err)
		}
		return answer
	}

	t.Run("Xero sends no more", func(t *testing.T) {
		cut := s.sim.count(t, "api-cut")
		s.sim.control(t, "fault", url.Values{"at": {"api"}, "do": {"stall"}, "delay": {"10m"}, "times": {"-1"}}, nil)
		answer := begin(t)
		s.sim.control(t, "clear", nil, nil)
		half := make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			n, err := io.CopyN(io.Discard, answer.Body, big/2-1<<20)
			close(half)
			if err == nil {
				n, err = io.Copy(io.Discard, answer.Body)
			}
			ended <- fmt.Errorf("%d bytes, %w", n, err)
		}()
		<-half
		revoked(t, ended)
		s.sim.wait(t, "api-cut", cut) // Xero is told, too
	})
	t.Run("the caller reads no more", func(t *testing.T) {
		cut := s.sim.count(t, "api-cut")
		answered := s.sim.count(t, "api-answered")
		answer := begin(t)
		ended := make(chan error, 1)
		s.command(t, "keys", "revoke", "scanner")
		go func() {
			n, err := io.Copy(io.Discard, answer.Body)
			ended <- fmt.Errorf("%d bytes, %w", n, err)
		}()
		select {
		case err := <-ended: // what had been sent is read first
			if !strings.Contains(err.Error(), "EOF") && !strings.Contains(err.Error(), "reset") {
				t.Errorf("it ended with %v", err)
			}
		case <-time.After(patience):
			t.Fatal("it did not end")
		}
		eventually(t, "Xero's answer is cut off, or over", func() (bool, string) {
			return s.sim.count(t, "api-cut") > cut || s.sim.count(t, "api-answered") > answered, "neither"
		})
		s.key = s.addKey(t, "scanner", "--write")
	})
	t.Run("the caller sends no more", func(t *testing.T) {
		seen := s.sim.count(t, "api-seen")
		from, to := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			answer, err := s.sends("half.bin", from, big)
			if err == nil {
				_ = answer.Body.Close()
				err = fmt.Errorf("the answer %s", answer.Status)
			}
			ended <- err
		}()
		if _, err := io.CopyN(to, xerosim.Filler(9, big), 4<<20); err != nil {
			t.Fatal(err)
		}
		s.sim.wait(t, "api-seen", seen)
		revoked(t, ended)
		_ = to.Close()
		if answer, err := s.reads("half.bin"); err != nil || answer.Body.Close() != nil || answer.StatusCode != http.StatusNotFound {
			t.Errorf("half a file is there: %v %v", answer, err)
		}
	})
}
