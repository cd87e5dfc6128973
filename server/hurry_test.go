package server_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server"
)

// pipes is a listener without a network, for a test's own clock.
type pipes struct {
	ends   chan net.Conn
	closed context.Context
	close  context.CancelFunc
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case end := <-p.ends:
		return end, nil
	case <-p.closed.Done():
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { p.close(); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// served has do speak with s through connections that dial makes.
func served(t *testing.T, s *server.Server, do func(dial func() net.Conn)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := pipes{ends: make(chan net.Conn)}
	p.closed, p.close = context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, p) }()
	do(func() net.Conn {
		near, far := net.Pipe()
		p.ends <- far
		return near
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// answerTo is the status of what comes for request within a minute, else 0.
func answerTo(t *testing.T, conn net.Conn, request string) int {
	t.Helper()
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Error(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	return answer.StatusCode
}

func TestWhoIsTooSlowIsNotWaitedFor(t *testing.T) {
	withClock(t, func(t *testing.T, s *server.Server, _ keystore.Store) {
		served(t, s, func(dial func() net.Conn) {
			for name, c := range map[string]struct {
				request, want string
				after         time.Duration
			}{
				"half a header":      {"GET /health HTTP/1.1\r\nHost:", "", 10 * time.Second},
				"no body":            {"POST /control/hello HTTP/1.1\r\nHost: localhost:8000\r\nContent-Length: 9\r\n\r\n", "400 ", 30 * time.Second},
				"no further request": {"GET /health HTTP/1.1\r\nHost: localhost:8000\r\n\r\n", "200 ", 2 * time.Minute},
			} {
				conn, begun := dial(), time.Now()
				go func() { _, _ = io.WriteString(conn, c.request) }()
				said, err := io.ReadAll(conn)
				if took := time.Since(begun); err != nil || took != c.after || !strings.Contains(string(said), c.want) {
					t.Errorf("%s: cut off after %v, want %v, with %v and %.40q", name, took, c.after, err, said)
				}
			}
		})
	})
}

// net/http reads a body to its end before it answers, so that a body which never
// comes would hold a connection for good, and there are only so many.
func TestABodyThatNeverComesHoldsNoConnection(t *testing.T) {
	withClock(t, func(t *testing.T, s *server.Server, _ keystore.Store) {
		served(t, s, func(dial func() net.Conn) {
			for name, c := range map[string]struct {
				request string
				want    int
			}{
				"no key":       {"POST /api.xro/2.0/Invoices HTTP/1.1\r\nHost: localhost:8000\r\n", 401},
				"no session":   {"GET /events HTTP/1.1\r\nHost: localhost:8000\r\n", 401},
				"own route":    {"POST /logout HTTP/1.1\r\nHost: localhost:8000\r\n", 401},
				"wrong host":   {"POST / HTTP/1.1\r\nHost: evil.example\r\n", 421},
				"wrong origin": {"POST /logout HTTP/1.1\r\nHost: localhost:8000\r\nOrigin: null\r\n", 403},
				"no such path": {"POST //x HTTP/1.1\r\nHost: localhost:8000\r\n", 404},
			} {
				if got := answerTo(t, dial(), c.request+"Content-Length: 9\r\n\r\n"); got != c.want {
					t.Errorf("%s: %d, want %d", name, got, c.want)
				}
			}
		})
	})
}

func TestTheTimeForSendingABodyIsNotTheTimeForTheAnswer(t *testing.T) {
	withClock(t, func(t *testing.T, s *server.Server, _ keystore.Store) {
		wait := func(w http.ResponseWriter, r *http.Request) error {
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case <-r.Context().Done():
				w.WriteHeader(http.StatusTeapot)
			case <-time.After(40 * time.Second):
			}
			return nil
		}
		if err := s.Mount("/slow", "public", wait); err != nil {
			t.Fatal(err)
		}
		served(t, s, func(dial func() net.Conn) {
			for name, rest := range map[string]string{"none": "\r\n", "a body": "Content-Length: 2\r\n\r\nab", "chunks": "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"} {
				if got := answerTo(t, dial(), "GET /slow HTTP/1.1\r\nHost: localhost:8000\r\n"+rest); got != http.StatusOK {
					t.Errorf("%s: %d", name, got)
				}
			}
		})
	})
}
