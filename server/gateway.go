package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

// xeroPatience is how long Xero may keep a caller of our own routes waiting for all
// that they ask: xero_unreachable is promised within 35 seconds. Through the gateway
// it is the Transport that keeps this promise.
const xeroPatience = 34 * time.Second

func (s *Server) gatewayRoutes() []route {
	routes := []route{{pattern: "GET /connections", who: key, handle: s.listConnections}}
	for _, f := range families {
		routes = append(routes, route{pattern: f.prefix, who: key, stream: true, handle: s.forward})
	}
	return routes
}

// forward sends the request to Xero as it is, but for who sends it, and streams
// the answer back. Nothing is repeated or waited for here: that a request waits for
// Xero's limits, or with a dead token is sent once more, is the session's doing.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, c *call) error {
	switch r.Method {
	case http.MethodTrace, http.MethodConnect: // TRACE would show the access token
		w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
		return fail(codeMethodNotAllowed)
	case http.MethodGet, http.MethodHead:
	default:
		if !c.key.Write {
			return fail(codeKeyReadOnly)
		}
	}
	organisation, session, err := s.organisation(r, c)
	if err != nil {
		return err
	}
	p := passage{tenant: organisation.TenantID, way: session.Transport()}
	done, err := s.kept(w, r, c, p)
	if !done && err == nil {
		err = s.sendOn(w, r, c, organisation, p)
	}
	if err != nil && r.Context().Err() != nil {
		return fail(xero.CodeUnreachable).saying(words.Say("gateway.stopped.message"), words.Say("gateway.stopped.action")).because(err)
	}
	return err
}

func (s *Server) sendOn(w http.ResponseWriter, r *http.Request, c *call, o xero.Organisation, p passage) error {
	if err := s.consent(r, c, o); err != nil {
		return err
	}
	release, err := s.spend(c)
	if err != nil {
		return err
	}
	defer release()
	return s.pass(w, r, p)
}

type passage struct {
	tenant string
	way    http.RoundTripper
}

func (s *Server) pass(w http.ResponseWriter, r *http.Request, p passage) (failed error) {
	api := s.cfg.Connections.API()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(both *httputil.ProxyRequest) {
			both.SetURL(api)
			both.Out.URL.RawQuery = both.In.URL.RawQuery // ReverseProxy drops what it cannot parse
			keepOut(both.Out.Header)
			both.Out.Trailer = nil // nobody looks at what comes after the body
			both.Out.Header.Set("Xero-Tenant-Id", p.tenant)
		},
		Transport:     &checkedOnly{r.Context(), p.way},
		FlushInterval: -1,
		ModifyResponse: func(answer *http.Response) error {
			if err := keepIn(answer); err != nil {
				return err
			}
			w.Header().Set("X-FCC-Source", sourceLive)
			s.tellBudget(w.Header(), p.tenant)
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
		ErrorLog:     log.New(serveLog{s.log}, "", 0),
	}
	proxy.ServeHTTP(w, r)
	return failed
}

func (s *Server) tellBudget(h http.Header, tenant string) {
	if left := s.cfg.Connections.Budget(tenant); left.Known {
		h.Set("X-FCC-Budget-Day", strconv.Itoa(left.Day))
		h.Set("X-FCC-Budget-Minute", strconv.Itoa(left.Minute))
	}
}

type headerNames []string

func (n headerNames) has(name string) bool {
	lower := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	return slices.ContainsFunc(n, func(own string) bool {
		return lower == own || strings.HasSuffix(own, "-") && strings.HasPrefix(lower, own)
	})
}

// Headers that are between a caller and FCC, in lower case. A name with a dash at
// its end stands for all that begin so. Xero gets none of them: they say who asks,
// from where, and with what right, or ask for another method, path or organisation
// than the one that was checked.
var ownRequestHeaders = headerNames{
	"access-control-", "authorization", "cookie", "cookie2", "expect", "forwarded", "origin", "proxy-", "referer", "sec-",
	"upgrade", "connection", "te", "via", "x-api-key", "x-fcc-", "x-forwarded", "x-forwarded-", "x-http-method", "x-http-method-override",
	"x-method-override", "x-original-", "x-real-ip", "x-rewrite-", "xero-tenant-id",
}

// Headers that are between Xero and FCC, or that only this server says to browsers.
var ownAnswerHeaders = headerNames{
	"access-control-", "alt-svc", "cache-control", "clear-site-data", "content-security-policy", "content-security-policy-report-only",
	"cross-origin-", "expires", "location", "nel", "permissions-policy", "pragma", "referrer-policy", "refresh", "report-to",
	"reporting-endpoints", "set-cookie", "set-cookie2", "strict-transport-security", "x-content-type-options",
	"x-fcc-", "x-frame-options", "x-xss-protection",
}

func drop(h http.Header, own headerNames) {
	for name := range h {
		if own.has(name) {
			delete(h, name)
		}
	}
}

func keepOut(h http.Header) { drop(h, ownRequestHeaders) }

func keepIn(answer *http.Response) error {
	if answer.StatusCode == http.StatusSwitchingProtocols {
		return errors.New("an answer that switches protocols")
	}
	drop(answer.Header, ownAnswerHeaders)
	answer.Trailer = nil // what is announced; see checkedOnly
	return nil
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

// listConnections answers as Xero does, for all sign-ins together: what each
// reaches, once. A locked key sees only its own organisation.
func (s *Server) listConnections(w http.ResponseWriter, r *http.Request, c *call) error {
	status := s.cfg.Connections.Status()
	if len(status.Connections) == 0 {
		return s.notConnected(status)
	}
	ctx, cancel := context.WithTimeout(r.Context(), xeroPatience)
	defer cancel()
	list, seen := []json.RawMessage{}, map[string]bool{}
	var failed error
	answered := false
	for _, connection := range status.Connections {
		session, ok := s.cfg.Connections.Get(connection.ID)
		if !ok {
			continue
		}
		tenants, err := s.connectionsOf(ctx, session)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		answered = true
		for _, raw := range tenants {
			var tenant struct{ TenantID string }
			if json.Unmarshal(raw, &tenant) != nil {
				continue
			}
			id := strings.ToLower(tenant.TenantID)
			if seen[id] || !c.key.Reaches(id) {
				continue
			}
			seen[id] = true
			list = append(list, raw)
		}
	}
	if !answered {
		return failed
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// mostAnswer bounds what is read of the list of connections.
const mostAnswer = 4 << 20

// connectionsOf asks Xero what a sign-in reaches.
func (s *Server) connectionsOf(ctx context.Context, session *xero.Session) ([]json.RawMessage, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.Connections.API().JoinPath("/connections").String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json") // Xero answers XML else
	answer, err := session.Transport().RoundTrip(r)
	switch {
	case err != nil && ctx.Err() != nil: // too late, or nobody waits for it any more
		return nil, fail(xero.CodeUnreachable).saying(words.Say("gateway.late.message"), words.Say("gateway.late.action")).because(err)
	case err != nil:
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, books.Refused(answer)
	}
	var all []json.RawMessage
	if json.NewDecoder(io.LimitReader(answer.Body, mostAnswer)).Decode(&all) != nil {
		return nil, fail(xero.CodeUnreachable).saying(words.Say("gateway.broken.message"), words.Say("gateway.broken.action")).because(errors.New("an answer that is no JSON"))
	}
	return all, nil
}
