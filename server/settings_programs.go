package server

import (
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

func (s *Server) programRoutes() []route {
	return []route{
		{pattern: "GET /settings/programs", who: page, handle: s.programs},
		{pattern: "POST /settings/programs", who: session, handle: s.addProgram},
		{pattern: "GET /settings/programs/change", who: page, handle: s.changePage},
		{pattern: "POST /settings/programs/change", who: session, handle: s.changeProgram},
		{pattern: "GET /settings/programs/revoke", who: page, handle: s.revokePage},
		{pattern: "POST /settings/programs/revoke", who: session, handle: s.revokeProgram},
	}
}

// programsView lists the programs that have a key, and has the form for another.
type programsView struct {
	Programs []program
	Form     keyForm
	Made     *madeKey // the key that was just made, and nothing else, is shown
	Use      []useLine
}

type madeKey struct{ Name, Key, Warning string }

type program struct {
	apiKey
	Organisation string // "" for any
	Ended        string // when, "" while it is good
	May          string
	Limits       []string // further, in words
	Activity     string   // address of its calls
	Change       string
	Revoke       string
}

// A useLine is something to copy into a terminal.
type useLine struct{ Label, Text string }

func (s *Server) programs(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.showPrograms(w, r, c, http.StatusOK, s.withChoices(keyForm{New: true}))
}

func (s *Server) showPrograms(w http.ResponseWriter, r *http.Request, c *call, status int, form keyForm) error {
	keys, err := s.listKeys(r.Context())
	if err != nil {
		return err
	}
	form.Action = "/settings/programs"
	v := programsView{Form: form, Use: s.useLines(c, keystore.NewSecret("fcc_…"), apiKey{})}
	names, now := s.organisationNames(), time.Now()
	for _, k := range keys {
		var reached []string
		for _, id := range k.Tenants {
			reached = append(reached, names.of(id))
		}
		ended := ""
		if k.Ended(now) {
			ended = lastWords(k.Expires)
		}
		named := "?" + url.Values{"name": {k.Name}}.Encode()
		v.Programs = append(v.Programs, program{
			k, strings.Join(reached, ", "), ended, mayWords(k), s.limitWords(k, now),
			activityFilter{Who: string(xero.ByKey) + ":" + k.Name}.address(1), "/settings/programs/change" + named, "/settings/programs/revoke" + named,
		})
	}
	return s.render(w, r, c, status, "programs", words.Say("programs.title"), v)
}

func mayWords(k apiKey) string {
	switch {
	case k.Ask:
		return words.Say("programs.list.ask")
	case k.Write:
		return words.Say("programs.list.write")
	}
	return words.Say("programs.list.read")
}

// limitWords are what a key may not do of what others may, and what else was chosen.
func (s *Server) limitWords(k apiKey, now time.Time) (all []string) {
	if len(k.Families) > 0 {
		var apis []string
		for _, name := range k.Families {
			apis = append(apis, words.Say("keys.family."+name))
		}
		all = append(all, words.Say("keys.list.families", "Names", strings.Join(apis, ", ")))
	}
	if !k.Expires.IsZero() && !k.Ended(now) {
		all = append(all, words.Say("keys.list.until", "When", lastWords(k.Expires)))
	}
	if k.Daily > 0 {
		made := s.keys.today.made(k.Name, now)
		all = append(all, words.Say("keys.list.daily", "Made", words.Number(made), "Most", words.Number(k.Daily)))
	}
	if k.MaxAge > 0 {
		age, _ := strconv.Atoi(minutes(k.MaxAge))
		all = append(all, words.Say("keys.list.age", "N", age))
	}
	if k.Stale {
		all = append(all, words.Say("keys.list.stale"))
	}
	return all
}

// addProgram makes a key. Its answer is the only page that ever shows it.
func (s *Server) addProgram(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	form, wrong := s.readKeyForm(r.PostForm, apiKey{})
	form.New = true
	var made keystore.Secret
	var warning string
	if wrong == nil {
		var err error
		if made, warning, err = s.addKey(r.Context(), form.Want); err != nil {
			wrong = asFailure(err)
		}
	}
	if wrong != nil && wrong.field != "" && wantsPage(r) {
		return s.showPrograms(w, r, c, http.StatusBadRequest, form.refused(wrong))
	}
	if wrong != nil {
		return wrong
	}
	return s.render(w, r, c, http.StatusOK, "programs", words.Say("programs.made.title", "Name", form.Want.Name), programsView{
		Made: &madeKey{form.Want.Name, made.Reveal(), warning}, Use: s.useLines(c, made, form.Want),
	})
}

func (s *Server) changePage(w http.ResponseWriter, r *http.Request, c *call) error {
	k, err := s.keyNamed(r.Context(), r.URL.Query().Get("name"))
	if err != nil {
		return err
	}
	if k == nil {
		http.Redirect(w, r, "/settings/programs", http.StatusSeeOther) // it may be revoked, as when this page paints itself anew
		return nil
	}
	return s.showKeyChange(w, r, c, http.StatusOK, s.keyFormOf(*k))
}

func (s *Server) showKeyChange(w http.ResponseWriter, r *http.Request, c *call, status int, form keyForm) error {
	form.Action = "/settings/programs/change"
	return s.render(w, r, c, status, "change", words.Say("keys.change.title", "Name", form.Want.Name), form)
}

func (s *Server) changeProgram(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	k, err := s.keyNamed(r.Context(), r.PostForm.Get("name"))
	if err != nil {
		return err
	}
	if k == nil {
		return noProgram()
	}
	form, wrong := s.readKeyForm(r.PostForm, *k)
	var warning string
	if wrong == nil {
		if warning, err = s.changeKey(r.Context(), form.Want); err != nil {
			wrong = asFailure(err)
		}
	}
	if wrong != nil && wrong.field != "" && wantsPage(r) {
		return s.showKeyChange(w, r, c, http.StatusBadRequest, form.refused(wrong))
	}
	if wrong != nil {
		return wrong
	}
	return s.settled(w, r, c, strings.TrimSpace(words.Say("keys.change.done", "Name", k.Name)+" "+warning), "/settings/programs")
}

func noProgram() error {
	return fail(codeNotFound).saying(words.Say("programs.revoke.unknown"), words.Say("programs.revoke.unknown-do")).offering(words.Say("programs.title"), "/settings/programs")
}

// useLines show how a program brings its key. One that is good for several
// organisations has to name the one it means.
func (s *Server) useLines(c *call, made keystore.Secret, k apiKey) []useLine {
	curl := "curl"
	if runtime.GOOS == "windows" {
		curl = "curl.exe" // in PowerShell curl is something else
	}
	header := func(name, value string) string { return ` -H "` + name + `: ` + value + `"` }
	curl += header("Authorization", "Bearer "+made.Reveal())
	all := s.cfg.Connections.Status().Organisations()
	if len(k.Tenants) != 1 && len(all) > 1 {
		tenant := words.Say("developers.key.no-organisation")
		if o := chosen(all, c); o != nil {
			tenant = o.TenantID
		}
		curl += header("xero-tenant-id", tenant)
	}
	return []useLine{
		{words.Say("programs.use.contacts"), curl + " " + s.BaseURL() + "/api/xero/contacts"},
		{words.Say("programs.use.invoices"), curl + header("Accept", "application/json") + " " + s.BaseURL() + "/api.xro/2.0/Invoices"},
		{words.Say("programs.use.base"), s.BaseURL()},
	}
}

func (s *Server) revokePage(w http.ResponseWriter, r *http.Request, c *call) error {
	name := r.URL.Query().Get("name")
	k, err := s.keyNamed(r.Context(), name)
	if err != nil {
		return err
	}
	if k == nil {
		http.Redirect(w, r, "/settings/programs", http.StatusSeeOther) // it may be revoked already, as when this page paints itself anew
		return nil
	}
	return s.confirm(w, r, c, confirmation{
		Title: words.Say("programs.revoke.title", "Name", name), Lead: words.Say("settings.nothing-yet"),
		Points: []string{
			words.Say("programs.revoke.refused"),
			words.Say("programs.revoke.for-good"),
			words.Say("programs.revoke.stays"),
		},
		Action: "/settings/programs/revoke", Name: "name", Value: name, Label: words.Say("programs.revoke.button"), Back: "/settings/programs",
	})
}

func (s *Server) revokeProgram(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	name := r.PostForm.Get("name")
	if err := s.revokeKey(r.Context(), name); err != nil {
		if f := asFailure(err); f.Code == codeNotFound {
			return noProgram()
		}
		return err
	}
	return s.settled(w, r, c, words.Say("programs.revoke.done", "Name", name), "/settings/programs")
}

// A confirmation is asked for before what cannot be undone. It is a page of its
// own, so that it needs no script.
type confirmation struct {
	Title, Lead string
	Points      []string
	Trouble     *xero.Problem // why it cannot be done; then there is no button
	Action      string        // where the form goes
	Name, Value string        // its one field; no field when Name is ""
	Label, Back string
}

func (s *Server) confirm(w http.ResponseWriter, r *http.Request, c *call, what confirmation) error {
	return s.render(w, r, c, http.StatusOK, "confirm", what.Title, what)
}
