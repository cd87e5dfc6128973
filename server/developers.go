package server

import (
	"cmp"
	"html/template"
	"net/http"
	"runtime"
	"slices"
	"strings"
	texts "text/template"

	"financial-command-center/assets"
	"financial-command-center/assets/words"
	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

func (s *Server) developerRoutes() []route {
	return []route{
		{pattern: "GET /developers", who: page, handle: s.developers},
		{pattern: "POST /developers", who: session, handle: s.addDeveloperKey},
	}
}

// developersView is the page for those who write programs: the address, a key, texts to
// copy, and what a program may say and is told.
type developersView struct {
	Address string
	Of      *xero.Organisation // that the texts are about; nil while none is chosen, and then no key is made
	Several bool               // a program has to name it
	Made    string             // the name of the key that was just made, which the first text then holds
	Windows bool
	Key     snippet // keeps the key for the others
	Texts   []snippet
	Sent    []headerLine
	Told    []headerLine
	Errors  []errorLine
}

// A snippet is a text to copy. It takes the key from the environment.
type snippet struct {
	ID, Title string
	Note      template.HTML
	Text      string
}

type headerLine struct{ Name, Does string }

type errorLine struct {
	Status  int
	Code    xero.Code
	Meaning string
}

func (s *Server) developers(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.showDevelopers(w, r, c, developersView{}, keystore.NewSecret("fcc_…"))
}

// showDevelopers shows the page about the organisation that it is to be about, else about
// the one that other pages are about.
func (s *Server) showDevelopers(w http.ResponseWriter, r *http.Request, c *call, v developersView, key keystore.Secret) error {
	v.Address, v.Windows, v.Errors = s.BaseURL(), runtime.GOOS == "windows", errorLines()
	all := s.cfg.Connections.Status().Organisations()
	v.Several = len(all) > 1
	if v.Of == nil {
		if v.Of = viewed(all, chosen(all, c), r); v.Of == nil {
			v.Of = chosen(all, c)
		}
	}
	fill := map[string]any{"Address": v.Address, "Several": v.Several, "Key": key.Reveal()}
	if v.Of != nil {
		fill["Tenant"] = v.Of.TenantID
	}
	shell := ".sh"
	if v.Windows {
		shell = ".ps1" // what curl is in cmd is something else in PowerShell; curl.exe is not
	}
	var failed error
	text := func(file string) string {
		var text strings.Builder
		if err := snippets.ExecuteTemplate(&text, file, fill); err != nil {
			failed = err
		}
		return strings.TrimSpace(text.String())
	}
	v.Key = snippet{"snippet-key", words.Say("developers.key.label"), "", text("key" + shell)}
	for _, one := range []struct{ id, file string }{
		{"curl", "curl" + shell}, {"python", "python.py"}, {"node", "node.mjs"}, {"xero-node", "xero-node.mjs"},
		{"dotnet", "dotnet.cs"}, {"powershell", "powershell.ps1"},
	} {
		id := "developers.snippet." + one.id
		v.Texts = append(v.Texts, snippet{"snippet-" + one.id, words.Say(id + ".title"), words.Mark(id + ".note"), text(one.file)})
	}
	if failed != nil {
		return failed
	}
	for _, name := range []string{"Authorization", "X-API-Key", "xero-tenant-id", "X-FCC-Max-Wait", "X-FCC-Max-Age", "X-FCC-Stale", "Idempotency-Key"} {
		v.Sent = append(v.Sent, headerLine{name, words.Say("developers.sent." + strings.ToLower(name))})
	}
	for _, name := range []string{"X-FCC-Budget-Day", "X-FCC-Budget-Minute", "X-FCC-Source", "Age", "Retry-After", "Idempotency-Key", "X-FCC-Mode"} {
		v.Told = append(v.Told, headerLine{name, words.Say("developers.told." + strings.ToLower(name))})
	}
	return s.render(w, r, c, http.StatusOK, "developers", words.Say("developers.title"), v)
}

var snippets = texts.Must(texts.ParseFS(assets.Snippets, "snippets/*"))

// errorLines are the errors in the order of their status.
func errorLines() (all []errorLine) {
	for code, known := range answers {
		all = append(all, errorLine{known.status, code, known.message})
	}
	slices.SortFunc(all, func(a, b errorLine) int { return cmp.Or(a.Status-b.Status, cmp.Compare(a.Code, b.Code)) })
	return all
}

// developerPrefix begins the names of keys that are made here.
const developerPrefix = "developer"

// addDeveloperKey makes a key that reads all there is, for somebody who tries it out.
// Its answer is the only page that ever shows it, and names the organisation that was
// chosen before, so that what it shows works as it stands.
func (s *Server) addDeveloperKey(w http.ResponseWriter, r *http.Request, c *call) error {
	of, err := s.organisationIn(r)
	if err != nil {
		return err
	}
	keys, err := s.listKeys(r.Context())
	if err != nil {
		return err
	}
	want := apiKey{Name: freeName(developerPrefix, keys)}
	made, _, err := s.addKey(r.Context(), want)
	if err != nil {
		return err
	}
	return s.showDevelopers(w, r, c, developersView{Of: of, Made: want.Name}, made)
}
