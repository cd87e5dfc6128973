package server_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"financial-command-center/server/store"
)

// behind is a far end that speaks HTTP: a real server answers for Xero's books.
func behind(t testing.TB, handle http.HandlerFunc) *far {
	api := httptest.NewServer(handle)
	t.Cleanup(func() {
		api.CloseClientConnections()
		api.Close()
	})
	own := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(own.CloseIdleConnections)
	return &far{answer: func(r *http.Request) (*http.Response, error) {
		there := *r.URL
		there.Host = strings.TrimPrefix(api.URL, "http://")
		sent := *r
		sent.URL, sent.Host = &there, ""
		return own.RoundTrip(&sent)
	}}
}

// keeping is a client that keeps its connections, and unpacks nothing.
func keeping(t testing.TB) *http.Client {
	own := &http.Transport{DisableCompression: true}
	t.Cleanup(own.CloseIdleConnections)
	return &http.Client{Transport: own}
}

const attachment = "/api.xro/2.0/Invoices/1/Attachments/scan.pdf"

// A peak is the most that the heap held above what it held at first.
type peak struct{ first, most uint64 }

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (p *peak) look() { p.most = max(p.most, heap()) }

// gauge looks at the heap with every MB that goes through it.
type gauge struct {
	peak *peak
	n    int
}

func (w *gauge) Write(p []byte) (int, error) {
	if before := w.n; (before+len(p))>>20 != before>>20 {
		w.peak.look()
	}
	w.n += len(p)
	return len(p), nil
}

func TestAHundredMegabytesGoThroughInConstantMemory(t *testing.T) {
	const size, allowed = 100 << 20, 24 << 20
	var up *gauge
	b := newBench(t, mayWrite, through(behind(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			_, _ = io.Copy(up, r.Body)
			return
		}
		_, _ = io.CopyN(w, zeros{}, size)
	}))).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "w", Write: true})
	fresh := func() *peak {
		runtime.GC()
		return &peak{first: heap()}
	}
	for name, body := range map[string]func() *http.Request{
		"a body of known length": func() *http.Request {
			r := b.request(ask{method: "PUT", path: attachment, key: key, body: io.LimitReader(zeros{}, size)})
			r.ContentLength = size
			return r
		},
		"a body of unknown length": func() *http.Request {
			return b.request(ask{method: "PUT", path: attachment, key: key, body: io.LimitReader(zeros{}, size)})
		},
	} {
		up = &gauge{peak: fresh()}
		answer, err := keeping(t).Do(body())
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != 200 || up.n != size {
			t.Errorf("%s: %s, Xero got %d bytes", name, answer.Status, up.n)
		}
		if grown := int64(up.peak.most - up.peak.first); grown > allowed {
			t.Errorf("%s: the heap grew by %d MB", name, grown>>20)
		}
	}
	down := &gauge{peak: fresh()}
	answer, err := keeping(t).Do(b.request(ask{path: attachment, key: key}))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(down, answer.Body); err != nil || down.n != size {
		t.Errorf("the caller got %d bytes, %v", down.n, err)
	}
	if grown := int64(down.peak.most - down.peak.first); grown > allowed {
		t.Errorf("on the way back the heap grew by %d MB", grown>>20)
	}
}

// dial is a connection of a caller who writes HTTP by hand.
func (b *bench) dial() (net.Conn, *bufio.Reader) {
	b.t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.cfg.Port))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn, bufio.NewReader(conn)
}

func TestACallerWhoAsksFirstSendsABodyOnlyToWhoTakesIt(t *testing.T) {
	var got string
	b := newBench(t, mayWrite, through(behind(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 5 {
			w.WriteHeader(http.StatusRequestEntityTooLarge) // unread
			return
		}
		body, _ := io.ReadAll(r.Body)
		got = string(body)
	}))).opened()
	b.signIn(b.visit(), café)
	read, write := b.addKey(store.Key{Name: "r"}), b.addKey(store.Key{Name: "w", Write: true})
	for _, c := range []struct {
		key    string
		length int
		line   string
	}{
		{write, 5, "HTTP/1.1 100 Continue"},
		{write, 9 << 20, "HTTP/1.1 413 Request Entity Too Large"},
		{read, 5, "HTTP/1.1 403 Forbidden"},
	} {
		conn, answers := b.dial()
		fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", attachment, b.cfg.Port, c.key, c.length)
		line, err := answers.ReadString('\n')
		if strings.TrimSpace(line) != c.line {
			t.Fatalf("%d bytes: %q, %v", c.length, line, err)
		}
		if !strings.Contains(line, "100") {
			continue
		}
		_, _ = answers.ReadString('\n')
		_, _ = io.WriteString(conn, "hello")
		answer, err := http.ReadResponse(answers, nil)
		if err != nil || answer.StatusCode != 200 || got != "hello" {
			t.Errorf("%v, %v; Xero got %q", answer, err, got)
		}
	}
}

