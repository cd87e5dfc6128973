package xerosim

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// A control is a switch of the simulated Xero on its own port, for tests that
// run it as a process: POST /_sim/NAME with a form. What it returns is answered
// as JSON, nil as 204, an error as 400.
type control struct {
	name, fields, does string
	do                 func(form url.Values) (any, error)
}

func (s *Sim) controls() []control {
	return []control{
		{"advance", "by", "move the clock on by a duration, 31m", s.controlAdvance},
		{"skew", "tokens date", "put nbf and exp, and the Date header, off by durations", s.controlSkew},
		{"expire", "", "end the access tokens given out so far", done(s.ExpireAccessTokens)},
		{"revoke", "[person]", "end a person's sign-ins (e-mail), or all", func(f url.Values) (any, error) {
			return nil, s.RevokeGrant(f.Get("person"))
		}},
		{"disconnect", "organisation", "end its connections, as in Xero's pages (name or tenant id)", func(f url.Values) (any, error) {
			return nil, s.Disconnect(f.Get("organisation"))
		}},
		{"demo-reset", "organisation", "give it a new tenant id", func(f url.Values) (any, error) {
			id, err := s.ResetDemo(f.Get("organisation"))
			return map[string]string{"tenant_id": id}, err
		}},
		{"reports", "person may", "take the reports from a person's role: may=false", func(f url.Values) (any, error) {
			may, err := strconv.ParseBool(f.Get("may"))
			if err != nil {
				return nil, err
			}
			return nil, s.SetReports(f.Get("person"), may)
		}},
		{"rotate-keys", "", "sign with a new key", done(s.RotateKeys)},
		{"assume", "siblings_die=true …", "what to do where Xero is unknown; what is not named goes back to the likeliest", s.controlAssume},
		{"fault", "at do [times delay status]", "trouble for the next requests: see below", s.controlFault},
		{"release", "", "send the answers held by do=hold", done(s.Release)},
		{"clear", "", "end all faults", done(s.ClearFaults)},
		{"approve", "url [organisation…]", "press Allow access on the authorize page; answers {callback}", func(f url.Values) (any, error) {
			callback, err := s.Approve(f.Get("url"), f["organisation"]...)
			return map[string]string{"callback": callback}, err
		}},
		{"deny", "url", "press Cancel there; answers {callback}", func(f url.Values) (any, error) {
			callback, err := s.Deny(f.Get("url"))
			return map[string]string{"callback": callback}, err
		}},
	}
}

func done(f func()) func(url.Values) (any, error) {
	return func(url.Values) (any, error) { f(); return nil, nil }
}

func (s *Sim) routesControl(mux *http.ServeMux) {
	controls := slices.Concat(s.controls(), s.controlsAPI(), s.controlsBooks())
	for _, c := range controls {
		mux.HandleFunc("POST /_sim/"+c.name, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm() // a bad form lacks fields
			switch v, err := c.do(r.PostForm); {
			case err != nil:
				http.Error(w, err.Error(), http.StatusBadRequest)
			case v == nil:
				w.WriteHeader(http.StatusNoContent)
			default:
				writeJSON(w, http.StatusOK, v)
			}
		})
	}
	mux.HandleFunc("GET /_sim/journal", s.controlJournal)
	mux.HandleFunc("GET /_sim/wait", s.controlWait)
	mux.HandleFunc("GET /_sim/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, help(controls))
	})
}

func help(controls []control) string {
	var b strings.Builder
	b.WriteString("Simulated Xero. Its switches are forms to POST, for example:\n" +
		"  curl -d at=token -d do=lose http://localhost:9000/_sim/fault\n\n")
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, c := range controls {
		fmt.Fprintf(table, "  POST /_sim/%s\t%s\t%s\n", c.name, c.fields, c.does)
	}
	fmt.Fprint(table, "  GET /_sim/journal\t[after]\tevery request so far, or those numbered above after, secrets as fingerprints\n")
	fmt.Fprint(table, "  GET /_sim/wait\tevent after [timeout]\twait until event has happened more than after times; 504 if it does not\n")
	_ = table.Flush() // into memory
	b.WriteString(`
Requests are of the kinds discovery, keys, authorize, consent, token, revocation,
userinfo, connections, api. An event is one of these with -seen, -answered or -cut.
A fault's do is, once the request was carried out:
  lose (cut, no answer)  half (cut in the body)  delay  stall (the second half late)
  hold (until release)  bare (no access_token)  big (1 MB)
or, in the place of that:
  drop (cut)  html (200)  waf (403)  fail (with status=503 or another)
times is 1 unless given, negative for ever; delay a duration.
`)
	return b.String()
}

func (s *Sim) controlAdvance(form url.Values) (any, error) {
	by, err := time.ParseDuration(form.Get("by"))
	if err != nil {
		return nil, err
	}
	s.Advance(by)
	return map[string]time.Time{"now": s.Now().UTC()}, nil
}

func (s *Sim) controlSkew(form url.Values) (any, error) {
	tokens, err1 := time.ParseDuration(cmp.Or(form.Get("tokens"), "0"))
	date, err2 := time.ParseDuration(cmp.Or(form.Get("date"), "0"))
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	s.Skew(tokens, date)
	return nil, nil
}

// controlAssume reads a form as the JSON of Unknowns.
func (s *Sim) controlAssume(form url.Values) (any, error) {
	fields := map[string]any{}
	for name := range form {
		value := form.Get(name)
		if b, err := strconv.ParseBool(value); err == nil {
			fields[name] = b
		} else {
			fields[name] = value
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	var u Unknowns
	read := json.NewDecoder(strings.NewReader(string(text)))
	read.DisallowUnknownFields()
	if err := read.Decode(&u); err != nil {
		return nil, err
	}
	s.Assume(u)
	return u, nil
}

func (s *Sim) controlFault(form url.Values) (any, error) {
	times, err1 := strconv.Atoi(cmp.Or(form.Get("times"), "1"))
	delay, err2 := time.ParseDuration(cmp.Or(form.Get("delay"), "0"))
	status, err3 := strconv.Atoi(cmp.Or(form.Get("status"), "0"))
	f := Fault{At: Point(form.Get("at")), Do: Trouble(form.Get("do")), Times: times, Delay: delay, Status: status}
	if err := errors.Join(err1, err2, err3, f.check()); err != nil {
		return nil, err
	}
	s.Fault(f)
	return nil, nil
}

func (s *Sim) controlJournal(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.Atoi(cmp.Or(r.FormValue("after"), "0"))
	if err != nil {
		http.Error(w, "after must be a number", http.StatusBadRequest)
		return
	}
	entries := slices.DeleteFunc(s.Journal(), func(e Entry) bool { return e.Number <= after })
	writeJSON(w, http.StatusOK, entries)
}

func (s *Sim) controlWait(w http.ResponseWriter, r *http.Request) {
	after, err1 := strconv.Atoi(cmp.Or(r.FormValue("after"), "0"))
	timeout, err2 := time.ParseDuration(cmp.Or(r.FormValue("timeout"), "30s"))
	if err := errors.Join(err1, err2); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	count, err := s.Wait(ctx, r.FormValue("event"), after)
	status := http.StatusOK
	if err != nil {
		status = http.StatusGatewayTimeout
	}
	writeJSON(w, status, map[string]int{"count": count})
}
