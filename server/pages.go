package server

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"financial-command-center/assets"
	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

// pages are the parsed templates by the name of their file.
type pages map[string]*template.Template

var parsePages = sync.OnceValues(func() (pages, error) {
	files, err := fs.Glob(assets.Pages, "pages/*.html")
	if err != nil {
		return nil, err
	}
	parsed := pages{}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || strings.HasPrefix(name, "part-") {
			continue
		}
		parsed[name], err = template.New("layout.html").Funcs(pageFuncs).ParseFS(assets.Pages, "pages/layout.html", "pages/part-*.html", file)
		if err != nil {
			return nil, err
		}
	}
	return parsed, nil
})

// pageFuncs write what people read. Times are this computer's, which is the
// reader's too.
var pageFuncs = template.FuncMap{
	"moment": moment,
	"day":    func(t time.Time) string { return t.Local().Format("2 January 2006") },
	"inc":    func(i int) int { return i + 1 },
	"number": words.Number,
	"typed":  typed,
	"names":  names,
	"say":    words.Say,
	"mark":   words.Mark,
}

// A nav is one line of the side bar. Its key, after g, opens the page; its icon has
// the name of its label.
type nav struct {
	Path, Label, Key, Icon string
	Books                  bool   // it is about an organisation
	Current                string // as in aria-current: "page", "true" for a page below it
}

// navs are the lines of the side bar, in two groups. A page is below the one whose
// path is the longest that it begins with.
func navs(path string) [][]nav {
	groups := [][]nav{{
		{Path: "/", Icon: "dashboard", Key: "d", Books: true},
		{Path: "/xero/invoices", Icon: "invoices", Key: "i", Books: true},
		{Path: "/xero/contacts", Icon: "contacts", Key: "c", Books: true},
		{Path: "/activity", Icon: "activity", Key: "a"},
		{Path: "/settings/programs", Icon: "programs", Key: "p"},
	}, {
		{Path: "/health", Icon: "health", Key: "h"},
		{Path: "/settings", Icon: "settings", Key: "s"},
		{Path: "/help", Icon: "help", Key: "e"},
	}}
	var here *nav
	for _, group := range groups {
		for i := range group {
			n := &group[i]
			n.Label = words.Say("layout.nav." + n.Icon)
			if (path == n.Path || strings.HasPrefix(path, n.Path+"/")) && (here == nil || len(n.Path) > len(here.Path)) {
				here = n
			}
		}
	}
	if here != nil {
		here.Current = "true"
		if path == here.Path {
			here.Current = "page"
		}
	}
	return groups
}

// moment writes today's times without the date.
func moment(t time.Time) string {
	t = t.Local()
	if now := time.Now(); t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return t.Format("2 January 2006, 15:04")
}

// view is what every page shows. Without a session (Known false) it names nobody.
type view struct {
	Title, Path   string
	Here          string // path and query, to come back to
	Look          string // light, dark, or "" for what the system says
	Demo, Known   bool
	State         stateLine
	SigningIn     bool // this browser is at Xero
	Trouble       *xero.Problem
	Organisations []xero.Organisation
	Chosen        *xero.Organisation
	Viewing       *xero.Organisation // by ?tenant=, and not chosen
	Base          string             // that one's base currency, or the chosen one's; "" while it is not known
	Nav           [][]nav
	Waiting       int    // writes that wait for consent
	Notice        string // shown once
	Data          any
}

// Shown is the organisation that the page is about, nil while there is none.
func (v view) Shown() *xero.Organisation {
	if v.Viewing != nil {
		return v.Viewing
	}
	return v.Chosen
}

// Of is the address of another page about the same organisation.
func (v view) Of(path string) string {
	if v.Viewing == nil {
		return path
	}
	return path + "?" + url.Values{"tenant": {v.Viewing.TenantID}}.Encode()
}

// Again is the seconds after which a page loads itself again where there are no
// scripts, because it will soon have more to show; 0: never.
func (v view) Again() int {
	if l, ok := v.Data.(interface{ loading() bool }); ok && l.loading() {
		return 3
	}
	return 0
}

// ended never waits: what is asked for under it is what is there.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// sessionNotice is the value of a session that holds what its next page says.
const sessionNotice = "notice"

