package server_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// A line is a kept connection that asks one thing again and again. It does no more than
// it must, so that it is not the asking that is measured.
type line struct {
	conn    net.Conn
	request []byte
	space   []byte
}

func newLine(b *testing.B, base string, header http.Header) *line {
	b.Helper()
	address := strings.TrimPrefix(base, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	var text bytes.Buffer
	fmt.Fprintf(&text, "GET %s HTTP/1.1\r\nHost: %s\r\n", invoices, address)
	_ = header.Write(&text)
	text.WriteString("\r\n")
	return &line{conn, text.Bytes(), make([]byte, 8<<10)}
}

// ask makes one call. The answer has to be whole, and from where it should be.
func (l *line) ask(source string) error {
	if _, err := l.conn.Write(l.request); err != nil {
		return err
	}
	size, head := 0, -1
	for head < 0 || size < head+benchBody {
		n, err := l.conn.Read(l.space[size:])
		if err != nil {
			return err
		}
		if size += n; head < 0 {
			head = bytes.Index(l.space[:size], []byte("\r\n\r\n"))
			if head += 4; head == 3 {
				head = -1
			}
		}
	}
	text := l.space[:head]
	if !bytes.HasPrefix(text, []byte("HTTP/1.1 200 OK\r\n")) || size != head+benchBody || !bytes.Contains(text, []byte(source)) {
		return fmt.Errorf("%d bytes: %q, not from %q", size, text, source)
	}
	return nil
}

// BenchmarkCache is a GET of 3 KB that is kept, through the whole guard, beside the same
// through a bare httputil.ReverseProxy and a wide one: at 16 connections over four
// organisations, in turns, the middle of many rounds. Who asks, the servers and the
// upstream share one process and its processors.
func BenchmarkCache(b *testing.B) {
	bare, wide, own, header := besideProxies(b, time.Hour)
	var ways [3][]*line
	for n := range benchConnections {
		for way, base := range []string{bare, wide, own} {
			ways[way] = append(ways[way], newLine(b, base, header(n)))
		}
	}
	sources := [3]string{"Content-Length: ", "Content-Length: ", "X-Fcc-Source: cache"}
	for n, l := range ways[2] {
		if err := l.ask("X-Fcc-Source: live"); n < benchOrganisations && err != nil {
			b.Fatal(err)
		}
	}
	const rounds, calls = 18, 400
	for b.Loop() {
		var took [3][]time.Duration
		for round := range rounds {
			for _, n := range turns(round) {
				begun := time.Now()
				var callers sync.WaitGroup
				for _, l := range ways[n] {
					callers.Go(func() {
						for range calls {
							if err := l.ask(sources[n]); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				callers.Wait()
				took[n] = append(took[n], time.Since(begun))
			}
		}
		for n, name := range []string{"bare", "wide", "cached"} {
			b.ReportMetric(benchConnections*calls/middle(took[n]).Seconds(), "calls/s/"+name)
		}
		b.ReportMetric(share(took[0], took[2]), "cached/bare")
		b.ReportMetric(share(took[1], took[2]), "cached/wide")
	}
	b.ReportMetric(0, "ns/op")
}
