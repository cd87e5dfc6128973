package server

import (
	"errors"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"

	"financial-command-center/assets/words"
	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

func (s *Server) programRoutes() []route {
	return []route{
		{pattern: "GET /settings/programs", who: page, handle: s.programs},
		{pattern: "POST /settings/programs", who: session, handle: s.addProgram},
		{pattern: "GET /settings/programs/revoke", who: page, handle: s.revokePage},
		{pattern: "POST /settings/programs/revoke", who: session, handle: s.revokeProgram},
	}
}

// programsView lists the programs that have a key, and has the form for another.
type programsView struct {
	Programs []program
	Wrong    string // with what was filled in
	Want     apiKey
	Made     *madeKey // the key that was just made, and nothing else, is shown
	Use      []useLine
}

type madeKey struct{ Name, Key, Warning string }

type program struct {
	apiKey
	Organisation string // "" for any
	Activity     string // address of its calls
	Revoke       string
}

// A useLine is something to copy into a terminal.
type useLine struct{ Label, Text string }

func (s *Server) programs(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.showPrograms(w, r, c, http.StatusOK, programsView{})
}

func (s *Server) showPrograms(w http.ResponseWriter, r *http.Request, c *call, status int, v programsView) error {
	keys, err := s.listKeys(r.Context())
	if err != nil {
		return err
	}
	names := s.organisationNames()
	for _, k := range keys {
		var reached []string
		for _, id := range k.Tenants {
			reached = append(reached, names.of(id))
		}
		v.Programs = append(v.Programs, program{
			k, strings.Join(reached, ", "),
			activityFilter{Who: string(xero.ByKey) + ":" + k.Name}.address(1), "/settings/programs/revoke?name=" + url.QueryEscape(k.Name),
		})
	}
	v.Use = s.useLines(c, keystore.NewSecret("fcc_…"), apiKey{})
	return s.render(w, r, c, status, "programs", words.Say("programs.title"), v)
}

// addProgram makes a key. Its answer is the only page that ever shows it.
func (s *Server) addProgram(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	form := r.PostForm
	want := apiKey{Name: strings.TrimSpace(form.Get("name")), Write: form.Get("may") == "write", AnyUser: form.Get("any_user") != ""}
	if only := form.Get("organisation"); only != "" {
		want.Tenants = []string{only}
	}
	made, warning, err := s.addKey(r.Context(), want)
	if f, ok := errors.AsType[*failure](err); ok && wantsPage(r) && answers[f.Code].status == http.StatusBadRequest {
		return s.showPrograms(w, r, c, http.StatusBadRequest, programsView{Wrong: f.Message, Want: want})
	}
	if err != nil {
		return err
	}
	return s.render(w, r, c, http.StatusOK, "programs", words.Say("programs.made.title", "Name", want.Name), programsView{
		Made: &madeKey{want.Name, made.Reveal(), warning}, Use: s.useLines(c, made, want),
	})
}

// useLines show how a program brings its key. One that is good for several
// organisations has to name the one it means.
func (s *Server) useLines(c *call, made keystore.Secret, k apiKey) []useLine {
	curl := "curl"
	if runtime.GOOS == "windows" {
		curl = "curl.exe" // in PowerShell curl is something else
	}
	curl += ` -H "Authorization: Bearer ` + made.Reveal() + `"`
	all := s.cfg.Connections.Status().Organisations()
	if len(k.Tenants) != 1 && len(all) > 1 {
		tenant := all[0].TenantID
		if o := chosen(all, c); o != nil {
			tenant = o.TenantID
		}
		curl += ` -H "xero-tenant-id: ` + tenant + `"`
	}
	return []useLine{
		{words.Say("programs.use.contacts"), curl + " " + s.BaseURL() + "/api/xero/contacts"},
		{words.Say("programs.use.invoices"), curl + " " + s.BaseURL() + "/api.xro/2.0/Invoices"},
		{words.Say("programs.use.base"), s.BaseURL()},
	}
}

func (s *Server) revokePage(w http.ResponseWriter, r *http.Request, c *call) error {
	name := r.URL.Query().Get("name")
	keys, err := s.listKeys(r.Context())
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(keys, func(k apiKey) bool { return k.Name == name }) {
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
			return f.saying(words.Say("programs.revoke.unknown"), words.Say("programs.revoke.unknown-do")).offering(words.Say("programs.title"), "/settings/programs")
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