// render answers with a page, whole or not at all. c may be nil. Data with a method
// loading is asked whether the page will soon have more to show.
func (s *Server) render(w http.ResponseWriter, r *http.Request, c *call, status int, name, title string, data any) error {
	v := view{Title: title, Path: r.URL.Path, Here: r.URL.RequestURI(), Look: lookOf(c), Demo: s.cfg.Mode == Demo, Data: data}
	if c != nil && c.session != nil {
		st := s.cfg.Connections.Status()
		v.Known, v.State, v.Trouble = true, describe(st), s.Trouble()
		v.Waiting = s.approvals.waiting().N
		v.SigningIn = !s.cfg.Connections.Waiting(c.session.ID).IsZero()
		v.Organisations = st.Organisations()
		v.Chosen, v.Nav = chosen(v.Organisations, c), navs(r.URL.Path)
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			v.Viewing = viewed(v.Organisations, v.Chosen, r)
		}
		if shown := v.Shown(); shown != nil {
			v.Base = s.books.Of(shown.TenantID).Organisation(ended, books.Kept).Value.Base
		}
		// What a script paints anew takes no notice from the page to come.
		if notice, ok := c.session.Values[sessionNotice].(string); ok && !byScript(r) {
			v.Notice = notice
			delete(c.session.Values, sessionNotice)
			if err := c.session.Save(r, w); err != nil {
				return err
			}
		}
	}
	var page bytes.Buffer
	if err := s.pages[name].Execute(&page, v); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	text := page.String()
	if v.Demo {
		text = s.toDemo(v.Known, text)
	}
	_, _ = io.WriteString(w, text) // the caller may have gone
	return nil
}

// forRunning begins a command for the FCC that runs, where a page shows one to be
// typed.
var forRunning = regexp.MustCompile(`(<code>|<input type="text" class="code" id="command" readonly value=")fcc (--debug|(?:open|status|doctor|login|token|keys|disconnect|erase|secret|stop)\b)`)

// toDemo has the commands on a page reach the demo: without its folder they would
// reach the user's own FCC. Who has no session is told no path; the demo itself names
// it when it starts.
func (s *Server) toDemo(known bool, page string) string {
	folder := "FOLDER"
	if known {
		folder = s.cfg.DataDir
		if strings.Contains(folder, " ") {
			folder = `"` + folder + `"`
		}
		folder = template.HTMLEscapeString(folder)
	}
	return forRunning.ReplaceAllStringFunc(page, func(command string) string {
		before, after, _ := strings.Cut(command, "fcc ")
		if after == "--debug" {
			return before + "fcc demo --debug"
		}
		return before + "fcc --data-dir " + folder + " " + after
	})
}

