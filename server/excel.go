package server

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/template"
	"unicode"

	"financial-command-center/assets"
	"financial-command-center/assets/words"
	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

func (s *Server) excelRoutes() []route {
	return []route{
		{pattern: "GET /settings/excel", who: page, handle: s.excel},
		{pattern: "POST /settings/excel", who: session, handle: s.addExcelKey},
	}
}

// excelView is the page that brings the tables into a workbook: a key, and a text of
// Power Query for each table.
type excelView struct {
	Of      *xero.Organisation // nil while none is chosen
	Keys    []excelKey         // that were made here for it
	Made    string             // the name of the key that was just made, which the texts then hold
	Address string
	Queries []excelQuery
}

type excelKey struct {
	apiKey
	Revoke string
}

// An excelQuery is the text for one table.
type excelQuery struct{ ID, Name, About, Text string }

func (s *Server) excel(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.showExcel(w, r, c, http.StatusOK, excelView{}, keystore.NewSecret("fcc_…"))
}

// showExcel shows the page about the organisation that it is to be about, else about
// the one that other pages are about.
func (s *Server) showExcel(w http.ResponseWriter, r *http.Request, c *call, status int, v excelView, key keystore.Secret) error {
	all := s.cfg.Connections.Status().Organisations()
	if v.Of == nil {
		if v.Of = viewed(all, chosen(all, c), r); v.Of == nil {
			v.Of = chosen(all, c)
		}
	}
	v.Address = s.BaseURL()
	if v.Of != nil {
		keys, err := s.listKeys(r.Context())
		if err != nil {
			return err
		}
		for _, k := range keys {
			if strings.HasPrefix(k.Name, excelPrefix) && len(k.Tenants) == 1 && k.Reaches(v.Of.TenantID) {
				v.Keys = append(v.Keys, excelKey{k, "/settings/programs/revoke?name=" + url.QueryEscape(k.Name)})
			}
		}
		for _, t := range tables {
			text, err := powerQuery(t, v.Of.Name, v.Address, key)
			if err != nil {
				return err
			}
			v.Queries = append(v.Queries, excelQuery{"query-" + t.name, words.Say("excel.table." + t.name), words.Say("excel.about." + t.name), text})
		}
	}
	return s.render(w, r, c, status, "excel", words.Say("excel.title"), v)
}

// excelPrefix begins the names of keys that are made here.
const excelPrefix = "excel "

// addExcelKey makes a key for one workbook. Its answer is the only page that ever shows
// it.
func (s *Server) addExcelKey(w http.ResponseWriter, r *http.Request, c *call) error {
	of, err := s.organisationIn(r)
	if err != nil {
		return err
	}
	keys, err := s.listKeys(r.Context())
	if err != nil {
		return err
	}
	want := apiKey{Name: excelName(of.Name, keys), Tenants: []string{of.TenantID}, Families: []string{"accounting"}}
	made, _, err := s.addKey(r.Context(), want)
	if err != nil {
		return err
	}
	return s.showExcel(w, r, c, http.StatusOK, excelView{Of: of, Made: want.Name}, made)
}

// organisationIn is the one that a form names.
func (s *Server) organisationIn(r *http.Request) (*xero.Organisation, error) {
	if err := r.ParseForm(); err != nil {
		return nil, formError(err)
	}
	all := s.cfg.Connections.Status().Organisations()
	for _, o := range all {
		if strings.EqualFold(o.TenantID, r.PostForm.Get("tenant")) {
			return &o, nil
		}
	}
	f := fail(xero.CodeTenantRequired)
	f.organisations = all
	return nil, f
}

// excelName is a name for another key of an organisation.
func excelName(organisation string, keys []apiKey) string {
	return freeName(excelPrefix+cmp.Or(oneLine(organisation), "workbook"), keys)
}

// freeName is a name that begins so and that no key has: with a number from the second
// on.
func freeName(begins string, keys []apiKey) string {
	plain := []rune(begins)
	for n := 1; ; n++ {
		number := ""
		if n > 1 {
			number = fmt.Sprintf(" %d", n)
		}
		name := strings.TrimSpace(string(plain[:min(len(plain), mostName-len(number))])) + number
		if !slices.ContainsFunc(keys, func(k apiKey) bool { return k.Name == name }) {
			return name
		}
	}
}

// oneLine is text without what could end a line, or turn it round.
func oneLine(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text))
}

var powerQueryText = template.Must(template.New("table.pq").Parse(assets.PowerQuery))

// powerQuery is the text by which a workbook reads a whole table. The key goes in a
// header, never in the address, which Excel shows and keeps elsewhere too.
func powerQuery(t flatTable, organisation, address string, key keystore.Secret) (string, error) {
	// A quote in a text of Power Query is written twice.
	said := func(id string) string { return strings.ReplaceAll(words.Say(id), `"`, `""`) }
	var text strings.Builder
	err := powerQueryText.Execute(&text, map[string]any{
		"Heading": oneLine(words.Say("excel.heading", "Table", words.Say("excel.table."+t.name), "Name", organisation)),
		"Address": address, "Key": key.Reveal(), "Table": t.name, "Name": said("layout.name"), "Changed": said("excel.changed"), "Columns": t.columns,
	})
	return text.String(), err
}
