//go:build proof

package proof

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"financial-command-center/build/stage"
)

// axe is the text of axe-core, installed as the lockfile in build/axe says.
func axe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(npm(t, "axe"), "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// npm copies a folder of build that has a lockfile, and installs there what that
// says.
func npm(t *testing.T, folder string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", folder))); err != nil {
		t.Fatal(err)
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s (what is missing: go run ./build test)", err, out)
	}
	return dir
}

// A violation is one that axe-core calls serious or critical.
type violation struct {
	Help   string   `json:"help"`
	Impact string   `json:"impact"`
	Nodes  []string `json:"nodes"` // as selectors
}

// serious runs axe-core on the page as it is. Colours are all that differs between
// two themes of one page.
func (p *watched) serious(t *testing.T, colours bool) []violation {
	t.Helper()
	options := `{resultTypes: ["violations"]}`
	if colours {
		options = `{resultTypes: ["violations"], runOnly: ["color-contrast", "link-in-text-block"]}`
	}
	return evaluate[[]violation](t, p.browser, `axe.run(document, `+options+`).then(r => r.violations
		.filter(v => v.impact === "serious" || v.impact === "critical")
		.map(v => ({help: v.help, impact: v.impact, nodes: v.nodes.map(n => n.target.join(" ") + " " + (n.any[0]?.message ?? ""))})))`)
}

// A combination is one of those that have to be good.
type combination struct{ page, state, theme string }

// TestEveryPageIsGoodInEveryState goes through all pages in all states, light and
// dark, and looks for what axe-core calls serious or critical, for what every page
// must have, and for what none may do.
func TestEveryPageIsGoodInEveryState(t *testing.T) {
	script := axe(t)
	b := openWatched(t, profileFolder(t))
	seen := map[combination]bool{}
	linked := map[string]string{} // addresses, by the page that leads there
	for _, state := range stage.States {
		t.Run(state.Name, func(t *testing.T) {
			s, err := stage.Open(filepath.Join(bin, "fcc"), state)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			defer b.leave(t) // before FCC ends, which a page would complain of
			ctx, cancel := context.WithTimeout(b.ctx, patience)
			defer cancel()
			if err := s.Enter(ctx, state); err != nil {
				t.Fatal(err)
			}
			b.forget() // that the link led nowhere while the keychain was opened
			b.do(t, "a phone", chromedp.EmulateViewport(360, 720))
			for _, page := range stage.Pages {
				if !state.On(page) {
					continue
				}
				b.theme(t, "light")
				b.open(t, s.Base+page.Path, state.Status(page))
				b.wellMade(t, page.Name)
				b.shows360(t, page.Name)
				if shown := b.text(t); !regexp.MustCompile(state.Says).MatchString(shown) {
					t.Errorf("%s does not show the state: nothing like %q in %q", page.Name, state.Says, shown)
					continue
				}
				for _, link := range b.links(t) {
					linked[link] = page.Name
				}
				b.do(t, "axe-core", chromedp.Evaluate[chromedp.Void](script))
				for _, theme := range []string{"light", "dark"} {
					b.theme(t, theme)
					for _, v := range b.serious(t, theme == "dark") {
						t.Errorf("%s, %s: %s (%s)\n\t%s", page.Name, theme, v.Help, v.Impact, strings.Join(v.Nodes, "\n\t"))
					}
					seen[combination{page.Name, state.Name, theme}] = true
				}
				b.quiet(t, page.Name)
			}
		})
	}
	fmt.Printf("axe-core: %d combinations of %d pages, %d states and 2 themes\n", len(seen), len(stage.Pages), len(stage.States))
	for _, page := range stage.Pages {
		for _, state := range stage.States {
			for _, theme := range []string{"light", "dark"} {
				if state.On(page) && !seen[combination{page.Name, state.Name, theme}] {
					t.Errorf("%s was not seen in the state %q, %s", page.Name, state.Name, theme)
				}
			}
		}
	}
	for link, from := range linked {
		known := slices.ContainsFunc(stage.Pages, func(p stage.Page) bool { return p.Holds(link) })
		if !known && !slices.ContainsFunc(stage.NoPages, func(prefix string) bool { return strings.HasPrefix(link, prefix) }) {
			t.Errorf("%s leads to %s, which is not in the table of pages", from, link)
		}
	}
}
