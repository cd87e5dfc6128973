package server

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	stack "runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

// maxBody is the most that our own routes read of a request.
const maxBody = 1 << 20

// drainBody is how much more is read, and dropped, of a body that is too large: a
// client that is still sending would else see a broken connection, not the answer.
const drainBody = 8 << 20

// guard settles for every path, before anything is routed, that r came to this
// machine's own address, in one spelling of its path, and from no foreign page.
// enter, around each handler, asks for the credential of the route's audience.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := &answer{ResponseWriter: rw}
		defer s.recover(w, r)
		maps.Copy(w.Header(), s.rulesNow().all)
		hurry(w, r)
		switch {
		case r.URL.Host != "" || !slices.Contains(s.origins, "http://"+strings.ToLower(r.Host)):
			// A page of another site whose name was made to point here (DNS rebinding)
			// sends its own name.
			s.refuse(w, r, nil, fail(codeBadHost))
		case !cleanPath(r.URL):
			s.refuse(w, r, nil, oddPath(r.URL.Path))
		case s.foreignOrigin(r):
			s.refuse(w, r, nil, fail(codeCrossSite))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// hurry gives a caller so long to send the rest of r, and to take the answer. Who
// is refused is hurried too: net/http reads what is left of a body before it sends
// an answer. Where there is no body a read deadline would end r's context.
func hurry(w http.ResponseWriter, r *http.Request) {
	deadlines := http.NewResponseController(w)
	if r.ContentLength != 0 {
		_ = deadlines.SetReadDeadline(time.Now().Add(ownReadTimeout)) // not every writer has one
	}
	_ = deadlines.SetWriteDeadline(time.Now().Add(ownWriteTimeout))
}

// enter is around every handler: mux makes nothing else reachable.
func (s *Server) enter(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !rt.xeros {
			maps.Copy(w.Header(), s.rulesNow().documents)
		}
		body := r.Body
		if !rt.stream {
			r.Body = http.MaxBytesReader(w, body, maxBody)
		}
		c := &call{}
		err := s.admit(w, r, rt, c)
		answered := false
		if err == nil && rt.atHand != nil {
			answered, err = rt.atHand(w, r, c)
		}
		if err == nil && !answered {
			ctx := xero.WithCaller(r.Context(), c.caller())
			if rt.stream {
				deadlines := http.NewResponseController(w)
				if r.ContentLength != 0 {
					_ = deadlines.SetReadDeadline(time.Time{})
				}
				_ = deadlines.SetWriteDeadline(time.Time{})
			}
			if c.key != nil {
				err = s.withKey(ctx, w, r, rt, c)
			} else {
				r = r.WithContext(ctx) // the page of an error asks what the handler read of a form
				err = rt.handle(w, r, c)
			}
			if rt.stream {
				hurry(w, r)
			}
		}
		if err != nil {
			if asFailure(err).Code == codeTooLarge {
				_, _ = io.CopyN(io.Discard, body, drainBody) // best effort
			}
			s.refuse(w, r, c, err)
		}
	})
}

// sameOrigin lets unsafe methods through only from our own pages, or from
// programs that are no browsers.
var sameOrigin = http.NewCrossOriginProtection()

// admit settles who calls, and whether the route's audience has them.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, rt route, c *call) error {
	if c.peer = peerOf(r); c.peer == peerSame && proxied(r) {
		c.peer = peerUnknown // it is the proxy that is the same user's
	}
	switch {
	case c.peer == peerOther && rt.who != public:
		return s.admitOther(r, rt, c)
	case rt.once && r.Method == http.MethodHead:
		w.Header().Set("Allow", http.MethodGet)
		return fail(codeMethodNotAllowed)
	case rt.once && strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch"):
		return fail(codeBadRequest).saying(words.Say("guard.prefetch.message"), words.Say("guard.prefetch.action"))
	case sameOrigin.Check(r) != nil:
		return fail(codeCrossSite)
	case crossSite(r) && !rt.who.crossed(r):
		return fail(codeCrossSite)
	case rt.who == debug && !s.cfg.Debug:
		return fail(codeDebugOff)
	case !rt.stream && r.ContentLength > maxBody:
		return fail(codeTooLarge)
	}
	if p := s.closed.problem(); p != nil && rt.who.needsState() {
		return &failure{Problem: *p}
	}
	return s.admitAs(w, r, rt.who, c)
}

// admitOther lets another user of this machine in, with a key that is meant for
// them and nothing else.
func (s *Server) admitOther(r *http.Request, rt route, c *call) error {
	if rt.who != key && rt.who != sessionOrKey {
		return fail(codeOtherUser)
	}
	k, err := s.keyOf(r)
	if err != nil || k == nil || !k.AnyUser {
		return fail(codeOtherUser)
	}
	if crossSite(r) || sameOrigin.Check(r) != nil {
		return fail(codeCrossSite)
	}
	if p := s.closed.problem(); p != nil {
		return &failure{Problem: *p}
	}
	c.key = k
	return nil
}

