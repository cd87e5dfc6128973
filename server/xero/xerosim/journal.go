package xerosim

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Point names a kind of request, in the journal, in signals and for faults.
type Point string

// The points there are.
const (
	PointDiscovery   Point = "discovery"
	PointKeys        Point = "keys"
	PointAuthorize   Point = "authorize" // the consent page
	PointConsent     Point = "consent"   // the button on it
	PointToken       Point = "token"
	PointRevocation  Point = "revocation"
	PointUserinfo    Point = "userinfo"
	PointConnections Point = "connections"
	PointAPI         Point = "api" // all that has a tenant
	PointOther       Point = "other"
)

func pointOf(path string) Point {
	path = strings.ToLower(path)
	if point, ok := map[string]Point{
		discoveryPath: PointDiscovery, jwksPath: PointKeys, authorizePath: PointAuthorize, consentPath: PointConsent,
		tokenPath: PointToken, revocationPath: PointRevocation, userinfoPath: PointUserinfo,
	}[path]; ok {
		return point
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case first == "connections":
		return PointConnections
	case strings.HasSuffix(first, ".xro"):
		return PointAPI
	}
	return PointOther
}

// An Entry is one request to the simulated Xero. Secrets are in it only as
// Fingerprints.
type Entry struct {
	Number int       `json:"number"` // from 1
	Time   time.Time `json:"time"`
	Point  Point     `json:"point"`
	Method string    `json:"method"`
	Host   string    `json:"host"`
	Path   string    `json:"path"`

	Query  url.Values `json:"query,omitempty"`
	Form   url.Values `json:"form,omitempty"`   // of the identity half
	Basic  string     `json:"basic,omitempty"`  // client id sent as HTTP Basic
	Bearer string     `json:"bearer,omitempty"` // fingerprint of the access token
	Tenant string     `json:"tenant,omitempty"` // xero-tenant-id
	Accept string     `json:"accept,omitempty"`
	Since  string     `json:"since,omitempty"`  // If-Modified-Since
	Repeat string     `json:"repeat,omitempty"` // Idempotency-Key
	Range  string     `json:"range,omitempty"`

	// Status is what the handler answered, and Error what a refusal said, be it
	// that the connection was Cut; 0 until then.
	Status int    `json:"status"`
	Error  string `json:"error,omitempty"`
	Cut    bool   `json:"cut,omitempty"`
}

// Fingerprint is how a secret stands in the journal: enough to see whether two
// are the same.
func Fingerprint(secret string) string {
	if secret == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(secret))
	return "sha256:" + hex.EncodeToString(sum[:6])
}

// journalLength is how many entries are kept: a demo may run for weeks.
const journalLength = 10_000

// journal is behind Sim.mu.
type journal struct {
	entries []*Entry
	total   int
	counts  map[string]int // by event, as Wait knows them
	changed chan struct{}  // closed, and made anew, when counts change
}

func (j *journal) open() {
	j.counts, j.changed = map[string]int{}, make(chan struct{})
}

func (j *journal) happened(point Point, what string) {
	j.counts[string(point)+"-"+what]++
	close(j.changed)
	j.changed = make(chan struct{})
}

// Journal returns what was asked so far, in order. A request that has no answer
// yet has Status 0.
func (s *Sim) Journal() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Entry, 0, len(s.journal.entries))
	for _, e := range s.journal.entries {
		list = append(list, *e)
	}
	return list
}

