package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"financial-command-center/server"
)

// A stubborn is an FCC that somebody starts again whenever it is stopped: it holds
// the data folder but for a moment, and answers the commands all the time.
type stubborn struct {
	t     *testing.T
	dir   string
	key   string
	held  chan *instance // one slot
	run   runFile
	stops atomic.Int32
	over  atomic.Bool
	again sync.WaitGroup
}

func newStubborn(t *testing.T) *stubborn {
	s := &stubborn{t: t, dir: t.TempDir(), key: "the control key of this start", held: make(chan *instance, 1)}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.run = runFile{Address: strings.TrimPrefix(web.URL, "http://"), PID: 1, ControlKey: s.key}
	s.take()
	t.Cleanup(func() {
		s.over.Store(true)
		s.again.Wait()
		select {
		case only := <-s.held:
			only.release()
		default:
		}
	})
	return s
}

func (s *stubborn) take() {
	for !s.over.Load() {
		only, err := claim(s.dir)
		if err == nil {
			if err := only.publish(s.run); err != nil {
				s.t.Error(err)
			}
			s.held <- only
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (s *stubborn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := server.ControlProver{Key: s.run.key(), Server: server.ControlNonce{1}}
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path == "/control/hello" {
		var hello server.ControlHello
		_ = json.Unmarshal(body, &hello)
		p.Client, _ = server.ParseControlNonce(hello.Nonce)
		_ = json.NewEncoder(w).Encode(server.ControlHello{Nonce: p.Server.String(), Proof: p.Hello()})
		return
	}
	client, _, _ := strings.Cut(r.Header.Get(server.ControlHeader), ".")
	p.Client, _ = server.ParseControlNonce(client)
	answer := []byte("{}")
	if r.URL.Path == "/control/stop" {
		s.stops.Add(1)
		(<-s.held).release()
		s.again.Go(func() {
			time.Sleep(10 * time.Millisecond)
			s.take()
		})
	}
	w.Header().Set(server.ControlHeader, p.Answer(http.StatusOK, answer))
	_, _ = w.Write(answer)
}

func TestEraseStopsWhatStartsAgainMeanwhileAndEndsAtCtrlC(t *testing.T) {
	s := newStubborn(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // Ctrl-C comes then
	defer cancel()
	c := &call{ctx: ctx, flags: settingFlags{DataDir: &s.dir}, Program: Program{
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: new(bytes.Buffer), Env: func(string) string { return "" },
	}}
	read, err := readSettings(c.flags, c.Env)
	if err != nil {
		t.Fatal(err)
	}
	e := &erasure{call: c, settings: read}
	ended := make(chan error, 1)
	go func() {
		only, _, err := e.end()
		if only != nil { // it was quicker than who starts it
			only.release()
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		if err != nil && !strings.Contains(err.Error(), "erased") {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Errorf("it goes on after Ctrl-C, and has stopped FCC %d times", s.stops.Load())
	}
}
