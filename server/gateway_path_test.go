package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
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
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
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
		"/assets.xro/../api.xro/2.0/Invoices", "/files.xro/%2e%2e/connections", "/payroll.xro/1.0//x", "/projects.xro\\x", "/assets.xro", "/bankfeeds.xro/1.0/Statements", "/connect/token",
		// These net/http would write in another way, so they are not sent on either.
		"/api.xro/2.0/Kāuri", "/api.xro/2.0/a\"b", "/api.xro/2.0/a#b", "/api.xro/2.0/<x>", "/api.xro/2.0/a^b", "/api.xro/2.0/{x}", "/api.xro/2.0/a|b", "/api.xro/2.0/a`b",
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
	for _, second := range []string{"Host: evil.example", "Host: localhost:%[1]d", "host : evil.example", " Host: evil.example", "Content-Length: 5\r\nContent-Length: 6"} {
		line := "GET /api.xro/2.0/Invoices HTTP/1.1\r\n" + second
		if strings.Contains(second, "%") {
			line = fmt.Sprintf(line, b.cfg.Port)
		}
		if answer, err := b.raw(line, key); err != nil || answer.StatusCode != 400 {
			t.Errorf("%q: %v %v", second, answer, err)
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

// Who names a file so that FCC does not pass it on is told that, and what to do.
func TestANameThatIsNotPassedOnIsSaidToBeThat(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "w", Write: true})
	for path, want := range map[string]string{
		"/api.xro/2.0/Invoices/1/Attachments/100%25.pdf": "This path is written in a way that FCC does not pass on.",
		"/api.xro/2.0/Invoices/1/Attachments/a;b.pdf":    "rename the file",
		"/api.xro/2.0/Invoices/1/Attachments/a%3Bb.pdf":  "rename the file",
		"/api.xro/2.0/Invoices/1/Attachments/Kāuri.pdf":  "Percent-encode",
		"/no/such/100%25.pdf":                            "There is nothing at this address.",
	} {
		answer, err := b.raw("PUT "+path+" HTTP/1.1", key)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != 404 || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %s", path, answer.StatusCode, body)
		}
	}
}

// What may be asked is asked in the very bytes that it was asked in.
func TestPathAndQueryReachXeroByteForByte(t *testing.T) {
	var asked string
	b := newBench(t, through(behind(t, func(_ http.ResponseWriter, r *http.Request) { asked = r.RequestURI }))).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	for _, target := range []string{
		"/api.xro/2.0/Invoices", "/api.xro/2.0/Invoices?", "/api.xro/2.0/Invoices?&&=&", "/api.xro/2.0/Invoices?a=%zz;b=1&c", "/api.xro/2.0/Invoices?where=Name%3d%3D\"A+B\"&x=[1]",
		"/api.xro/2.0/Invoices?q=ü\xff", "/api.xro/2.0/Invoices?a#b", "/api.xro/2.0/Invoices?next=http://evil.example/../..", "/api.xro/2.0/Invoices/1/Attachments/my%20file%20(1)!.pdf",
		"/api.xro/2.0/Invoices/1/Attachments/K%C4%81uri.pdf", "/api.xro/2.0/Invoices/1/Attachments/k%c4%81uri.pdf", "/api.xro/2.0/Reports/x:y@z,a'b*c$d&e=f+g~h", "/api.xro/2.0/%22quoted%22",
	} {
		asked = ""
		answer, err := b.raw("GET "+target+" HTTP/1.1", key)
		if err != nil || answer.StatusCode != 200 || asked != target {
			t.Errorf("%q was asked as %q: %v %v", target, asked, answer, err)
		}
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
		"/api.xro/2.0/K%C4%81uri?where=a%3D%3Db", "/files.xro/1.0/Files", "/payroll.xro/../connections", "/projects.xro//x", "/assets.xro/1.0/ü", "/api.xro/2.0/a%21b?%zz", "http://evil.example/api.xro/x", "/api.xro/%252e%252e/x", "/api.xro/a;b", "/api.xro/\\x", "/connections", "*",
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
		inside := slices.ContainsFunc([]string{"/api.xro/", "/assets.xro/", "/files.xro/", "/payroll.xro/", "/projects.xro/"}, func(prefix string) bool {
			return strings.HasPrefix(sent.Path, prefix)
		})
		if !inside || path.Clean(sent.Path) != sent.Path || strings.ContainsAny(sent.Path, "%\\") {
			t.Errorf("sent to the path %q", sent.Path)
		}
		if sent.RequestURI() != target {
			t.Errorf("%q was sent on as %q", target, sent.RequestURI())
		}
	})
}