// admitAs asks for the audience's credential.
func (s *Server) admitAs(w http.ResponseWriter, r *http.Request, who audience, c *call) error {
	if who != key && who != control && c.peer != peerOther {
		kept, err := s.browsers.Get(r, s.browsers.cookie)
		if err != nil {
			return err
		}
		if !kept.IsNew {
			c.session = kept
			if err := s.browsers.touch(w, r, kept); err != nil {
				return err
			}
		}
	}
	var badKey error
	if who == key || who == sessionOrKey || who == public {
		c.key, badKey = s.keyOf(r)
		if c.key != nil && c.peer == peerOther && !c.key.AnyUser {
			c.key = nil
		}
	}
	switch who {
	case public, local, ticket, callback, control:
		return nil
	case page:
		if c.session == nil {
			return s.visit(w, r, c)
		}
		return nil
	case session:
		if c.session == nil {
			return fail(codeSessionRequired)
		}
		return nil
	case debug:
		if c.session == nil && c.peer != peerSame {
			return fail(codeSessionRequired)
		}
		return nil
	case sessionOrKey:
		if c.key == nil && c.session == nil && badKey == nil {
			return fail(codeSessionRequired).saying(words.Say("guard.unknown.message"), words.Say("guard.unknown.action"))
		}
		return badKey
	case key:
		if c.key == nil && badKey == nil {
			return fail(codeKeyRequired)
		}
		return badKey
	}
	return fail(codeInternal)
}

// visit starts a session for a browser of the same OS user that just comes along.
func (s *Server) visit(w http.ResponseWriter, r *http.Request, c *call) error {
	switch {
	case proxied(r):
		return fail(codeSessionRequired).saying(words.Say("guard.proxy.message"), words.Say("guard.proxy.action")).
			offering(words.Say("guard.proxy.button"), s.BaseURL()+r.URL.RequestURI())
	case c.peer != peerSame || r.Method != http.MethodGet:
		return fail(codeSessionRequired)
	case crossSite(r):
		return fail(codeCrossSite).offering(words.Say("guard.cross-site.button"), r.URL.RequestURI())
	}
	return s.startSession(w, r, c)
}

// crossed reports whether the audience takes a request that another site's page
// set off. Pages take navigations, with the cookie: so Xero sends people back.
func (who audience) crossed(r *http.Request) bool {
	switch who {
	case public, local, ticket, callback:
		return true
	case page:
		mode := r.Header.Get("Sec-Fetch-Mode")
		return mode == "" || mode == "navigate"
	}
	return false
}

// needsState reports whether nothing can be said before the session secret was read.
func (who audience) needsState() bool {
	return who != public && who != local && who != control
}

// crossSite reports whether a browser says that another site set this off. Other
// ports of this host are other sites to us: they may be other people's.
func crossSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "none" && site != "same-origin"
}

func (s *Server) foreignOrigin(r *http.Request) bool {
	for _, origin := range r.Header.Values("Origin") {
		if !slices.Contains(s.origins, strings.ToLower(origin)) {
			return true
		}
	}
	return false
}

// proxied reports whether r says that somebody passed it on. No browser of today
// speaks HTTP/1.0, and nginx does to what is behind it unless it is told otherwise
// (nginx.org, proxy_http_version).
func proxied(r *http.Request) bool {
	if !r.ProtoAtLeast(1, 1) {
		return true
	}
	for name := range r.Header {
		if passedOn.has(name) {
			return true
		}
	}
	return false
}

var passedOn = namesOf("forwarded", "via", "x-forwarded", "x-forwarded-", "x-real-ip")

// cleanPath reports whether the path is written in the one way that leaves nothing
// to interpret: no dot segments, no doubled or trailing slash, and an escape only
// where a character needs it and means just itself.
func cleanPath(u *url.URL) bool {
	p := u.Path
	if p == "" || p[0] != '/' || path.Clean(p) != p || !utf8.ValidString(p) {
		return false
	}
	for i := range len(p) {
		if c := p[i]; c < ' ' || c == 0x7f || c == '\\' || c == '%' || c == ';' {
			return false
		}
	}
	raw := u.EscapedPath()
	for i := 0; i+2 < len(raw); i++ {
		if raw[i] != '%' {
			continue
		}
		decoded, err := url.PathUnescape(raw[i : i+3])
		if err != nil || plain(decoded[0]) {
			return false
		}
	}
	return true
}

// plain reports whether c never needs an escape in a path (RFC 3986, 2.3), or is
// the slash, which an escape would hide.
func plain(c byte) bool {
	return c == '/' || c == '-' || c == '.' || c == '_' || c == '~' ||
		'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// localPath is next where it is a path of this server, else the start page: what
// came with a request never sends a browser elsewhere.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !cleanPath(u) {
		return "/"
	}
	return u.RequestURI()
}

// recover turns a panic into a 500 that tells the caller nothing.
func (s *Server) recover(w *answer, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	s.panicked(r.Method, r.URL.Path, v)
	if w.begun {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	s.refuse(w, r, nil, fail(codeInternal))
}

// panicked has v, which a request ended with, in the log.
func (s *Server) panicked(method, path string, v any) {
	s.log.Error("panic", "method", method, "path", loggedPath(path), "value", v, "stack", string(stack.Stack()))
}

// answer knows whether anything was sent.
type answer struct {
	http.ResponseWriter
	begun bool
}

func (a *answer) WriteHeader(status int) {
	a.begun = a.begun || status >= 200
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