// byScript reports whether a script of a page asks, to paint it anew, and not its
// person (w3.org/TR/fetch-metadata, Sec-Fetch-Dest).
func byScript(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Dest") == "empty" }

// viewed is the organisation that r looks at by ?tenant=, nil when that is the chosen
// one anyway.
func viewed(all []xero.Organisation, chosen *xero.Organisation, r *http.Request) *xero.Organisation {
	named := strings.TrimSpace(r.URL.Query().Get("tenant"))
	for _, o := range all {
		if strings.EqualFold(o.TenantID, named) && (chosen == nil || chosen.TenantID != o.TenantID) {
			return &o
		}
	}
	return nil
}

// notice has the next page of this browser say text.
func (s *Server) notice(w http.ResponseWriter, r *http.Request, c *call, text string) error {
	c.session.Values[sessionNotice] = text
	return c.session.Save(r, w)
}

// chosen is the organisation that a browser works in, nil while it has to choose.
func chosen(all []xero.Organisation, c *call) *xero.Organisation {
	named, _ := c.session.Values[sessionTenant].(string)
	for _, o := range all {
		if strings.EqualFold(o.TenantID, named) || named == "" && len(all) == 1 {
			return &o
		}
	}
	return nil
}

// errorPage shows f to somebody who reads, and one thing to do. Who has to choose an
// organisation does so in place, and comes back. If even that fails, in plain text.
func (s *Server) errorPage(w http.ResponseWriter, r *http.Request, c *call, status int, f *failure) {
	data := struct {
		*failure
		Status  int
		Button  button
		Command string
		Choose  []xero.Organisation
		Next    string // where a choice leads
	}{failure: f, Status: status, Button: f.button}
	if data.Button.Label == "" {
		data.Button, data.Command = answers[f.Code].button, answers[f.Code].command
	}
	here := localPath(r.PostForm.Get("next"))
	if r.Method == http.MethodGet {
		here = r.URL.RequestURI()
	}
	switch data.Button.Link {
	case toFCC:
		data.Button.Link = s.BaseURL() + "/"
	case thisPage:
		data.Button.Link = here
	}
	said := *f
	data.failure = &said
	if f.Code == xero.CodeTenantRequired && (c == nil || c.key == nil) {
		if f.Message == answers[f.Code].message {
			said.Message, said.Action = words.Say("requests.choose.message"), words.Say("requests.choose.action")
		}
		if c != nil && c.session != nil {
			data.Choose, data.Next = f.organisations, here
		}
	}
	if f.retryAfter > 0 && f.Action == answers[f.Code].action {
		said.Action = words.Say("requests.free-again", "At", moment(time.Now().Add(f.retryAfter+time.Minute)))
	}
	if f.Action == words.Say("xero.needs-login.action") {
		said.Action = "" // the button does it
	}
	if rest, same := strings.CutPrefix(said.Action, data.Button.Label); same && data.Button.Label != "" && !strings.Contains(rest, ". ") {
		said.Action = "" // the button says it
	}
	if f.Code == codeKeystoreUnavailable && r.Method == http.MethodGet {
		w.Header().Set("Refresh", "5") // the page goes on by itself once the keychain is open
	}
	if err := s.render(w, r, c, status, "error", said.Message, data); err != nil {
		s.log.Error("error page failed", "err", err)
		http.Error(w, f.Message+" "+f.Action, status)
	}
}

// whatIsTyped are the commands, flags and variables in FCC's own sentences.
var whatIsTyped = regexp.MustCompile(`\bfcc (?:keys add NAME(?: --[a-z-]+)?|secret rotate|--debug|[a-z]+)|--keystore file|--[a-z]+(?:-[a-z]+)*|\b[A-Z]+(?:_[A-Z]+)+\b`)

// typed marks in a sentence what is to be typed as it stands.
func typed(sentence string) template.HTML {
	return template.HTML(whatIsTyped.ReplaceAllString(template.HTMLEscapeString(sentence), "<code>$0</code>"))
}

// stateLine is the sign-in's state in words: what is, and what that means. Tone
// is good, warn, late, or "" for neither.
type stateLine struct {
	Tone, Line string
	Details    []string
}

func describe(st xero.Status) stateLine {
	var line stateLine
	switch st.State {
	case xero.Connected:
		line = stateLine{"good", words.Say("layout.state.connected"), []string{words.Say("layout.state.stays")}}
		if len(st.Connections) == 1 && !st.Connections[0].Renewed.IsZero() {
			at, said := moment(st.Connections[0].Renewed), ""
			if next := st.Connections[0].RenewsAt; next.IsZero() {
				said = words.Say("layout.state.renewed", "At", at)
			} else {
				said = words.Say("layout.state.renewed-next", "At", at, "Next", moment(next))
			}
			line.Details = append(line.Details, said)
		}
		if st.Problem != nil {
			line = stateLine{"warn", words.Say("layout.state.connected"), []string{st.Problem.Message + " " + st.Problem.Action}}
			if st.Problem.Code == xero.CodeTenantRequired && len(st.Organisations()) == 0 {
				line.Line = words.Say("layout.state.no-organisation")
			}
		}
	case xero.Retrying:
		line = stateLine{"warn", words.Say("layout.state.retrying"), nil}
		if st.Problem != nil {
			line.Details = append(line.Details, st.Problem.Message)
		}
		line.Details = append(line.Details, words.Say("layout.state.tries-again", "Since", moment(st.Since)))
	case xero.NeedsLogin:
		line = stateLine{"late", words.Say("layout.state.needs-login"), []string{words.Say("layout.state.since", "Since", moment(st.Since))}}
	case xero.Disconnected:
		line = stateLine{"", words.Say("layout.state.disconnected"), nil}
		if st.Problem != nil {
			line.Details = append(line.Details, st.Problem.Message)
		}
	default:
		line = stateLine{"", words.Say("layout.state.starting"), []string{words.Say("layout.state.opening")}}
		if st.Problem != nil {
			line = stateLine{"late", words.Say("layout.state.keychain"), []string{st.Problem.Message + " " + st.Problem.Action}}
		}
	}
	return line
}
