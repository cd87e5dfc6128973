package server

import (
	"crypto/sha256"
	"encoding/binary"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

// A wish is how old an answer a caller takes. Who never said so, or asks what only Xero
// can answer, has the zero value: nothing is kept for them, and they get nothing that is.
type wish struct {
	said     bool
	question books.Question
	maxAge   time.Duration // 0: Xero is to be asked
	stale    bool          // any age will do while Xero gives no answer
}

// wishOf is what r says, and where it says nothing, its key.
func wishOf(r *http.Request, k *apiKey) (wish, error) {
	want := wish{maxAge: k.MaxAge, stale: k.Stale}
	if aged, err := want.hear(r.Header); err != nil || !aged && want.maxAge == 0 && !want.stale {
		return wish{}, err
	}
	if want.question, want.said = questionOf(r); !want.said {
		return wish{}, nil
	}
	return want, nil
}

// hear takes in what h says, and reports whether it says an age.
func (want *wish) hear(h http.Header) (aged bool, err error) {
	age, stale := h["X-Fcc-Max-Age"], h["X-Fcc-Stale"]
	if len(age) > 0 {
		seconds, err := strconv.ParseUint(age[0], 10, 32)
		if err != nil || len(age) > 1 {
			return false, fail(codeBadRequest).saying(words.Say("cache.max-age.message"), words.Say("cache.max-age.action"))
		}
		want.maxAge = time.Duration(seconds) * time.Second
	}
	if len(stale) > 0 {
		want.stale = strings.EqualFold(stale[0], "allow")
		if !want.stale && !strings.EqualFold(stale[0], "deny") || len(stale) > 1 {
			return false, fail(codeBadRequest).saying(words.Say("cache.stale.message"), words.Say("cache.stale.action"))
		}
	}
	return len(age) > 0, nil
}

// What an answer came from, in X-FCC-Source.
const (
	sourceLive  = "live"  // Xero, while the caller waited
	sourceCache = "cache" // what is kept, young enough
	sourceStale = "stale" // what is kept, as Xero gave none
)

// shapes are the headers that an answer may depend on.
var shapes = []string{"Accept", "Accept-Encoding", "Accept-Language", "Content-Type"}

// idle are headers that say nothing about what is asked for.
var idle = []string{"Dnt", "Priority", "Traceparent", "Tracestate", "User-Agent"}

// questionOf stands for all that Xero's answer to r depends on: the address byte for
// byte and the headers that shape it. ok is false where that cannot be told, as for
// what depends on an earlier answer (If-Modified-Since, Range), or is no GET.
func questionOf(r *http.Request) (q books.Question, ok bool) {
	if r.Method != http.MethodGet || r.ContentLength != 0 {
		return q, false
	}
	for name := range r.Header {
		switch name {
		case "Authorization", "X-Api-Key", "Xero-Tenant-Id", "X-Fcc-Max-Age", "X-Fcc-Stale": // the usual ones
		default:
			if !slices.Contains(shapes, name) && !slices.Contains(idle, name) && !ownRequestHeaders.has(name) {
				return q, false
			}
		}
	}
	var space [1 << 10]byte
	text := sized(space[:0], r.RequestURI)
	for n, name := range shapes {
		for _, value := range r.Header[name] {
			text = sized(append(text, byte(n+1)), value)
		}
	}
	return sha256.Sum256(text), true
}

// sized adds one to text, after its length: no two questions are the same text.
func sized(text []byte, one string) []byte {
	return append(binary.AppendUvarint(text, uint64(len(one))), one...)
}

// known answers r from what is kept, where that is young enough. It reports whether it
// did.
func (s *Server) known(w http.ResponseWriter, r *http.Request, c *call) (bool, error) {
	want, err := wishOf(r, c.key)
	if err != nil || want.maxAge == 0 || !c.key.Covers(familyOf(r.URL.Path)) {
		return false, err
	}
	o, _, err := s.organisation(r, c)
	if err != nil {
		return false, err
	}
	a := s.books.Of(o.TenantID).Answer(r.Context(), want.question, want.maxAge)
	if a != nil {
		s.give(w, o.TenantID, a, sourceCache)
	}
	return a != nil, nil
}

// together answers r with what Xero answers to all who ask the same now, and keeps
// that. It reports whether r was answered: when not, it is to be sent to Xero by itself.
func (s *Server) together(w http.ResponseWriter, r *http.Request, c *call, p passage) (bool, error) {
	want, err := wishOf(r, c.key)
	if err != nil || !want.said {
		return false, err
	}
	ledger := s.books.Of(p.tenant)
	for {
		f, lead := s.flights.join(query{p.tenant, want.question, ledger.Edition(), r.Header.Get("X-Fcc-Max-Wait")}, want.maxAge)
		if lead {
			if want.maxAge > 0 { // what the flight before brought, since known has looked
				if a := ledger.Answer(r.Context(), want.question, want.maxAge); a != nil {
					s.flights.callOff(f)
					s.give(w, p.tenant, a, sourceCache)
					return true, nil
				}
			}
			s.takeOff(f, r, p)
		}
		if done, err := s.answerFrom(w, r, f, lead, want, ledger); done || err != nil || !f.idle {
			return done, err
		}
	}
}

// answerFrom answers r with what f brings, or where the caller takes that and it brings
// nothing, with what is kept.
func (s *Server) answerFrom(w http.ResponseWriter, r *http.Request, f *flight, led bool, want wish, ledger *books.Ledger) (bool, error) {
	defer s.flights.leave(f)
	select {
	case <-f.landed:
	case <-r.Context().Done():
		return true, r.Context().Err()
	}
	if f.idle && !led {
		return false, nil
	}
	if want.stale && f.inVain() {
		if a := ledger.Answer(r.Context(), f.query.question, books.Kept); a != nil {
			s.give(w, ledger.TenantID(), a, sourceStale)
			return true, nil
		}
	}
	return s.handOut(w, r, f, led)
}

// give answers with what is kept.
func (s *Server) give(w http.ResponseWriter, tenant string, a *books.Answer, source string) {
	h := w.Header()
	for name, values := range a.Header {
		h[name] = values
	}
	age, _ := a.Age(time.Now())
	own := [...]string{seconds(age), strconv.Itoa(len(a.Body)), source}
	h["Age"], h["Content-Length"], h["X-Fcc-Source"] = own[0:1:1], own[1:2:2], own[2:3:3]
	s.tellBudget(h, tenant)
	_, _ = w.Write(a.Body) // the caller has gone
}

// seconds is an age as Age has it (RFC 9111, 5.1).
func seconds(age time.Duration) string { return strconv.Itoa(int(age / time.Second)) }

// mostKeptAnswer is how large an answer is kept, or shared. What is larger goes to one
// caller as it comes.
const mostKeptAnswer = 2 << 20

// Headers that are about the moment of an answer, and are not kept with it.
var passing = namesOf("age", "content-length", "retry-after", "x-appminlimit-remaining", "x-daylimit-remaining", "x-fcc-", "x-minlimit-remaining", "x-rate-limit-problem")

// answerOf is what is kept of what came, nil for nothing: only what was found, and is
// JSON or XML.
func answerOf(asked time.Time, status int, header http.Header, body []byte) *books.Answer {
	if status != http.StatusOK || header.Get("Vary") == "*" || header.Get("Content-Range") != "" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if _, format, ok := strings.Cut(kind, "/"); err != nil || !ok || !slices.Contains([]string{"json", "xml"}, format[strings.LastIndexByte(format, '+')+1:]) {
		return nil
	}
	a := &books.Answer{At: asked, Header: header.Clone(), Body: body}
	if age, err := strconv.ParseUint(header.Get("Age"), 10, 31); err == nil { // from a cache before Xero
		a.At = a.At.Add(-time.Duration(age) * time.Second)
	}
	drop(a.Header, passing)
	for name, values := range a.Header {
		a.Header[name] = slices.Clip(values) // everybody's: nobody appends in place
	}
	return a
}

// noAnswer reports whether err is that Xero could not be asked, or gave no answer to
// the question: the network, a limit, a sign-in that is over, trouble at Xero.
func noAnswer(err error) bool {
	switch asFailure(err).Code {
	case xero.CodeUnreachable, codeRateLimited, xero.CodeNeedsLogin, codeKeystoreUnavailable:
		return true
	}
	return false
}

// inVain is noAnswer of a flight. That Xero answered with a refusal is an answer.
func (f *flight) inVain() bool {
	if f.err != nil {
		return noAnswer(f.err)
	}
	switch f.status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return f.status == http.StatusUnauthorized && strings.Contains(f.header.Get("WWW-Authenticate"), "invalid_token")
}

// mayHaveWritten reports whether what is kept of an organisation may be out of date
// after c: whatever Xero said, or whether it said anything, unless c was not sent.
func mayHaveWritten(c xero.Call) bool {
	switch c.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return c.TenantID != "" && (c.Code == "" || c.Code == xero.CodeUnreachable)
}
