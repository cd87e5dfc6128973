package xerosim_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server/xero/xerosim"
)

// pipes is a listener without a network, as a bubble needs it.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.accept <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// inABubble runs f with a Sim whose time is the bubble's.
func inABubble(t *testing.T, f func(t *testing.T, s *site), change ...func(*xerosim.Options)) {
	synctest.Test(t, func(t *testing.T) {
		opt := xerosim.Options{
			Issuer: "http://localhost:9000", Login: "http://127.0.0.1:9000",
			Clients: []xerosim.Client{{ID: xerosim.DemoClientID, Redirects: []string{redirect}}},
		}
		for _, f := range change {
			f(&opt)
		}
		sim, err := xerosim.New(opt)
		if err != nil {
			t.Fatal(err)
		}
		listener := &pipes{accept: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: sim.Handler()}
		go func() { _ = server.Serve(listener) }()
		transport := &http.Transport{DialContext: listener.dial}
		defer func() {
			transport.CloseIdleConnections()
			_ = server.Close()
		}()
		f(t, &site{Sim: sim, t: t, base: "http://localhost:9000", client: &http.Client{Transport: transport}})
	})
}

// signInThere is signIn at the bubble's fixed addresses.
func (s *site) signInThere() tokens {
	s.t.Helper()
	v := verifier()
	page := "http://127.0.0.1:9000/identity/connect/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {xerosim.DemoClientID}, "redirect_uri": {redirect}, "scope": {readScopes},
		"code_challenge": {challenge(v)}, "code_challenge_method": {"S256"},
	}.Encode()
	return s.given(s.ask(codeForm(s.approve(page).Get("code"), v)))
}

func TestTimeInABubbleIsXerosTime(t *testing.T) {
	inABubble(t, func(t *testing.T, s *site) {
		got := s.signInThere()
		time.Sleep(30*time.Minute - time.Second)
		if status := s.userinfo(got.AccessToken); status != http.StatusOK {
			t.Errorf("a second before the end: %d", status)
		}
		time.Sleep(time.Second)
		if status := s.userinfo(got.AccessToken); status != http.StatusUnauthorized {
			t.Errorf("at the end: %d", status)
		}
		for range 12 {
			time.Sleep(59 * 24 * time.Hour)
			got = s.given(s.refresh(got.RefreshToken))
		}
		time.Sleep(60 * 24 * time.Hour)
		s.refused(s.refresh(got.RefreshToken), "invalid_grant")
	})
}

func TestTheGraceEndsToTheSecondAndUsesDoNotProlongIt(t *testing.T) {
	inABubble(t, func(t *testing.T, s *site) {
		first := s.signInThere()
		time.Sleep(time.Hour)
		s.given(s.refresh(first.RefreshToken))
		time.Sleep(30*time.Minute - time.Second)
		s.given(s.refresh(first.RefreshToken))
		time.Sleep(time.Second)
		s.refused(s.refresh(first.RefreshToken), "invalid_grant")
	})
}

func TestTroubleWorksInABubble(t *testing.T) {
	inABubble(t, func(t *testing.T, s *site) {
		got := s.signInThere()
		s.Fault(xerosim.Fault{At: xerosim.PointToken, Do: xerosim.Lose})
		if _, _, err := s.renewal(t.Context(), got.RefreshToken); err == nil {
			t.Error("a lost answer arrived")
		}
		s.Fault(xerosim.Fault{At: xerosim.PointToken, Do: xerosim.Stall, Delay: time.Minute})
		begun := time.Now()
		if _, _, err := s.renewal(t.Context(), got.RefreshToken); err != nil || time.Since(begun) != time.Minute {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		s.Fault(xerosim.Fault{At: xerosim.PointToken, Do: xerosim.Hold})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if _, _, err := s.renewal(ctx, got.RefreshToken); err == nil || time.Since(begun) != 90*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		synctest.Wait()
		if n, err := s.Wait(t.Context(), "token-cut", 1); n != 2 || err != nil {
			t.Errorf("%d answers were cut: %v", n, err)
		}
		s.given(s.refresh(got.RefreshToken))
	})
}
