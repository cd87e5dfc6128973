package server_test

import (
	"fmt"
	"net"
	"testing"
	"time"
)

func TestWhoHasAskedNothingYetHoldsUpNoEnd(t *testing.T) {
	b := newBench(t).opened()
	inTime(t, time.Second, func() time.Duration {
		silent, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.cfg.Port))
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		next, err := client.Do(b.request(ask{path: "/assets/style.css"})) // the silent one was accepted before
		if err != nil {
			t.Fatal(err)
		}
		_ = next.Body.Close()
		begun := time.Now()
		b.stop()
		took := time.Since(begun)
		b.start()
		b.opened()
		return took
	})
}
