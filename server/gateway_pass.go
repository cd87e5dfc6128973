package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
)

// A passage is what is put into a request on its way to Xero.
type passage struct {
	tenant string            // the organisation's id
	repeat string            // its Idempotency-Key, "" for what needs none
	way    http.RoundTripper // puts in the token
}

// pass sends r to Xero and streams the answer back. It fails when nothing has been
// written yet; an answer that breaks off later breaks off here too.
func (s *Server) pass(w http.ResponseWriter, r *http.Request, p passage) (failed error) {
	api := s.cfg.Connections.API()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(both *httputil.ProxyRequest) {
			out := both.Out
			both.SetURL(api)
			out.URL.RawQuery = both.In.URL.RawQuery // ReverseProxy drops what it cannot parse
			drop(out.Header, ownRequestHeaders)
			out.Trailer = nil // nobody looks at what comes after the body
			out.Header["Xero-Tenant-Id"] = []string{p.tenant}
			if p.repeat != "" {
				out.Header["Idempotency-Key"] = []string{p.repeat}
			}
			if out.Body != nil {
				keepForRepeat(out)
			}
		},
		Transport: &checkedOnly{r.Context(), p.way},
		ModifyResponse: func(answer *http.Response) error {
			if answer.StatusCode == http.StatusSwitchingProtocols {
				return errors.New("an answer that switches protocols")
			}
			drop(answer.Header, ownAnswerHeaders)
			answer.Trailer = nil // what is announced; see checkedOnly
			w.Header()["X-Fcc-Source"] = []string{sourceLive}
			s.tellBudget(w.Header(), p.tenant)
			tellWhen(answer)
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
		ErrorLog:     s.httpLog,
		BufferPool:   buffers,
	}
	proxy.ServeHTTP(w, r)
	return failed
}

// tellBudget says what is left of Xero's limits for the organisation.
func (s *Server) tellBudget(h http.Header, tenant string) {
	if left := s.cfg.Connections.Budget(tenant); left.Known {
		h["X-Fcc-Budget-Day"] = []string{strconv.Itoa(left.Day)}
		h["X-Fcc-Budget-Minute"] = []string{strconv.Itoa(left.Minute)}
	}
}

// Headers that are between a caller and FCC, in lower case. A name with a dash at
// its end stands for all that begin so. Xero gets none of them: they say who asks,
// from where, and with what right, or ask for another method, path or organisation
// than the one that was checked. Idempotency-Key is put in again where it counts:
// net/http takes it, in both spellings, for leave to send any request twice.
var ownRequestHeaders = namesOf(
	"access-control-", "authorization", "connection", "cookie", "cookie2", "forwarded", "idempotency-key", "keep-alive", "origin", "proxy-", "referer", "sec-",
	"te", "trailer", "transfer-encoding", "upgrade", "via", "x-api-key", "x-fcc-", "x-forwarded", "x-forwarded-", "x-http-method", "x-http-method-override",
	"x-idempotency-key", "x-method-override", "x-original-", "x-real-ip", "x-rewrite-", "xero-tenant-id",
)

// Headers that are between Xero and FCC, or that only this server says to browsers.
var ownAnswerHeaders = namesOf(
	"access-control-", "alt-svc", "cache-control", "clear-site-data", "connection", "content-security-policy", "content-security-policy-report-only",
	"cross-origin-", "expires", "idempotency-key", "keep-alive", "location", "nel", "permissions-policy", "pragma", "proxy-", "referrer-policy", "refresh", "report-to",
	"reporting-endpoints", "set-cookie", "set-cookie2", "strict-transport-security", "te", "trailer", "transfer-encoding", "upgrade", "x-content-type-options",
	"x-fcc-", "x-frame-options", "x-xss-protection",
)

// headerNames are as ownRequestHeaders has them, by their first letter.
type headerNames map[byte][]string

func namesOf(all ...string) headerNames {
	names := headerNames{}
	for _, name := range all {
		names[name[0]] = append(names[name[0]], name)
	}
	return names
}

// has reports whether name is one of them, in any case and with an underscore for a
// dash, as a server behind may read it (so was oauth2-proxy got round, CVE-2025-64484).
func (all headerNames) has(name string) bool {
	if name == "" {
		return false
	}
	for _, own := range all[plainly(name[0])] {
		if len(name) < len(own) || len(name) > len(own) && own[len(own)-1] != '-' {
			continue
		}
		n := 1
		for n < len(own) && plainly(name[n]) == own[n] {
			n++
		}
		if n == len(own) {
			return true
		}
	}
	return false
}

// plainly is c in lower case, and a dash for an underscore.
func plainly(c byte) byte {
	switch {
	case c == '_':
		return '-'
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	}
	return c
}

func drop(h http.Header, own headerNames) {
	for name := range h {
		if own.has(name) {
			delete(h, name)
		}
	}
}

// checkedOnly keeps back what nobody has looked at: the headers of interim answers, by
// sending with the caller's own context (ReverseProxy's would pass them on), and the
// trailers that come at a body's end.
type checkedOnly struct {
	ctx  context.Context
	next http.RoundTripper
}

func (u *checkedOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := u.next.RoundTrip(r.WithContext(u.ctx))
	if err == nil {
		answer.Body = &lastBody{answer.Body, answer}
	}
	return answer, err
}

type lastBody struct {
	io.ReadCloser
	answer *http.Response
}

func (b *lastBody) Close() error {
	err := b.ReadCloser.Close()
	b.answer.Trailer = nil
	return err
}

// buffers are those that answers are copied through.
var buffers = &bufferPool{sync.Pool{New: func() any { return new([32 << 10]byte) }}}

type bufferPool struct{ pool sync.Pool }

func (b *bufferPool) Get() []byte     { return b.pool.Get().(*[32 << 10]byte)[:] }
func (b *bufferPool) Put(used []byte) { b.pool.Put((*[32 << 10]byte)(used)) }
