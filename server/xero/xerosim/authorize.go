package xerosim

import (
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// challengeForm is BASE64URL(SHA-256(verifier)) without padding.
var challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// An authorization is a valid request to the authorize page.
type authorization struct {
	query                             url.Values // as it came, less login_hint
	client                            *client
	redirect, state, nonce, challenge string
	scopes                            []string
	hint                              string // e-mail of who is expected to sign in
}

// authorization checks the query of the authorize page. The sentence it returns
// otherwise is for Xero's own error page: none of these mistakes is sent back to
// the redirect URI (developer.xero.com/documentation/oauth2/troubleshooting).
func (s *Sim) authorization(query url.Values) (a authorization, wrong string) {
	a = authorization{
		client:    s.client(query.Get("client_id")),
		redirect:  query.Get("redirect_uri"),
		state:     query.Get("state"),
		nonce:     query.Get("nonce"),
		challenge: query.Get("code_challenge"),
		scopes:    slices.Compact(strings.Fields(query.Get("scope"))),
		hint:      query.Get("login_hint"),
	}
	a.query = url.Values{}
	for name, values := range query {
		if name != "login_hint" {
			a.query[name] = values
		}
	}
	switch {
	case a.client == nil:
		return a, "unauthorized_client : Unknown client or client not enabled"
	case !slices.Contains(a.client.Redirects, a.redirect):
		return a, "unauthorized_client : Invalid redirect_uri"
	case query.Get("response_type") != "code":
		return a, "unsupported_response_type"
	case len(a.scopes) == 0:
		return a, "invalid_request : Missing scope"
	case slices.ContainsFunc(a.scopes, func(scope string) bool { return !a.client.mayAsk(scope) }):
		return a, "unauthorized_client : Invalid scope for client"
	case a.challenge == "" && a.client.Secret == "":
		return a, "invalid_request : code challenge required"
	case a.challenge == "":
		return a, ""
	case query.Get("code_challenge_method") != "S256":
		return a, "invalid_request : Transform algorithm not supported"
	case !challengeForm.MatchString(a.challenge):
		return a, "invalid_request : Invalid code challenge"
	}
	return a, ""
}

// authorize shows the page where a person picks organisations. As at Xero, who
// signs in may be hinted at by e-mail address.
func (s *Sim) authorize(w http.ResponseWriter, r *http.Request) {
	a, wrong := s.authorization(r.URL.Query())
	if wrong != "" {
		errorPage(w, wrong)
		return
	}
	p := s.personFor(a.hint)
	if full := s.full(a.client, p); full != "" {
		errorPage(w, full)
		return
	}
	s.consentPage(w, http.StatusOK, a, p, nil, "")
}

// personFor finds a person by e-mail address; it is the first when unknown.
func (s *Sim) personFor(email string) *person {
	for _, p := range s.people {
		if strings.EqualFold(p.email, email) {
			return p
		}
	}
	return s.people[0]
}

// consent takes what a person pressed.
func (s *Sim) consent(w http.ResponseWriter, r *http.Request) {
	query, _ := url.ParseQuery(r.PostFormValue("request"))
	a, wrong := s.authorization(query)
	if wrong != "" {
		errorPage(w, wrong)
		return
	}
	p := s.personFor(r.PostFormValue("person"))
	if r.PostFormValue("do") != "allow" {
		back := url.Values{"error": {"access_denied"}}
		if a.query.Has("state") && !s.Unknowns().CancelOmitsState {
			back.Set("state", a.state)
		}
		sendBack(w, r, a.redirect, back)
		return
	}
	ticked := r.PostForm["organisation"]
	if len(ticked) == 0 && reachesBooks(a.scopes) && !s.Unknowns().AllowNothing {
		s.consentPage(w, http.StatusUnprocessableEntity, a, p, ticked, "Pick at least one organisation, or press Cancel.")
		return
	}
	if full := s.exceeded(a.client, p, ticked); full != "" {
		errorPage(w, full)
		return
	}
	sendBack(w, r, a.redirect, s.allow(a, p, ticked))
}

// allow records the person's consent and returns what the callback gets.
func (s *Sim) allow(a authorization, p *person, tenantIDs []string) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	g := s.grant(a.client, p)
	for _, scope := range a.scopes {
		if !slices.Contains(g.scopes, scope) {
			g.scopes = append(g.scopes, scope)
		}
	}
	in := &signIn{
		grant: g, scopes: slices.Clone(g.scopes), authEventID: newGUID(),
		session: newID(), globalSession: newID(), nonce: a.nonce, at: now,
	}
	for _, o := range p.organisations {
		if slices.Contains(tenantIDs, o.tenantID) {
			g.connect(o, in.authEventID, now)
		}
	}
	value := newSecret("code")
	s.identity.codes[value] = &code{
		signIn: in, redirect: a.redirect, challenge: a.challenge, expires: now.Add(s.opt.CodeLife),
	}
	back := url.Values{
		"code":          {value},
		"scope":         {strings.Join(g.scopes, " ")},
		"session_state": {rand.Text() + "." + newID()},
	}
	if a.query.Has("state") {
		back.Set("state", a.state)
	}
	return back
}

// grant returns what p allows c. The caller holds Sim.mu.
func (s *Sim) grant(c *client, p *person) *grant {
	for _, g := range s.grants {
		if g.client == c && g.person == p {
			return g
		}
	}
	g := &grant{client: c, person: p}
	s.grants = append(s.grants, g)
	return g
}

func sendBack(w http.ResponseWriter, r *http.Request, redirect string, query url.Values) {
	sep := "?"
	if strings.Contains(redirect, "?") {
		sep = "&"
	}
	http.Redirect(w, r, redirect+sep+query.Encode(), http.StatusFound)
}

// consentView is what pages/consent.html shows.
type consentView struct {
	App, Request, Problem string
	Name, Email           string
	Others                []otherPerson
	Scopes                []string
	Books                 bool // the app asks for organisations' data
	Organisations         []choice
}

type otherPerson struct{ Name, Email, URL string }

type choice struct {
	TenantID, Name    string
	Ticked, Connected bool
}

func (s *Sim) consentPage(w http.ResponseWriter, status int, a authorization, p *person, ticked []string, problem string) {
	s.mu.Lock()
	v := consentView{
		App: a.client.Name, Request: a.query.Encode(), Problem: problem,
		Name: p.name(), Email: p.email, Scopes: a.scopes, Books: reachesBooks(a.scopes),
	}
	for _, other := range s.people {
		if other != p {
			query := url.Values{"login_hint": {other.email}}.Encode() + "&" + v.Request
			v.Others = append(v.Others, otherPerson{other.name(), other.email, authorizePath + "?" + query})
		}
	}
	live := s.grant(a.client, p).live()
	for _, o := range p.organisations {
		connected := slices.ContainsFunc(live, func(c *connection) bool { return c.organisation == o })
		v.Organisations = append(v.Organisations, choice{
			o.tenantID, o.name, connected || slices.Contains(ticked, o.tenantID), connected,
		})
	}
	s.mu.Unlock()
	page(w, status, "consent.html", v)
}

// errorPage is Xero's own, at which a sign-in ends without the app hearing of it.
func errorPage(w http.ResponseWriter, wrong string) {
	page(w, http.StatusInternalServerError, "error.html", map[string]string{
		"Wrong": wrong, "Event": newGUID(), "Time": time.Now().UTC().Format(time.RFC1123),
	})
}

func page(w http.ResponseWriter, status int, name string, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY") // the real login page refuses frames too
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, data) // fails only with the connection
}
