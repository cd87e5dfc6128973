package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"financial-command-center/server"
)

// On Linux only: among as many connections as this, Wine takes half a minute to
// say who is at the other end of one.
func TestConnectionsThatAskNothingKeepNobodyOut(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	asking, err := client.Do(b.request(ask{path: "/events", cookie: cookie}))
	if err != nil {
		t.Fatal(err)
	}
	defer asking.Body.Close()
	address := fmt.Sprintf("127.0.0.1:%d", b.cfg.Port)
	var silent []net.Conn
	closed := func(conn net.Conn) bool {
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, err := conn.Read(make([]byte, 1))
		var slow net.Error
		return !errors.As(err, &slow) || !slow.Timeout()
	}
	for range server.MaxConnections {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		silent = append(silent, conn)
	}
	b.until("the one that waits longest is closed", func() bool { return closed(silent[0]) })
	if g := b.ask(ask{path: "/assets/style.css"}); g.status != 200 {
		t.Errorf("the next is answered %d", g.status)
	}
	if closed(silent[len(silent)-1]) {
		t.Error("the last silent one was closed too")
	}
	b.ask(ask{path: "/login", cookie: cookie})
	events := bufio.NewScanner(asking.Body)
	for events.Scan() && !strings.Contains(events.Text(), `"signing_in":true`) {
	}
	if err := events.Err(); err != nil {
		t.Errorf("the one with a request under way was closed: %v", err)
	}
}
