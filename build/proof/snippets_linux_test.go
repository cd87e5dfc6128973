//go:build proof

package proof

import (
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// snippet is a text of the page for developers as it is copied: by the id of the
// element that holds it.
func snippet(t *testing.T, page, id string) string {
	t.Helper()
	found := regexp.MustCompile(`(?s)<(?:pre|code)[^>]* id="` + id + `"[^>]*>(.*?)</pre>`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("the page for developers has no %s", id)
	}
	return html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(found[1], ""))
}

// What the page for developers offers to be copied works as it stands: a new user makes
// a key with the button there, pastes what keeps it into a shell, and then each of the
// texts that can be run here: see copiedTexts.
func TestTheSnippetsForDevelopersWorkAsTheyArePasted(t *testing.T) {
	sdk := npm(t, "sdk")
	for name, organisations := range map[string][]string{"one organisation": {joinery}, "several": {joinery, café}} {
		t.Run(name, func(t *testing.T) {
			port := freePort(t)
			sim := startSim(t, []int{port})
			i := install(t, port, sim.settings()...)
			f := i.start(t)
			somebody := i.signIn(t, sim, organisations...)
			// The last of them is the one that the user chooses.
			of := organisations[len(organisations)-1]
			tenant := f.tenantOf(t, i.addKey(t, "own"), of)
			makes := regexp.MustCompile(`action="/developers"><input type="hidden" name="tenant" value="([^"]*)">`)
			page := somebody.visit(t, "/developers").body
			if len(organisations) > 1 {
				const choose = "/profile?next=/developers"
				if makes.MatchString(page) || !strings.Contains(page, `href="`+choose+`"`) {
					t.Fatalf("the page does not ask for the organisation first: %s", page)
				}
				named := regexp.MustCompile(`<button name="tenant" value="([^"]*)" aria-label="[^"]*` + of).FindStringSubmatch(somebody.visit(t, choose).body)
				if named == nil {
					t.Fatalf("%s is not offered", of)
				}
				page = somebody.post(t, "/profile", url.Values{"next": {"/developers"}, "tenant": {named[1]}})
			}
			form := makes.FindStringSubmatch(page)
			if form == nil {
				t.Fatalf("the page makes no key: %s", page)
			}
			page = somebody.post(t, "/developers", url.Values{"tenant": {form[1]}})
			keeps := snippet(t, page, "snippet-key")
			for _, m := range regexp.MustCompile(`<pre id="(snippet-[^"]*)"`).FindAllStringSubmatch(page, -1) {
				if !slices.ContainsFunc(copiedTexts, func(c copied) bool { return c.id == m[1] }) {
					t.Errorf("%s is not listed", m[1])
				}
			}
			for _, s := range copiedTexts {
				if s.file == "" {
					continue
				}
				text := snippet(t, page, s.id)
				if strings.Contains(text, "fcc_") || !strings.Contains(text, i.base()) {
					t.Errorf("%s does not reach this FCC, or holds a key: %s", s.id, text)
				}
				if err := os.WriteFile(filepath.Join(sdk, s.file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				last := sim.last(t)
				out, err := (keyHolder{dir: sdk}).run(t, "sh", "-e", "-c", keeps+"\n"+s.run)
				if err != nil {
					t.Error(err)
					continue
				}
				asked := 0
				for _, e := range sim.journal(t, last) {
					if strings.HasPrefix(e.Path, "/api.xro/") && e.Tenant == tenant && e.Status == http.StatusOK {
						asked++
					}
				}
				right := regexp.MustCompile(`INV-[0-9]+`).MatchString(out)
				if s.id == "snippet-xero-node" {
					right = strings.TrimSpace(out) == of
				}
				if asked == 0 || !right {
					t.Errorf("%s: Xero was asked %d times about %s, and it printed %.300q", s.id, asked, of, out)
				}
			}
		})
	}
}