func TestRangesAndGzipGoThroughUntouched(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, `{"Status":"OK"}`)
	_ = z.Close()
	b := newBench(t, mayWrite, through(behind(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".pdf") {
			w.Header().Set("ETag", `"1"`)
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader("0123456789"))
			return
		}
		if r.Header.Get("Accept-Encoding") == "gzip" {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed.Bytes())
		}
	}))).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	fetch := func(path, name, value string) (*http.Response, string) {
		t.Helper()
		answer, err := keeping(t).Do(b.request(ask{path: path, key: key, header: map[string]string{name: value}}))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer, string(body)
	}
	answer, body := fetch(attachment, "Range", "bytes=2-4")
	if answer.StatusCode != 206 || body != "234" || answer.Header.Get("Content-Range") != "bytes 2-4/10" || answer.Header.Get("ETag") != `"1"` || answer.ContentLength != 3 {
		t.Errorf("%s %v %q", answer.Status, answer.Header, body)
	}
	if answer, body = fetch(attachment, "Range", "bytes=90-"); answer.StatusCode != 416 || answer.Header.Get("Content-Range") != "bytes */10" {
		t.Errorf("%s %v %q", answer.Status, answer.Header, body)
	}
	answer, body = fetch(invoices, "Accept-Encoding", "gzip")
	if body != packed.String() || answer.Header.Get("Content-Encoding") != "gzip" || answer.ContentLength != int64(packed.Len()) {
		t.Errorf("%v, %d bytes of %d", answer.Header, len(body), packed.Len())
	}
}

func TestACallerWhoHangsUpIsNotWorkedForAnyLonger(t *testing.T) {
	came, gone := make(chan string, 1), make(chan string, 1)
	b := newBench(t, mayWrite, through(behind(t, func(w http.ResponseWriter, r *http.Request) {
		how := r.Header.Get("X-How")
		if how == "in the answer" {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
		}
		if how == "in the request" {
			_, _ = io.ReadFull(r.Body, make([]byte, 1))
			came <- how
			_, _ = io.Copy(io.Discard, r.Body)
		} else {
			came <- how
			<-r.Context().Done()
		}
		gone <- how
	}))).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "w", Write: true})
	for _, how := range []string{"before the answer", "in the answer", "in the request"} {
		ctx, hangUp := context.WithCancel(t.Context())
		a := ask{path: attachment, key: key, header: map[string]string{"X-How": how}}
		stop := func() {}
		if how == "in the request" {
			body, send := io.Pipe()
			a.method, a.body = "PUT", body
			go func() { _, _ = io.WriteString(send, "x") }()
			stop = func() { _ = send.Close() } // what net/http waits for here
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if answer, err := keeping(t).Do(b.request(a).WithContext(ctx)); err == nil {
				_, _ = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
		}()
		wait := func(c chan string, what string) {
			t.Helper()
			select {
			case <-c:
			case <-time.After(time.Minute):
				t.Fatalf("%s: a minute went by before Xero %s", how, what)
			}
		}
		wait(came, "was asked")
		hangUp()
		wait(gone, "saw that nobody waits")
		stop()
		<-ended
	}
}

// stuck is a caller in the middle of an answer that does not end.
func (b *bench) stuck(key string) (answer *http.Response) {
	b.t.Helper()
	answer, err := keeping(b.t).Do(b.request(ask{path: attachment, key: key}))
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := io.ReadFull(answer.Body, make([]byte, 1)); err != nil {
		b.t.Fatal(err)
	}
	return answer
}

