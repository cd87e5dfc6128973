//go:build proof

package proof

import (
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
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

// What the page for developers offers to be copied works as it stands, for somebody who
// has made a key and put it where the page says. The other texts there, for .NET,
// PowerShell and Power Query, are not run here.
func TestTheSnippetsForDevelopersWorkAsTheyArePasted(t *testing.T) {
	port := freePort(t)
	sim := startSim(t, []int{port})
	i := install(t, port, sim.settings()...)
	i.start(t)
	somebody := i.signIn(t, sim, joinery)
	page := somebody.visit(t, "/developers")
	if page.status != http.StatusOK {
		t.Fatalf("/developers: %d", page.status)
	}
	key := i.addKey(t, "my script")
	i.connected(t, key)
	for _, s := range []struct {
		id, file string
		run      []string // before the file
	}{
		{"snippet-curl", "snippet.sh", []string{"sh"}},
		{"snippet-python", "snippet.py", []string{"python3"}},
		{"snippet-node", "snippet.mjs", []string{"node"}},
		{"snippet-xero-node", "snippet.mjs", []string{"node"}},
	} {
		t.Run(s.id, func(t *testing.T) {
			text := snippet(t, page.body, s.id)
			if strings.Contains(text, key) || !strings.Contains(text, i.base()) {
				t.Errorf("it does not reach this FCC, or holds a key: %s", text)
			}
			dir := t.TempDir()
			if s.id == "snippet-xero-node" {
				dir = npm(t, "sdk")
			}
			if err := os.WriteFile(filepath.Join(dir, s.file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			last := sim.last(t)
			out, err := keyHolder{dir, key}.run(t, s.run[0], append(s.run[1:], s.file)...)
			if err != nil {
				t.Fatal(err)
			}
			asked := 0
			for _, e := range sim.journal(t, last) {
				if e.Point == "api" && e.Status == http.StatusOK {
					asked++
				}
			}
			if asked == 0 || strings.TrimSpace(out) == "" {
				t.Errorf("it asked Xero %d times and printed %q", asked, out)
			}
			t.Logf("it printed %.300s", out)
		})
	}
}
