package server_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/store"
)

// raw sends a request line as it stands.
func (b *bench) raw(line, key string) (*http.Response, error) {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.cfg.Port))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "%s\r\nHost: localhost:%d\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", line, b.cfg.Port, key)
	return http.ReadResponse(bufio.NewReader(conn), nil)
}

func TestAPathThatIsNotWrittenPlainlyIsNeitherForwardedNorRedirected(t *testing.T) {
	f := &far{answer: answering(200, nil, strings.NewReader("{}"))}
	b := newBench(t, through(f)).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "w", Write: true})
	for _, p := range []string{
		"/api.xro/../connections", "/api.xro/2.0/../../connect/token", "/api.xro/%2e%2e/connections", "/api.xro/2.0/%2E%2E/x", "/api.xro//2.0/Invoices",
		"/api.xro/./2.0/Invoices", "/api.xro/2.0/Invoices/", "/api.xro", "/api.xro/", "//api.xro/2.0/Invoices", "/api.xro/2.0%2fInvoices",
		"/api.xro/2.0/..%2f..%2fconnections", "/api.xro/%252e%252e/connections", "/api.xro/2.0/%5c..%5cx", "/api.xro/..;/connections",
		"/api.xro/2.0/Inv%6fices", "/api%2exro/2.0/Invoices", "/API.XRO/2.0/Invoices", "/api.xro/2.0/%00", "/api.xro/2.0/%ff", "/api.xro/%c0%ae%c0%ae/x",
		"/api.xro\\..\\connections", "/x/../api.xro/2.0/Invoices",
	} {
		for _, method := range []string{"GET", "POST"} {
			answer, err := b.raw(method+" "+p+" HTTP/1.1", key)
			if err != nil {
				t.Fatalf("%s: %v", p, err)
			}
			if answer.StatusCode != 404 && answer.StatusCode != 400 {
				t.Errorf("%s %s: %d", method, p, answer.StatusCode)
			}
		}
	}
	for _, line := range []string{"GET http://evil.example/api.xro/2.0/Invoices HTTP/1.1", "CONNECT evil.example:443 HTTP/1.1"} {
		if answer, err := b.raw(line, key); err != nil || answer.StatusCode < 400 || answer.StatusCode > 499 {
			t.Errorf("%s: %v %v", line, answer, err)
		}
	}
	if n := f.count(); n != 0 {
		t.Errorf("%d reached Xero, the last as %s", n, f.last().URL)
	}
}

// Whatever the path: what is sent on goes to the API's host, below its prefix, and
// reads the same however often it is decoded.
func FuzzTheGatewaysPath(f *testing.F) {
	way := &far{}
	way.answer = answering(204, nil, http.NoBody)
	b := newBench(f, through(way)).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "w", Write: true})
	api := b.cfg.Connections.API().Host
	for _, seed := range []string{
		"/api.xro/2.0/Invoices", "/api.xro/2.0/Invoices/1/Attachments/my%20file.pdf", "/api.xro/%2e%2e/connections", "/api.xro/..%2f", "//api.xro/2.0",
		"/api.xro/2.0/K%C4%81uri?where=a%3D%3Db", "http://evil.example/api.xro/x", "/api.xro/%252e%252e/x", "/api.xro/a;b", "/api.xro/\\x", "/connections", "*",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		text := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer %s\r\n\r\n", target, b.cfg.Port, key)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil || r.Header.Get("Authorization") != "Bearer "+key {
			return // net/http refuses it, or it brought headers of its own
		}
		before := way.count()
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, r)
		if w.Code >= 300 && w.Code < 400 {
			t.Errorf("redirected to %q", w.Header().Get("Location"))
		}
		if way.count() == before {
			return
		}
		sent := way.last().URL
		if sent.Host != api || sent.Scheme != "http" || sent.User != nil || way.last().Host != "" && way.last().Host != api {
			t.Errorf("sent to %s", sent)
		}
		if !strings.HasPrefix(sent.Path, "/api.xro/") || path.Clean(sent.Path) != sent.Path || strings.ContainsAny(sent.Path, "%\\") {
			t.Errorf("sent to the path %q", sent.Path)
		}
		asked, _, _ := strings.Cut(target, "?")
		if want, err := url.PathUnescape(asked); err != nil || sent.Path != want {
			t.Errorf("%q was sent on as %q", asked, sent.EscapedPath())
		}
	})
}