func TestAKeyThatEndsEndsItsStreams(t *testing.T) {
	var came atomic.Int32 // at Xero: what was only on its way there never leaves it
	gone := make(chan struct{}, 8)
	f := behind(t, func(w http.ResponseWriter, r *http.Request) {
		came.Add(1)
		if r.URL.Path == attachment {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
		gone <- struct{}{}
	})
	b := newBench(t, mayWrite, through(f)).opened()
	b.signIn(b.visit(), café)
	other := b.stuck(b.addKey(store.Key{Name: "other"}))
	defer other.Body.Close()

	inTime(t, time.Second, func() time.Duration {
		revoked, before := b.addKey(store.Key{Name: "revoked"}), came.Load()
		waiting := make(chan got, 1)
		answer := b.stuck(revoked)
		go func() { waiting <- b.ask(ask{path: invoices, key: revoked}) }()
		b.until("the second has come", func() bool { return came.Load() == before+2 })
		begun := time.Now()
		if err := b.RevokeKey(t.Context(), "revoked"); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(answer.Body); err == nil {
			t.Errorf("the answer looks whole: %q", rest)
		}
		if g := <-waiting; g.status != 401 || g.code != "key_required" {
			t.Errorf("one who waited for the head gets %d %s", g.status, g.body)
		}
		took := time.Since(begun)
		<-gone
		<-gone
		return took
	})

	const life = 1500 * time.Millisecond
	names := []string{"expired", "expired 2", "expired 3", "expired 4", "expired 5"}
	inTime(t, time.Second, func() time.Duration {
		ends := time.Now().Add(life)
		answer := b.stuck(b.addKey(store.Key{Name: names[0], Expires: ends}))
		names = names[1:]
		if rest, err := io.ReadAll(answer.Body); err == nil {
			t.Errorf("the answer looks whole: %q", rest)
		}
		late := time.Since(ends)
		if late < 0 {
			t.Errorf("a key that is good for %v ended %v before", life, -late)
		}
		<-gone
		return late
	})
	select {
	case <-gone:
		t.Error("the stream of another key was ended too")
	default:
	}
}

func TestABudgetIsToldWhereXeroSaidIt(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	for n := range 2 {
		g := b.ask(ask{path: invoices, key: key})
		for name, xeros := range map[string]string{"X-FCC-Budget-Day": "X-DayLimit-Remaining", "X-FCC-Budget-Minute": "X-MinLimit-Remaining"} {
			if v := g.header.Values(name); len(v) != 1 || v[0] != g.header.Get(xeros) {
				t.Errorf("call %d: %s is %q, %s is %s", n, name, v, xeros, g.header.Get(xeros))
			}
		}
	}
	if err := b.sim.UseUp("day", café); err != nil {
		t.Fatal(err)
	}
	for range 2 { // Xero's 429, then FCC's own
		if g := b.ask(ask{path: invoices, key: key}); g.status != 429 || g.header.Get("X-FCC-Budget-Day") != "0" {
			t.Errorf("with the day's calls used up: %d %v", g.status, g.header)
		}
	}
	silent := newBench(t, mayWrite, through(behind(t, func(http.ResponseWriter, *http.Request) {}))).opened()
	silent.signIn(silent.visit(), café)
	g := silent.ask(ask{path: invoices, key: silent.addKey(store.Key{Name: "sheet"})})
	if g.status != 200 || g.header.Get("X-FCC-Budget-Day") != "" || g.header.Get("X-FCC-Budget-Minute") != "" {
		t.Errorf("where Xero says nothing: %d %v", g.status, g.header)
	}
}

func TestHowLongACallerWaitsIsAWholeNumberOfSeconds(t *testing.T) {
	f := behind(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Rate-Limit-Problem", "concurrent")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	b := newBench(t, mayWrite, through(f)).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	for _, wrong := range []string{"", "-1", "+5", "1.5", "5s", "601", "99999999999999999999", "1e2", "five"} {
		if g := b.ask(ask{path: invoices, key: key, header: map[string]string{"X-FCC-Max-Wait": wrong}}); g.status != 400 || g.code != "bad_request" || !strings.Contains(g.body, "X-FCC-Max-Wait") {
			t.Errorf("%q: %d %s", wrong, g.status, g.body)
		}
	}
	if n := f.count(); n != 0 {
		t.Errorf("%d of them reached Xero", n)
	}
	// Who does not wait hears when to come again, though Xero does not say it.
	begun := time.Now()
	g := b.ask(ask{path: invoices, key: key, header: map[string]string{"X-FCC-Max-Wait": "0"}})
	if seconds, err := strconv.Atoi(g.header.Get("Retry-After")); g.status != 429 || err != nil || seconds < 1 || time.Since(begun) > 10*time.Second {
		t.Errorf("after %v: %d %v", time.Since(begun), g.status, g.header)
	}
}
