package xero_test

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// between sits on the way to Xero and may answer in its place, or spoil what it
// answers.
type between struct {
	http.RoundTripper
	mu    sync.Mutex
	spoil map[string]func(*http.Request, func() (*http.Response, error)) (*http.Response, error) // by path
}

func (w *between) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	spoil := w.spoil[req.URL.Path]
	w.mu.Unlock()
	if spoil == nil {
		return w.RoundTripper.RoundTrip(req)
	}
	return spoil(req, func() (*http.Response, error) { return w.RoundTripper.RoundTrip(req) })
}

// at sets what happens to requests for path; nil for nothing.
func (w *between) at(path string, spoil func(*http.Request, func() (*http.Response, error)) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.spoil == nil {
		w.spoil = map[string]func(*http.Request, func() (*http.Response, error)) (*http.Response, error){}
	}
	w.spoil[path] = spoil
}

// say answers every request for path in Xero's place.
func (w *between) say(path string, status int, contentType, body string) {
	w.at(path, func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
		return answer(status, contentType, body), nil
	})
}

func answer(status int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: strconv.Itoa(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

// rewrite lets Xero answer, then changes the body.
func (w *between) rewrite(path string, change func(body []byte) []byte) {
	w.at(path, func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
		resp, err := real()
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return nil, err
		}
		body = change(body)
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		resp.Header.Del("Content-Length")
		return resp, nil
	})
}

// withBetween puts w on the way and starts FCC anew.
func (b *bench) withBetween() *between {
	b.t.Helper()
	w := &between{}
	b.way = func(direct http.RoundTripper) http.RoundTripper {
		w.RoundTripper = direct
		return w
	}
	b.restart()
	return w
}

// cutBody breaks off after a few bytes.
type cutBody struct{ io.ReadCloser }

func (c cutBody) Read(p []byte) (int, error) {
	if len(p) > 20 {
		p = p[:20]
	}
	n, _ := c.ReadCloser.Read(p)
	return n, io.ErrUnexpectedEOF
}
