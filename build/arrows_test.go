package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "financial-command-center"

// arrows says which packages of this module each package may import. A package
// without a row fails: draw its arrows first. Tests may import what they like.
var arrows = map[string][]string{
	"":                    {"server/cli", "tray"},
	"assets":              {},
	"assets/words":        {},
	"build":               {"build/stage", "build/wine", "server/update", "server/xero/xerosim"},
	"build/proof":         {},
	"keystore":            {},
	"server":              {"assets", "assets/words", "keystore", "server/assistant", "server/books", "server/chart", "server/sheet", "server/store", "server/xero"},
	"server/assistant":    {"assets/words", "server/books", "server/xero"},
	"server/books":        {"assets/words", "keystore", "server/store", "server/xero"},
	"server/chart":        {},
	"server/cli":          {"keystore", "server", "server/assistant", "server/desktop", "server/update", "server/xero", "server/xero/xerosim"},
	"server/cli/console":  {},
	"server/desktop":      {},
	"server/sheet":        {},
	"server/store":        {},
	"server/update":       {},
	"server/xero":         {"assets/words", "keystore"},
	"server/xero/xerosim": {},
	"tray":                {"assets", "assets/words", "server/desktop", "server/xero"},

	"build/stage":          {"keystore", "server/store", "server/xero/xerosim"},
	"build/wine":           {},
	"build/wine/menudrive": {},
	"build/wine/relay":     {},
}

// importers says which packages may import a module of others, so that it can be
// replaced in one place.
var importers = map[string][]string{
	"fyne.io/systray":                 {"tray"},
	"github.com/BurntSushi/toml":      {"assets/words"},
	"github.com/alecthomas/kong":      {"server/cli"},
	"github.com/atotto/clipboard":     {"server/desktop"},
	"github.com/coreos/go-oidc":       {"server/xero"},
	"github.com/fsnotify/fsnotify":    {"server/desktop"},
	"github.com/gofrs/flock":          {"server/cli"},
	"github.com/google/jsonschema-go": {"server/assistant"},
	"github.com/gorilla":              {"server"},
	"github.com/modelcontextprotocol": {"server/assistant"},
	"github.com/nicksnyder/go-i18n":   {"assets/words"},
	"github.com/prometheus":           {"server"},
	"github.com/pkg/browser":          {"server/cli"},
	"github.com/tailscale/hujson":     {"server/assistant"},
	"github.com/xuri/excelize":        {"server/sheet"},
	"github.com/zalando/go-keyring":   {"keystore"},
	"golang.org/x/mod":                {"server/update"},
	"golang.org/x/oauth2":             {"server/xero"},
	"gopkg.in/natefinch/lumberjack.":  {"server/cli"},
	"modernc.org/sqlite":              {"server/store"},
}

// A source is one Go file that is not a test, of whatever platform.
type source struct {
	path, pkg string // from the module's root, with slashes
	lines     int
	file      *ast.File
}

func sources(t *testing.T) []source {
	var all []source
	fset := token.NewFileSet()
	for name, text := range tree(t) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		pkg := path.Dir(name)
		if pkg == "." {
			pkg = ""
		}
		all = append(all, source{name, pkg, bytes.Count(text, []byte("\n")), f})
	}
	if len(all) < 10 {
		t.Fatalf("found only %d Go files", len(all))
	}
	return all
}

// tree reads the module: every file that is text, by its path from the root.
func tree(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == ".git" || name == "dist"):
			return fs.SkipDir
		case !d.Type().IsRegular() || name == ".git": // a file in a second work tree
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err == nil && !bytes.Contains(text, []byte{0}) {
			files[name] = text
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestImportsFollowTheArrows(t *testing.T) {
	seen, walked := map[string]bool{}, map[[2]string]bool{}
	for _, s := range sources(t) {
		seen[s.pkg] = true
		allowed, ok := arrows[s.pkg]
		if !ok {
			t.Errorf("%s: package %q has no arrows", s.path, s.pkg)
			continue
		}
		for _, spec := range s.file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
				walked[[2]string{s.pkg, ours}] = true
				if !slices.Contains(allowed, ours) {
					t.Errorf("%s imports %s: no arrow leads there", s.path, ours)
				}
			}
			for prefix, by := range importers {
				if strings.HasPrefix(imported, prefix) && !slices.Contains(by, s.pkg) {
					t.Errorf("%s imports %s, which is for %s alone", s.path, imported, strings.Join(by, ", "))
				}
			}
		}
	}
	for pkg, allowed := range arrows {
		if !seen[pkg] {
			t.Errorf("the arrows name package %q, which is not there", pkg)
		}
		for _, to := range allowed {
			if !walked[[2]string{pkg, to}] {
				t.Errorf("nothing follows the arrow from %q to %q: take it out", pkg, to)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		documented[s.pkg] = documented[s.pkg] || s.file.Doc != nil
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %q has no package comment", pkg)
		}
	}
}

func TestNoFileIsLongerThan400Lines(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines > 400 && !ast.IsGenerated(s.file) {
			t.Errorf("%s has %d lines: split it by topic", s.path, s.lines)
		}
	}
}

func TestNoTestCanSkip(t *testing.T) {
	skip := regexp.MustCompile(`\b(t|b|f|tb)\.Skip(f|Now)?\(`)
	for name, text := range tree(t) {
		if strings.HasSuffix(name, "_test.go") && skip.Match(text) {
			t.Errorf("%s: %s: a missing tool is t.Fatal", name, skip.Find(text))
		}
	}
}

// The top level is small on purpose: what is new belongs into one of its folders.
func TestTheTopLevelStaysAsItIs(t *testing.T) {
	known := []string{"README.md", "assets", "build", "go.mod", "go.sum", "keystore", "main.go", "main_test.go", "server", "tray"}
	for name := range tree(t) {
		if top, _, _ := strings.Cut(name, "/"); !slices.Contains(known, top) && !strings.HasPrefix(top, ".") {
			t.Errorf("%s stands at the top level", top)
		}
	}
}

func TestTheTreeNamesNoMachine(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	paths := regexp.MustCompile(`(^|[^\w.$}/\-])/(root|work)/\w`)
	hosts := regexp.MustCompile(`(proxy|sum|index)\.golang\.org|deb\.debian\.org`)
	for name, text := range tree(t) {
		for _, found := range [][]byte{paths.Find(text), hosts.Find(text)} {
			if found != nil {
				t.Errorf("%s: %q", name, found)
			}
		}
		if bytes.Contains(text, []byte(root+string(filepath.Separator))) {
			t.Errorf("%s names the folder of this checkout", name)
		}
	}
}