// Wait returns when event has happened more than after times, and says how often
// it has. Events are a Point with "-seen" (the request arrived), "-answered" (the
// whole answer was written) or "-cut" (the connection was closed instead).
func (s *Sim) Wait(ctx context.Context, event string, after int) (int, error) {
	for {
		s.mu.Lock()
		n, changed := s.journal.counts[event], s.journal.changed
		s.mu.Unlock()
		if n > after {
			return n, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
}

// recorded writes the journal around next, lets the faults have their way with
// what it answers, and sends that.
func (s *Sim) recorded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := entryOf(r)
		s.mu.Lock()
		e.Time = s.Now()
		s.journal.total++
		e.Number = s.journal.total
		s.journal.entries = append(s.journal.entries, e)
		if over := len(s.journal.entries) - journalLength; over > 0 {
			s.journal.entries = slices.Delete(s.journal.entries, 0, over)
		}
		s.journal.happened(e.Point, "seen")
		fault, released := s.fault(e.Point), s.released
		s.mu.Unlock()

		a := &answer{header: http.Header{}}
		sent := false
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			e.Cut = !sent
			if sent {
				s.journal.happened(e.Point, "answered")
			} else {
				s.journal.happened(e.Point, "cut")
			}
		}()
		if fault.replaces() {
			fault.replace(a)
			if e.Point == PointAPI || e.Point == PointConnections {
				correlate(a)
			}
		} else {
			next.ServeHTTP(a, r)
			a.WriteHeader(http.StatusOK) // unless it wrote another
		}
		s.mu.Lock()
		e.Status, e.Error = a.status, a.problem() // before anybody has the answer
		a.header.Set("Date", s.Now().Add(s.dateSkew).UTC().Format(http.TimeFormat))
		s.mu.Unlock()
		deliver(w, r, a, fault, released)
		sent = true
	})
}

// entryOf describes r. It reads the body of a form, which is then in r.PostForm.
func entryOf(r *http.Request) *Entry {
	e := &Entry{
		Point: pointOf(r.URL.Path), Method: r.Method, Host: r.Host, Path: r.URL.Path,
		Query:  masked(r.URL.Query()),
		Tenant: r.Header.Get("xero-tenant-id"), Accept: r.Header.Get("Accept"), Since: r.Header.Get("If-Modified-Since"),
		Repeat: r.Header.Get("Idempotency-Key"), Range: r.Header.Get("Range"),
	}
	switch e.Point {
	case PointConsent, PointToken, PointRevocation:
		r.Body = http.MaxBytesReader(nil, r.Body, 64<<10)
		_ = r.ParseForm() // a bad form is the handler's to answer
		e.Form = masked(r.PostForm)
	}
	if id, _, ok := r.BasicAuth(); ok {
		e.Basic = id
	} else if _, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		e.Bearer = Fingerprint(token)
	}
	return e
}

// secretParameters are masked whatever is in them; so is any value that holds a
// marker.
var secretParameters = strings.Fields(`access_token assertion client_secret code code_challenge code_verifier
	id_token_hint nonce refresh_token request session_state state token`)

var markers = Markers()

func masked(values url.Values) url.Values {
	values = maps.Clone(values)
	for name, all := range values {
		secret := slices.Contains(secretParameters, strings.ToLower(name)) ||
			slices.ContainsFunc(all, func(v string) bool {
				return slices.ContainsFunc(markers, func(m string) bool { return strings.Contains(v, m) })
			})
		if secret {
			values[name] = nil
			for _, v := range all {
				values[name] = append(values[name], Fingerprint(v))
			}
		}
	}
	return values
}

// An answer is what a handler wrote, before it is sent. A file's content is not
// written but read while it is sent: long is then set, and body empty.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
	long   *io.SectionReader
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = cmp.Or(a.status, status) }

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// problem is what a refusal says: the identity server's error, the gateway's
// detail, or the kind of a rate limit.
func (a *answer) problem() string {
	if a.status < http.StatusBadRequest {
		return ""
	}
	var said struct{ Error, Detail string }
	_ = json.Unmarshal(a.body.Bytes(), &said) // a page says nothing
	return cmp.Or(said.Error, said.Detail, a.header.Get("X-Rate-Limit-Problem"))
}

func (a *answer) size() int64 {
	if a.long != nil {
		return a.long.Size()
	}
	return int64(a.body.Len())
}

// send writes the head and the first n bytes of the body.
func (a *answer) send(w http.ResponseWriter, n int64) {
	maps.Copy(w.Header(), a.header)
	if a.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.FormatInt(a.size(), 10))
	}
	w.WriteHeader(a.status)
	a.part(w, 0, n)
}

// part writes the body from one byte to before another, and sees that it is on its
// way.
func (a *answer) part(w http.ResponseWriter, from, to int64) {
	var body io.ReaderAt = bytes.NewReader(a.body.Bytes())
	if a.long != nil {
		body = a.long
	}
	_, _ = io.Copy(w, io.NewSectionReader(body, from, to-from)) // who hung up misses it
	_ = http.NewResponseController(w).Flush()
}
